"""The steps between which a fix can be cut off: named, so that each can be walked."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol


class Step(StrEnum):
    """Where a fix is, in the order of its steps."""

    CONFIRMED = "confirmed, nothing begun"
    BEGUN = "claimed, nothing changed"
    CHANGED = "rows changed, not committed"
    TELLING = "about to tell the other system"
    TOLD = "the other system told, not committed"
    COMMITTING = "about to commit"
    COMMITTED = "committed"
    COMPARED = "compared with the other system"
    RUNNING = "a command or hook is about to run"
    RAN = "a command or hook has run"
    HANDING = "rows noted, their hook not called"
    HANDED = "the hook called, its answers not noted"
    RECORDED = "its end is recorded, nobody told"


class Steps(Protocol):
    """Told of each step before the next one is taken."""

    async def reached(self, step: Step) -> None:
        """The fix is here."""
        ...


class NoSteps:
    """Nobody listens."""

    async def reached(self, step: Step) -> None:
        """Go on."""
