"""What `golive doctor` finds: one line for each thing that it tested."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How a test came out.

    OK:      it works
    WARNING: it works, and something about it will be missed
    FAILED:  something that the runbook needs does not work
    SKIPPED: it is not configured, so nothing was tested
    """

    OK = "OK"
    WARNING = "WARNING"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One test: what was found and, where that is not well, what mends it.

    Both are whole sentences without secrets. Of what is skipped, `mend` says what it would bring.
    """

    status: Status
    what: str
    mend: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The lines about one thing that golive is connected to."""

    area: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """All parts, in the order in which they should be mended."""

    parts: tuple[Part, ...]

    @property
    def failed(self) -> bool:
        """Whether something that the runbook needs does not work."""
        return any(line.status is Status.FAILED for part in self.parts for line in part.lines)

    def count(self, status: Status) -> int:
        """How many lines have a status."""
        return sum(line.status is status for part in self.parts for line in part.lines)


def ok(what: str) -> Line:
    """It works."""
    return Line(status=Status.OK, what=what)


def warning(what: str, mend: str) -> Line:
    """It works, and something about it will be missed."""
    return Line(status=Status.WARNING, what=what, mend=mend)


def failed(what: str, mend: str) -> Line:
    """Something that the runbook needs does not work."""
    return Line(status=Status.FAILED, what=what, mend=mend)


def skipped(what: str, brings: str) -> Line:
    """It is not configured."""
    return Line(status=Status.SKIPPED, what=what, mend=brings)
