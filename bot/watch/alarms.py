"""When the lead is called: pure, from what was measured and who was called before.

A condition calls once. Severity may rise (from one CRITICAL to two at once, to a rollback
criterion), and then it calls again; once everything was better in between, it is news again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from bot.watch.model import Alarm, Note, NoteKind, Taken
from checks.engine.model import Decision, Finding, Json, Level, Report
from checks.engine.runbook import Runbook

_CALLED = "called:"
_REMINDED = "reminded:"
_CRITICAL = "critical"
_ROLLBACK = "rollback"
_TITLES = {
    "secret_leak": "Secrets appear unmasked in the log",
    "tenant_leak": "Data crosses tenants",
    "messages_failing": "More than half of the messages fail",
    "service_down": "The service is down",
}


def judging(taken: Sequence[Taken]) -> list[Taken]:
    """The points that say how the watch stands.

    A health check that is fine says nothing about the rest.
    """
    return [
        one
        for one in taken
        if one.decision is Decision.NO_GO or (one.decision and one.point.run != "health")
    ]


def last_decision(taken: Sequence[Taken]) -> Decision | None:
    """What the newest point that judged said."""
    judged = judging(taken)
    return max(judged, key=lambda one: one.taken_at).decision if judged else None


def episode(taken: Sequence[Taken]) -> str:
    """Which stretch of trouble this is: it began after the last point that was no NO-GO."""
    calm = [one for one in judging(taken) if one.decision is not Decision.NO_GO]
    return max(calm, key=lambda one: one.taken_at).point.key if calm else "start"


def is_new_no_go(decision: Decision, taken: Sequence[Taken], memory: Mapping[str, Json]) -> bool:
    """Whether a NO-GO is news: it mentions the lead, once, unless the lead was called already."""
    if decision is not Decision.NO_GO or last_decision(taken) is Decision.NO_GO:
        return False
    return not any(key.startswith(f"{_CALLED}{episode(taken)} ") for key in memory)


def due_alarm(
    report: Report,
    runbook: Runbook,
    taken: Sequence[Taken],
    memory: Mapping[str, Json],
    *,
    criticals: bool = True,
) -> Alarm | None:
    """The full escalation that a report asks for and that was not called before.

    Args:
        report: what was measured.
        runbook: how many CRITICAL at once are an escalation.
        taken: the points before.
        memory: what the watch remembers, calls included.
        criticals: whether CRITICAL findings call too, or rollback criteria alone (between points).
    """
    now = episode(taken)
    met = [criterion.id for criterion in report.rollback_criteria if criterion.met]
    called = {key.removeprefix(f"{_CALLED}{now} ") for key in memory if key.startswith(_CALLED)}
    fresh = [criterion for criterion in met if f"{_ROLLBACK}:{criterion}" not in called]
    if fresh:
        title = "; ".join(_TITLES.get(criterion, criterion) for criterion in met)
        key = f"alarm:{now}:{_ROLLBACK}:{'+'.join(fresh)}"
        return Alarm(key=key, kind=_ROLLBACK, title=title, criteria=tuple(met))
    red = [finding for finding in report.findings if finding.level is Level.CRITICAL]
    worse = any(token.startswith(_ROLLBACK) for token in called)
    if criticals and len(red) >= runbook.escalation and _CRITICAL not in called and not worse:
        return Alarm(key=f"alarm:{now}:{_CRITICAL}", kind=_CRITICAL, title=_named(red))
    return None


def called(alarm: Alarm, taken: Sequence[Taken], at: datetime) -> dict[str, Json]:
    """What the watch is to remember of a call."""
    now = episode(taken)
    tokens = [f"{_ROLLBACK}:{criterion}" for criterion in alarm.criteria] or [_CRITICAL]
    return {f"{_CALLED}{now} {token}": f"{at.isoformat()} {alarm.key}" for token in tokens}


def due_reminder(
    memory: Mapping[str, Json],
    taken: Sequence[Taken],
    notes: Sequence[Note],
    now: datetime,
    wait: timedelta,
) -> str | None:
    """Key of the present call, if nobody acknowledged it in time and it was not repeated yet.

    A call that a graver one followed is over, and so is one after which it was calm again.
    """
    at, key = max(_calls(memory, taken), default=(now, ""))
    acks = [note.at for note in notes if note.kind is NoteKind.ACK]
    if not key or f"{_REMINDED}{key}" in memory or any(ack >= at for ack in acks):
        return None
    return key if now - at >= wait else None


def reminded(key: str, at: datetime) -> dict[str, Json]:
    """What the watch is to remember of a repeated call."""
    return {f"{_REMINDED}{key}": at.isoformat()}


def answered_by(
    memory: Mapping[str, Json], taken: Sequence[Taken], notes: Sequence[Note]
) -> str | None:
    """Who acknowledged the present alarm: "" for nobody yet, None where there is no alarm.

    A NO-GO is an alarm even if it called only once, in its own post.
    """
    calls = [at for at, _ in _calls(memory, taken)]
    if last_decision(taken) is Decision.NO_GO:
        calls.append(_no_go_since(judging(taken)))
    if not calls:
        return None
    newest = max(calls)
    acks = [n for n in notes if n.kind is NoteKind.ACK and n.at >= newest]
    return acks[0].by if acks else ""


def _no_go_since(judged: Sequence[Taken]) -> datetime:
    """When the present stretch of NO-GO began."""
    began = max(one.taken_at for one in judged)
    for one in sorted(judged, key=lambda taken: taken.taken_at, reverse=True):
        if one.decision is not Decision.NO_GO:
            break
        began = one.taken_at
    return began


def _calls(memory: Mapping[str, Json], taken: Sequence[Taken]) -> list[tuple[datetime, str]]:
    """When the lead was called in the present stretch of trouble, and by which alarm's key."""
    ours = f"{_CALLED}{episode(taken)} "
    said = [str(value).partition(" ") for key, value in memory.items() if key.startswith(ours)]
    return [(datetime.fromisoformat(at), key) for at, _, key in said]


def _named(findings: Collection[Finding]) -> str:
    return f"{len(findings)} CRITICAL at once: {', '.join(f.title for f in findings)}"
