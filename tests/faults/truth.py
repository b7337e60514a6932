"""What the bot's rows say, held against what the workspace shows: lost, doubled, out of order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, LiteralString

import psycopg
from psycopg.rows import dict_row

from bot.demo.workspace.messages import Message
from bot.demo.workspace.values import mapping
from bot.slack.gateway import EVENT_TYPE
from bot.storage.part import deployment_of
from bot.storage.posts import message_of
from bot.watch import plan
from checks.engine.runbook import Runbook

Row = dict[str, Any]

_OF_FIXES = "fix:"
"""How the keys of posts about fixes begin: the same fix may be made, and told, again and again."""

_POSTS: LiteralString = "SELECT * FROM golive.posts ORDER BY seq"
_WATCHES: LiteralString = "SELECT * FROM golive.deployments ORDER BY started_at"
_TAKEN: LiteralString = "SELECT * FROM golive.checkpoints WHERE taken_at IS NOT NULL"


@dataclass(slots=True, kw_only=True)
class Verdict:
    """What was found: sentences, and how much was compared.

    unsafe:   about fixes: executed twice, half done, not in the audit
    grown:    about memory
    leaked:   secrets in posts, in output, or in golive's tables
    notes:    figures worth a line, nothing wrong
    fixes:    how many were executed
    resident: KiB of the largest bot before the faults and after them; 0: not measured
    """

    lost: list[str] = field(default_factory=list[str])
    doubled: list[str] = field(default_factory=list[str])
    disordered: list[str] = field(default_factory=list[str])
    stale: list[str] = field(default_factory=list[str])
    unsafe: list[str] = field(default_factory=list[str])
    grown: list[str] = field(default_factory=list[str])
    leaked: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])
    points: int = 0
    posts: int = 0
    fixes: int = 0
    resident: tuple[int, int] = (0, 0)

    @property
    def wrong(self) -> list[str]:
        """Every sentence."""
        return [
            *self.lost,
            *self.doubled,
            *self.disordered,
            *self.stale,
            *self.unsafe,
            *self.grown,
            *self.leaked,
        ]


def rows(url: str, statement: LiteralString, values: Row | None = None) -> list[Row]:
    """The rows of one statement."""
    with psycopg.connect(url) as connection, connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(statement, values).fetchall()


def post_id(message: Message) -> str | None:
    """The id that golive gave to a message; None for anybody else's, and for answers."""
    metadata = message.metadata or {}
    if metadata.get("event_type") != EVENT_TYPE:
        return None
    return str(mapping(metadata.get("event_payload")).get("post_id"))


def compare(url: str, messages: Sequence[Message], runbook: Runbook, *, until: datetime) -> Verdict:
    """Hold the rows of a store against all messages of the workspace.

    Args:
        url: of the store.
        messages: of every channel, threads included.
        runbook: whose schedule was to be kept.
        until: points due by then must have been taken.
    """
    verdict = Verdict()
    posts = rows(url, _POSTS)
    shown = [message for message in messages if post_id(message) is not None]
    verdict.posts = len(shown)
    _points(verdict, url, posts, runbook, until)
    _once(verdict, posts, shown)
    fixes = {str(row["id"]) for row in posts if row["key"].startswith(_OF_FIXES)}
    _first_lines(verdict, [message for message in shown if post_id(message) not in fixes])
    _order(verdict, posts)
    _status(verdict, posts, {message.ts: message for message in messages})
    return verdict


def _points(
    verdict: Verdict, url: str, posts: Iterable[Row], runbook: Runbook, until: datetime
) -> None:
    """Every point of the schedule is taken, and what has something to say was said."""
    taken = {(row["deployment_id"], row["key"]): row for row in rows(url, _TAKEN)}
    said = {(row["deployment_id"], row["key"]) for row in posts}
    verdict.points = len(taken)
    for row in rows(url, _WATCHES):
        watch = deployment_of(row)
        for point in plan.hour(watch, runbook):
            name = f"{watch.version} in {watch.channel}: {point.key}"
            if point.due_at > min(until, watch.closed_at or until):
                continue
            if (watch.id, point.key) not in taken:
                verdict.lost.append(f"{name} was not taken")
            elif point.run != "pulse" and (watch.id, f"point:{point.key}") not in said:
                verdict.lost.append(f"{name} was not said")


def _once(verdict: Verdict, posts: Iterable[Row], shown: Iterable[Message]) -> None:
    """Each row is one message, and each message one row."""
    found = Counter(post_id(message) for message in shown)
    by_id = {post_id(message): message for message in shown}
    for row in posts:
        if row["update_of"] is not None:
            if row["state"] != "sent":
                verdict.lost.append(f"update {row['key']} is {row['state']}: {row['error']}")
            continue
        id_, name = str(row["id"]), f"{row['key']} in {row['channel']}"
        if row["state"] != "sent" or not found[id_]:
            verdict.lost.append(f"{name} is {row['state']}, {found[id_]} times in Slack")
        elif by_id[id_].ts != row["ts"]:
            verdict.lost.append(f"{name} has another ts in Slack")
    known = {str(row["id"]) for row in posts}
    for id_, count in found.items():
        if count > 1:
            verdict.doubled.append(f"{by_id[id_].text[:60]!r} is there {count} times")
        if id_ not in known:
            verdict.doubled.append(f"{by_id[id_].text[:60]!r} has no row")


def _first_lines(verdict: Verdict, shown: Iterable[Message]) -> None:
    """A reader sees no line twice in one thread."""
    lines = Counter(
        (message.channel, message.thread_ts, message.text.partition("\n")[0])
        for message in shown
        if message.thread_ts is not None
    )
    verdict.doubled += [
        f"{line!r} is there {n} times" for (_, _, line), n in lines.items() if n > 1
    ]


def _order(verdict: Verdict, posts: Iterable[Row]) -> None:
    """A channel's messages are in Slack in the order in which they were to be said."""
    last: dict[str, Row] = {}
    for row in posts:
        if row["update_of"] is not None or row["ts"] is None:
            continue
        before = last.get(row["channel"])
        if before is not None and float(before["ts"]) > float(row["ts"]):
            verdict.disordered.append(f"{row['key']} is before {before['key']}")
        last[row["channel"]] = row


def _status(verdict: Verdict, posts: Iterable[Row], messages: dict[str, Message]) -> None:
    """The message that is edited in place shows the last content that it was to show."""
    ts = {row["id"]: row["ts"] for row in posts}
    for row in posts:
        if row["update_of"] is None or row["state"] != "sent":
            continue
        message = messages.get(str(ts[row["update_of"]]))
        wanted = message_of(row["message"], []).text
        if message is None or message.text != wanted:
            shown = None if message is None else message.text[:60]
            verdict.stale.append(f"status shows {shown!r} instead of {wanted[:60]!r}")
