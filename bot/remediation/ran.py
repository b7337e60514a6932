"""How a rollback ended, and what nobody can know about one that was cut off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LOOK: Final = (
    "It is not run again by itself. Look at the platform's deployments and at GET /health before"
    " anybody rolls back once more."
)
"""What is to be looked at where it is not known whether a rollback was done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a command or a hook ended.

    known:  False where nobody can tell whether the release was rolled back
    output: the lines that it wrote, masked
    """

    good: bool
    how: str
    known: bool = True
    output: tuple[str, ...] = ()


STOPPED: Final = Ran(
    good=False,
    known=False,
    how="golive was told to end while it ran, and ended it too; whether it was done is not known."
    f" {LOOK}",
)
