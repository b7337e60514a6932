"""The demo's clock and timer: another pace at any moment, and no instant twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from bot.demo.pace import Pace, PacedClock, PacedTimer

T0 = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)


@dataclass(slots=True)
class Seconds:
    """Real seconds, as a test says."""

    passed: float = 0.0

    def __call__(self) -> float:
        """So many."""
        return self.passed


def test_simulated_time_goes_on_from_where_it_is_when_the_pace_changes() -> None:
    """Ten seconds at 60× and then ten at 1× are ten minutes and ten seconds."""
    seconds = Seconds()
    clock = PacedClock(T0, speed=60, monotonic=seconds)
    seconds.passed = 10
    clock.speed = 1
    seconds.passed = 20
    assert clock.now() == T0 + timedelta(minutes=10, seconds=10)
    assert clock.wait(clock.now() + timedelta(seconds=5)) == 5
    assert clock.wait(T0) == 0


@pytest.mark.parametrize("speed", [0, -1])
def test_time_neither_stands_still_nor_runs_back(speed: float) -> None:
    """Such a pace is refused."""
    with pytest.raises(ValueError, match="above 0"):
        PacedClock(T0, speed=speed)


def test_the_pace_of_the_moment_says_why_it_is_another() -> None:
    """Faster until the first checkpoint, slower while a dialog is open, else as chosen."""
    clock = PacedClock(T0, speed=1)
    pace = Pace(clock, 60)
    told: list[float] = []
    pace.changed.append(lambda: told.append(clock.speed))
    pace.hurry(on=True)
    assert pace.speed.why == "until the first checkpoint"
    pace.read(on=True)
    assert pace.speed.why == "while a dialog is open"
    pace.read(on=False)
    pace.hurry(on=False)
    pace.choose(10)
    assert pace.speed.why == ""
    assert told == [Pace.HURRY, 1, Pace.HURRY, 60, 10]


def note(
    done: list[str], name: str, enough: asyncio.Event, last: int
) -> Callable[[], Awaitable[None]]:
    """A job that says that it ran."""

    async def run() -> None:
        done.append(name)
        if len(done) == last:
            enough.set()

    return run


async def test_jobs_run_in_the_order_of_their_instants() -> None:
    """Also an overdue one; a cancelled and a replaced one never."""
    timer = PacedTimer(PacedClock(T0, speed=10_000))
    done: list[str] = []
    enough = asyncio.Event()
    for minutes, name in ((3, "third"), (1, "first"), (-1, "overdue"), (2, "second")):
        timer.at(T0 + timedelta(minutes=minutes), name, note(done, name, enough, 4))
    timer.at(T0 + timedelta(minutes=1), "gone", note(done, "gone", enough, 4))
    timer.cancel("gone")
    timer.at(T0 + timedelta(minutes=2), "second", note(done, "second", enough, 4))
    await asyncio.wait_for(enough.wait(), 5)
    await timer.stop()
    assert done == ["overdue", "first", "second", "third"]


async def test_a_waiting_job_follows_the_pace() -> None:
    """A job an hour away runs at once when the clock is made fast enough."""
    clock = PacedClock(T0, speed=0.001)
    timer = PacedTimer(clock)
    done: list[str] = []
    enough = asyncio.Event()
    timer.at(T0 + timedelta(hours=1), "late", note(done, "late", enough, 1))
    clock.speed = 1_000_000
    await asyncio.wait_for(enough.wait(), 5)
    await timer.stop()
    assert done == ["late"]


async def test_a_job_that_breaks_does_not_stop_the_others() -> None:
    """It is named in golive's own log."""
    timer = PacedTimer(PacedClock(T0, speed=1))
    done: list[str] = []
    enough = asyncio.Event()

    async def broken() -> None:
        raise ValueError

    with capture_logs() as logged:
        timer.at(T0, "broken", broken)
        timer.at(T0 + timedelta(microseconds=1), "well", note(done, "well", enough, 1))
        await asyncio.wait_for(enough.wait(), 5)
        await timer.stop()
    assert [entry["job"] for entry in logged] == ["broken"]
