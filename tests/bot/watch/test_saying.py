"""What a watch says at which moment, where, and whom it calls."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.watch import plan
from bot.watch.model import Point, Taken
from bot.watch.saying import Speech
from checks.engine.model import (
    Decision,
)
from checks.engine.runner import Sources
from tests.bot.watch.bench import looking
from tests.bot.watch.moments import (
    ALARM,
    BASELINE,
    BOOK,
    CALM,
    FINAL,
    FIRST,
    GO,
    HEALTH,
    LEAD,
    MONITOR,
    NO_GO,
    PULSE,
    SECOND,
    TROUBLE,
    Platform,
    first,
    moment,
    outline,
)
from tests.render.watches import (
    AMBER,
    DEPLOYMENT,
    GREEN,
    RED,
    START,
    point,
    report,
    taken,
    words,
)
from tests.support.hand import HandClock


@pytest.fixture
def rig() -> Platform:
    """Everything answers."""
    return Platform()


# --- which posts, and where ---------------------------------------------------------------------


async def test_the_baseline_opens_the_thread(rig: Platform) -> None:
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
    rig: Platform, at: Point, decision: Decision, before: tuple[Taken, ...], told: bool
) -> None:
    """Everything else stays in the thread."""
    posts = await rig.speech.point(moment(at, decision, GREEN, before=before))
    assert outline(posts) == [(f"point:{at.key}", "status", told)]


async def test_a_pulse_speaks_only_of_what_got_worse(rig: Platform) -> None:
    """It is held against the checkpoint before."""
    same = moment(PULSE, MONITOR, AMBER, before=CALM, previous=report(AMBER))
    assert await rig.speech.point(same) == []
    worse = moment(PULSE, NO_GO, RED, before=CALM, previous=report(AMBER))
    (post,) = await rig.speech.point(worse)
    assert "1 got worse" in first(post.message)
    assert post.broadcast


async def test_still_monitor_after_two_hours_asks_the_lead_to_decide(rig: Platform) -> None:
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


async def test_a_new_no_go_calls_in_its_own_post(rig: Platform) -> None:
    """A single CRITICAL is no escalation; as long as it lasts nobody is called again."""
    (post,) = await rig.speech.point(moment(SECOND, NO_GO, RED, before=CALM))
    assert first(post.message).endswith(LEAD)
    (post,) = await rig.speech.point(moment(SECOND, NO_GO, RED, before=TROUBLE))
    assert LEAD not in post.message.text
    rig.lead.mention = None
    (post,) = await rig.speech.point(moment(SECOND, NO_GO, RED, before=CALM))
    assert "Nobody is called: GOLIVE_LEAD is not set." in first(post.message)


async def test_an_escalation_calls_in_a_post_of_its_own(rig: Platform) -> None:
    """In the channel, not in the thread; the checkpoint itself mentions nobody then."""
    posts = await rig.speech.point(moment(SECOND, NO_GO, RED, before=CALM, alarm=ALARM))
    assert outline(posts) == [("point:T+20", "status", True), (ALARM.key, None, False)]
    assert LEAD not in posts[0].message.text
    assert LEAD in first(posts[1].message)


async def test_an_escalation_brings_all_that_the_runbook_asks_for(rig: Platform) -> None:
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
    assert "Affected: cannot be counted: " in shown


async def test_an_escalation_without_a_log_says_so_in_place_of_its_lines(rig: Platform) -> None:
    """It calls all the same."""
    lookout = looking(rig.seen, HandClock(START))
    lookout.sources = Sources()
    speech = Speech(runbook=BOOK, lookout=lookout, lead=rig.lead)
    message = (await speech.escalation(moment(SECOND, NO_GO, RED).view, ALARM)).message
    assert "No log was given to golive." in words(message)
    assert LEAD in first(message)


def test_the_second_call_names_how_long_nobody_answered(rig: Platform) -> None:
    """Under a key of its own, so that it is posted once."""
    view = moment(SECOND, NO_GO, RED).view
    post = rig.speech.reminder(view, ALARM.key, timedelta(minutes=5))
    assert post.key == f"{ALARM.key}:reminder"
    assert "not acknowledged for 5 min" in first(post.message)
    assert LEAD in first(post.message)
