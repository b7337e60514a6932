"""What somebody who watches the hour knows and a single run cannot: the state at T+0, and moves."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from psycopg import AsyncConnection

from checks.engine.model import Observed

_INSERTED = """
SELECT n_tup_ins FROM pg_stat_user_tables WHERE schemaname = 'public' AND relname = 'messages'"""
_CONNECTED = """
SELECT unit_id::text FROM unit_whatsapp_connections WHERE status = 'connected'"""
_PROCESSING = """
SELECT c.id::text, count(r.id) FILTER (WHERE r.status = 'pending')
FROM campaigns c LEFT JOIN campaign_recipients r ON r.campaign_id = c.id
WHERE c.status = 'processing' GROUP BY c.id"""


class Watcher:
    """Samples the application's database, once a simulated minute."""

    def __init__(self, database: AsyncConnection, deployed_at: datetime) -> None:
        self._database = database
        self._deployed_at = deployed_at
        self._inserted: int | None = None
        self._connected_at_start: frozenset[str] = frozenset()
        self._connected: frozenset[str] = frozenset()
        self._drops: Counter[str] = Counter()
        self._pending: dict[str, int] = {}
        self._progress: dict[str, datetime] = {}

    async def baseline(self) -> None:
        """Remember how things stood at T+0."""
        rows = await self._rows(_INSERTED)
        self._inserted = int(str(rows[0][0])) if rows else None
        self._connected = self._connected_at_start = await self._now_connected()

    async def sample(self, now: datetime) -> None:
        """See which connections were lost and which campaigns moved since the last sample."""
        connected = await self._now_connected()
        self._drops.update(self._connected - connected)
        self._connected = connected
        for campaign, pending in await self._rows(_PROCESSING):
            left = int(str(pending))
            if self._pending.get(str(campaign)) != left:
                self._pending[str(campaign)] = left
                self._progress[str(campaign)] = now

    def observed(self) -> Observed:
        """What was seen so far."""
        return Observed(
            deployed_at=self._deployed_at,
            inserted=self._inserted,
            connected_at_start=self._connected_at_start,
            drops=dict(self._drops),
            progress=dict(self._progress),
        )

    async def _now_connected(self) -> frozenset[str]:
        return frozenset(str(row[0]) for row in await self._rows(_CONNECTED))

    async def _rows(self, sql: str) -> list[tuple[object, ...]]:
        cursor = await self._database.execute(sql.encode())
        return await cursor.fetchall()
