"""Remembers answers for a while, and asks only once for what several want at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from bot.clock import Clock

T = TypeVar("T")

_MOST = 2_000


class Cached(Generic[T]):
    """Answers by key, each for some time; what failed is not remembered.

    Args:
        clock: gives the instant.
        keep: how long an answer holds.
        ask: gets the answer.
    """

    def __init__(self, clock: Clock, keep: timedelta, ask: Callable[[str], Awaitable[T]]) -> None:
        self._clock = clock
        self._keep = keep
        self._ask = ask
        self._known: dict[str, tuple[datetime, T]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def get(self, key: str, *, since: datetime | None = None) -> T:
        """The answer, at most `keep` old, and not asked before `since`."""
        lock = self._locks.setdefault(key, asyncio.Lock())
        try:
            async with lock:
                known = self._known.get(key)
                now = self._clock.now()
                fresh = since is None or (known is not None and known[0] - self._keep >= since)
                if known is not None and now < known[0] and fresh:
                    return known[1]
                answer = await self._ask(key)
                self._remember(key, now, answer)
                return answer
        finally:
            if not lock.locked():
                self._locks.pop(key, None)

    def _remember(self, key: str, now: datetime, answer: T) -> None:
        if len(self._known) >= _MOST:
            self._known = {k: entry for k, entry in self._known.items() if now < entry[0]}
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[key] = (now + self._keep, answer)
