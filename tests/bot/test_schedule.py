"""The wall timer: a job runs however late it is."""

from __future__ import annotations

import asyncio
import gc
from datetime import UTC, datetime, timedelta, tzinfo

import pytest

from bot import schedule
from bot.clock import SystemClock


class _AnHourAgo(datetime):
    """The machine's clock before it was set forward."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:
        return datetime.now(tz) - timedelta(hours=1)


async def test_a_job_that_is_an_hour_late_still_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine slept, or its clock was set: what recurs sets itself anew only if it runs."""
    ran = asyncio.Event()

    async def run() -> None:
        ran.set()

    timer = schedule.WallTimer(SystemClock())
    timer.start()
    with monkeypatch.context() as patched:
        patched.setattr(schedule, "datetime", _AnHourAgo)
        timer.at(datetime.now(UTC), "late", run)
    await asyncio.wait_for(ran.wait(), 5)
    await timer.stop()


async def test_nothing_is_kept_of_a_job_that_ran() -> None:
    """A watch has a key, and so has each wait for Slack's limits: in a month there are many."""
    ran = asyncio.Semaphore(0)

    async def run() -> None:
        ran.release()

    timer = schedule.WallTimer(SystemClock())
    timer.start()
    before = _locks()
    for number in range(50):
        timer.at(datetime.now(UTC), f"job:{number}", run)
    for _ in range(50):
        await asyncio.wait_for(ran.acquire(), 5)
    await timer.stop()
    assert _locks() == before


def _locks() -> int:
    gc.collect()
    return sum(type(one) is asyncio.Lock for one in gc.get_objects())
