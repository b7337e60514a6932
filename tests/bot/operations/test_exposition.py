"""/metrics as Prometheus reads it."""

from __future__ import annotations

import re

import pytest
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from bot.operations.prometheus import Now, PrometheusMetrics
from checks import CHECKS
from checks.engine.model import Level
from tests.bot.operations.telling import T0, exposition, told

FAMILIES = {f.name: f for f in text_string_to_metric_families(exposition())}
OURS = {name: family for name, family in FAMILIES.items() if name.startswith("golive_")}


def value(name: str, /, **labels: str) -> float:
    """One sample."""
    found = [
        sample.value
        for family in FAMILIES.values()
        for sample in family.samples
        if sample.name == name and sample.labels == labels
    ]
    assert len(found) == 1, (name, labels, found)
    return found[0]


def test_what_was_told_can_be_read() -> None:
    """Each port method, in its own series."""
    http = CHECKS[0].id
    assert value("golive_checks_total", check=http, level="OK") == 1
    assert value("golive_checks_total", check=http, level="CRITICAL") == 1
    assert value("golive_check_duration_seconds_count", run="point") == 1
    assert value("golive_scan_bytes_total") == 5_000_000
    assert value("golive_scan_seconds_total") == 0.25
    assert value("golive_checkpoint_lateness_seconds_sum") == 1.5
    assert value("golive_ticks_total", outcome="failed") == 1
    assert value("golive_last_successful_tick_timestamp_seconds") == T0.timestamp()
    assert value("golive_store_errors_total") == 1
    assert value("golive_posts_total", outcome="given_up") == 1
    assert value("golive_slack_calls_total", method="chat.postMessage", outcome="ratelimited") == 1
    assert value("golive_slack_call_duration_seconds_count", method="chat.postMessage") == 5
    assert value("golive_remediations_total", kind="reset_messages", outcome="executed") == 1
    assert value("golive_outbox_depth") == 3
    assert value("golive_outbox_oldest_age_seconds") == 12.5
    assert (value("golive_store_up"), value("golive_slack_connected")) == (1, 1)
    assert sum(s.value for s in FAMILIES["golive_build_info"].samples) == 1


@pytest.mark.parametrize("name", sorted(OURS))
def test_names_and_units_are_by_the_conventions(name: str) -> None:
    """Counters end in _total, times are seconds, sizes bytes, and every family has its help."""
    family = OURS[name]
    assert re.fullmatch(r"golive_[a-z_]*[a-z]", name)
    assert family.documentation.endswith(".")
    assert not re.search(r"(milli|micro)seconds|_ms$|_kb$|_created$|_count$|_sum$", name)
    if family.type == "counter":
        assert all(sample.name.endswith("_total") for sample in family.samples)
    if family.type == "histogram":
        assert name.endswith("_seconds")


def test_series_that_can_be_foreseen_begin_at_zero() -> None:
    """A rate over the first event of its kind is no gap."""
    fresh = PrometheusMetrics(checks=[check.id for check in CHECKS], now=lambda: T0, version="0")
    text = fresh.exposition(Now(outbox=None, slack_connected=False)).decode()
    lines = text.splitlines()
    levels = [line for line in lines if line.startswith("golive_checks_total{")]
    assert len(levels) == len(CHECKS) * len(Level)
    assert 'golive_posts_total{outcome="sent"} 0.0' in lines
    assert 'golive_ticks_total{outcome="failed"} 0.0' in lines


def test_what_is_not_known_is_left_out() -> None:
    """A store that does not answer has no depth: the last one would look like a good one."""
    text = told().exposition(Now(outbox=None, slack_connected=False)).decode().splitlines()
    assert "golive_store_up 0.0" in text
    assert not [line for line in text if line.startswith("golive_outbox")]


def test_nothing_of_it_is_global() -> None:
    """Two bots in one process, and the library's own registry, know nothing of each other."""
    told()
    told()
    assert not [f.name for f in REGISTRY.collect() if f.name.startswith("golive")]
