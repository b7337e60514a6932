"""What may be asked of golive, as values: each knows the method of the desk that does it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Final, TypeAlias

from bot.desk import Call, Desk, Reply
from bot.render.message import View

DEFAULT_LINES: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Begin the watch over a version that was deployed `ago`."""

    version: str
    ago: timedelta = timedelta(0)

    async def ask(self, desk: Desk, call: Call) -> Reply:
        """Have it done."""
        return await desk.start(call, self.version, self.ago)


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Where the watch stands."""

    async def ask(self, desk: Desk, call: Call) -> Reply:
        """Have it done."""
        return await desk.status(call)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Take a checkpoint now."""

    async def ask(self, desk: Desk, call: Call) -> Reply:
        """Have it done."""
        return await desk.checkpoint(call)


@dataclass(frozen=True, slots=True, kw_only=True)
class Logs:
    """The last lines of the log."""

    lines: int = DEFAULT_LINES

    async def ask(self, desk: Desk, call: Call) -> Reply:
        """Have it done."""
        return await desk.logs(call, self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The whole watch as Markdown."""

    async def ask(self, desk: Desk, call: Call) -> Reply:
        """Have it done."""
        return await desk.report(call)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The last watches."""

    async def ask(self, desk: Desk, call: Call) -> Reply:
        """Have it done."""
        return await desk.history(call)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """Acknowledge the present alarm."""

    async def ask(self, desk: Desk, call: Call) -> Reply:
        """Have it done."""
        return await desk.ack(call)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accept:
    """Accept a finding for the rest of the watch."""

    check: str
    reason: str

    async def ask(self, desk: Desk, call: Call) -> Reply:
        """Have it done."""
        return await desk.accept(call, self.check, self.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Silence a check for a while."""

    check: str
    duration: timedelta

    async def ask(self, desk: Desk, call: Call) -> Reply:
        """Have it done."""
        return await desk.silence(call, self.check, self.duration)


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """End the watch."""

    async def ask(self, desk: Desk, call: Call) -> Reply:
        """Have it done."""
        return await desk.close(call)


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnose:
    """Which root cause of an incident holds."""

    incident: int

    async def ask(self, desk: Desk, call: Call) -> Reply:
        """Have it done."""
        return await desk.diagnose(call, self.incident)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect:
    """Wait for the next inbound message."""

    async def ask(self, desk: Desk, call: Call) -> Reply:
        """Have it done."""
        return await desk.expect_inbound(call)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """Open the preview of a fix. `stated`: what the operator says besides, such as "restarted"."""

    kind: str
    target: str = ""
    stated: frozenset[str] = frozenset()

    @property
    def about(self) -> str:
        """What it is about, for the audit of a refusal."""
        return f"{self.kind} {self.target}".strip()

    async def show(self, desk: Desk, call: Call) -> View:
        """Have it made."""
        return await desk.fix(call, self.kind, self.target, self.stated)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback:
    """Open the preview of a rollback."""

    about: ClassVar[str] = ""

    async def show(self, desk: Desk, call: Call) -> View:
        """Have it made."""
        return await desk.rollback(call)


@dataclass(frozen=True, slots=True, kw_only=True)
class Help:
    """What the caller may do; it asks nothing of the desk."""


Asked: TypeAlias = (
    Start
    | Status
    | Checkpoint
    | Logs
    | Report
    | History
    | Ack
    | Accept
    | Silence
    | Close
    | Diagnose
    | Expect
)
Shown: TypeAlias = Fix | Rollback
"""What is answered in a modal."""

Command: TypeAlias = Asked | Shown | Help
