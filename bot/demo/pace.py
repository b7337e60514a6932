"""Time that runs faster than life, at a pace that can be changed while it runs."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

import structlog

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


class PacedClock:
    """Implements `Clock`: simulated instants, so many simulated seconds a real one.

    Args:
        start: the first instant; aware, in UTC.
        speed: simulated seconds a real second.
        monotonic: gives real seconds.
    """

    def __init__(
        self, start: datetime, *, speed: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._monotonic = monotonic
        self._from = start
        self._since = monotonic()
        self._speed = _checked(speed)
        self.changed: list[Callable[[], None]] = []

    def now(self) -> datetime:
        """The simulated instant."""
        return self._from + timedelta(seconds=(self._monotonic() - self._since) * self._speed)

    @property
    def speed(self) -> float:
        """Simulated seconds a real second."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        self._from, self._since = self.now(), self._monotonic()
        self._speed = _checked(speed)
        for tell in tuple(self.changed):
            tell()

    def wait(self, instant: datetime) -> float:
        """Real seconds until an instant, at the present pace."""
        return max(0.0, (instant - self.now()).total_seconds() / self._speed)


def _checked(speed: float) -> float:
    if not speed > 0:
        raise ValueError("The demo's speed is a number above 0, such as 60.")
    return speed


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    instant: datetime
    run: Callable[[], Awaitable[None]]


class PacedTimer:
    """Implements `Timer` on a `PacedClock`; waiting jobs follow when its pace changes."""

    def __init__(self, clock: PacedClock) -> None:
        self._clock = clock
        self._jobs: dict[str, _Job] = {}
        # Weak: a key is often used once, such as that of a watch; its lock goes with its last job.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._running: set[asyncio.Task[None]] = set()
        self._alarm: asyncio.TimerHandle | None = None
        self._stopped = False
        clock.changed.append(self._arm)

    def at(self, instant: datetime, key: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run a job at an instant; a job that waits under the same key is replaced."""
        self._jobs[key] = _Job(instant=instant, run=run)
        self._arm()

    def cancel(self, key: str) -> None:
        """Forget a waiting job; one that runs already goes on."""
        self._jobs.pop(key, None)

    async def stop(self) -> None:
        """Set nothing off any more, and wait for what runs."""
        self._stopped = True
        self._jobs.clear()
        if self._alarm is not None:
            self._alarm.cancel()
        while self._running:
            await asyncio.gather(*self._running, return_exceptions=True)

    def _arm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._jobs and not self._stopped:
            first = min(job.instant for job in self._jobs.values())
            loop = asyncio.get_running_loop()
            self._alarm = loop.call_later(self._clock.wait(first), self._ring)

    def _ring(self) -> None:
        now = self._clock.now()
        due = [key for key, job in self._jobs.items() if job.instant <= now]
        for key in sorted(due, key=lambda one: self._jobs[one].instant):
            task = asyncio.create_task(self._one(key, self._jobs.pop(key)), name=key)
            self._running.add(task)
            task.add_done_callback(self._ended)
        self._arm()

    async def _one(self, key: str, job: _Job) -> None:
        async with self._locks.setdefault(key, asyncio.Lock()):
            await job.run()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        frames = traceback.extract_tb(error.__traceback__)
        _log.error(
            "timer",
            job=task.get_name(),
            error=type(error).__name__,
            traceback=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """The pace of the moment.

    now:    simulated seconds a real one
    chosen: what people chose
    why:    why it is another one now; "" where it is not
    """

    now: float
    chosen: float
    why: str = ""


class Pace:
    """Sets a clock's pace: as chosen, faster until there is something to see, slower to read.

    Args:
        clock: whose pace it is.
        chosen: simulated seconds a real one.
    """

    HURRY = 150.0
    LIFE = 1.0

    def __init__(self, clock: PacedClock, chosen: float) -> None:
        self._clock = clock
        self._chosen = chosen
        self._hurrying = False
        self._reading = False
        self.changed: list[Callable[[], None]] = []

    @property
    def speed(self) -> Speed:
        """The pace of the moment, and why."""
        if self._reading and self._chosen > self.LIFE:
            return Speed(now=self.LIFE, chosen=self._chosen, why="while a dialog is open")
        if self._hurrying and self._chosen < self.HURRY:
            return Speed(now=self.HURRY, chosen=self._chosen, why="until the first checkpoint")
        return Speed(now=self._chosen, chosen=self._chosen)

    def choose(self, speed: float) -> None:
        """Somebody wants another pace."""
        self._chosen, self._hurrying = _checked(speed), False
        self._set()

    def hurry(self, *, on: bool) -> None:
        """Nothing is to be seen yet; or now there is."""
        self._hurrying = on
        self._set()

    def read(self, *, on: bool) -> None:
        """Somebody has a dialog open; or nobody has any more."""
        if self._reading != on:
            self._reading = on
            self._set()

    def _set(self) -> None:
        self._clock.speed = self.speed.now
        for tell in tuple(self.changed):
            tell()
