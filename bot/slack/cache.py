"""Remembers answers for a while, and asks only once for what several want at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from bot.clock import Clock

T = TypeVar("T")

_MOST = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer(Generic[T]):
    """An answer, and when it was asked for."""

    asked_at: datetime
    value: T


class Cached(Generic[T]):
    """Answers by key, each for some time; what failed is not remembered.

    There is one question at a time for a key. All who wait for it get its answer, or its failure:
    a service that asks to wait is not asked once more by each of them.

    Args:
        clock: gives the instant.
        keep: how long an answer holds.
        ask: gets the answer.
    """

    def __init__(self, clock: Clock, keep: timedelta, ask: Callable[[str], Awaitable[T]]) -> None:
        self._clock = clock
        self._keep = keep
        self._ask = ask
        self._known: dict[str, _Answer[T]] = {}
        self._asking: dict[str, asyncio.Future[_Answer[T]]] = {}

    async def get(self, key: str, *, since: datetime | None = None) -> T:
        """The answer, at most `keep` old, and not asked before `since`."""
        while True:
            known = self._known.get(key)
            if known is not None and self._holds(known, since):
                return known.value
            asking = self._asking.get(key)
            if asking is None:
                return (await self._begin(key)).value
            await asyncio.wait({asking})
            # Whoever asked may have been cancelled; then the next one asks.
            if not asking.cancelled() and (error := asking.exception()) is not None:
                raise error

    def _holds(self, known: _Answer[T], since: datetime | None) -> bool:
        # An answer from the future was asked for before the clock was set back.
        young = timedelta(0) <= self._clock.now() - known.asked_at < self._keep
        return young and (since is None or known.asked_at >= since)

    async def _begin(self, key: str) -> _Answer[T]:
        """Ask, for all who come meanwhile."""
        asking: asyncio.Future[_Answer[T]] = asyncio.get_running_loop().create_future()
        self._asking[key] = asking
        try:
            asked_at = self._clock.now()
            answer = _Answer(asked_at=asked_at, value=await self._ask(key))
        except Exception as error:
            asking.set_exception(error)
            asking.exception()  # else asyncio reports it where nobody else waited
            raise
        except BaseException:
            asking.cancel()
            raise
        else:
            self._remember(key, answer)
            asking.set_result(answer)
            return answer
        finally:
            del self._asking[key]

    def _remember(self, key: str, answer: _Answer[T]) -> None:
        if len(self._known) >= _MOST:
            self._known = {k: one for k, one in self._known.items() if self._holds(one, None)}
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[key] = answer
