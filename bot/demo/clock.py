"""The demo's clock: it moves in whole steps; how long a step takes is another's choice."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

Sleep = Callable[[float], Awaitable[None]]


class DemoClock:
    """A simulated instant, and the pace at which it moves.

    Args:
        start: the first instant.
        speed: simulated seconds a real second; math.inf does not wait at all.
        sleep: waits for so many real seconds.
    """

    def __init__(self, start: datetime, *, speed: float, sleep: Sleep) -> None:
        if not speed > 0:
            raise ValueError("The demo's speed is a number above 0, such as 75.")
        self._now = start
        self._speed = speed
        self._sleep = sleep

    def now(self) -> datetime:
        """The simulated instant."""
        return self._now

    async def advance(self, span: timedelta) -> None:
        """Let so much simulated time pass."""
        if math.isfinite(self._speed):
            await self._sleep(span.total_seconds() / self._speed)
        self._now += span
