"""What the Slack side may ask of golive: one method a command, one for App Home.

The listeners parse, authorise and answer; whoever implements `Desk` does the work. Nothing here
knows Slack's client or its payloads.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from bot.render.message import Message, View


class Role(StrEnum):
    """What somebody may do. NOBODY: guests, bots, people from outside."""

    OPERATOR = "operator"
    MEMBER = "member"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Who asks for something, where and when. `user` and `channel` are Slack's ids."""

    user: str
    channel: str
    role: Role
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The answer to a command: to the caller alone, or to the whole channel."""

    message: Message
    in_channel: bool = False


class Repairs(Protocol):
    """The use cases of diagnosis and of fixes. A view without a callback only says something."""

    async def diagnose(self, call: Call, incident: int) -> Reply:
        """Which root cause of an incident holds, and the fix that fits."""
        ...

    async def expect_inbound(self, call: Call) -> Reply:
        """Wait for the next inbound message, and say later how long it took."""
        ...

    async def fix(self, call: Call, kind: str, target: str, stated: frozenset[str]) -> View:
        """The preview of a fix: what exactly would change."""
        ...

    async def rollback(self, call: Call) -> View:
        """The preview of a rollback."""
        ...

    async def approve(self, call: Call, claim: str) -> View:
        """The preview that a first operator confirmed, for the second."""
        ...

    async def confirm(self, call: Call, claim: str, reason: str) -> View:
        """Execute what a preview showed, once; what came of it."""
        ...

    async def undo(self, call: Call, claim: str) -> Reply:
        """Take a fix back."""
        ...

    async def tick(self, call: Call, claim: str, step: str) -> Reply:
        """A step by hand is done."""
        ...

    async def refused(self, call: Call, about: str, why: str) -> None:
        """Keep that somebody was not allowed to fix something."""
        ...


class Desk(Repairs, Protocol):
    """The use cases behind `/golive` and its buttons; each says in its reply what it did.

    A command in the wrong state (no watch to close, one running already) is an answer, never an
    exception. Every method that changes something is safe to repeat.
    """

    async def start(self, call: Call, version: str, ago: timedelta) -> Reply:
        """Begin the watch over a version deployed `ago`; twice is one watch."""
        ...

    async def status(self, call: Call) -> Reply:
        """The watch of this channel, or all checks over the last hour."""
        ...

    async def checkpoint(self, call: Call) -> Reply:
        """Take a checkpoint now, by the thresholds of the last one."""
        ...

    async def report(self, call: Call) -> Reply:
        """The whole watch as Markdown, for the post-mortem."""
        ...

    async def history(self, call: Call) -> Reply:
        """The last watches and their verdicts."""
        ...

    async def logs(self, call: Call, lines: int) -> Reply:
        """The last lines of the log, masked, as a file."""
        ...

    async def ack(self, call: Call) -> Reply:
        """Acknowledge the present alarm: it is not repeated."""
        ...

    async def accept(self, call: Call, check: str, reason: str) -> Reply:
        """Accept a WARNING or UNKNOWN for the rest of the watch."""
        ...

    async def silence(self, call: Call, check: str, duration: timedelta) -> Reply:
        """Count a check as UNKNOWN for a while; never a rollback criterion."""
        ...

    async def close(self, call: Call) -> Reply:
        """End the watch of this channel."""
        ...

    async def home(self, user: str, role: Role) -> View:
        """What App Home shows somebody."""
        ...
