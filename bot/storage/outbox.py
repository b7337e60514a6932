"""The outbox: what is to be said in Slack, who sends it, and how that ended."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID

from bot.render.message import Message
from bot.render.wire import with_pictures
from bot.storage.codec import CodecError, as_text, from_text
from bot.storage.database import Connection, Row, fetch, utc
from bot.storage.notes import audit_in
from bot.storage.part import Part
from bot.storage.posts import enqueue_in, message_of
from bot.storage.values import AuditEntry, Backlog, NewPost, PostClaim

_CLAIM: Final = """
    WITH due AS (
        SELECT p.id
        FROM golive.posts p
        LEFT JOIN golive.posts t ON t.id = p.thread_of
        LEFT JOIN golive.posts u ON u.id = p.update_of
        WHERE p.state = 'waiting'
          AND (p.not_before IS NULL OR p.not_before <= %(now)s)
          AND (p.retry_at IS NULL OR p.retry_at <= %(now)s)
          AND (p.lease_until IS NULL OR p.lease_until <= clock_timestamp())
          AND (p.thread_of IS NULL OR t.ts IS NOT NULL OR t.state = 'given up')
          AND (p.update_of IS NULL OR u.ts IS NOT NULL)
          AND (p.ts IS NOT NULL OR NOT EXISTS (
              SELECT FROM golive.posts e
              WHERE e.state = 'waiting' AND e.channel = p.channel AND e.seq < p.seq
                AND e.ts IS NULL AND (e.not_before IS NULL OR e.not_before <= %(now)s)
                AND e.update_of IS NOT DISTINCT FROM p.update_of))
        ORDER BY p.seq
        LIMIT %(limit)s
        FOR UPDATE OF p SKIP LOCKED
    )
    UPDATE golive.posts p
    SET unsure = p.unsure OR p.owner IS NOT NULL, owner = %(owner)s,
        token = p.token + 1, attempt = p.attempt + 1,
        lease_until = clock_timestamp() + %(lease)s * interval '1 second'
    FROM due
    WHERE p.id = due.id
    RETURNING p.*,
        (SELECT t.ts FROM golive.posts t WHERE t.id = p.thread_of) AS thread_ts,
        (SELECT u.ts FROM golive.posts u WHERE u.id = p.update_of) AS update_ts
"""
"""Take what may be sent. Messages of a channel wait for the one before them, updates of a message
for the update before them; an owner who is still there from an earlier claim never told its end."""

_FILES: Final = """
    SELECT post_id, n, picture, name, label, content, file_id FROM golive.post_files
    WHERE post_id = ANY(%(ids)s) ORDER BY post_id, n
"""
"""The files of some posts."""

_UNREADABLE: Final = """
    UPDATE golive.posts SET state = 'given up', owner = NULL, lease_until = NULL, error = %(error)s
    WHERE id = %(id)s
"""
"""Another version wrote it: nobody who claims it here can say it."""

_EXTEND: Final = """
    UPDATE golive.posts SET lease_until = clock_timestamp() + %(lease)s * interval '1 second'
    WHERE id = %(id)s AND token = %(token)s AND owner = %(owner)s
    RETURNING id
"""
"""Start the lease anew, if the claim still holds."""

_UPLOADED: Final = """
    UPDATE golive.post_files f SET file_id = %(file_id)s
    FROM golive.posts p
    WHERE f.post_id = %(id)s AND f.n = %(n)s AND p.id = f.post_id AND p.revision = %(revision)s
"""
"""A file is in Slack, if it is one of the content that was claimed."""

_POSTED: Final = """
    UPDATE golive.posts
    SET ts = %(ts)s, unsure = false,
        lease_until = clock_timestamp() + %(lease)s * interval '1 second'
    WHERE id = %(id)s AND token = %(token)s AND owner = %(owner)s AND update_of IS NULL
    RETURNING id
"""
"""The message is in Slack; its text files are not yet."""

_MOVED: Final = """
    UPDATE golive.posts m SET ts = %(ts)s
    FROM golive.posts p
    WHERE p.id = %(id)s AND p.token = %(token)s AND p.owner = %(owner)s AND m.id = p.update_of
    RETURNING m.id
"""
"""The message of an update was posted anew: what is said about it or below it goes there."""

_SENT: Final = """
    UPDATE golive.posts
    SET state = CASE WHEN revision = %(revision)s THEN 'sent' ELSE state END,
        ts = CASE WHEN update_of IS NULL THEN %(ts)s END,
        owner = NULL, lease_until = NULL, retry_at = NULL, unsure = false, error = NULL
    WHERE id = %(id)s AND token = %(token)s AND owner = %(owner)s
    RETURNING id
"""
"""All of it is in Slack. If the content was replaced meanwhile, the new one still has to go."""

_DROP_CONTENT: Final = """
    UPDATE golive.post_files f SET content = ''
    FROM golive.posts p
    WHERE f.post_id = %(id)s AND p.id = f.post_id AND p.state <> 'waiting'
"""
"""Nobody needs the bytes of what is in Slack, or never will be."""

_FAILED: Final = """
    UPDATE golive.posts
    SET owner = NULL, lease_until = NULL, error = %(error)s, unsure = %(unsure)s,
        retry_at = CASE WHEN revision = %(revision)s THEN %(retry_at)s::timestamptz END
    WHERE id = %(id)s AND token = %(token)s AND owner = %(owner)s
    RETURNING id
"""
"""Try again later; content that was replaced meanwhile need not wait."""

_GAVE_UP: Final = """
    UPDATE golive.posts
    SET state = CASE WHEN revision = %(revision)s THEN 'given up' ELSE state END,
        owner = NULL, lease_until = NULL, error = %(error)s
    WHERE id = %(id)s AND token = %(token)s AND owner = %(owner)s
    RETURNING id
"""
"""It will never be sent. Content that was replaced meanwhile still may be."""

_GAVE_UP_UPDATES: Final = """
    UPDATE golive.posts u SET state = 'given up', error = %(error)s
    FROM golive.posts p
    WHERE u.update_of = %(id)s AND p.id = u.update_of AND p.state = 'given up' AND p.ts IS NULL
      AND u.state = 'waiting'
"""
"""What should have replaced a message that will never be there."""

_BACKLOG: Final = """
    SELECT count(*) AS depth,
           max(CASE WHEN not_before IS NULL THEN clock_timestamp() - enqueued_at
                    ELSE %(now)s - not_before END) AS age
    FROM golive.posts
    WHERE state = 'waiting' AND (not_before IS NULL OR not_before <= %(now)s)
"""
"""What is due and not in Slack yet."""


_POSTS_OF: Final = """
    SELECT id, key, message FROM golive.posts
    WHERE scope = %(scope)s AND key = ANY(%(keys)s::text[])
"""
"""Some posts of a watch, as they were said first."""


class Outbox(Part):
    """The posts of all channels."""

    async def messages(self, deployment_id: UUID, keys: Collection[str]) -> Mapping[str, Message]:
        """What some posts of a watch said first, by key, for an edit of them.

        Their pictures are named by Slack's own ids; one that is not in Slack is left out. A post
        that is not known, or that another version wrote, is left out too.
        """
        values: Row = {"scope": str(deployment_id), "keys": list(map(as_text, keys))}
        async with self._database.transaction() as connection:
            rows = await fetch(connection, _POSTS_OF, values)
            files = await fetch(connection, _FILES, {"ids": [row["id"] for row in rows]})
        out: dict[str, Message] = {}
        for row in rows:
            ids = {f["n"]: f["file_id"] for f in files if f["post_id"] == row["id"]}
            try:
                out[from_text(row["key"])] = with_pictures(message_of(row["message"], ()), ids)
            except (CodecError, LookupError, TypeError, ValueError):
                continue
        return out

    async def enqueue(self, posts: Sequence[NewPost]) -> int:
        """Put posts into the outbox, in this order; how many were new or replaced content."""
        async with self._database.transaction() as connection:
            return await enqueue_in(connection, posts)

    async def claim_posts(self, owner: str, now: datetime, limit: int) -> tuple[PostClaim, ...]:
        """Claim what may be sent now, oldest first.

        A channel's posts are handed out one after the other: the next one only when the one before
        is in Slack or given up. An update waits for its message and for earlier updates of it.
        A post that this version cannot read is given up, for the others must not wait for it.
        """
        values: Row = {"owner": owner, "now": utc(now), "limit": limit, "lease": self._lease}
        async with self._database.transaction() as connection:
            rows = sorted(await fetch(connection, _CLAIM, values), key=lambda row: row["seq"])
            files = await fetch(connection, _FILES, {"ids": [row["id"] for row in rows]})
            claims: list[PostClaim] = []
            for row in rows:
                own = [file for file in files if file["post_id"] == row["id"]]
                try:
                    claims.append(_claim_of(row, own))
                except (CodecError, LookupError, TypeError, ValueError) as error:
                    await _leave_out(connection, row, now, _why(error))
            return tuple(claims)

    async def extend(self, claim: PostClaim) -> bool:
        """Start the lease anew; False if the claim was lost."""
        return bool(await self._database.fetch(_EXTEND, {**_named(claim), "lease": self._lease}))

    async def file_uploaded(self, claim: PostClaim, n: int, file_id: str) -> bool:
        """Remember that file `n` is in Slack, and start the lease anew; False if it was lost."""
        async with self._database.transaction() as connection:
            if not await fetch(connection, _EXTEND, {**_named(claim), "lease": self._lease}):
                return False
            await _uploaded(connection, claim, {n: file_id})
        return True

    async def posted(self, claim: PostClaim, ts: str) -> bool:
        """The message is in Slack, its text files are not yet; the channel's next one may go."""
        values: Row = {**_named(claim), "ts": ts, "lease": self._lease}
        return bool(await self._database.fetch(_POSTED, values))

    async def moved(self, claim: PostClaim, ts: str) -> bool:
        """The message that an update is of is another one now; False if the claim was lost."""
        return bool(await self._database.fetch(_MOVED, {**_named(claim), "ts": ts}))

    async def sent(
        self, claim: PostClaim, ts: str, file_ids: Mapping[int, str] | None = None
    ) -> bool:
        """All of it is in Slack; False if the claim was lost."""
        values: Row = {"ts": ts, "revision": claim.revision}
        return await self._end(claim, _SENT, values, file_ids or {})

    async def failed(
        self, claim: PostClaim, retry_at: datetime, error: str, *, unsure: bool = True
    ) -> bool:
        """It was not sent. `unsure=False` where Slack certainly did not take the message."""
        values: Row = {
            "retry_at": utc(retry_at),
            "error": as_text(error),
            "unsure": unsure,
            "revision": claim.revision,
        }
        return await self._end(claim, _FAILED, values, {})

    async def gave_up(self, claim: PostClaim, error: str) -> bool:
        """It will never be sent, nor any update of it; the channel's next one may go."""
        values: Row = {"error": as_text(error), "revision": claim.revision}
        return await self._end(claim, _GAVE_UP, values, {})

    async def backlog(self, now: datetime) -> Backlog:
        """What is due and not in Slack yet."""
        (row,) = await self._database.fetch(_BACKLOG, {"now": utc(now)})
        return Backlog(depth=row["depth"], age=row["age"])

    async def _end(
        self, claim: PostClaim, how: LiteralString, values: Row, file_ids: Mapping[int, str]
    ) -> bool:
        async with self._database.transaction() as connection:
            if not await fetch(connection, how, {**_named(claim), **values}):
                return False
            await _uploaded(connection, claim, file_ids)
            await fetch(connection, _DROP_CONTENT, {"id": claim.id})
            if how is _GAVE_UP:
                await fetch(connection, _GAVE_UP_UPDATES, {"id": claim.id, **values})
        return True


async def _uploaded(connection: Connection, claim: PostClaim, file_ids: Mapping[int, str]) -> None:
    for n, file_id in sorted(file_ids.items()):
        values: Row = {"id": claim.id, "revision": claim.revision, "n": n, "file_id": file_id}
        await fetch(connection, _UPLOADED, values)


async def _leave_out(connection: Connection, row: Row, now: datetime, why: str) -> None:
    said = f"What is stored of the post cannot be read, so it is never sent. {why}"
    await fetch(connection, _UNREADABLE, {"id": row["id"], "error": said})
    await fetch(connection, _GAVE_UP_UPDATES, {"id": row["id"], "error": said})
    entry = AuditEntry(
        at=now,
        by="golive",
        action="post-given-up",
        outcome=said,
        channel=from_text(row["channel"]),
        deployment_id=row["deployment_id"],
        details={"post": from_text(row["key"]), "code": "unreadable"},
    )
    await audit_in(connection, entry)


def _why(error: Exception) -> str:
    """A codec's own words are sentences without content; another error's may quote it."""
    return str(error) if isinstance(error, CodecError) else "A newer version wrote it."


def _named(claim: PostClaim) -> dict[str, Any]:
    return {"id": claim.id, "token": claim.token, "owner": claim.owner}


def _claim_of(row: Row, files: Sequence[Row]) -> PostClaim:
    return PostClaim(
        id=row["id"],
        key=from_text(row["key"]),
        channel=from_text(row["channel"]),
        deployment_id=row["deployment_id"],
        message=message_of(row["message"], files),
        owner=row["owner"],
        token=row["token"],
        attempt=row["attempt"],
        revision=row["revision"],
        unsure=row["unsure"],
        ts=row["ts"],
        thread_ts=row["thread_ts"],
        update_ts=row["update_ts"],
        broadcast=row["broadcast"] and row["thread_ts"] is not None,
        uploaded={file["n"]: file["file_id"] for file in files if file["file_id"] is not None},
    )
