"""manifests/grafana.json: a dashboard whose every metric is there."""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.bot.operations.telling import exposition

ROOT = Path(__file__).parents[2]
DASHBOARD: dict[str, Any] = json.loads((ROOT / "manifests/grafana.json").read_text("utf-8"))
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
SAMPLES = {
    sample.name: family.type
    for family in text_string_to_metric_families(exposition())
    for sample in family.samples
}
LABELS = {
    sample.name: set(sample.labels)
    for family in text_string_to_metric_families(exposition())
    for sample in family.samples
}
METRIC = re.compile(r"\b((?:golive|process)_[a-z_]+)\b(?:\{([^}]*)\})?(\[)?")


def queries() -> list[tuple[str, str]]:
    """Every panel's title with each of its expressions."""
    return [(panel["title"], one["expr"]) for panel in PANELS for one in panel["targets"]]


@pytest.mark.parametrize(("title", "expression"), queries())
def test_every_metric_is_there(title: str, expression: str) -> None:
    """With the labels that are filtered by; counters and buckets only as rates."""
    found = METRIC.findall(expression)
    assert found, title
    for name, matchers, ranged in found:
        assert name in SAMPLES, f"{title} reads {name}"
        filtered = set(re.findall(r"([a-z_]+)(?:=~|!=|=)", matchers)) - {"job"}
        assert filtered <= LABELS[name], title
        assert (SAMPLES[name] in ("counter", "histogram")) == bool(ranged), title


@pytest.mark.parametrize(("title", "expression"), queries())
def test_what_is_summed_by_is_a_label(title: str, expression: str) -> None:
    """A misspelled label would merge what is to be told apart."""
    labels = {label for name, _, _ in METRIC.findall(expression) for label in LABELS[name]}
    for listed in re.findall(r"\bby \(([^)]*)\)", expression):
        assert {label.strip() for label in listed.split(",")} <= labels, title
    assert expression.count("(") == expression.count(")")


def test_every_metric_is_shown() -> None:
    """What nobody looks at need not be counted."""
    text = " ".join(expression for _, expression in queries())
    ours = {re.sub(r"_(bucket|sum|count)$", "", name) for name in SAMPLES if "golive" in name}
    assert [name for name in sorted(ours) if name not in text] == []


def test_panels_have_their_own_place() -> None:
    """Each with an id, a title and a unit, and none upon another."""
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    assert all(panel["title"] and panel["fieldConfig"]["defaults"]["unit"] for panel in PANELS)
    for one, other in combinations((panel["gridPos"] for panel in PANELS), 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below, (one, other)
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in PANELS)


def test_it_works_with_any_prometheus() -> None:
    """The data source is a variable, not somebody's own."""
    assert {json.dumps(panel["datasource"]) for panel in PANELS} == {
        '{"type": "prometheus", "uid": "${datasource}"}'
    }
    assert [one["name"] for one in DASHBOARD["templating"]["list"]] == ["datasource", "job"]
