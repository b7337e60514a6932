"""Reports that callers within a few seconds share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

from bot.clock import Clock
from checks.engine.model import Report

SHARED = timedelta(seconds=10)
"""How old a live measurement may be and still answer the next caller."""


@dataclass(slots=True)
class _Kept:
    report: Report | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Shared:
    """The newest report under each key.

    Args:
        clock: says how old one is.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[str, _Kept] = {}

    async def report(self, key: str, look: Callable[[], Awaitable[Report]]) -> Report:
        """The newest report under a key if it is young enough, else a new one, once for all."""
        kept = self._kept.setdefault(key, _Kept())
        async with kept.lock:
            found = kept.report
            # One from the future was taken before the clock was set back.
            young = found is not None and (
                timedelta(0) <= self._clock.now() - found.taken_at <= SHARED
            )
            if found is None or not young:
                found = kept.report = await look()
            return found

    def expire(self, key: str) -> None:
        """Let the next caller look anew: something was decided that changes the report."""
        if key in self._kept:
            self._kept[key].report = None

    def forget(self, key: str) -> None:
        """Drop what is kept under a key."""
        self._kept.pop(key, None)
