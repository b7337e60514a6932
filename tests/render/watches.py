"""A watch in a few words, for the tests of what is said about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from bot.render.message import Button, Message
from bot.render.mrkdwn import plain
from bot.watch.model import Deployment, Note, NoteKind, Point, Taken, WatchView
from checks import CHECKS
from checks.engine.model import (
    Criterion,
    DatabaseEvidence,
    Decision,
    Evidence,
    Finding,
    HealthEvidence,
    Level,
    LogEvidence,
    Problem,
    Quantity,
    Report,
    SignalEvidence,
    Verdict,
    Window,
    minute_of,
)
from checks.engine.profiles import SIGNALS
from checks.engine.runbook import Runbook
from checks.engine.runbook.load import load_runbook

START = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)
NOW = START + timedelta(minutes=30)
DEPLOYMENT = Deployment(
    id=UUID(int=1),
    channel="C0OPS",
    version="v2.4.0",
    deployed_at=START,
    started_by="U0ANA",
    started_at=START,
)
ACK = Button(action="ack", label="Acknowledge", value="T+30", style="primary")
TITLES = {check.id: check.title for check in CHECKS}


def runbook() -> Runbook:
    """The runbook as it is shipped."""
    return load_runbook(checks=CHECKS)


def finding(check: str, level: Level = Level.OK, value: float | None = 0, **more: Any) -> Finding:
    """A finding about a count, with the bounds 6 and 16."""
    made = Finding(
        check=check,
        title=TITLES.get(check, check),
        level=level,
        value=None if level is Level.UNKNOWN else value,
        unit="responses",
        summary=f"{value} of 3342 responses.",
        threshold={"warning": 6, "critical": 16},
        details={},
        quantities={"value": Quantity(value=value or 0)},
    )
    return replace(made, **more)


def report(
    *findings: Finding,
    decision: Decision = Decision.NO_GO,
    because: Sequence[str] = ("HTTP 5xx: 76 of 3342 responses. More than 15 is CRITICAL.",),
    at: datetime = NOW,
    minutes: Mapping[str, Mapping[int, int]] | None = None,
    log: LogEvidence | None = None,
    **more: Any,
) -> Report:
    """A report since the deploy. `minutes`: signal → minutes after the deploy → events."""
    window = Window(since=START, until=at)
    made = Report(
        checkpoint="3",
        taken_at=at,
        window=window,
        findings=findings,
        rollback_criteria=(Criterion(id="secret_leak", met=False, why="None was found."),),
        success_criteria=(
            Criterion(id="no_critical", met=False, why="HTTP 5xx is CRITICAL."),
            Criterion(id="inbound_processed", met=True, why="12 created."),
            Criterion(id="outbound_sent", met=None, why="The database was not asked."),
        ),
        verdict=Verdict(
            decision=decision,
            because=tuple(because),
            missing=("health: No BASE_URL was given. Set BASE_URL.",),
            would_change=("HTTP 5xx: GO needs 5 or fewer 5xx responses.",),
        ),
        evidence=Evidence(
            now=at,
            window=window,
            log=log or _log(minutes or {}),
            database=DatabaseEvidence(),
            health=HealthEvidence(),
        ),
    )
    return replace(made, **more)


def _log(minutes: Mapping[str, Mapping[int, int]]) -> LogEvidence:
    first = minute_of(START)
    signals = {
        signal: SignalEvidence(
            count=sum(found.values()), minutes={first + m: n for m, n in found.items()}
        )
        for signal, found in minutes.items()
    }
    return LogEvidence(
        source="/var/log/app.log", timed=True, carries=frozenset(SIGNALS), signals=signals
    )


RED = finding(
    "http_5xx",
    Level.CRITICAL,
    76,
    summary="76 of 3342 responses answered 5xx.",
    evidence=("[INFO] [RES] POST /messages 500", "[INFO] [RES] POST /messages 502"),
)
AMBER = finding("retries", Level.WARNING, 7, summary="7 outbound retries.")
GREY = finding(
    "health",
    Level.UNKNOWN,
    summary="No BASE_URL was given. Set BASE_URL.",
    unknown=Problem(what="No BASE_URL was given.", mend="Set BASE_URL."),
)
GREEN = finding("rate_limits", Level.OK, 0, summary="0 of 3342 responses answered 429.")


def point(minute: int, run: str = "checkpoint", checkpoint: str | None = "3") -> Point:
    """A point of the watch, so many minutes after the deploy."""
    due = START + timedelta(minutes=minute)
    return Point(key=f"T+{minute}", run=run, checkpoint=checkpoint, due_at=due)


def taken(
    at: Point,
    decision: Decision | None = Decision.NO_GO,
    *,
    late: int = 0,
    found: Report | None = None,
    levels: Mapping[str, Level] | None = None,
) -> Taken:
    """A point that was taken, so many minutes late."""
    return Taken(
        point=at,
        taken_at=at.due_at + timedelta(minutes=late),
        decision=decision,
        levels=levels or {"http_5xx": Level.OK},
        report=found,
    )


def watch(found: Report | None = None, **more: Any) -> WatchView:
    """A watch half an hour after the deploy."""
    made = WatchView(
        deployment=DEPLOYMENT,
        now=NOW,
        taken=(
            taken(point(0, "baseline", None), None),
            taken(point(5, "health", None), None, levels={"health": Level.OK}),
            taken(point(10, checkpoint="1"), Decision.GO),
            taken(point(20, checkpoint="2"), Decision.MONITOR, late=4),
            taken(point(30), Decision.NO_GO),
        ),
        upcoming=(point(40, "pulse"), point(60, "final", "final")),
        report=found,
    )
    return replace(made, **more)


def note(kind: NoteKind, *, by: str = "U0BEA", check: str | None = None, **more: Any) -> Note:
    """What somebody decided, now."""
    return replace(Note(kind=kind, by=by, at=NOW, check=check), **more)


def words(message: Message) -> str:
    """All that a message says, without marks: its text, then its blocks."""
    return "\n".join([plain(message.text), *block_words([*message.blocks, *message.coloured])])


def block_words(several: Sequence[Any]) -> list[str]:
    """What blocks say, in order."""
    out: list[str] = []
    for item in several:
        _collect(item, out)
    return out


def _collect(value: Any, out: list[str]) -> None:
    if isinstance(value, dict):
        items: dict[str, Any] = value  # pyright: ignore[reportUnknownVariableType]
        for key, item in items.items():
            if key in ("text", "alt_text") and isinstance(item, str):
                out.append(plain(item) if items.get("type") == "mrkdwn" else item)
            elif key not in ("value", "action_id"):
                _collect(item, out)
    elif isinstance(value, list):
        several: list[Any] = value  # pyright: ignore[reportUnknownVariableType]
        for item in several:
            _collect(item, out)
