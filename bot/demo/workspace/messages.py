"""What a message is."""

from __future__ import annotations

from dataclasses import dataclass

from bot.demo.workspace.people import APP, BOT, TEAM
from bot.demo.workspace.values import Json, copy, objects


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a message says."""

    text: str = ""
    blocks: tuple[Json, ...] = ()
    attachments: tuple[Json, ...] = ()
    metadata: Json | None = None
    files: tuple[Json, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One version of a message; an update makes another with the same ts."""

    channel: str
    ts: str
    user: str
    draft: Draft
    bot: bool
    thread_ts: str | None = None
    reply_broadcast: bool = False
    edited_ts: str | None = None
    reader: str | None = None

    @property
    def text(self) -> str:
        """The top-level text."""
        return self.draft.text

    @property
    def blocks(self) -> tuple[Json, ...]:
        """The blocks outside attachments."""
        return self.draft.blocks

    @property
    def attachments(self) -> tuple[Json, ...]:
        """The attachments, with the blocks in them."""
        return self.draft.attachments

    @property
    def metadata(self) -> Json | None:
        """The metadata that the app gave it."""
        return self.draft.metadata

    def all_blocks(self) -> list[Json]:
        """The blocks of the message and of its attachments."""
        inner = [block for a in self.attachments for block in objects(a.get("blocks"))]
        return [*self.blocks, *inner]

    def to_json(self, *, metadata: bool = False) -> Json:
        """The message object of the Web API and of interactions."""
        body: Json = {"type": "message", "user": self.user, "ts": self.ts, "text": self.text}
        body["team"] = TEAM
        if self.bot:
            body |= {"bot_id": BOT, "app_id": APP}
        if self.blocks:
            body["blocks"] = list(self.blocks)
        if self.attachments:
            body["attachments"] = list(self.attachments)
        if self.draft.files:
            body |= {"files": list(self.draft.files), "upload": False}
        if self.thread_ts is not None:
            body["thread_ts"] = self.thread_ts
        if self.reply_broadcast:
            body["subtype"] = "thread_broadcast"
        if self.edited_ts is not None:
            body["edited"] = {"user": self.user, "ts": self.edited_ts}
        if self.reader is not None:
            body["is_ephemeral"] = True
        if metadata and self.metadata is not None:
            body["metadata"] = self.metadata
        return copy(body)
