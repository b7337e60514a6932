"""A stretch of log text that is ready to be counted: prefixes stripped, cut into minutes."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """The part of a text before `end` (and after the segment before it).

    minute:  the epoch minute of its lines; None in a log without times
    at:      epoch seconds that all of its lines are taken for; None where each has its own time
    counted: False for what is read only to know the requests that a window's responses answer
    """

    end: int
    minute: int | None
    counted: bool = True
    at: float | None = None


@dataclass(slots=True, kw_only=True)
class LineTimes:
    """The lines of a text as they stand in the file, before any prefix was stripped.

    time_of: epoch seconds of such a line
    """

    raw: bytes = field(repr=False)
    time_of: Callable[[bytes], float | None]
    _newlines: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]] | None = None

    def of(self, data: bytes, start: int) -> float | None:
        """The time of the line that starts at a position of the text."""
        if data is not self.raw:
            if self._newlines is None:
                self._newlines = (_newlines(data), _newlines(self.raw))
            stripped, whole = self._newlines
            if len(stripped) != len(whole):
                return None
            index = int(np.searchsorted(stripped, start))
            start = int(whole[index - 1]) + 1 if index else 0
        end = self.raw.find(b"\n", start)
        return self.time_of(self.raw[start : len(self.raw) if end < 0 else end])


def _newlines(data: bytes) -> npt.NDArray[np.int64]:
    return np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n"))


@dataclass(frozen=True, slots=True)
class Text:
    """Whole lines, each ended by a newline, with the minutes they lie in.

    times: None in a log whose lines carry none
    """

    data: bytes = field(repr=False)
    segments: tuple[Segment, ...]
    times: LineTimes | None = None

    def instant_at(self, start: int) -> float | None:
        """Epoch seconds of the line that starts at a position; within its segment's minute."""
        segment = self.segment_at(start)
        if segment.at is not None or segment.minute is None:
            return segment.at
        begin = segment.minute * 60.0
        found = None if self.times is None else self.times.of(self.data, start)
        return begin if found is None else min(max(found, begin), begin + 59.999)

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
