"""The metrics as Prometheus reads them, in a registry of their own."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, get_args

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bot.operations.metrics import CallOutcome, PostOutcome, RefusedRequest, Run
from checks.engine.model import Level

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
"""The format that every Prometheus reads."""

_CHECK_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_CALL_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_LATE_SECONDS: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 900, 3600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """What is asked when somebody reads the metrics.

    outbox: how many posts wait, and for how many seconds the oldest has; None while the store does
            not answer
    """

    outbox: tuple[int, float] | None
    slack_connected: bool


class PrometheusMetrics:
    """Implements `Metrics`.

    Args:
        checks: ids of all checks, which are counted from zero on.
        now: gives the instant.
        version: of golive.
    """

    def __init__(self, *, checks: Iterable[str], now: Callable[[], datetime], version: str) -> None:
        self._now = now
        registry = self._registry = CollectorRegistry()
        self._asked = _Asked()
        registry.register(self._asked)
        ProcessCollector(registry=registry)
        self._checks(checks, registry)
        self._slack(registry)
        self._watches(registry)
        build = Gauge(
            "golive_build_info", "Which golive this is.", ("version", "python"), registry=registry
        )
        build.labels(version, platform.python_version()).set(1)

    def exposition(self, now: Now) -> bytes:
        """Everything, in Prometheus' text format."""
        self._asked.now = now
        return generate_latest(_WithoutBirthdays(self._registry))

    # --- what is counted ------------------------------------------------------------------------

    def _checks(self, checks: Iterable[str], registry: CollectorRegistry) -> None:
        self._levels = Counter(
            "golive_checks_total",
            "Findings, by check and by the level that it was judged.",
            ("check", "level"),
            registry=registry,
        )
        for check in checks:
            for level in Level:
                self._levels.labels(check, level.value)
        self._run_seconds = Histogram(
            "golive_check_duration_seconds",
            "How long a run of the checks took, from the first look to the verdict.",
            ("run",),
            buckets=_CHECK_SECONDS,
            registry=registry,
        )
        for run in get_args(Run):
            self._run_seconds.labels(run)
        self._bytes = Counter(
            "golive_scan_bytes_total", "Bytes of the log that were read.", registry=registry
        )
        self._scan_seconds = Counter(
            "golive_scan_seconds_total", "Seconds that reading the log took.", registry=registry
        )

    def _slack(self, registry: CollectorRegistry) -> None:
        self._posts = Counter(
            "golive_posts_total",
            "Attempts to bring a post into Slack, by outcome.",
            ("outcome",),
            registry=registry,
        )
        for outcome in get_args(PostOutcome):
            self._posts.labels(outcome)
        self._calls = Counter(
            "golive_slack_calls_total",
            "Calls of Slack's Web API, by method and outcome.",
            ("method", "outcome"),
            registry=registry,
        )
        self._call_seconds = Histogram(
            "golive_slack_call_duration_seconds",
            "How long a call of Slack's Web API took.",
            ("method",),
            buckets=_CALL_SECONDS,
            registry=registry,
        )

        self._refused = Counter(
            "golive_slack_refused_requests_total",
            "Requests to the port that Slack posts to that were refused, by reason.",
            ("reason",),
            registry=registry,
        )
        for reason in get_args(RefusedRequest):
            self._refused.labels(reason)

    def _watches(self, registry: CollectorRegistry) -> None:
        self._late = Histogram(
            "golive_checkpoint_lateness_seconds",
            "How long after it was due a point of a watch was taken.",
            buckets=_LATE_SECONDS,
            registry=registry,
        )
        self._ticks = _by_result("golive_ticks_total", "Looks around for all watches.", registry)
        self._last_tick = Gauge(
            "golive_last_successful_tick_timestamp_seconds",
            "When all watches were last looked around for; 0 before the first time.",
            registry=registry,
        )
        self._pings = _by_result(
            "golive_pings_total", "Requests to the dead man's switch.", registry
        )
        self._store_errors = Counter(
            "golive_store_errors_total",
            "Times that the store did not do what it was asked.",
            registry=registry,
        )
        self._fixes = Counter(
            "golive_remediations_total",
            "Fixes, by kind and by the state that they reached.",
            ("kind", "outcome"),
            registry=registry,
        )

    # --- what is told ---------------------------------------------------------------------------

    def looked(self, run: Run, levels: Mapping[str, Level], seconds: float) -> None:
        """See `Metrics`."""
        for check, level in levels.items():
            self._levels.labels(check, level.value).inc()
        self._run_seconds.labels(run).observe(seconds)

    def scanned(self, size: int, seconds: float) -> None:
        """See `Metrics`."""
        self._bytes.inc(size)
        self._scan_seconds.inc(seconds)

    def taken(self, late: timedelta) -> None:
        """See `Metrics`."""
        self._late.observe(max(0.0, late.total_seconds()))

    def ticked(self, *, ok: bool) -> None:
        """See `Metrics`."""
        self._ticks.labels(_word(ok=ok)).inc()
        if ok:
            self._last_tick.set(self._now().timestamp())

    def pinged(self, *, ok: bool) -> None:
        """See `Metrics`."""
        self._pings.labels(_word(ok=ok)).inc()

    def store_failed(self) -> None:
        """See `Metrics`."""
        self._store_errors.inc()

    def post(self, outcome: PostOutcome) -> None:
        """See `Metrics`."""
        self._posts.labels(outcome).inc()

    def slack_call(self, method: str, outcome: CallOutcome, seconds: float) -> None:
        """See `Metrics`."""
        self._calls.labels(method, outcome).inc()
        self._call_seconds.labels(method).observe(seconds)

    def refused_request(self, reason: RefusedRequest) -> None:
        """See `Metrics`."""
        self._refused.labels(reason).inc()

    def remediation(self, kind: str, outcome: str) -> None:
        """See `Metrics`."""
        self._fixes.labels(kind, outcome).inc()


class _Asked(Collector):
    """What is only known when it is asked; a value that could not be had is left out."""

    def __init__(self) -> None:
        self.now: Now | None = None

    def collect(self) -> Iterable[Metric]:
        """The families; without a sample where nothing is known."""
        up = GaugeMetricFamily("golive_store_up", "Whether the store answers.")
        slack = GaugeMetricFamily("golive_slack_connected", "Whether Slack reaches the bot.")
        depth = GaugeMetricFamily(
            "golive_outbox_depth", "Posts that are due and not in Slack yet, over all replicas."
        )
        age = GaugeMetricFamily(
            "golive_outbox_oldest_age_seconds", "How long the oldest of them has waited."
        )
        if self.now is not None:
            up.add_metric([], float(self.now.outbox is not None))
            slack.add_metric([], float(self.now.slack_connected))
            if self.now.outbox is not None:
                depth.add_metric([], self.now.outbox[0])
                age.add_metric([], self.now.outbox[1])
        return (up, slack, depth, age)


class _WithoutBirthdays(Collector):
    """A registry without the `_created` series: in this format they are gauges nobody asked for."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterable[Metric]:
        """The registry's families."""
        for family in self._registry.collect():
            family.samples = [s for s in family.samples if not s.name.endswith("_created")]
            yield family


def _by_result(name: str, what: str, registry: CollectorRegistry) -> Counter:
    counter = Counter(name, what, ("outcome",), registry=registry)
    for ok in (True, False):
        counter.labels(_word(ok=ok))
    return counter


def _word(*, ok: bool) -> str:
    return "ok" if ok else "failed"
