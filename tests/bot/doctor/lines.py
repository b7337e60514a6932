"""Lines of an examination, found by what they say."""

from __future__ import annotations

from collections.abc import Sequence

from bot.doctor.model import Line, Status


def saying(lines: Sequence[Line], words: str) -> Line:
    """The only line whose finding contains these words."""
    found = [line for line in lines if words in line.what]
    assert len(found) == 1, [line.what for line in lines]
    return found[0]


def bad(lines: Sequence[Line]) -> list[Line]:
    """The lines that are neither OK nor skipped."""
    return [line for line in lines if line.status in {Status.WARNING, Status.FAILED}]


def statuses(lines: Sequence[Line]) -> set[Status]:
    """Which statuses occur."""
    return {line.status for line in lines}
