"""When the lead is called: once for a condition, again when it is graver, not for what is over."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from bot.watch import alarms
from bot.watch.model import Alarm, Note, NoteKind, Present
from checks.engine.model import Criterion, Decision, Json, Level, Report, Verdict
from tests.render.watches import START, finding, report, runbook

BOOK = runbook()
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
    found: Report, episode: str, memory: dict[str, Json], minutes: float, *quiet: str
) -> Alarm | None:
    """The alarm that is due, remembered as the watch does."""
    alarm = alarms.due_alarm(found, BOOK, episode, memory, quiet=quiet)
    if alarm is not None:
        memory |= alarms.called(alarm, episode, at(minutes))
    return alarm


def standing(minutes: float, episode: str = "start") -> Present:
    """A NO-GO since so many minutes after the deploy."""
    verdict = Verdict(decision=Decision.NO_GO, because=("It is.",))
    return Present(
        at=at(minutes),
        base="T+10",
        base_at=at(10),
        verdict=verdict,
        episode=episode,
        no_go_since=at(minutes),
    )


def test_severity_calls_when_it_rises_and_never_twice() -> None:
    """One CRITICAL is no escalation, two are, a rollback criterion is again; then it is quiet."""
    memory: dict[str, Json] = {}
    history = "T+5"
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


def test_in_another_stretch_of_trouble_the_same_is_news() -> None:
    """Each stretch has its own calls."""
    memory: dict[str, Json] = {}
    assert call(red(2), "start", memory, 10)
    assert call(red(2), "start", memory, 12) is None
    assert call(red(2), "T+20", memory, 30)


def test_what_the_lead_was_mentioned_for_a_moment_ago_does_not_call() -> None:
    """Alone it does not; with something else beside it, it does."""
    assert call(red(0, "secret_leak"), "T+20", {}, 21, "rollback:secret_leak") is None
    assert call(red(0, "secret_leak", "tenant_leak"), "T+20", {}, 21, "rollback:secret_leak")
    assert call(red(2), "T+20", {}, 21, "http_5xx", "retries") is None
    assert call(red(2), "T+20", {}, 21, "http_5xx")


def test_an_unanswered_call_is_repeated_once() -> None:
    """After five minutes, and not again."""
    memory: dict[str, Json] = {}
    call(red(2), "start", memory, 10)
    assert alarms.due_reminder(memory, "start", [], at(14.9), WAIT) is None
    key = alarms.due_reminder(memory, "start", [], at(15), WAIT)
    assert key is not None
    memory |= alarms.reminded(key, at(15))
    assert alarms.due_reminder(memory, "start", [], at(60), WAIT) is None


def test_a_call_that_a_graver_one_followed_is_not_repeated() -> None:
    """Only the graver one is, even after it was repeated itself."""
    memory: dict[str, Json] = {}
    call(red(2), "start", memory, 10)
    graver = call(red(2, "secret_leak"), "start", memory, 12)
    assert graver is not None
    assert alarms.due_reminder(memory, "start", [], at(15), WAIT) is None
    assert alarms.due_reminder(memory, "start", [], at(17), WAIT) == graver.key
    memory |= alarms.reminded(graver.key, at(17))
    assert alarms.due_reminder(memory, "start", [], at(18), WAIT) is None


def test_neither_an_answered_call_nor_one_that_is_over_is_repeated() -> None:
    """An acknowledgement before the call does not answer it; a calm point ends it."""
    memory: dict[str, Json] = {}
    call(red(2), "start", memory, 10)
    early = Note(kind=NoteKind.ACK, by="U1", at=at(9))
    late = replace(early, at=at(11))
    assert alarms.due_reminder(memory, "start", [early], at(16), WAIT) is not None
    assert alarms.due_reminder(memory, "start", [late], at(16), WAIT) is None
    assert alarms.due_reminder(memory, "T+12", [], at(16), WAIT) is None


def test_who_answered_is_the_first_after_the_newest_call() -> None:
    """None where nobody did yet; there is nothing to answer where no NO-GO stands."""
    memory: dict[str, Json] = {}
    assert alarms.called_at(memory, None) is None
    assert alarms.called_at(memory, replace(standing(10), no_go_since=None)) is None
    since = alarms.called_at(memory, standing(10))
    assert since == at(10)
    assert alarms.answer(since, []) is None
    first = Note(kind=NoteKind.ACK, by="U1", at=at(11))
    assert alarms.answer(since, [replace(first, by="U2", at=at(12)), first]) == first
    call(red(2, "secret_leak"), "start", memory, 12)
    assert alarms.called_at(memory, standing(10)) == at(12)
    assert alarms.answer(at(12), [first]) is None
    assert alarms.called_at(memory, standing(20, "T+15")) == at(20)


def test_the_posts_of_a_stretch_are_its_calls_its_reminders_and_what_said_no_go() -> None:
    """Those of another stretch are not among them."""
    memory: dict[str, Json] = {}
    found = call(red(2), "start", memory, 10)
    assert found is not None
    memory |= alarms.reminded(found.key, at(15))
    memory |= alarms.told("point:T+10", "start", at(10))
    memory |= alarms.told("no-go:x", "T+20", at(21))
    assert alarms.posts_of(memory, "start") == (found.key, f"{found.key}:reminder", "point:T+10")
    assert alarms.posts_of(memory, "T+20") == ("no-go:x",)
