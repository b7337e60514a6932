"""Time moved by hand: a clock that stands still, and a timer that fires when it is moved."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from weakref import WeakValueDictionary


@dataclass(slots=True)
class HandClock:
    """Implements `Clock`: the instant is what a test says."""

    instant: datetime

    def now(self) -> datetime:
        """The instant."""
        return self.instant


@dataclass(slots=True, kw_only=True)
class _Job:
    instant: datetime
    number: int
    run: Callable[[], Awaitable[None]]


@dataclass(slots=True, kw_only=True)
class HandTimer:
    """Implements `Timer`: jobs run when the clock is moved past their instant.

    quiet: waits until everything that jobs set off has come to rest, or waits for the clock.
    """

    clock: HandClock
    quiet: Callable[[], Awaitable[None]] | None = None
    failures: list[BaseException] = field(default_factory=list[BaseException])
    jobs: dict[str, _Job] = field(default_factory=dict[str, _Job])
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)
    _running: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    _locks: WeakValueDictionary[str, asyncio.Lock] = field(
        default_factory=WeakValueDictionary[str, asyncio.Lock]
    )

    def at(self, instant: datetime, key: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run a job once the clock is there."""
        self.jobs[key] = _Job(instant=instant, number=next(self._numbers), run=run)
        self.changed.set()

    def cancel(self, key: str) -> None:
        """Forget a waiting job."""
        self.jobs.pop(key, None)

    @property
    def busy(self) -> bool:
        """Whether a job runs."""
        return bool(self._running)

    async def advance(self, span: timedelta) -> None:
        """Move the clock on by a span, job by job."""
        await self.reach(self.clock.instant + span)

    async def reach(self, until: datetime) -> None:
        """Move the clock to an instant; each job on the way runs at its own."""
        while True:
            await self.rest()
            key = min(
                (key for key, job in self.jobs.items() if job.instant <= until),
                key=lambda key: (self.jobs[key].instant, self.jobs[key].number),
                default=None,
            )
            if key is None:
                break
            self.fire(key)
        self.clock.instant = max(self.clock.instant, until)

    def fire(self, key: str) -> None:
        """Move the clock to a job's instant, and let it run."""
        job = self.jobs.pop(key)
        self.clock.instant = max(self.clock.instant, job.instant)
        task = asyncio.ensure_future(self._one(key, job))
        self._running.add(task)
        task.add_done_callback(self._ended)

    async def rest(self) -> None:
        """Wait until nothing goes on that does not wait for the clock."""
        if self.quiet is not None:
            await self.quiet()
        elif self._running:
            await asyncio.wait(self._running)

    async def _one(self, key: str, job: _Job) -> None:
        async with self._locks.setdefault(key, asyncio.Lock()):
            await job.run()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self.changed.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            self.failures.append(error)
