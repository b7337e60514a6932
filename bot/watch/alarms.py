"""When the lead is called: pure, from what was measured and who was called before.

A condition calls once. Severity may rise (from one CRITICAL to two at once, to a rollback
criterion), and then it calls again; once everything was better in between, it is news again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.watch.model import Alarm, Note, NoteKind, Present
from checks.engine.model import Finding, Json, Level, Report
from checks.engine.runbook import Runbook

_CALLED = "called:"
_REMINDED = "reminded:"
_TOLD = "told:"
_CRITICAL = "critical"
_ROLLBACK = "rollback"
_TITLES = {
    "secret_leak": "Secrets appear unmasked in the log",
    "tenant_leak": "Data crosses tenants",
    "messages_failing": "More than half of the messages fail",
    "service_down": "The service is down",
}


def due_alarm(
    report: Report,
    runbook: Runbook,
    episode: str,
    memory: Mapping[str, Json],
    *,
    quiet: Collection[str] = (),
) -> Alarm | None:
    """The full escalation that a report asks for and that was not called before.

    Args:
        report: what shows the present verdict.
        runbook: how many CRITICAL at once are an escalation.
        episode: the present stretch of trouble.
        memory: what the watch remembers, calls included.
        quiet: the causes because of which the lead was mentioned a moment ago.
    """
    met = [criterion.id for criterion in report.rollback_criteria if criterion.met]
    called = {key.removeprefix(f"{_CALLED}{episode} ") for key in memory if key.startswith(_CALLED)}
    tokens = {criterion: f"{_ROLLBACK}:{criterion}" for criterion in met}
    fresh = [c for c, token in tokens.items() if token not in called and token not in quiet]
    if fresh:
        title = "; ".join(_TITLES.get(criterion, criterion) for criterion in met)
        key = f"alarm:{episode}:{_ROLLBACK}:{'+'.join(fresh)}"
        return Alarm(key=key, kind=_ROLLBACK, title=title, criteria=tuple(met))
    red = [finding for finding in report.findings if finding.level is Level.CRITICAL]
    if any(token == _CRITICAL or token.startswith(_ROLLBACK) for token in called):
        return None
    if len(red) >= runbook.escalation and any(finding.check not in quiet for finding in red):
        return Alarm(key=f"alarm:{episode}:{_CRITICAL}", kind=_CRITICAL, title=_named(red))
    return None


def called(alarm: Alarm, episode: str, at: datetime) -> dict[str, Json]:
    """What the watch is to remember of a call."""
    tokens = [f"{_ROLLBACK}:{criterion}" for criterion in alarm.criteria] or [_CRITICAL]
    return {f"{_CALLED}{episode} {token}": f"{at.isoformat()} {alarm.key}" for token in tokens}


def quiet(present: Present, now: datetime, every: timedelta) -> frozenset[str]:
    """The causes because of which the lead was mentioned a moment ago."""
    return frozenset(cause for cause, at in present.mentioned.items() if now - at < every)


def mentioned(present: Present, at: datetime) -> Present:
    """The same, with the lead mentioned because of each of its causes."""
    causes = {cause.id: at for cause in present.causes}
    return replace(present, mentioned={**present.mentioned, **causes})


def told(key: str, episode: str, at: datetime) -> dict[str, Json]:
    """What the watch is to remember of a post that says NO-GO and asks for an acknowledgement."""
    return {f"{_TOLD}{episode} {key}": at.isoformat()}


def posts_of(memory: Mapping[str, Json], episode: str) -> tuple[str, ...]:
    """Keys of the posts that called, or said NO-GO, in a stretch of trouble."""
    calls = [key for _, key in _calls(memory, episode)]
    again = [f"{key}:reminder" for key in calls if f"{_REMINDED}{key}" in memory]
    said = f"{_TOLD}{episode} "
    others = [key.removeprefix(said) for key in memory if key.startswith(said)]
    return tuple(dict.fromkeys((*calls, *again, *others)))


def due_reminder(
    memory: Mapping[str, Json],
    episode: str,
    notes: Sequence[Note],
    now: datetime,
    wait: timedelta,
) -> str | None:
    """Key of the present call, if nobody acknowledged it in time and it was not repeated yet.

    A call that a graver one followed is over, and so is one after which it was calm again.
    """
    at, key = max(_calls(memory, episode), default=(now, ""))
    acks = [note.at for note in notes if note.kind is NoteKind.ACK]
    if not key or f"{_REMINDED}{key}" in memory or any(ack >= at for ack in acks):
        return None
    return key if now - at >= wait else None


def reminded(key: str, at: datetime) -> dict[str, Json]:
    """What the watch is to remember of a repeated call."""
    return {f"{_REMINDED}{key}": at.isoformat()}


def called_at(memory: Mapping[str, Json], present: Present | None) -> datetime | None:
    """When the present alarm was raised, or raised to what it is; None where there is none.

    A NO-GO is an alarm even if it called only once, in its own post.
    """
    if present is None or present.no_go_since is None:
        return None
    return max([present.no_go_since, *(at for at, _ in _calls(memory, present.episode))])


def answer(since: datetime | None, notes: Sequence[Note]) -> Note | None:
    """The first acknowledgement of an alarm; None where there is none."""
    acks = [n for n in notes if n.kind is NoteKind.ACK and since is not None and n.at >= since]
    return min(acks, key=lambda note: note.at, default=None)


def _calls(memory: Mapping[str, Json], episode: str) -> list[tuple[datetime, str]]:
    """When the lead was called in a stretch of trouble, and by which alarm's key."""
    ours = f"{_CALLED}{episode} "
    said = [str(value).partition(" ") for key, value in memory.items() if key.startswith(ours)]
    return [(datetime.fromisoformat(at), key) for at, _, key in said]


def _named(findings: Collection[Finding]) -> str:
    return f"{len(findings)} CRITICAL at once: {', '.join(f.title for f in findings)}"
