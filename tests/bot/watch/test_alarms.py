"""When the lead is called: once for a condition, again when it is graver, not for what is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from bot.watch import alarms
from bot.watch.model import Alarm, Note, NoteKind, Taken
from checks.engine.model import Criterion, Decision, Json, Level, Report
from tests.render.watches import START, finding, point, report, runbook, taken

BOOK = runbook()
GO, NO_GO = Decision.GO, Decision.NO_GO
WAIT = timedelta(minutes=5)


def at(minutes: float) -> datetime:
    """So many minutes after the deploy."""
    return START + timedelta(minutes=minutes)


def red(number: int, *met: str) -> Report:
    """So many CRITICAL findings, and these rollback criteria."""
    names = ("http_5xx", "retries", "health")[:number]
    criteria = tuple(Criterion(id=name, met=True, why="It is.") for name in met)
    found = [finding(name, Level.CRITICAL, 99) for name in names]
    return replace(report(*found), rollback_criteria=criteria)


def call(
    found: Report, history: list[Taken], memory: dict[str, Json], minutes: float
) -> Alarm | None:
    """The alarm that is due, remembered as the watch does."""
    alarm = alarms.due_alarm(found, BOOK, history, memory)
    if alarm is not None:
        memory |= alarms.called(alarm, history, at(minutes))
    return alarm


def test_severity_calls_when_it_rises_and_never_twice() -> None:
    """One CRITICAL is no escalation, two are, a rollback criterion is again; then it is quiet."""
    memory: dict[str, Json] = {}
    history = [taken(point(10), NO_GO)]
    assert call(red(1), history, memory, 11) is None
    kinds = [
        alarm.kind if alarm else None
        for alarm in (
            call(red(2), history, memory, 12),
            call(red(3), history, memory, 13),
            call(red(2, "secret_leak"), history, memory, 14),
            call(red(2, "secret_leak"), history, memory, 15),
            call(red(2), history, memory, 16),
        )
    ]
    assert kinds == ["critical", None, "rollback", None, None]


def test_after_a_calm_point_the_same_is_news() -> None:
    """A GO in between ends the stretch; a healthy health check does not."""
    memory: dict[str, Json] = {}
    history = [taken(point(10), NO_GO)]
    assert call(red(2), history, memory, 10)
    history.append(taken(point(11, "health"), GO))
    assert call(red(2), history, memory, 12) is None
    history.append(taken(point(20), GO))
    assert call(red(2), history, memory, 30)


def test_a_healthy_health_check_does_not_make_a_no_go_news_again() -> None:
    """It looked at nothing else."""
    history = [taken(point(3, "manual"), NO_GO), taken(point(5, "health"), GO)]
    assert not alarms.is_new_no_go(NO_GO, history, {})
    assert alarms.is_new_no_go(NO_GO, [*history, taken(point(10), GO)], {})


def test_an_unanswered_call_is_repeated_once() -> None:
    """After five minutes, and not again."""
    memory: dict[str, Json] = {}
    call(red(2), [], memory, 10)
    assert alarms.due_reminder(memory, [], [], at(14.9), WAIT) is None
    key = alarms.due_reminder(memory, [], [], at(15), WAIT)
    assert key is not None
    memory |= alarms.reminded(key, at(15))
    assert alarms.due_reminder(memory, [], [], at(60), WAIT) is None


def test_a_call_that_a_graver_one_followed_is_not_repeated() -> None:
    """Only the graver one is, even after it was repeated itself."""
    memory: dict[str, Json] = {}
    call(red(2), [], memory, 10)
    graver = call(red(2, "secret_leak"), [], memory, 12)
    assert graver is not None
    assert alarms.due_reminder(memory, [], [], at(15), WAIT) is None
    assert alarms.due_reminder(memory, [], [], at(17), WAIT) == graver.key
    memory |= alarms.reminded(graver.key, at(17))
    assert alarms.due_reminder(memory, [], [], at(18), WAIT) is None


def test_neither_an_answered_call_nor_one_that_is_over_is_repeated() -> None:
    """An acknowledgement before the call does not answer it; a calm point ends it."""
    memory: dict[str, Json] = {}
    call(red(2), [], memory, 10)
    early = Note(kind=NoteKind.ACK, by="U1", at=at(9))
    late = replace(early, at=at(11))
    assert alarms.due_reminder(memory, [], [early], at(16), WAIT) is not None
    assert alarms.due_reminder(memory, [], [late], at(16), WAIT) is None
    assert alarms.due_reminder(memory, [taken(point(12), GO)], [], at(16), WAIT) is None


def test_who_answered_is_the_first_after_the_newest_call() -> None:
    """Nobody yet is an empty name; None where nothing is to be answered, also when it is over."""
    memory: dict[str, Json] = {}
    assert alarms.answered_by(memory, [taken(point(10), GO)], []) is None
    no_go = [taken(point(10), NO_GO)]
    assert alarms.answered_by(memory, no_go, []) == ""
    first = Note(kind=NoteKind.ACK, by="U1", at=at(11))
    assert alarms.answered_by(memory, no_go, [first, replace(first, by="U2")]) == "U1"
    call(red(2, "secret_leak"), no_go, memory, 12)
    assert alarms.answered_by(memory, no_go, [first]) == ""
    assert alarms.answered_by(memory, [*no_go, taken(point(20), GO)], []) is None
