"""When a watch has something to do: the hour, the follow-ups by verdict, and what was missed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.watch import plan
from bot.watch.model import Deployment, Point, Taken
from checks import CHECKS
from checks.engine.model import Decision
from checks.engine.runbook import load_runbook

BOOK = load_runbook(checks=CHECKS)
T0 = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)
WATCH = Deployment(
    id=UUID(int=1),
    channel="C1",
    version="v1",
    deployed_at=T0,
    started_by="U1",
    started_at=T0,
)
GO, MONITOR, NO_GO = Decision.GO, Decision.MONITOR, Decision.NO_GO


def minutes(number: float) -> timedelta:
    """So many minutes."""
    return timedelta(minutes=number)


def took(point: Point, decision: Decision | None, *, late: float = 0) -> Taken:
    """A point, taken so many minutes late."""
    return Taken(point=point, taken_at=point.due_at + minutes(late), decision=decision)


def the_hour(final: Decision, *, late: float = 0) -> list[Taken]:
    """All points of the hour taken on time, the final review with this verdict."""
    points = plan.hour(WATCH, BOOK)
    return [
        took(p, final if p.run == "final" else GO, late=late if p.run == "final" else 0)
        for p in points
    ]


def play(taken: list[Taken], decisions: list[Decision], until: timedelta) -> list[str]:
    """Take follow-ups on time with these verdicts (the last one again and again); their keys."""
    keys: list[str] = []
    while True:
        now = max(one.taken_at for one in taken)
        point = plan.next_point(WATCH, BOOK, taken, now)
        if point is None or point.due_at > T0 + until:
            return keys
        decision = decisions[min(len(keys), len(decisions) - 1)]
        keys.append(point.key)
        taken.append(took(point, decision))


def test_the_hour_is_the_runbooks() -> None:
    """Every point of the schedule at its instant, with the thresholds that hold there."""
    points = [(p.key, p.run, p.checkpoint) for p in plan.hour(WATCH, BOOK)]
    assert points == [
        ("T+0", "baseline", None),
        ("T+5", "health", None),
        ("T+10", "checkpoint", "1"),
        ("T+20", "checkpoint", "2"),
        ("T+30", "checkpoint", "3"),
        ("T+40", "pulse", "3"),
        ("T+50", "pulse", "3"),
        ("T+60", "final", "final"),
    ]


def test_what_was_missed_is_taken_one_after_the_other() -> None:
    """After a restart at T+35, T+10 comes first: none of the hour is skipped."""
    taken = [took(p, GO) for p in plan.hour(WATCH, BOOK)[:2]]
    point = plan.next_point(WATCH, BOOK, taken, T0 + minutes(35))
    assert point is not None
    assert point.key == "T+10"


def test_go_is_looked_at_hourly_for_eight_hours_then_every_four_for_a_day() -> None:
    """As the runbook's next steps say; then the watch is over."""
    keys = play(the_hour(GO), [GO], timedelta(days=9))
    assert keys[:8] == [f"T+{60 + 60 * n}" for n in range(1, 9)]
    assert keys[8:] == [f"T+{540 + 240 * n}" for n in range(1, 7)]
    taken = the_hour(GO)
    play(taken, [GO], timedelta(days=9))
    assert plan.next_point(WATCH, BOOK, taken, T0 + timedelta(days=2)) is None


def test_monitor_is_looked_at_every_quarter_for_two_hours_then_hourly() -> None:
    """Still MONITOR at the end of the two hours: hourly from there, until somebody decides."""
    keys = play(the_hour(MONITOR), [MONITOR], minutes(400))
    assert keys[:8] == [f"T+{60 + 15 * n}" for n in range(1, 9)]
    assert keys[8:] == ["T+240", "T+300", "T+360"]


def test_monitor_that_becomes_go_is_decided_at_the_end_of_the_two_hours() -> None:
    """A GO in between is not yet the end of watching closely."""
    keys = play(the_hour(MONITOR), [GO], minutes(400))
    assert keys[:8] == [f"T+{60 + 15 * n}" for n in range(1, 9)]
    assert keys[8:] == ["T+240", "T+300", "T+360"]
    taken = the_hour(MONITOR)
    play(taken, [GO], minutes(180))
    state = plan.cadence(BOOK, taken)
    assert state is not None
    assert state.decision is GO


def test_an_hourly_look_that_says_go_ends_monitor() -> None:
    """The open stretch is there because nothing was decided: each of its looks may decide."""
    taken = the_hour(MONITOR)
    play(taken, [MONITOR] * 8 + [GO], minutes(240))
    state = plan.cadence(BOOK, taken)
    assert state is not None
    assert (state.decision, state.phase) == (GO, 0)


def test_no_go_is_looked_at_every_ten_minutes_until_it_is_closed() -> None:
    """Even if it looks better: the release was declared bad, a person ends it."""
    keys = play(the_hour(NO_GO), [NO_GO, GO], minutes(120))
    assert keys == [f"T+{60 + 10 * n}" for n in range(1, 7)]


@pytest.mark.parametrize("calm", [GO, MONITOR])
def test_a_worse_verdict_is_followed_more_closely_at_once(calm: Decision) -> None:
    """A NO-GO during the follow-up is looked at every ten minutes from there."""
    taken = the_hour(calm)
    first = plan.next_point(WATCH, BOOK, taken, T0 + minutes(60))
    assert first is not None
    taken.append(took(first, NO_GO))
    after = plan.next_point(WATCH, BOOK, taken, first.due_at)
    assert after is not None
    assert after.due_at == first.due_at + minutes(10)


def test_of_missed_follow_ups_only_the_newest_is_taken() -> None:
    """They would all say the same at the same instant."""
    point = plan.next_point(WATCH, BOOK, the_hour(NO_GO), T0 + minutes(137))
    assert point is not None
    assert point.key == "T+130"


def test_a_late_final_review_does_not_make_follow_ups_due_before_it() -> None:
    """Taken at T+82: the next look after it is at T+90, not the two that lie in between."""
    point = plan.next_point(WATCH, BOOK, the_hour(NO_GO, late=22), T0 + minutes(82))
    assert point is not None
    assert point.key == "T+90"


def test_the_lead_is_asked_once_when_two_hours_decided_nothing() -> None:
    """At the last look of the stretch that was to decide, and not again."""
    taken = the_hour(MONITOR)
    asked: list[str] = []
    for _ in range(10):
        now = max(one.taken_at for one in taken)
        point = plan.next_point(WATCH, BOOK, taken, now)
        assert point is not None
        taken.append(took(point, MONITOR))
        if plan.asks_to_decide(BOOK, taken):
            asked.append(point.key)
    assert asked == ["T+180"]


def test_a_checkpoint_that_somebody_asked_for_changes_no_schedule() -> None:
    """It stands outside of it, whatever it said."""
    taken = the_hour(GO)
    manual = Point(key="T+61:07", run=plan.MANUAL, checkpoint="final", due_at=T0 + minutes(61.1))
    before = plan.next_point(WATCH, BOOK, taken, T0 + minutes(62))
    assert plan.next_point(WATCH, BOOK, [*taken, took(manual, NO_GO)], T0 + minutes(62)) == before


@given(
    decisions=st.lists(st.sampled_from([GO, MONITOR, NO_GO]), min_size=1, max_size=60),
    lates=st.lists(st.integers(0, 300), min_size=1, max_size=60),
)
def test_points_never_repeat_and_never_go_back(decisions: list[Decision], lates: list[int]) -> None:
    """Whatever the verdicts and however late: each point has a key of its own, in time order."""
    taken: list[Taken] = []
    now = T0
    for number in range(60):
        point = plan.next_point(WATCH, BOOK, taken, now)
        if point is None:
            break
        assert point.key not in {one.point.key for one in taken}
        if taken and taken[-1].point.run == plan.FOLLOW_UP:
            assert point.due_at > taken[-1].point.due_at
        now = max(now, point.due_at) + timedelta(seconds=lates[number % len(lates)] * 20)
        decision = decisions[number % len(decisions)]
        judged = None if point.run == "baseline" else decision
        taken.append(Taken(point=point, taken_at=now, decision=judged))
