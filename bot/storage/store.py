"""The bot's own state in PostgreSQL, for one replica or several.

There is no leader: every replica runs the same code, and the claim of a row decides who takes a
point, a tick or a post. Nothing depends on a session, so any pooler may stand in between.
"""

from __future__ import annotations

import secrets
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Final, Self
from uuid import UUID

from bot.operations.metrics import UNMEASURED, Metrics
from bot.storage.database import StoreDatabase, fetch
from bot.storage.deployments import Deployments
from bot.storage.marks import Marks
from bot.storage.migrate import migrate
from bot.storage.notes import Notes
from bot.storage.outbox import Outbox
from bot.storage.points import Points
from bot.storage.state import State
from bot.storage.waits import Waits

_CONNECTIONS: Final = 4
"""A replica's connections at most: a small Supabase project has 15 for all through its pooler."""

_KEY_BYTES: Final = 32

_IDENTITY: Final = """
    SELECT id FROM golive.identity
"""
"""The random id that the store was made with."""

_MAKE_KEY: Final = """
    INSERT INTO golive.keys (name, value) VALUES (%(name)s, %(value)s)
    ON CONFLICT (name) DO NOTHING
"""
"""The first to need the key makes it."""

_KEY: Final = """
    SELECT value FROM golive.keys WHERE name = %(name)s
"""
"""The key that was made."""


class Store(Deployments, Points, State, Outbox, Notes, Marks, Waits):
    """Keeps watches, points, posts, notes and the audit; every method may raise StoreUnavailable.

    Instants are arguments, aware; only leases go by the database's clock.

    Args:
        url: of the database, direct or through a pooler in session or transaction mode.
        lease: seconds for which a claim is safe from others; 0 lets others take over at once.
        timeout: seconds for getting a connection, and again for the operation on it.
        metrics: are told of every StoreUnavailable.
    """

    def __init__(
        self,
        url: str,
        *,
        lease: float = 15.0,
        timeout: float = 5.0,
        metrics: Metrics = UNMEASURED,
    ) -> None:
        database = StoreDatabase(
            url, timeout=timeout, size=_CONNECTIONS, failed=metrics.store_failed
        )
        super().__init__(database, lease=lease)

    async def __aenter__(self) -> Self:
        """Open it."""
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        await self.close()

    async def open(self) -> None:
        """Connect and bring the tables up to date.

        May be called again: after a failure, and to make the tables of a store that was replaced
        by an empty database. A store that could not be opened needs no `close`.
        """
        async with AsyncExitStack() as stack:
            if await self._database.open():
                stack.push_async_callback(self._database.close)
            await migrate(self._database)
            stack.pop_all()

    async def close(self) -> None:
        """Close all connections."""
        await self._database.close()

    async def fingerprint_key(self) -> bytes:
        """The random key that secrets' fingerprints are made with; the same for all replicas."""
        name = {"name": "fingerprint"}
        async with self._database.transaction() as connection:
            made = secrets.token_bytes(_KEY_BYTES)
            await fetch(connection, _MAKE_KEY, {**name, "value": made})
            (row,) = await fetch(connection, _KEY, dict(name))
        return bytes(row["value"])

    async def store_id(self) -> UUID:
        """The store's random id, asked anew: another one means that the store was replaced."""
        (row,) = await self._database.fetch(_IDENTITY)
        found: UUID = row["id"]
        return found
