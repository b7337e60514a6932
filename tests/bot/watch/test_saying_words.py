"""Which buttons a watch offers, and its first and last words."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.storage.values import WatchState
from bot.watch.buttons import ACK, DIAGNOSE, ROLLBACK
from bot.watch.model import Note, NoteKind
from checks.engine.model import (
    Decision,
    Finding,
    Observed,
    Problem,
    QueryResult,
)
from tests.bot.watch.bench import Called
from tests.bot.watch.moments import (
    ALARM,
    BASELINE,
    CALM,
    FINAL,
    GO,
    MONITOR,
    NO_GO,
    SECOND,
    Platform,
    buttons,
    moment,
)
from tests.render.watches import (
    AMBER,
    DEPLOYMENT,
    GREEN,
    RED,
    START,
    block_words,
    report,
    words,
)


@pytest.fixture
def rig() -> Platform:
    """Everything answers."""
    return Platform()


# --- buttons ------------------------------------------------------------------------------------


def noted(kind: NoteKind, minutes: float) -> Note:
    """Something that somebody decided."""
    return Note(kind=kind, by="U1", at=START + timedelta(minutes=minutes), reason="It begins.")


@pytest.mark.parametrize(
    ("decision", "finding", "notes", "offered"),
    [
        (GO, GREEN, (), []),
        (MONITOR, AMBER, (), [DIAGNOSE]),
        (NO_GO, RED, (), [ACK, ROLLBACK]),
        (NO_GO, AMBER, (), [ACK, ROLLBACK, DIAGNOSE]),
        (NO_GO, RED, (noted(NoteKind.ACK, 25),), [ROLLBACK]),
        (NO_GO, RED, (noted(NoteKind.ROLLBACK, 25),), [ACK]),
        (NO_GO, RED, (noted(NoteKind.ACK, 5),), [ACK, ROLLBACK]),  # that was another alarm
    ],
)
def test_only_what_there_is_to_do_has_a_button(
    rig: Platform, decision: Decision, finding: Finding, notes: tuple[Note, ...], offered: list[str]
) -> None:
    """Nobody is asked twice; a rollback that was declared is not offered again."""
    view = moment(SECOND, decision, finding, before=CALM, notes=notes).view
    assert buttons(rig.speech.status(view)) == offered


def test_a_closed_watch_offers_nothing(rig: Platform) -> None:
    """Its last message stands for ever."""
    closed = replace(DEPLOYMENT, closed_at=START, closed_by="U1")
    view = moment(SECOND, NO_GO, RED, before=CALM, deployment=closed).view
    assert buttons(rig.speech.status(view)) == []
    post = rig.speech.closed(view)
    assert (post.key, post.thread_of, buttons(post.message)) == ("closed", "status", [])


async def test_a_call_between_points_offers_to_answer_it(rig: Platform) -> None:
    """Although the last verdict was a GO."""
    view = replace(moment(SECOND, MONITOR, AMBER, before=CALM).view, live=True)
    post = await rig.speech.escalation(view, ALARM)
    assert buttons(post.message)[:2] == [ACK, ROLLBACK]
    assert buttons(rig.speech.reminder(view, ALARM.key, timedelta(minutes=5)).message)[0] == ACK


# --- the first and the last words ---------------------------------------------------------------


async def test_the_baseline_says_what_was_recorded_and_what_cannot_be_seen(rig: Platform) -> None:
    """Each cause once, however many checks it blinds; and whom nobody will call."""
    away = Problem(what="The database does not answer.", mend="Start it.")
    made = report(GREEN)
    evidence = replace(
        made.evidence,
        log=replace(made.evidence.log, profile="crm-console", timed=False),
        database=replace(
            made.evidence.database,
            problem=away,
            results={"a": QueryResult(problem=away), "b": QueryResult()},
        ),
    )
    observed = Observed(deployed_at=START, inserted=12345, connected_at_start=frozenset({"a", "b"}))
    rig.lead = Called(mention=None, problem="GOLIVE_LEAD is not set.")
    at = moment(
        BASELINE, None, found=replace(made, evidence=evidence), state=WatchState(observed=observed)
    )
    said = words((await rig.speech.point(at))[1].message)
    assert said.count("The database does not answer. Start it.") == 1
    assert "messages: 12,345 rows inserted so far." in said
    assert "Connected units: 2." in said
    assert "Log format crm-console: it carries no times, its growth is recorded." in said
    assert "Nobody is called on escalation. GOLIVE_LEAD is not set." in said


async def test_a_baseline_that_sees_nothing_claims_nothing(rig: Platform) -> None:
    """No counter, no format: no sentence about them."""
    made = report(GREEN)
    blind = replace(made.evidence.log, problem=Problem(what="It cannot be read.", mend="Mend it."))
    found = replace(made, evidence=replace(made.evidence, log=blind))
    said = words((await rig.speech.point(moment(BASELINE, None, found=found)))[1].message)
    assert "rows inserted" not in said
    assert "Log format" not in said
    assert "It cannot be read. Mend it." in said


async def test_the_final_review_carries_the_picture_and_the_audit_s_digest(rig: Platform) -> None:
    """What was decided can be held against the audit later."""
    review = replace(moment(FINAL, GO, GREEN, before=CALM), audit="sha256:planted")
    (post,) = await rig.speech.point(review)
    assert len(post.message.pictures) == 1
    assert "sha256:planted" in "\n".join(
        block_words([*post.message.blocks, *post.message.coloured])
    )


async def test_an_acknowledgement_is_said_in_the_thread(rig: Platform) -> None:
    """Each under its own key: the next alarm may be answered by the same person."""
    view = moment(SECOND, NO_GO, RED).view
    one = rig.speech.acknowledged(view, noted(NoteKind.ACK, 25))
    two = rig.speech.acknowledged(view, noted(NoteKind.ACK, 55))
    assert one.thread_of == "status"
    assert one.key != two.key
    assert "is on it" in one.message.text


async def test_before_anything_was_measured_there_is_no_picture(rig: Platform) -> None:
    """The post-mortem of a watch that was closed at once has none."""
    view = replace(moment(BASELINE, None).view, report=None)
    assert await rig.speech.picture(view) is None
