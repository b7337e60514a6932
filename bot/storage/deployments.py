"""Which version went live where: at most one open watch a channel."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from bot.storage.codec import as_text
from bot.storage.database import Row, fetch, utc
from bot.storage.part import Part, deployment_of
from bot.storage.points import taken_of
from bot.storage.posts import enqueue_in
from bot.storage.state import present_of
from bot.storage.values import NewPost, Past
from bot.watch.model import Deployment

_START: Final = """
    INSERT INTO golive.deployments (channel, version, deployed_at, started_by, started_at)
    VALUES (%(channel)s, %(version)s, %(deployed_at)s, %(by)s, %(at)s)
    ON CONFLICT (channel) WHERE closed_at IS NULL DO NOTHING
    RETURNING *
"""
"""Open a watch, unless the channel has one."""

_STATE: Final = """
    INSERT INTO golive.watch_state (deployment_id) VALUES (%(id)s)
"""
"""Every watch has a row to lock and to remember in."""

_WATCH: Final = """
    SELECT * FROM golive.deployments WHERE id = %(id)s
"""
"""A watch by its id."""

_OPEN: Final = """
    SELECT * FROM golive.deployments
    WHERE closed_at IS NULL AND (%(channel)s::text IS NULL OR channel = %(channel)s)
    ORDER BY started_at, id
"""
"""The open watches of a channel, or of all, oldest first."""

_CLOSE: Final = """
    UPDATE golive.deployments SET closed_at = %(at)s, closed_by = %(by)s
    WHERE id = %(id)s AND closed_at IS NULL
    RETURNING id
"""
"""Close a watch, if it is open."""

_RECENT: Final = """
    SELECT d.*, c.key, c.run, c.checkpoint, c.due_at, c.taken_at, c.decision, c.levels, w.present
    FROM golive.deployments d
    LEFT JOIN golive.watch_state w ON w.deployment_id = d.id
    LEFT JOIN LATERAL (
        SELECT * FROM golive.checkpoints
        WHERE deployment_id = d.id AND decision IS NOT NULL
        ORDER BY due_at DESC, taken_at DESC
        LIMIT 1
    ) c ON true
    WHERE (%(channel)s::text IS NULL OR d.channel = %(channel)s)
      AND (%(before)s::timestamptz IS NULL OR d.deployed_at < %(before)s)
    ORDER BY d.started_at DESC, d.id
    LIMIT %(n)s
"""
"""The last watches, each with the last point that judged, and its present verdict."""


class Deployments(Part):
    """The watches of all channels."""

    async def start(
        self, *, channel: str, version: str, deployed_at: datetime, by: str, at: datetime
    ) -> tuple[Deployment, bool]:
        """The channel's open watch, and whether it was made now."""
        values: Row = {
            "channel": as_text(channel),
            "version": as_text(version),
            "deployed_at": utc(deployed_at),
            "by": as_text(by),
            "at": utc(at),
        }
        while True:
            async with self._database.transaction() as connection:
                made = await fetch(connection, _START, values)
                if made:
                    await fetch(connection, _STATE, {"id": made[0]["id"]})
                    return deployment_of(made[0]), True
                found = await fetch(connection, _OPEN, values)
                if found:
                    return deployment_of(found[0]), False
            # The one that was in the way has been closed in between: the channel is free now.

    async def watch(self, deployment_id: UUID) -> Deployment | None:
        """A watch, open or closed."""
        rows = await self._database.fetch(_WATCH, {"id": deployment_id})
        return deployment_of(rows[0]) if rows else None

    async def open_watch(self, channel: str) -> Deployment | None:
        """The channel's open watch."""
        rows = await self._database.fetch(_OPEN, {"channel": as_text(channel)})
        return deployment_of(rows[0]) if rows else None

    async def open_watches(self) -> tuple[Deployment, ...]:
        """All open watches, oldest first."""
        rows = await self._database.fetch(_OPEN, {"channel": None})
        return tuple(map(deployment_of, rows))

    async def close_watch(
        self, deployment_id: UUID, *, by: str, at: datetime, posts: Sequence[NewPost] = ()
    ) -> bool:
        """Close it and enqueue the posts; False, and nothing is done, if it is closed already."""
        values: Row = {"id": deployment_id, "by": as_text(by), "at": utc(at)}
        async with self._database.transaction() as connection:
            if not await fetch(connection, _CLOSE, values):
                return False
            await enqueue_in(connection, posts)
        return True

    async def recent(
        self, channel: str | None = None, n: int = 10, *, before: datetime | None = None
    ) -> tuple[Past, ...]:
        """The last watches of a channel, or of all, newest first; of those deployed `before`."""
        wanted = None if channel is None else as_text(channel)
        until = None if before is None else utc(before)
        rows = await self._database.fetch(_RECENT, {"channel": wanted, "n": n, "before": until})
        return tuple(
            Past(
                deployment=deployment_of(row),
                last=None if row["decision"] is None else taken_of(row),
                present=present_of(row["present"]),
            )
            for row in rows
        )
