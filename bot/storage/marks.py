"""How large log files were, what golive left in them, and what may be forgotten."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from bot.storage.codec import as_text, from_text
from bot.storage.database import fetch, utc
from bot.storage.part import Part
from checks.sources.logs.source import Mark

_ADD: Final = """
    INSERT INTO golive.log_marks (path, at, inode, "offset")
    VALUES (%(path)s, %(at)s, %(inode)s, %(offset)s)
    ON CONFLICT (path, at) DO NOTHING
"""
"""How large a file was; of two replicas that looked at the same instant, the first counts."""

_MARKS: Final = """
    SELECT m.path, m.at, m.inode, m."offset"
    FROM golive.log_marks m
    WHERE m.path = ANY(%(paths)s::text[])
      AND m.at >= coalesce(
          (SELECT max(b.at) FROM golive.log_marks b WHERE b.path = m.path AND b.at < %(since)s),
          %(since)s)
    ORDER BY m.at, m.path
"""
"""The marks from an instant on, and the last one before it of each file."""

_ADD_EVENT: Final = """
    INSERT INTO golive.own_events (name, at) VALUES (%(name)s, %(at)s)
    ON CONFLICT (name) DO NOTHING
"""
"""A test event that golive sent."""

_EVENTS: Final = """
    SELECT name, at FROM golive.own_events WHERE at >= %(since)s ORDER BY at, name
"""
"""The test events that any replica sent since an instant."""

_PRUNE: Final = (
    """
    DELETE FROM golive.log_marks m
    WHERE m.at < %(before)s
      AND EXISTS (SELECT FROM golive.log_marks n
                  WHERE n.path = m.path AND n.at > m.at AND n.at <= %(before)s)
    """,
    """
    DELETE FROM golive.deliveries WHERE at < %(before)s
    """,
    """
    DELETE FROM golive.waits WHERE ended_at < %(before)s
    """,
    """
    DELETE FROM golive.own_events WHERE at < %(before)s
    """,
)
"""Old marks, but for the last one of each file, old deliveries and events, and ended waits."""


class Marks(Part):
    """Log marks, golive's own test events in the log, and forgetting."""

    async def add_marks(self, marks: Sequence[Mark]) -> None:
        """Remember how large log files were."""
        async with self._database.transaction() as connection:
            # In one order for all, or two replicas could wait for each other.
            for mark in sorted(marks, key=lambda mark: (mark.path, mark.at)):
                await fetch(
                    connection,
                    _ADD,
                    {
                        "path": as_text(mark.path),
                        "at": utc(mark.at),
                        "inode": mark.inode,
                        "offset": mark.offset,
                    },
                )

    async def marks(self, paths: Collection[str], since: datetime) -> tuple[Mark, ...]:
        """The marks of some files from `since` on, and the last one before it, oldest first."""
        rows = await self._database.fetch(
            _MARKS, {"paths": list(map(as_text, paths)), "since": utc(since)}
        )
        return tuple(
            Mark(
                path=from_text(row["path"]),
                at=row["at"],
                inode=int(row["inode"]),
                offset=row["offset"],
            )
            for row in rows
        )

    async def add_own_event(self, name: str, at: datetime) -> None:
        """Remember that golive sent a test event of this name."""
        await self._database.fetch(_ADD_EVENT, {"name": as_text(name), "at": utc(at)})

    async def own_events(self, since: datetime) -> dict[str, datetime]:
        """The test events that any replica sent since an instant, and when."""
        rows = await self._database.fetch(_EVENTS, {"since": utc(since)})
        return {from_text(row["name"]): row["at"] for row in rows}

    async def prune(self, before: datetime) -> None:
        """Forget what is older, but for waits under way and the last mark of each file."""
        async with self._database.transaction() as connection:
            for statement in _PRUNE:
                await fetch(connection, statement, {"before": utc(before)})
