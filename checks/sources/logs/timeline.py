"""Which minute each part of a log belongs to, and whether it lies in the window.

Time is the running maximum of the line times: a line that is a little late counts to the minute
of the lines around it. The borders between minutes are found by galloping and bisecting inside a
chunk, so that most lines are never looked at.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from checks.sources.logs.text import Segment

OUT_OF_ORDER = 60.0
"""Seconds by which lines may be out of order: a search for a time starts so far before it."""

_LOOK_BACK = 65_536
_FIRST_STEP = 512
_NEAR_END = 2_048
_SETTLING = 2_048
_MAX_UNTIMED_LINES = 400


class Timeline(Protocol):
    """Cuts a chunk into segments."""

    @property
    def time_of(self) -> Callable[[bytes], float | None] | None:
        """Epoch seconds of a line; None where lines carry no times."""
        ...

    def cut(self, raw: bytes, offset: int) -> tuple[tuple[Segment, ...], int]:
        """Segments of whole lines that start at a byte offset of the file, in order.

        Returns the segments and the position up to which the chunk is to be used: less than its
        length where the window ends inside it.
        """
        ...


@dataclass(slots=True)
class ByOffset:
    """A log without times: everything from a byte on counts, in no known minute."""

    since_offset: int
    time_of: None = None

    def cut(self, raw: bytes, offset: int) -> tuple[tuple[Segment, ...], int]:
        """At most two segments: before and from the first byte that counts."""
        whole = Segment(end=len(raw), minute=None)
        border = self.since_offset - offset
        if border <= 0:
            return (whole,), len(raw)
        before = Segment(end=min(border, len(raw)), minute=None, counted=False)
        return ((before,) if border >= len(raw) else (before, whole)), len(raw)


@dataclass(slots=True)
class ByMarks:
    """A log without times whose growth was recorded.

    What stands between two marks was written between their instants; it belongs to the minute of
    the later one. What stands after the last mark belongs to `now`.
    """

    offsets: Sequence[int]
    instants: Sequence[float]
    since: float
    until: float
    now: float
    time_of: None = None

    def cut(self, raw: bytes, offset: int) -> tuple[tuple[Segment, ...], int]:
        """A segment for each stretch between two marks."""
        segments: list[Segment] = []
        position = 0
        while position < len(raw):
            index = bisect_right(self.offsets, offset + position)
            last = index >= len(self.offsets)
            border = len(raw) if last else min(self.offsets[index] - offset, len(raw))
            instant = self.now if last else self.instants[index]
            if instant <= self.since:
                segments.append(Segment(end=border, minute=int(instant) // 60, counted=False))
            elif instant > self.until:
                return tuple(segments), position
            else:
                segments.append(Segment(end=border, minute=int(instant) // 60, at=instant))
            position = border
        return tuple(segments), position


@dataclass(slots=True)
class ByLine:
    """A log whose lines carry times. `high` is the running maximum so far, epoch seconds.

    `since` and `until` None: every time counts, from the byte `since_offset` on.
    """

    time_of: Callable[[bytes], float | None]
    since: float | None
    until: float | None
    high: float | None = None
    since_offset: int = 0

    def cut(self, raw: bytes, offset: int) -> tuple[tuple[Segment, ...], int]:
        """A segment for each minute, with further borders where the window begins and ends."""
        segments: list[Segment] = []
        position = 0
        border = self.since_offset - offset
        if border > 0:
            position = min(border, len(raw))
            segments.append(Segment(end=position, minute=None, counted=False))
        self._raise(next(self._timed(raw, 0), None))
        while position < len(raw):
            here = self._key(self.high)
            if here[1] > 0:
                return tuple(segments), position
            following = self._next_border(raw, position, here)
            if here[1] < 0 and following is not None:
                following = self._earlier(raw, position, following)
            end = len(raw) if following is None else following[0]
            segments.append(Segment(end=end, minute=here[0], counted=here[1] == 0))
            position = end
            self._raise(following)
        return tuple(segments), position

    def _key(self, instant: float | None) -> tuple[int | None, int]:
        """The minute of an instant, and whether it lies before (-1), in (0) or after the window."""
        if instant is None:
            return None, 0 if self.since is None else -1
        if self.since is not None and instant < self.since:
            return int(instant) // 60, -1
        if self.until is not None and instant >= self.until:
            return int(instant) // 60, 1
        return int(instant) // 60, 0

    def _raise(self, found: tuple[int, float] | None) -> None:
        if found is not None and (self.high is None or found[1] > self.high):
            self.high = found[1]

    def _after(self, instant: float, here: tuple[int | None, int]) -> bool:
        if self.high is not None and instant <= self.high:
            return False
        return self._key(instant) != here

    def _timed(self, raw: bytes, position: int) -> Iterator[tuple[int, float]]:
        """Lines with a time from the first line start at or after a position on."""
        if position > 0 and raw[position - 1 : position] != b"\n":
            position = raw.find(b"\n", position) + 1 or len(raw)
        misses = 0
        while position < len(raw) and misses < _MAX_UNTIMED_LINES:
            end = raw.find(b"\n", position)
            end = len(raw) if end < 0 else end
            instant = self.time_of(raw[position:end])
            if instant is not None:
                yield position, instant
                misses = 0
            else:
                misses += 1
            position = end + 1

    def _next_border(
        self, raw: bytes, start: int, here: tuple[int | None, int]
    ) -> tuple[int, float] | None:
        """The first line after `start` that belongs elsewhere than `here`; None: none does."""
        tail = list(self._timed(raw, max(start, len(raw) - _NEAR_END)))
        beyond = next((line for line in tail if self._after(line[1], here)), None)
        if tail and beyond is None:
            return None
        low, step = start, _FIRST_STEP
        high = found = None
        while high is None:
            probe = min(low + step, len(raw))
            if probe >= len(raw):
                high, found = len(raw), None
                break
            line = next(self._timed(raw, probe), None)
            if line is None:
                high, found = len(raw), None
            elif self._after(line[1], here):
                high, found = probe, line
            else:
                low, step = line[0], step * 2
        found = self._bisect(raw, low, high, found, here) or beyond
        return None if found is None else self._settled(raw, start, found, here)

    def _settled(
        self, raw: bytes, start: int, found: tuple[int, float], here: tuple[int | None, int]
    ) -> tuple[int, float]:
        """The border moved up to where it is first crossed: late lines may have hidden that."""
        while True:
            for line in self._timed(raw, max(start, found[0] - _SETTLING)):
                if line[0] >= found[0]:
                    return found
                if self._after(line[1], here):
                    found = line
                    break

    def _bisect(
        self,
        raw: bytes,
        low: int,
        high: int,
        found: tuple[int, float] | None,
        here: tuple[int | None, int],
    ) -> tuple[int, float] | None:
        while low < high:
            middle = (low + high) // 2
            line = next(self._timed(raw, middle), None)
            if line is None or (found is not None and line[0] >= found[0]):
                high = middle
            elif self._after(line[1], here):
                high, found = middle, line
            else:
                low = line[0] + 1
        return found

    def _earlier(self, raw: bytes, start: int, border: tuple[int, float]) -> tuple[int, float]:
        """The window's very first line: an early one may stand a little before where it begins."""
        for position, instant in self._timed(raw, max(start, border[0] - _LOOK_BACK)):
            if position >= border[0]:
                break
            if self.since is not None and instant >= self.since:
                return position, instant
        return border


def first_offset(
    read: Callable[[int, int], bytes],
    size: int,
    time_of: Callable[[bytes], float | None],
    target: float,
) -> int:
    """The offset of a line start before which every line is (OUT_OF_ORDER aside) older than target.

    Bisects the file with small reads; `read(offset, size)` returns bytes.
    """
    target -= OUT_OF_ORDER
    low, high = 0, size
    while high - low > _LOOK_BACK:
        middle = (low + high) // 2
        place, instant = _timed_from(read, middle, high, time_of)
        if instant is None or instant >= target:
            high = middle
        else:
            low = place
    if low == 0:
        return 0
    return low + read(low, _LOOK_BACK).find(b"\n") + 1


def _timed_from(
    read: Callable[[int, int], bytes],
    place: int,
    end: int,
    time_of: Callable[[bytes], float | None],
) -> tuple[int, float | None]:
    """A place before a time, and the time: in strides over what carries none (a very long line)."""
    step = _LOOK_BACK
    while place < end:
        instant = time_near(read, place, time_of)
        if instant is not None:
            return place, instant
        place, step = place + step, step * 2
    return end, None


def time_near(
    read: Callable[[int, int], bytes], offset: int, time_of: Callable[[bytes], float | None]
) -> float | None:
    """The time of the first timed line at or after an offset, within 64 KiB."""
    lines = read(offset, _LOOK_BACK).split(b"\n")
    for line in lines[1 if offset else 0 :]:
        instant = time_of(line)
        if instant is not None:
            return instant
    return None
