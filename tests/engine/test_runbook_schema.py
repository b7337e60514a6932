"""The JSON Schema that editors use while runbook.yaml is written."""

from __future__ import annotations

import json
import re
from typing import cast

import pytest
import yaml

from checks.engine.model import Json
from checks.engine.runbook import schema, shipped_runbook
from checks.engine.runbook.schema import allowed_keys


def _at(*path: str) -> dict[str, Json]:
    found: Json = schema()
    for step in path:
        found = cast("dict[str, Json]", found)[step]
    return cast("dict[str, Json]", found)


def _fits(value: Json, shape: dict[str, Json]) -> bool:
    """As much of JSON Schema as this one uses."""
    if "$ref" in shape:
        return _fits(value, _at("$defs", str(shape["$ref"]).rpartition("/")[2]))
    options = {
        word: [_fits(value, option) for option in cast("list[dict[str, Json]]", shape[word])]
        for word in ("anyOf", "oneOf")
        if word in shape
    }
    if not any(options.get("anyOf", [True])) or sum(options.get("oneOf", [True])) != 1:
        return False
    kind = shape.get("type")
    allowed = cast("list[Json]", shape.get("enum", [shape.get("const", value)]))
    return (kind is None or _is(value, str(kind))) and value in allowed and _inside(value, shape)


def _inside(value: Json, shape: dict[str, Json]) -> bool:
    if isinstance(value, dict):
        return _fits_mapping(value, shape)
    if isinstance(value, list):
        items = cast("dict[str, Json]", shape.get("items", {}))
        long_enough = len(value) >= cast("int", shape.get("minItems", 0))
        return long_enough and all(_fits(item, items) for item in value)
    if isinstance(value, str):
        return re.search(str(shape.get("pattern", "")), value) is not None
    return value is None or value >= cast("float", shape.get("minimum", value))


def _is(value: Json, kind: str) -> bool:
    kinds: dict[str, tuple[type, ...]] = {
        "object": (dict,),
        "array": (list,),
        "string": (str,),
        "number": (int, float),
        "integer": (int,),
        "boolean": (bool,),
    }
    return isinstance(value, kinds[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _fits_mapping(value: dict[str, Json], shape: dict[str, Json]) -> bool:
    known = cast("dict[str, dict[str, Json]]", shape.get("properties", {}))
    more = shape.get("additionalProperties", True)
    if any(name not in value for name in cast("list[str]", shape.get("required", []))):
        return False
    for name, item in value.items():
        if name in known:
            if not _fits(item, known[name]):
                return False
        elif more is False or (isinstance(more, dict) and not _fits(item, more)):
            return False
    return True


def test_shipped_schema_is_the_models() -> None:
    """The file that editors read is what `golive runbook schema` prints."""
    path = shipped_runbook().with_name("runbook.schema.json")
    assert json.loads(path.read_text(encoding="utf-8")) == schema()


def test_shipped_runbook_names_its_schema() -> None:
    """The first line of the shipped file tells editors where the schema lies."""
    first = shipped_runbook().read_text(encoding="utf-8").splitlines()[0]
    assert first == "# yaml-language-server: $schema=./runbook.schema.json"


def test_shipped_runbook_fits_its_schema() -> None:
    """An editor shows no error in the shipped file."""
    data = cast("Json", yaml.safe_load(shipped_runbook().read_text(encoding="utf-8")))
    assert _fits(data, schema())


def test_every_section_is_required() -> None:
    """A runbook without one of its sections is incomplete."""
    assert schema()["required"] == [
        "schedule",
        "default_window",
        "min_sample",
        "min_bad",
        "confidence",
        "checks",
        "decision",
        "escalation",
        "rollback",
        "success",
        "follow_up",
        "log",
    ]
    assert schema()["additionalProperties"] is False
    assert schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize(
    ("name", "value", "fits"),
    [
        ("BoundSpec", 3, True),
        ("BoundSpec", 0.5, True),
        ("BoundSpec", {"above": 0.1}, True),
        ("BoundSpec", {"at_most": 0.9}, True),
        ("BoundSpec", {}, False),
        ("BoundSpec", {"above": 0.1, "below": 0.2}, False),
        ("BoundSpec", {"abov": 0.1}, False),
        ("BoundSpec", "3", False),
        ("BoundSpec", True, False),
        ("BoundSpec", None, False),
        ("WindowSpec", "10m", True),
        ("WindowSpec", {"checkpoint": "10m", "final": "1h"}, True),
        ("WindowSpec", 10, False),
        ("WindowSpec", "10 minutes", False),
        ("SourceSpec", {"check": "a", "quantity": "b", "at_least": 1}, True),
        ("SourceSpec", {"check": "a", "quantity": "b"}, False),
        ("PointSpec", {"at": "5m", "run": "health"}, True),
        ("PointSpec", {"at": "5m", "run": "helth"}, False),
    ],
)
def test_both_forms(name: str, value: Json, *, fits: bool) -> None:
    """A bound is a number or one comparison, a window one span or two; nothing else."""
    assert _fits(value, _at("$defs", name)) is fits


def test_nothing_may_be_null() -> None:
    """An empty value is refused, so the schema offers none."""
    assert '"null"' not in json.dumps(schema())


def test_the_schema_is_a_copy() -> None:
    """Who changes a schema changes none but their own."""
    schema()["title"] = "another"
    assert schema()["title"] == "golive runbook"


@pytest.mark.parametrize(
    ("loc", "keys"),
    [
        (("checks", "http_5xx", "final", "value"), ("warning", "critical", "says")),
        (("checks", "x", "any", "y", "warning"), ("at_least", "above", "at_most", "below")),
        (("schedule", 3), ("at", "run")),
        (("checks",), ()),
        (("nowhere", "at", "all"), ()),
    ],
)
def test_allowed_keys(loc: tuple[str | int, ...], keys: tuple[str, ...]) -> None:
    """What may stand at a place is known, so that a misspelt key can be corrected."""
    assert allowed_keys(loc) == keys
