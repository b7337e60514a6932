"""Waiting on the injected clock, and Slack's limits kept by waiting before a call."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from datetime import datetime, timedelta
from typing import Final

from bot.clock import Clock, Timer

_NUMBERS: Final = itertools.count()
"""Of all waits of the process: one timer serves them all, and a key twice would lose a wait."""


class Pause:
    """Waits by the clock and the timer that everything else goes by.

    Args:
        clock: gives the instant.
        timer: calls back at one.
    """

    def __init__(self, clock: Clock, timer: Timer) -> None:
        self._clock = clock
        self._timer = timer

    def now(self) -> datetime:
        """The clock's instant."""
        return self._clock.now()

    async def until(self, instant: datetime) -> None:
        """Wait for an instant; one that is past does not wait."""
        if instant <= self._clock.now():
            return
        reached = asyncio.Event()

        async def arrive() -> None:
            reached.set()

        key = f"slack:pause:{next(_NUMBERS)}"
        self._timer.at(instant, key, arrive)
        try:
            await reached.wait()
        finally:
            self._timer.cancel(key)

    async def span(self, span: timedelta) -> None:
        """Wait for a while."""
        await self.until(self._clock.now() + span)


class Limiter:
    """At most so many calls in any span of time, for each key by itself.

    Args:
        pause: the clock to go by.
        calls: how many.
        span: in which time.
    """

    def __init__(self, pause: Pause, *, calls: int, span: timedelta) -> None:
        self._pause = pause
        self._calls = calls
        self._span = span
        self._taken: dict[str, deque[datetime]] = {}
        self._held: dict[str, datetime] = {}

    def take(self, key: str = "") -> datetime:
        """Take the next turn and say when it is, which may be now."""
        now = self._pause.now()
        self._forget(now)
        turns = self._taken.setdefault(key, deque(maxlen=self._calls))
        full = len(turns) == self._calls
        turn = max(now, turns[0] + self._span) if full else max(now, *turns) if turns else now
        turns.append(turn)
        return turn

    def free_at(self, key: str = "") -> datetime:
        """When the next turn would be, without taking it."""
        turns = self._taken.get(key)
        now = self._pause.now()
        if turns is None or len(turns) < self._calls:
            return now
        return max(now, turns[0] + self._span)

    def held_for(self, key: str = "") -> timedelta:
        """How long Slack still asks to wait; nothing where it does not."""
        return max(timedelta(0), self._held.get(key, self._pause.now()) - self._pause.now())

    async def turn(self, key: str = "") -> None:
        """Take the next turn and wait for it."""
        await self._pause.until(self.take(key))

    def hold(self, until: datetime, key: str = "") -> None:
        """Slack said that it is too much: nothing before an instant."""
        self._held[key] = until
        self._taken[key] = deque([until - self._span] * self._calls, maxlen=self._calls)

    def _forget(self, now: datetime) -> None:
        """Drop the keys that hold nothing back any more, so that they do not pile up."""
        if len(self._taken) > 1_000:
            self._taken = {k: t for k, t in self._taken.items() if t[-1] + self._span > now}
            self._held = {k: until for k, until in self._held.items() if until > now}
