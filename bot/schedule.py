"""The Timer port on APScheduler: one-shot jobs in memory, nothing more.

APScheduler asks the machine's clock and cannot be given another; it is only a wall timer here. An
instant of the injected clock becomes `now + (instant - clock.now()) / speed`.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from contextvars import Context
from datetime import UTC, datetime, timedelta
from weakref import WeakValueDictionary

import structlog
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, JobEvent
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from bot.clock import Clock

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


class WallTimer:
    """`Timer` on the machine's clock.

    Args:
        clock: whose instants the jobs are set to.
        speed: how many times faster than the wall that clock runs; 1.0 for the machine's own.
    """

    def __init__(self, clock: Clock, *, speed: float = 1.0) -> None:
        self._clock = clock
        self._speed = speed
        self._scheduler = AsyncIOScheduler(
            timezone=UTC,
            # A job is never too late to run (the machine slept, its clock was set): most of them
            # set the next one, and a watch whose timer is dropped would be over in silence.
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        # Weak: a key is often used once, such as that of a watch; its lock goes with its last job.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._running: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to call back; jobs set before wait until then."""
        self._scheduler.add_listener(_report, EVENT_JOB_ERROR | EVENT_JOB_MAX_INSTANCES)
        self._scheduler.start()

    async def stop(self) -> None:
        """Set nothing off any more, and wait for what runs."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        while self._running:
            await asyncio.gather(*self._running, return_exceptions=True)

    def at(self, instant: datetime, key: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run a job at an instant; a job that waits under the same key is replaced."""
        delay = max(timedelta(0), (instant - self._clock.now()) / self._speed)

        async def fire() -> None:
            # A task of its own: shutting the scheduler down cancels what it runs itself, and it
            # drops a job whose namesake still runs.
            # In a context of its own: what it logs carries its own ids, not those of whoever set
            # the timer.
            task = asyncio.create_task(self._one_by_one(key, run), name=key, context=Context())
            self._running.add(task)
            task.add_done_callback(self._ended)

        self._scheduler.add_job(
            fire, "date", run_date=datetime.now(UTC) + delay, id=key, replace_existing=True
        )

    def cancel(self, key: str) -> None:
        """Forget a waiting job; one that runs already goes on."""
        try:
            self._scheduler.remove_job(key)
        except JobLookupError:
            return

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _complain(task.get_name(), error)

    async def _one_by_one(self, key: str, run: Callable[[], Awaitable[None]]) -> None:
        async with self._locks.setdefault(key, asyncio.Lock()):
            await run()


def _report(event: JobEvent) -> None:
    _complain(str(event.job_id), getattr(event, "exception", None))


def _complain(job: str, error: BaseException | None) -> None:
    """Say in golive's own log which job broke or was dropped, and where; never an error's words."""
    trace = traceback.extract_tb(None if error is None else error.__traceback__)
    _log.error(
        "timer",
        job=job,
        error=type(error).__name__ if error is not None else "dropped",
        traceback=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in trace],
    )
