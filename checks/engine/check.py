"""What a check is: an id, what it needs, and one pure function from evidence to a measurement."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import LiteralString

from checks.engine.model import (
    Evidence,
    Json,
    Measurement,
    Problem,
    QueryResult,
    Row,
    Window,
    instant_of,
)
from checks.engine.thresholds import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A read-only SQL statement of a check, with the columns that it reads.

    Parameters that every statement may bind: `now`, `since`, `until` (the check's own window),
    `deployed_at` (T+0, or the start of the window), `created_ids` (uuid[] of inbound messages that
    the log says were stored), `moved_campaigns` (text[] of campaigns that the log or the watch saw
    at work), and each number of the check's `params` in the runbook by its name.

    reads:    table → columns; `doctor`, the grants and the error sentences are derived from it
    optional: table → columns that are read where they exist
    """

    name: str
    sql: LiteralString
    reads: Mapping[str, tuple[str, ...]]
    optional: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The evidence as one check may look at it: through its rule's window and parameters."""

    evidence: Evidence
    rule: Rule

    @property
    def window(self) -> Window:
        """The window of this check."""
        return self.evidence.window.last(self.rule.window)

    @property
    def log_window(self) -> Window | None:
        """The window of what the log says; None where the log carries no times."""
        return self.evidence.logged.last(self.rule.window) if self.evidence.log.timed else None

    def param(self, name: str) -> float:
        """A number of this check from the runbook."""
        return self.rule.params[name]

    def count(self, signal: str, span: timedelta | None = None) -> int:
        """Events of a signal in the check's window (or in its last `span`).

        Whole minutes: a minute that begins before the window but reaches into it is counted.
        In a log without times every scanned event is in the window.
        """
        found = self.evidence.log.signals.get(signal)
        if found is None:
            return 0
        if not self.evidence.log.timed or self.evidence.log.by_offset:
            return found.count
        logged = self.evidence.logged
        window = logged.last(self.rule.window).last(span)
        if window == logged:
            return found.count
        return sum(
            n
            for minute, n in found.minutes.items()
            if instant_of(minute + 1) > window.since and instant_of(minute) < window.until
        )

    def lines(self, *signals: str) -> tuple[str, ...]:
        """Up to five masked evidence lines of these signals."""
        out: list[str] = []
        for signal in signals:
            found = self.evidence.log.signals.get(signal)
            if found is not None and self.count(signal):
                out.extend(found.lines)
        return tuple(out[-5:])

    def log_unknown(self, *signals: str) -> Problem | None:
        """Why these signals cannot be known from the log; None when they can."""
        log = self.evidence.log
        if log.problem is not None:
            return log.problem
        if log.unwindowed is not None:
            return log.unwindowed
        for signal in signals:
            if signal in log.unknown:
                return log.unknown[signal]
        absent = [s for s in signals if s not in log.carries]
        if absent:
            return Problem(
                what=f"The log's format ({log.profile}) does not carry {', '.join(absent)}.",
                mend="Give golive the application's own log as well (--log PATH).",
            )
        return None

    def rows(self, query: Query) -> QueryResult:
        """The result of one of the check's queries, with the reason where there is none."""
        database = self.evidence.database
        if database.problem is not None:
            return QueryResult(problem=database.problem)
        result = database.results.get(query.name)
        if result is None:
            return QueryResult(
                problem=Problem(what=f"The query {query.name} was not run.", mend="Run it again.")
            )
        return result

    def row(self, query: Query) -> Row:
        """The single row of a query that always returns exactly one."""
        return self.rows(query).rows[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check of the runbook.

    checkpoint: the first checkpoint that lists it: 0 = health at T+5, 1, 2 or 3
    signals:    log signals that it counts; quantities: names that thresholds may bound
    flags:      those quantities that are only ever 0 or 1
    params:     numbers that runbook.yaml must give it
    probes:     whether it needs the health probe
    """

    id: str
    title: str
    checkpoint: int
    measure: Callable[[View], Measurement]
    quantities: tuple[str, ...] = ("value",)
    flags: tuple[str, ...] = ()
    signals: tuple[str, ...] = ()
    queries: tuple[Query, ...] = ()
    probes: bool = False
    params: tuple[str, ...] = ()

    @property
    def about(self) -> str:
        """What it measures, in the words of its own docstring."""
        return " ".join((self.measure.__doc__ or "").split())


def unknown(unit: str, problem: Problem, details: Mapping[str, Json] | None = None) -> Measurement:
    """A measurement that could not be taken, with the reason as its summary."""
    return Measurement(
        value=None, unit=unit, summary=str(problem), unknown=problem, details=details or {}
    )
