"""Evidence in a few words, so that a test of a check names only what the check looks at.

    measure(view(CHECK, evidence(log({"http_responses": 100, "http_5xx": 3}))))

The window is the hour before `NOW`. An event count stands for events of the window's last minute,
unless it is spread: `{"retry": {0: 2, 30: 5}}` are 2 in the last minute and 5 half an hour before.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from checks.engine.check import Check, View
from checks.engine.model import (
    ConnectionChange,
    CreatedMessage,
    DatabaseEvidence,
    Evidence,
    Finding,
    HealthEvidence,
    Leak,
    LogEvidence,
    Observed,
    ProbeTry,
    Problem,
    Proof,
    QueryResult,
    Row,
    SignalEvidence,
    Window,
    instant_of,
    minute_of,
)
from checks.engine.profiles import SIGNALS
from checks.engine.shares import SampleRule
from checks.engine.thresholds import Bound, Op, Rule, Threshold, finding_of

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
HOUR = Window(since=NOW - timedelta(minutes=60), until=NOW)

Events: TypeAlias = "int | Mapping[int, int]"
"""How many events; or minutes before the window's last one → how many."""

NOT_GIVEN = Problem(what="It was not given.", mend="Give it.")

_WINDOWS = {
    "message_errors": timedelta(minutes=10),
    "inbound_flow": timedelta(minutes=10),
}
"""Checks that look at the last minutes only, before the final review (checks.md's table)."""

_PARAMS: dict[str, float] = {
    "settle_seconds": 60,
    "grace_seconds": 120,
    "flap_disconnects": 3,
    "pairing_seconds": 300,
    "waiting_seconds": 60,
    "still_seconds": 600,
    "overdue_seconds": 600,
    "least_responses": 3,
    "least_touched": 2,
}

SAMPLE = SampleRule(min_sample=10, min_bad=3, confidence=0.95)
"""When a share is evidence enough (checks.md, principle 5)."""


def ago(minutes: int) -> int:
    """The epoch minute so many minutes before the window's last one."""
    return minute_of(NOW) - 1 - minutes


def signal(events: Events, *, timed: bool = True, line: str = "a line") -> SignalEvidence:
    """So many events of a signal, with up to five evidence lines."""
    by_minute = {0: events} if isinstance(events, int) else events
    count = sum(by_minute.values())
    minutes = {ago(m): n for m, n in by_minute.items() if n} if timed else {}
    return SignalEvidence(
        count=count,
        minutes=minutes,
        last=instant_of(max(minutes)) if minutes else None,
        lines=tuple(f"{line} {n + 1}" for n in range(min(count, 5))),
    )


def log(
    signals: Mapping[str, Events] | None = None,
    *,
    timed: bool = True,
    problem: Problem | None = None,
    unwindowed: Problem | None = None,
    without: tuple[str, ...] = (),
    profile: str | None = "crm-console",
    routes: Mapping[str, Mapping[str, int]] | None = None,
    leaks: tuple[Leak, ...] = (),
    secrets_searched: int = 2,
    connections: tuple[ConnectionChange, ...] = (),
    campaigns: Mapping[str, float | None] | None = None,
    created: tuple[CreatedMessage, ...] = (),
    lines: int = 1000,
    recognised: int = 1000,
    unpaired: int | None = 0,
    unpaired_lines: tuple[str, ...] = (),
    streak_5xx: int | None = 0,
    grew: bool | None = True,
) -> LogEvidence:
    """A log of the application's own format that works and shows these events, and no others.

    without: signals that its format does not carry.
    """
    events = signals or {}
    unheard_of = set(events) - set(SIGNALS)
    assert not unheard_of, f"no such signals: {unheard_of}"
    return LogEvidence(
        source="/var/log/app.log",
        problem=problem,
        unwindowed=unwindowed,
        profile=profile,
        timed=timed,
        carries=frozenset(SIGNALS) - frozenset(without),
        signals={name: signal(n, timed=timed, line=name) for name, n in events.items()},
        routes=routes or {},
        leaks=leaks,
        secrets_searched=secrets_searched,
        connections=connections,
        campaigns=campaigns or {},
        created=created,
        bytes=lines * 100,
        lines=lines,
        recognised=recognised,
        unpaired=unpaired,
        unpaired_lines=unpaired_lines,
        streak_5xx=streak_5xx,
        grew=grew,
    )


def leak(
    proof: Proof = Proof.PROVEN,
    *,
    kind: str = "apikey",
    place: str = "error dump",
    count: int = 1,
    fingerprint: str = "f1ng3rpr1nt",
) -> Leak:
    """Lines with one leaked secret."""
    return Leak(
        kind=kind,
        place=place,
        proof=proof,
        count=count,
        fingerprint=fingerprint,
        example=f"{kind}: [MASKED] in {place}",
    )


def tried(
    *answers: int | str, problem: Problem | None = None, seconds: float = 0.05
) -> HealthEvidence:
    """A health probe: each try is a status, or the reason why there was none."""
    return HealthEvidence(
        problem=problem,
        url="https://crm.example.org/health",
        tries=tuple(
            ProbeTry(status=a, seconds=seconds)
            if isinstance(a, int)
            else ProbeTry(status=None, seconds=seconds, error=a)
            for a in answers
        ),
    )


def rows(**by_query: Row | tuple[Row, ...] | Problem) -> DatabaseEvidence:
    """A database's answers by query name: a row, several, or why there is none."""
    results = {
        name: QueryResult(problem=given)
        if isinstance(given, Problem)
        else QueryResult(rows=given if isinstance(given, tuple) else (given,))
        for name, given in by_query.items()
    }
    return DatabaseEvidence(server_version="18.4", results=results)


def watched(
    *,
    inserted: int | None = None,
    connected_at_start: frozenset[str] = frozenset(),
    drops: Mapping[str, int] | None = None,
    progress: Mapping[str, datetime] | None = None,
    inbound_expected: str | None = None,
    probes: Mapping[int, bool] | None = None,
) -> Observed:
    """What a watch saw since T+0, an hour before `NOW`. probes: minutes ago → answered."""
    return Observed(
        deployed_at=HOUR.since,
        inserted=inserted,
        connected_at_start=connected_at_start,
        drops=drops or {},
        progress=progress or {},
        inbound_expected=inbound_expected,
        probes={ago(m): answered for m, answered in (probes or {}).items()},
    )


def evidence(
    log: LogEvidence | None = None,
    *,
    database: DatabaseEvidence | None = None,
    health: HealthEvidence | None = None,
    observed: Observed | None = None,
    own_probes: Mapping[str, int] | None = None,
    window: Window = HOUR,
) -> Evidence:
    """Everything that one run saw; what is not named was not given."""
    return Evidence(
        now=window.until,
        window=window,
        log=log or LogEvidence(source="", problem=NOT_GIVEN),
        database=database or DatabaseEvidence(problem=NOT_GIVEN),
        health=health or HealthEvidence(problem=NOT_GIVEN),
        observed=observed,
        own_probes=own_probes or {},
    )


def view(
    check: Check,
    seen: Evidence,
    checkpoint: str = "final",
    *,
    thresholds: tuple[Threshold, ...] = (),
    window: timedelta | None = None,
) -> View:
    """The evidence as this check sees it at a checkpoint.

    Thresholds are the test's own: what the runbook says about a check is tested with the runbook.
    """
    span = window or (_WINDOWS.get(check.id) if checkpoint != "final" else None)
    rule = Rule(
        check=check.id,
        thresholds=thresholds,
        window=span,
        params={name: _PARAMS[name] for name in check.params},
        sample=SAMPLE,
    )
    return View(evidence=seen, rule=rule)


def at_least(
    quantity: str, *, warning: float | None = None, critical: float | None = None
) -> Threshold:
    """A hand-made threshold: each level from its value on."""
    return _threshold(Op.AT_LEAST, quantity, warning, critical)


def above(
    quantity: str, *, warning: float | None = None, critical: float | None = None
) -> Threshold:
    """A hand-made threshold: each level above its value."""
    return _threshold(Op.ABOVE, quantity, warning, critical)


def _threshold(op: Op, quantity: str, warning: float | None, critical: float | None) -> Threshold:
    return Threshold(
        quantity=quantity,
        warning=None if warning is None else Bound(op=op, value=warning),
        critical=None if critical is None else Bound(op=op, value=critical),
    )


def judged(check: Check, seen: View) -> Finding:
    """The finding that a check comes to, by the thresholds of the view's rule."""
    return finding_of(check.id, check.title, check.measure(seen), seen.rule)
