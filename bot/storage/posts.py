"""How posts get into the outbox, and how their messages are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from bot.render.message import Message, Picture, TextFile
from bot.storage.codec import as_text, decoded_map, dumps, from_text
from bot.storage.database import Connection, Row, fetch, utc
from bot.storage.values import NewPost

_LOCK: Final = """
    SELECT pg_advisory_xact_lock(hashtextextended('golive.outbox ' || %(channel)s::text, 0))
"""
"""One transaction a channel enqueues at a time, so that places in the queue are taken in the order
in which they become visible."""

_PARENT: Final = """
    SELECT coalesce(p.update_of, p.id) AS id, p.not_before
    FROM golive.posts p WHERE p.scope = %(scope)s AND p.key = %(key)s
"""
"""The message that a thread or an update hangs on."""

_ENQUEUE: Final = """
    INSERT INTO golive.posts AS p
        (scope, key, deployment_id, channel, message, thread_of, update_of, broadcast, supersedes,
         not_before, state)
    SELECT %(scope)s, %(key)s, %(deployment_id)s, %(channel)s, %(message)s, %(thread_of)s,
           %(update_of)s, %(broadcast)s, %(supersedes)s,
           greatest(%(not_before)s::timestamptz, %(parent_not_before)s::timestamptz),
           coalesce((SELECT u.state FROM golive.posts u
                     WHERE u.id = %(update_of)s AND u.state = 'given up' AND u.ts IS NULL),
                    'waiting')
    ON CONFLICT (scope, key) DO UPDATE
    SET message = excluded.message, revision = p.revision + 1, state = excluded.state,
        seq = CASE p.state WHEN 'waiting' THEN p.seq ELSE excluded.seq END,
        enqueued_at = CASE p.state WHEN 'waiting' THEN p.enqueued_at ELSE excluded.enqueued_at END,
        not_before = excluded.not_before, attempt = 0, retry_at = NULL, error = NULL
    WHERE p.supersedes AND excluded.supersedes AND p.update_of IS NOT NULL
    RETURNING id
"""
"""A new post, or new content of an update that only ever shows the newest; else nothing."""

_NO_FILES: Final = """
    DELETE FROM golive.post_files WHERE post_id = %(id)s
"""
"""The files of the content that is replaced."""

_FILE: Final = """
    INSERT INTO golive.post_files (post_id, n, picture, name, label, content)
    VALUES (%(id)s, %(n)s, %(picture)s, %(name)s, %(label)s, %(content)s)
"""
"""A picture or a text of a post."""


async def enqueue_in(connection: Connection, posts: Sequence[NewPost]) -> int:
    """Enqueue posts in a transaction under way; how many were new or replaced content."""
    # In one order for all, or two transactions could wait for each other.
    for channel in sorted({as_text(post.channel) for post in posts}):
        await fetch(connection, _LOCK, {"channel": channel})
    return sum([await _enqueue(connection, post) for post in posts])


async def _enqueue(connection: Connection, post: NewPost) -> bool:
    scope = as_text(str(post.deployment_id or post.channel))
    thread = await _parent(connection, scope, post.thread_of)
    update = await _parent(connection, scope, post.update_of)
    if post.update_of is not None and update is None:
        return False
    values: Row = {
        "scope": scope,
        "key": as_text(post.key),
        "deployment_id": post.deployment_id,
        "channel": as_text(post.channel),
        "message": dumps(_plain(post.message)),
        "thread_of": thread and thread["id"],
        "update_of": update and update["id"],
        "broadcast": post.broadcast,
        "supersedes": post.supersedes,
        "not_before": post.not_before and utc(post.not_before),
        "parent_not_before": thread and thread["not_before"],
    }
    rows = await fetch(connection, _ENQUEUE, values)
    for row in rows:
        await fetch(connection, _NO_FILES, {"id": row["id"]})
        for file in _files(post.message):
            await fetch(connection, _FILE, {"id": row["id"], **file})
    return bool(rows)


async def _parent(connection: Connection, scope: str, key: str | None) -> Row | None:
    if key is None:
        return None
    rows = await fetch(connection, _PARENT, {"scope": scope, "key": as_text(key)})
    return rows[0] if rows else None


def _plain(message: Message) -> dict[str, object]:
    """A message without its files, which are kept apart."""
    return {
        "text": message.text,
        "blocks": message.blocks,
        "colour": message.colour,
        "coloured": message.coloured,
        "public": message.public,
    }


def _files(message: Message) -> list[Row]:
    pictures = [(True, p.name, p.alt, p.png) for p in message.pictures]
    texts = [
        (False, f.name, f.title, f.text.encode("utf-8", "surrogatepass")) for f in message.files
    ]
    return [
        {
            "n": n,
            "picture": picture,
            "name": as_text(name),
            "label": as_text(label),
            "content": data,
        }
        for n, (picture, name, label, data) in enumerate([*pictures, *texts])
    ]


def message_of(stored: Any, files: Sequence[Row]) -> Message:
    """A message from its row and the rows of its files, in their order."""
    parts = decoded_map(stored)
    return Message(
        text=parts["text"],
        blocks=parts["blocks"],
        colour=parts["colour"],
        coloured=parts["coloured"],
        public=parts.get("public", ""),
        pictures=tuple(
            Picture(name=from_text(f["name"]), alt=from_text(f["label"]), png=bytes(f["content"]))
            for f in files
            if f["picture"]
        ),
        files=tuple(
            TextFile(
                name=from_text(f["name"]),
                title=from_text(f["label"]),
                text=bytes(f["content"]).decode("utf-8", "surrogatepass"),
            )
            for f in files
            if not f["picture"]
        ),
    )
