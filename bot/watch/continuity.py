"""Whether the store is still the one that it was: one that was replaced knows none of the watches.

What is lost is said, and nothing is made up for: neither a point nor a message of an old watch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from uuid import UUID

import structlog

from bot.clock import Clock
from bot.render.sentences import state_lost
from bot.storage.store import Store
from bot.storage.values import NewPost, StoreUnavailable
from bot.watch.lookout import Lookout
from bot.watch.model import Deployment

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


class Continuity:
    """Knows the store by its random id, from the first time that it is asked.

    Args:
        store: the one that may be replaced while golive runs.
        lookout: takes the new store's key for fingerprints.
        clock: gives the instant.
    """

    def __init__(self, store: Store, lookout: Lookout, clock: Clock) -> None:
        self._store = store
        self._lookout = lookout
        self._clock = clock
        self._known: UUID | None = None
        self._lock = asyncio.Lock()

    async def lost(self, watches: Collection[Deployment]) -> tuple[Deployment, ...]:
        """Which of these watches are gone with a store that was replaced; that is said, once.

        Raises:
            StoreUnavailable: it cannot be told now.
        """
        async with self._lock:
            found = await self._identity()
            if self._known in (None, found):
                self._known = found
                return ()
            gone = tuple([one for one in watches if await self._store.watch(one.id) is None])
            _log.error(
                "the store was replaced, its state is lost",
                watches=[f"{watch.version} in {watch.channel}" for watch in gone],
            )
            self._lookout.fingerprint_key = await self._store.fingerprint_key()
            await self._store.enqueue([self._lost(watch) for watch in gone])
            self._known = found
            return gone

    async def _identity(self) -> UUID:
        """The store's id; a store without tables is given them, and with them an id."""
        try:
            return await self._store.store_id()
        except StoreUnavailable as error:
            if error.retry or self._known is None:
                raise
        await self._store.open()
        return await self._store.store_id()

    def _lost(self, watch: Deployment) -> NewPost:
        # Of no watch, for there is none in the new store; its key lets one replica say it.
        return NewPost(
            key=f"lost:{watch.id}",
            channel=watch.channel,
            deployment_id=None,
            message=state_lost(watch, self._clock.now()),
        )
