"""Waits for an inbound message: kept, so that they outlive the process that began them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from bot.storage.codec import as_text, from_text
from bot.storage.database import Row, fetch, utc
from bot.storage.part import Part
from bot.storage.posts import enqueue_in
from bot.storage.values import NewPost, Wait
from checks.sources.logs.source import Mark

_BEGIN: Final = """
    INSERT INTO golive.waits
        (channel, asked_by, began_at, log_path, log_inode, log_offset, looked_at)
    VALUES (%(channel)s, %(by)s, %(at)s, %(path)s, %(inode)s, %(offset)s, %(at)s)
    ON CONFLICT (channel) WHERE ended_at IS NULL DO NOTHING
    RETURNING *
"""
"""One at a time in a channel: of many who ask at once, the first begins it."""

_OF_CHANNEL: Final = """
    SELECT * FROM golive.waits WHERE channel = %(channel)s AND ended_at IS NULL
"""
"""The wait of a channel that has not ended."""

_OPEN: Final = """
    SELECT * FROM golive.waits WHERE ended_at IS NULL ORDER BY began_at, id
"""
"""All that have not ended, oldest first."""

_ONE: Final = """
    SELECT * FROM golive.waits WHERE id = %(id)s AND ended_at IS NULL
"""
"""One of them."""

_LOOKED: Final = """
    UPDATE golive.waits
    SET missed = missed + CASE WHEN %(at)s::timestamptz - looked_at > %(gap)s
                               THEN %(at)s::timestamptz - looked_at ELSE '0' END,
        looked_at = greatest(looked_at, %(at)s),
        in_log_at = coalesce(in_log_at, CASE WHEN %(in_log)s THEN %(at)s::timestamptz END),
        in_rows_at = coalesce(in_rows_at, CASE WHEN %(in_rows)s THEN %(at)s::timestamptz END)
    WHERE id = %(id)s AND ended_at IS NULL
    RETURNING *
"""
"""What a look saw; what was seen first stays."""

_END: Final = """
    UPDATE golive.waits SET ended_at = %(at)s WHERE id = %(id)s AND ended_at IS NULL
    RETURNING id
"""
"""Of all who end it, one gets the row."""


class Waits(Part):
    """Waits, each ended once by whoever is first."""

    async def begin_wait(
        self, channel: str, *, by: str, at: datetime, mark: Mark | None
    ) -> tuple[Wait, bool]:
        """Begin a wait, or find the one of this channel; and whether this call began it."""
        values: Row = {
            "channel": as_text(channel),
            "by": as_text(by),
            "at": utc(at),
            "path": None if mark is None else as_text(mark.path),
            "inode": None if mark is None else mark.inode,
            "offset": None if mark is None else mark.offset,
        }
        while True:
            for statement in (_BEGIN, _OF_CHANNEL):
                rows = await self._database.fetch(statement, values)
                if rows:
                    return _wait(rows[0]), statement is _BEGIN
            # The one that was in the way ended between the two statements.

    async def open_waits(self) -> tuple[Wait, ...]:
        """All that have not ended, oldest first."""
        return tuple(map(_wait, await self._database.fetch(_OPEN)))

    async def open_wait(self, wait_id: UUID) -> Wait | None:
        """A wait; None where it has ended."""
        rows = await self._database.fetch(_ONE, {"id": wait_id})
        return _wait(rows[0]) if rows else None

    async def looked(
        self, wait_id: UUID, at: datetime, *, gap: timedelta, in_log: bool, in_rows: bool
    ) -> Wait | None:
        """Keep what a look saw; None where the wait has ended.

        Args:
            wait_id: which one.
            at: when the look began.
            gap: a longer time without any look is one that was missed.
            in_log: whether a message was seen in the log.
            in_rows: whether one was seen in the application's database.
        """
        values: Row = {
            "id": wait_id,
            "at": utc(at),
            "gap": gap,
            "in_log": in_log,
            "in_rows": in_rows,
        }
        rows = await self._database.fetch(_LOOKED, values)
        return _wait(rows[0]) if rows else None

    async def end_wait(self, wait_id: UUID, at: datetime, posts: Sequence[NewPost]) -> bool:
        """End a wait and say so, both or neither; False where somebody else did."""
        async with self._database.transaction() as connection:
            if not await fetch(connection, _END, {"id": wait_id, "at": utc(at)}):
                return False
            await enqueue_in(connection, posts)
        return True


def _wait(row: Row) -> Wait:
    mark = None
    if row["log_path"] is not None:
        mark = Mark(
            path=from_text(row["log_path"]),
            at=row["began_at"],
            inode=int(row["log_inode"]),
            offset=row["log_offset"],
        )
    return Wait(
        id=row["id"],
        channel=from_text(row["channel"]),
        asked_by=from_text(row["asked_by"]),
        began_at=row["began_at"],
        mark=mark,
        missed=row["missed"],
        in_log=row["in_log_at"],
        in_rows=row["in_rows_at"],
    )
