"""The messages of the workspace: channels' histories, threads, and notes for one reader."""

from __future__ import annotations

from dataclasses import replace

from bot.demo.workspace.changes import Change, Changes, Kind
from bot.demo.workspace.ids import Ids
from bot.demo.workspace.messages import Draft, Message
from bot.demo.workspace.values import Json, Now, SlackError, copy, objects


class MessageBook:
    """All messages, in the order of their ts.

    Args:
        now: the clock, in UTC.
        changes: told of every change.
        ids: for blocks that come without one.
    """

    def __init__(self, now: Now, changes: Changes, ids: Ids) -> None:
        self._now = now
        self._changes = changes
        self._messages: dict[tuple[str, str], Message] = {}
        self._versions: dict[tuple[str, str], list[Message]] = {}
        self._ephemerals: dict[tuple[str, str], Message] = {}
        self._last = 0
        self._ids = ids

    def next_ts(self) -> str:
        """A ts of now that is above every other one."""
        micros = int(self._now().timestamp() * 1_000_000)
        self._last = max(micros, self._last + 1)
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"

    def next_number(self) -> int:
        """A number of now that no other id has, not even one of an earlier workspace."""
        self.next_ts()
        return self._last

    def post(
        self,
        *,
        channel: str,
        user: str,
        bot: bool,
        draft: Draft,
        thread_ts: str | None = None,
        reply_broadcast: bool = False,
        reader: str | None = None,
    ) -> Message:
        """Add a message; with a reader it is ephemeral."""
        message = Message(
            channel=channel,
            ts=self.next_ts(),
            user=user,
            bot=bot,
            draft=self._kept(draft),
            thread_ts=thread_ts,
            reply_broadcast=reply_broadcast,
            reader=reader,
        )
        self._put(message, Kind.POSTED if reader is None else Kind.EPHEMERAL)
        return message

    def update(self, channel: str, ts: str, draft: Draft) -> Message:
        """Replace what a message or an ephemeral one says."""
        old = self._ephemerals.get((channel, ts)) or self.find(channel, ts)
        edited = None if old.reader else self.next_ts()
        message = replace(old, draft=self._kept(draft), edited_ts=edited)
        self._put(message, Kind.UPDATED)
        return message

    def delete(self, channel: str, ts: str) -> None:
        """Remove a message or an ephemeral one."""
        message = self._ephemerals.pop((channel, ts), None) or self.find(channel, ts)
        self._messages.pop((channel, ts), None)
        self._changes.tell(Change(kind=Kind.DELETED, message=message))

    def find(self, channel: str, ts: str) -> Message:
        """The newest version of a message.

        Raises:
            SlackError: there is none.
        """
        message = self._messages.get((channel, ts))
        if message is None:
            raise SlackError("message_not_found")
        return message

    def versions(self, channel: str, ts: str) -> tuple[Message, ...]:
        """Every version of a message, oldest first; also of a deleted one."""
        return tuple(self._versions.get((channel, ts), ()))

    def of(self, channel: str) -> tuple[Message, ...]:
        """Everything in a channel, threads included, oldest first."""
        found = (m for (where, _), m in self._messages.items() if where == channel)
        return tuple(sorted(found, key=lambda m: m.ts))

    def main_line(self, channel: str) -> tuple[Message, ...]:
        """What stands in the channel itself: no replies but broadcast ones, oldest first."""
        return tuple(
            m for m in self.of(channel) if m.thread_ts in {None, m.ts} or m.reply_broadcast
        )

    def thread(self, channel: str, thread_ts: str) -> tuple[Message, ...]:
        """A message and its replies, oldest first."""
        return tuple(m for m in self.of(channel) if thread_ts in {m.ts, m.thread_ts})

    def ephemerals(self, reader: str, channel: str | None = None) -> tuple[Message, ...]:
        """What only one reader sees, oldest first."""
        found = (
            m
            for (where, _), m in self._ephemerals.items()
            if m.reader == reader and channel in {None, where}
        )
        return tuple(sorted(found, key=lambda m: m.ts))

    def all(self) -> tuple[Message, ...]:
        """Every message of every channel, oldest first; no ephemeral ones."""
        return tuple(sorted(self._messages.values(), key=lambda m: m.ts))

    def thread_facts(self, message: Message) -> Json:
        """What a parent says of its thread; empty without replies."""
        replies = [m for m in self.thread(message.channel, message.ts) if m.ts != message.ts]
        if not replies:
            return {}
        return {
            "thread_ts": message.ts,
            "reply_count": len(replies),
            "reply_users": sorted({m.user for m in replies}),
            "latest_reply": replies[-1].ts,
        }

    def _put(self, message: Message, kind: Kind) -> None:
        key = (message.channel, message.ts)
        (self._messages if message.reader is None else self._ephemerals)[key] = message
        self._versions.setdefault(key, []).append(message)
        self._changes.tell(Change(kind=kind, message=message))

    def _kept(self, draft: Draft) -> Draft:
        """As Slack keeps it: every block has an id, every attachment a number, colours no #."""
        attachments: list[Json] = []
        for number, given in enumerate(draft.attachments, start=1):
            attachment: Json = {**copy(given), "id": number}
            attachment.setdefault("fallback", "[no preview available]")
            if isinstance(attachment.get("color"), str):
                attachment["color"] = attachment["color"].removeprefix("#")
            if attachment.get("blocks"):
                attachment["blocks"] = self._ids.fill(objects(attachment["blocks"]))
            attachments.append(attachment)
        return replace(
            draft,
            blocks=tuple(self._ids.fill(list(draft.blocks))),
            attachments=tuple(attachments),
            metadata=None if draft.metadata is None else copy(draft.metadata),
        )
