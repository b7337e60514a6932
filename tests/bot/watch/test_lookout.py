"""How far the log was read, whom one look serves, and the marks of a log without times."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.watch.lookout import MARKS_KEPT
from bot.watch.shared import SHARED
from checks.engine.model import Level, Report
from checks.sources.logs.source import Mark
from tests.bot.watch.bench import (
    Tower,
    about,
    at,
    watch,
)

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


@pytest.fixture
def rig() -> Tower:
    """At T+0."""
    return Tower()


# --- windows ------------------------------------------------------------------------------------


async def test_a_watch_is_about_all_since_the_deploy_and_reads_the_log_on(rig: Tower) -> None:
    """Each look costs what is new."""
    lookout = rig.lookout()
    for minutes in (0, 10, 20):
        rig.clock.instant = at(minutes)
        await lookout.watch(about())
    assert rig.windows == [(0, 0, False), (0, 10, True), (0, 20, True)]


async def test_a_follow_up_is_about_the_last_hour(rig: Tower) -> None:
    """Exactly: what is older than its window may not be counted, so the log is read anew."""
    lookout = rig.lookout()
    for minutes in (30, 75, 90):
        rig.clock.instant = at(minutes)
        await lookout.watch(about(recent=True))
    assert rig.windows == [(0, 30, False), (15, 75, False), (30, 90, False)]


async def test_a_look_that_need_not_be_exact_reads_on_for_ten_minutes(rig: Tower) -> None:
    """A tick every half minute does not read an hour of log each time."""
    lookout = rig.lookout()
    for minutes in (70, 75, 80, 81):
        rig.clock.instant = at(minutes)
        await lookout.tick(about(recent=True, exact=False))
    assert [on for _, _, on in rig.windows] == [False, True, True, False]


async def test_a_clock_before_the_deploy_looks_at_nothing_and_breaks_nothing(
    rig: Tower,
) -> None:
    """Another replica's clock may be ahead."""
    rig.clock.instant = at(-1)
    report = await rig.lookout().watch(about())
    assert rig.windows == [(0, 0, False)]
    assert report.taken_at == at(-1)


async def test_watches_are_read_apart_and_forgotten_with_their_end(rig: Tower) -> None:
    """Two deploys have two windows; after the end nothing is kept of one."""
    lookout = rig.lookout()
    other = watch("other", deployed_at=at(-30))
    await lookout.watch(about())
    await lookout.watch(replace(about(), deployment=other))
    lookout.forget(str(other.id))
    await lookout.watch(replace(about(), deployment=other))
    await lookout.watch(about())
    assert [(since, on) for since, _, on in rig.windows] == [
        (0, False),
        (-30, False),
        (-30, False),
        (0, True),
    ]


async def test_two_looks_at_one_watch_read_the_log_one_after_the_other(rig: Tower) -> None:
    """A tick and a point at the same instant: what one read, the other does not read again."""
    lookout = rig.lookout()
    await asyncio.gather(lookout.watch(about()), lookout.tick(about(exact=False)))
    assert [on for _, _, on in rig.windows] == [False, True]


# --- whom a look serves -------------------------------------------------------------------------


async def test_callers_at_once_share_one_look(rig: Tower) -> None:
    """Two hundred people who type `/golive status` cost as much as one."""
    lookout = rig.lookout()
    reports = await asyncio.gather(*(lookout.live() for _ in range(50)))
    assert len(rig.seen.log.requests) == 1
    assert len({id(report) for report in reports}) == 1
    assert {(f.level is Level.UNKNOWN, f.check) for f in reports[0].findings} >= {
        (False, "http_5xx")
    }


async def test_a_look_serves_for_ten_seconds(rig: Tower) -> None:
    """Then the next caller looks anew, an hour back from now."""
    lookout = rig.lookout()
    first = await lookout.live()
    rig.clock.instant += SHARED
    assert await lookout.live() is first
    rig.clock.instant += SECOND
    assert (await lookout.live()).taken_at == rig.clock.instant
    assert len(rig.windows) == 2


async def test_a_look_from_before_the_clock_was_set_back_serves_nobody(rig: Tower) -> None:
    """Else it would be shown until the clock is there again, an hour later."""
    lookout = rig.lookout()
    await lookout.live()
    rig.clock.instant -= HOUR
    assert (await lookout.live()).taken_at == rig.clock.instant


async def test_what_was_decided_is_seen_by_the_next_caller(rig: Tower) -> None:
    """An accepted check is not shown as open for ten more seconds."""
    lookout = rig.lookout()
    made: list[Report] = []

    async def look() -> Report:
        made.append(await lookout.watch(about()))
        return made[-1]

    await lookout.shared("w", look)
    lookout.expire("w")
    lookout.expire("never looked at")
    assert await lookout.shared("w", look) is made[1]


async def test_a_look_that_fails_serves_nobody(rig: Tower) -> None:
    """The error is its caller's; the next one looks again."""
    lookout = rig.lookout()

    async def fails() -> Report:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await lookout.shared("w", fails)
    assert await lookout.shared("w", lambda: lookout.watch(about())) is not None


async def test_kept_warm_the_next_look_reads_little(rig: Tower) -> None:
    """It reads on from there, though the hour it is about has moved."""
    lookout = rig.lookout()
    await lookout.keep_warm()
    rig.clock.instant = at(5)
    await lookout.live()
    assert rig.windows == [(-60, 0, False), (-55, 5, True)]


# --- marks --------------------------------------------------------------------------------------


def mark(minutes: float, offset: int = 0) -> Mark:
    """How large the log was so many minutes after T+0."""
    return Mark(path="/app.log", at=at(minutes), inode=1, offset=offset)


async def test_marks_of_all_replicas_give_times_to_a_log_without(rig: Tower) -> None:
    """Each once, in the order of time; they are handed to every scan."""
    lookout = rig.lookout()
    rig.seen.log.sizes = (mark(0, 5),)
    assert await lookout.mark() == (mark(0, 5),)
    lookout.remember_marks([mark(-2, 1), mark(0, 5), mark(-1, 3)])
    await lookout.live()
    assert rig.seen.log.requests[0].marks == (mark(-2, 1), mark(-1, 3), mark(0, 5))


@settings(max_examples=40)
@given(ages=st.lists(st.integers(0, 400), max_size=20))
async def test_marks_older_than_any_window_are_let_go(ages: list[int]) -> None:
    """A bot that runs for weeks keeps three hours of them."""
    rig = Tower()
    lookout = rig.lookout()
    lookout.remember_marks([mark(-age) for age in ages])
    await lookout.live()
    kept = sorted({-age for age in ages if timedelta(minutes=age) <= MARKS_KEPT})
    assert list(rig.seen.log.requests[0].marks) == [mark(age) for age in kept]
