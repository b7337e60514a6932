"""What the picture of the hour shows, as numbers: a series a metric, bounds, checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.render.timeline import mark
from bot.watch.model import Taken
from checks.engine.model import LogEvidence, Report, SignalEvidence, Window, minute_of
from checks.engine.thresholds import Bound, Op, Rule

MOST_MINUTES = 6 * 60

_NONE = SignalEvidence()

RuleOf = Callable[[str], Rule | None]
"""A check's id to what the runbook says about it; None where it says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A panel: its name, the signals that it counts, the check whose bounds apply."""

    name: str
    signals: tuple[str, ...]
    check: str | None = None


METRICS = (
    Metric(name="5xx", signals=("http_5xx",), check="http_5xx"),
    Metric(name="401/403", signals=("http_401", "http_403"), check="auth_errors"),
    Metric(name="429", signals=("http_429",), check="rate_limits"),
    Metric(name="Retries", signals=("retry",), check="retries"),
    Metric(name="Inbound", signals=("inbound_created",)),
    Metric(name="Outbound", signals=("send_ok",)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Events a minute.

    counts:   one number a minute; None where nobody can know them, and `missing` says why
    warning:  the running total at which the level begins; None where the runbook bounds no total
    """

    name: str
    counts: tuple[int, ...] | None
    missing: str = ""
    warning: float | None = None
    critical: float | None = None

    @property
    def total(self) -> int:
        """All events of the window."""
        return sum(self.counts or ())

    @property
    def running(self) -> list[int]:
        """The total up to each minute."""
        out: list[int] = []
        total = 0
        for count in self.counts or ():
            total += count
            out.append(total)
        return out


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A checkpoint: minutes after the deploy, its symbol, its name."""

    minute: float
    symbol: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """The whole picture as numbers. `first`: the first minute, counted from the deploy."""

    first: int
    minutes: int
    series: tuple[Series, ...]
    marks: tuple[Mark, ...]


def hour_of(report: Report, deployed_at: datetime, taken: Sequence[Taken], rule_of: RuleOf) -> Hour:
    """The numbers of the report's window; the last six hours, should it be longer."""
    window = report.evidence.window.last(timedelta(minutes=MOST_MINUTES))
    start = minute_of(window.since)
    end = max(start, minute_of(window.until - timedelta(microseconds=1)))
    minutes = end - start + 1
    first = start - minute_of(deployed_at)
    log = report.evidence.log
    return Hour(
        first=first,
        minutes=minutes,
        series=tuple(_series(metric, log, window, minutes, rule_of) for metric in METRICS),
        marks=tuple(_marks(taken, deployed_at, first, minutes)),
    )


def _series(
    metric: Metric, log: LogEvidence, window: Window, minutes: int, rule_of: RuleOf
) -> Series:
    missing = _missing(metric, log)
    if missing:
        return Series(name=metric.name, counts=None, missing=missing)
    start = minute_of(window.since)
    counts = [0] * minutes
    for signal in metric.signals:
        for minute, count in log.signals.get(signal, _NONE).minutes.items():
            if 0 <= minute - start < minutes:
                counts[minute - start] += count
    warning, critical = _bounds(metric, rule_of)
    return Series(name=metric.name, counts=tuple(counts), warning=warning, critical=critical)


def _missing(metric: Metric, log: LogEvidence) -> str:
    """Why the minutes of a metric cannot be known; "" where they can."""
    if log.problem is not None:
        return "the log cannot be read"
    if not log.timed:
        return "the log carries no times"
    if log.unwindowed is not None:
        return "nobody knows which lines are of this hour"
    if not set(metric.signals) <= log.carries:
        return "this log format does not show it"
    return ""


def _bounds(metric: Metric, rule_of: RuleOf) -> tuple[float | None, float | None]:
    """The bounds of the total since the deploy; none where the rule is about something else."""
    rule = rule_of(metric.check) if metric.check is not None else None
    if rule is None or rule.window is not None:
        return None, None
    found = next((t for t in rule.thresholds if t.quantity == "value"), None)
    if found is None:
        return None, None
    return _from(found.warning), _from(found.critical)


def _from(bound: Bound | None) -> float | None:
    """The smallest count of a level; None for a bound that is not about being too many."""
    if bound is None or bound.op not in (Op.AT_LEAST, Op.ABOVE):
        return None
    return bound.value + 1 if bound.op is Op.ABOVE else bound.value


def _marks(taken: Sequence[Taken], deployed_at: datetime, first: int, minutes: int) -> list[Mark]:
    found = [
        Mark(
            minute=(one.taken_at - deployed_at).total_seconds() / 60,
            symbol=mark(one),
            name=one.point.key,
        )
        for one in taken
        if one.decision is not None
    ]
    return [each for each in found if first <= each.minute <= first + minutes][-12:]
