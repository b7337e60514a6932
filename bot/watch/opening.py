"""Opening the store at the start, as often as it takes, and taking up its watches."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

import structlog

from bot.clock import Clock, Timer
from bot.storage.store import Store
from bot.storage.values import StoreUnavailable
from bot.watch.lookout import Lookout
from bot.watch.running import Running

AGAIN: Final = timedelta(seconds=5)
_JOB: Final = "store"

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


class Opening:
    """Opens the store; while it does not answer, again and again.

    Until then `/golive status` answers live, and says that there is no history.

    Args:
        store: to be opened; whoever made it closes it after `end`.
        lookout: is given the key of the store's fingerprints.
        running: takes up the watches of the store.
        clock, timer: give the instant and call back at one.
    """

    def __init__(
        self, store: Store, lookout: Lookout, running: Running, clock: Clock, timer: Timer
    ) -> None:
        self._store = store
        self._lookout = lookout
        self._running = running
        self._clock = clock
        self._timer = timer
        self._ended = False
        self._lock = asyncio.Lock()

    async def begin(self) -> None:
        """Open it.

        Raises:
            StoreUnavailable: it can be reached, and cannot be used as it is. Later on, once golive
                runs, that may be mended while it goes on.
        """
        try:
            await self._open()
        except StoreUnavailable as error:
            if not error.retry:
                raise
            self._later(error)

    async def end(self) -> None:
        """Open it no more; what is under way is waited for."""
        self._ended = True
        self._timer.cancel(_JOB)
        async with self._lock:
            return

    async def _again(self) -> None:
        try:
            await self._open()
        except StoreUnavailable as error:
            self._later(error)

    async def _open(self) -> None:
        async with self._lock:
            if self._ended:
                return
            await self._store.open()
            self._lookout.fingerprint_key = await self._store.fingerprint_key()
        await self._running.begin()

    def _later(self, error: StoreUnavailable) -> None:
        _log.warning("the store does not answer", why=error.problem.what)
        if not self._ended:
            self._timer.at(self._clock.now() + AGAIN, _JOB, self._again)
