"""A stretch of log text that is ready to be counted: prefixes stripped, cut into minutes."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """The part of a text before `end` (and after the segment before it).

    minute:  the epoch minute of its lines; None in a log without times
    counted: False for what is read only to know the requests that a window's responses answer
    """

    end: int
    minute: int | None
    counted: bool = True


@dataclass(frozen=True, slots=True)
class Text:
    """Whole lines, each ended by a newline, with the minutes they lie in."""

    data: bytes = field(repr=False)
    segments: tuple[Segment, ...]

    def segment_at(self, position: int) -> Segment:
        """The segment that a position lies in."""
        if len(self.segments) == 1:
            return self.segments[0]
        ends = [segment.end for segment in self.segments]
        return self.segments[min(bisect_right(ends, position), len(ends) - 1)]

    def line_at(self, position: int) -> tuple[int, int]:
        """Start and end (without the newline) of the line that a position lies in."""
        start = self.data.rfind(b"\n", 0, position) + 1
        end = self.data.find(b"\n", position)
        return start, len(self.data) if end < 0 else end
