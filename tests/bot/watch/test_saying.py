"""What a watch says at which moment, where, to whom, and with which buttons."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import cast

import pytest

from bot.render.message import Message
from bot.storage.values import NewPost, WatchState
from bot.watch import plan
from bot.watch.buttons import ACK, DIAGNOSE, ROLLBACK
from bot.watch.knowing import Known
from bot.watch.model import Alarm, Deployment, Note, NoteKind, Point, Taken
from bot.watch.saying import Moment, Speech
from checks.engine.model import (
    Decision,
    Finding,
    Json,
    Observed,
    Problem,
    QueryResult,
    Report,
)
from checks.engine.runner import Sources
from tests.bot.watch.bench import Application, Called, looking
from tests.render.watches import (
    AMBER,
    DEPLOYMENT,
    GREEN,
    RED,
    START,
    block_words,
    point,
    report,
    runbook,
    taken,
    words,
)
from tests.support.hand import HandClock

BOOK = runbook()
GO, MONITOR, NO_GO = Decision.GO, Decision.MONITOR, Decision.NO_GO
LEAD = "<@U0LEAD>"
ALARM = Alarm(key="alarm:start:critical", kind="critical", title="2 CRITICAL at once")


@dataclass(slots=True, kw_only=True)
class Rig:
    """Speech over an invented application."""

    seen: Application = field(default_factory=Application)
    lead: Called = field(default_factory=lambda: Called(mention=LEAD))

    @property
    def speech(self) -> Speech:
        """With whom it calls now."""
        lookout = looking(self.seen, HandClock(START))
        return Speech(runbook=BOOK, lookout=lookout, lead=self.lead)


@pytest.fixture
def rig() -> Rig:
    """Everything answers."""
    return Rig()


def moment(
    at: Point,
    decision: Decision | None,
    *findings: Finding,
    before: tuple[Taken, ...] = (),
    previous: Report | None = None,
    notes: tuple[Note, ...] = (),
    state: WatchState | None = None,
    alarm: Alarm | None = None,
    found: Report | None = None,
    deployment: Deployment = DEPLOYMENT,
) -> Moment:
    """One point that was just taken."""
    made = found or report(*findings, decision=decision or GO, at=at.due_at)
    known = Known(
        deployment=deployment,
        taken=before,
        previous=previous,
        notes=notes,
        state=state or WatchState(),
    )
    one = taken(at, decision, found=made, levels={f.check: f.level for f in findings})
    judged = made if decision is not None else None
    return Moment(
        before=known,
        taken=one,
        report=made,
        view=known.after(one).view(BOOK, at.due_at, report=judged),
        state=state or WatchState(),
        alarm=alarm,
    )


def outline(posts: list[NewPost]) -> list[tuple[str, str | None, bool]]:
    """Key, in whose thread, and whether the channel is told too."""
    return [(post.key, post.thread_of, post.broadcast) for post in posts]


def buttons(message: Message) -> list[str]:
    """Ids of the buttons, without their numbers."""
    rows = [*message.blocks, *message.coloured]
    found = [
        str(element["action_id"])
        for row in rows
        if row.get("type") == "actions"
        for element in cast("list[dict[str, Json]]", row["elements"])
    ]
    return [one.partition(":")[0] for one in found]


def first(message: Message) -> str:
    """The line that a notification shows."""
    return message.text.partition("\n")[0]


BASELINE = point(0, "baseline", None)
HEALTH = point(5, "health", "1")
FIRST = point(10, checkpoint="1")
SECOND = point(20, checkpoint="2")
PULSE = point(40, "pulse", "3")
FINAL = point(60, "final", "final")
CALM = (taken(BASELINE, None), taken(FIRST, GO))
TROUBLE = (taken(BASELINE, None), taken(FIRST, NO_GO))


# --- which posts, and where ---------------------------------------------------------------------


async def test_the_baseline_opens_the_thread(rig: Rig) -> None:
    """The message that is kept up to date comes first: all else hangs on it."""
    posts = await rig.speech.point(moment(BASELINE, None))
    assert outline(posts) == [("status", None, False), ("point:T+0", "status", False)]
    assert {post.deployment_id for post in posts} == {DEPLOYMENT.id}


@pytest.mark.parametrize(
    ("at", "decision", "before", "told"),
    [
        (FIRST, GO, (), False),
        (FIRST, MONITOR, (), True),
        (SECOND, GO, TROUBLE, False),
        (SECOND, NO_GO, TROUBLE, False),
        (SECOND, MONITOR, TROUBLE, False),
        (SECOND, MONITOR, CALM, True),
        (SECOND, NO_GO, CALM, True),
        (HEALTH, NO_GO, (), True),
        (FINAL, GO, CALM, True),
        (point(15, plan.MANUAL, "1"), MONITOR, CALM, True),
    ],
)
async def test_the_channel_is_told_of_a_worse_verdict_and_of_the_end(
    rig: Rig, at: Point, decision: Decision, before: tuple[Taken, ...], told: bool
) -> None:
    """Everything else stays in the thread."""
    posts = await rig.speech.point(moment(at, decision, GREEN, before=before))
    assert outline(posts) == [(f"point:{at.key}", "status", told)]


async def test_a_pulse_speaks_only_of_what_got_worse(rig: Rig) -> None:
    """It is held against the checkpoint before."""
    same = moment(PULSE, MONITOR, AMBER, before=CALM, previous=report(AMBER))
    assert await rig.speech.point(same) == []
    worse = moment(PULSE, NO_GO, RED, before=CALM, previous=report(AMBER))
    (post,) = await rig.speech.point(worse)
    assert "1 got worse" in first(post.message)
    assert post.broadcast


async def test_still_monitor_after_two_hours_asks_the_lead_to_decide(rig: Rig) -> None:
    """Once, in the channel, with the lead called."""
    before = [taken(point(0, "baseline", None), None), taken(FINAL, MONITOR)]
    before += [taken(point(60 + 15 * n, "follow-up", "final"), MONITOR) for n in range(1, 8)]
    last = point(180, "follow-up", "final")
    posts = await rig.speech.point(moment(last, MONITOR, AMBER, before=tuple(before)))
    assert outline(posts) == [("point:T+180", "status", False), ("undecided:T+180", None, False)]
    assert "accept or close" in first(posts[1].message)
    assert LEAD in first(posts[1].message)
    again = (*before, taken(last, MONITOR))
    posts = await rig.speech.point(
        moment(point(240, "follow-up", "final"), MONITOR, AMBER, before=again)
    )
    assert outline(posts) == [("point:T+240", "status", False)]


# --- who is called ------------------------------------------------------------------------------


async def test_a_new_no_go_calls_in_its_own_post(rig: Rig) -> None:
    """A single CRITICAL is no escalation; as long as it lasts nobody is called again."""
    (post,) = await rig.speech.point(moment(SECOND, NO_GO, RED, before=CALM))
    assert first(post.message).endswith(LEAD)
    (post,) = await rig.speech.point(moment(SECOND, NO_GO, RED, before=TROUBLE))
    assert LEAD not in post.message.text
    rig.lead.mention = None
    (post,) = await rig.speech.point(moment(SECOND, NO_GO, RED, before=CALM))
    assert "Nobody is called: GOLIVE_LEAD is not set." in first(post.message)


async def test_an_escalation_calls_in_a_post_of_its_own(rig: Rig) -> None:
    """In the channel, not in the thread; the checkpoint itself mentions nobody then."""
    posts = await rig.speech.point(moment(SECOND, NO_GO, RED, before=CALM, alarm=ALARM))
    assert outline(posts) == [("point:T+20", "status", True), (ALARM.key, None, False)]
    assert LEAD not in posts[0].message.text
    assert LEAD in first(posts[1].message)


async def test_a_tick_that_called_already_is_not_repeated_by_the_checkpoint(rig: Rig) -> None:
    """The first NO-GO in the thread is no news to the lead then."""
    state = WatchState(memory={"called:T+10 rollback:secret_leak": f"{START.isoformat()} x"})
    (post,) = await rig.speech.point(moment(SECOND, NO_GO, RED, before=CALM, state=state))
    assert LEAD not in post.message.text


async def test_an_escalation_brings_all_that_the_runbook_asks_for(rig: Rig) -> None:
    """The log's last fifty lines, masked by the live secrets; the picture of the hour."""
    rig.seen.log.lines = tuple(f"line {n}" for n in range(60))
    rig.seen.database.live = ("line 59",)
    view = moment(SECOND, NO_GO, RED).view
    message = (await rig.speech.escalation(view, ALARM)).message
    shown = words(message)
    assert "The last 50 lines of the log" in shown
    assert "line 10" in shown
    assert "line 9\n" not in shown
    assert "line 59" not in shown
    assert len(message.pictures) == 1
    assert "Affected: could not be counted" in shown


async def test_an_escalation_without_a_log_says_so_in_place_of_its_lines(rig: Rig) -> None:
    """It calls all the same."""
    lookout = looking(rig.seen, HandClock(START))
    lookout.sources = Sources()
    speech = Speech(runbook=BOOK, lookout=lookout, lead=rig.lead)
    message = (await speech.escalation(moment(SECOND, NO_GO, RED).view, ALARM)).message
    assert "No log was given to golive." in words(message)
    assert LEAD in first(message)


def test_the_second_call_names_how_long_nobody_answered(rig: Rig) -> None:
    """Under a key of its own, so that it is posted once."""
    view = moment(SECOND, NO_GO, RED).view
    post = rig.speech.reminder(view, ALARM.key, timedelta(minutes=5))
    assert post.key == f"{ALARM.key}:reminder"
    assert "not acknowledged for 5 min" in first(post.message)
    assert LEAD in first(post.message)


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
    rig: Rig, decision: Decision, finding: Finding, notes: tuple[Note, ...], offered: list[str]
) -> None:
    """Nobody is asked twice; a rollback that was declared is not offered again."""
    view = moment(SECOND, decision, finding, before=CALM, notes=notes).view
    assert buttons(rig.speech.status(view)) == offered


def test_a_closed_watch_offers_nothing(rig: Rig) -> None:
    """Its last message stands for ever."""
    closed = replace(DEPLOYMENT, closed_at=START, closed_by="U1")
    view = moment(SECOND, NO_GO, RED, before=CALM, deployment=closed).view
    assert buttons(rig.speech.status(view)) == []
    post = rig.speech.closed(view)
    assert (post.key, post.thread_of, buttons(post.message)) == ("closed", "status", [])


async def test_a_call_between_points_offers_to_answer_it(rig: Rig) -> None:
    """Although the last verdict was a GO."""
    view = replace(moment(SECOND, MONITOR, AMBER, before=CALM).view, live=True)
    post = await rig.speech.escalation(view, ALARM)
    assert buttons(post.message)[:2] == [ACK, ROLLBACK]
    assert buttons(rig.speech.reminder(view, ALARM.key, timedelta(minutes=5)).message)[0] == ACK


# --- the first and the last words ---------------------------------------------------------------


async def test_the_baseline_says_what_was_recorded_and_what_cannot_be_seen(rig: Rig) -> None:
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


async def test_a_baseline_that_sees_nothing_claims_nothing(rig: Rig) -> None:
    """No counter, no format: no sentence about them."""
    made = report(GREEN)
    blind = replace(made.evidence.log, problem=Problem(what="It cannot be read.", mend="Mend it."))
    found = replace(made, evidence=replace(made.evidence, log=blind))
    said = words((await rig.speech.point(moment(BASELINE, None, found=found)))[1].message)
    assert "rows inserted" not in said
    assert "Log format" not in said
    assert "It cannot be read. Mend it." in said


async def test_the_final_review_carries_the_picture_and_the_audit_s_digest(rig: Rig) -> None:
    """What was decided can be held against the audit later."""

    async def head() -> str:
        return "sha256:planted"

    speech = rig.speech
    speech.audit_head = head
    (post,) = await speech.point(moment(FINAL, GO, GREEN, before=CALM))
    assert len(post.message.pictures) == 1
    assert "sha256:planted" in "\n".join(
        block_words([*post.message.blocks, *post.message.coloured])
    )


async def test_an_acknowledgement_is_said_in_the_thread(rig: Rig) -> None:
    """Each under its own key: the next alarm may be answered by the same person."""
    view = moment(SECOND, NO_GO, RED).view
    one = rig.speech.acknowledged(view, noted(NoteKind.ACK, 25))
    two = rig.speech.acknowledged(view, noted(NoteKind.ACK, 55))
    assert one.thread_of == "status"
    assert one.key != two.key
    assert "is on it" in one.message.text


async def test_before_anything_was_measured_there_is_no_picture(rig: Rig) -> None:
    """The post-mortem of a watch that was closed at once has none."""
    view = replace(moment(BASELINE, None).view, report=None)
    assert await rig.speech.picture(view) is None
