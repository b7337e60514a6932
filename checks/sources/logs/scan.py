"""Reading one file's new bytes and counting them: chunk by chunk, each chunk once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from checks.sources.logs.events import count_events
from checks.sources.logs.ids import IdHash
from checks.sources.logs.leaks import LeakFinder, settle
from checks.sources.logs.lines import LineTable, Scratch
from checks.sources.logs.matcher import Matcher
from checks.sources.logs.pairs import STATUS_MASK, count_pairs
from checks.sources.logs.prefix import NO_PREFIX, Prefix, uncoloured
from checks.sources.logs.profile import Profile
from checks.sources.logs.reader import CHUNK, Ahead, Reader
from checks.sources.logs.responses import count_json
from checks.sources.logs.state import FileState, Tally
from checks.sources.logs.text import LineTimes, Segment, Text
from checks.sources.logs.timeline import Timeline

_OVERLAP = 2_048
_MAX_BACK = 400
_CONTINUED = b"\0"


def _two() -> deque[Scratch]:
    """Memory for the text that is being counted, and for the one that is being searched."""
    return deque((Scratch(), Scratch()))


def _nothing() -> None:
    return


@dataclass(frozen=True, slots=True)
class _Found:
    """What was found in a text without the interpreter's lock.

    secrets: where the hits of each secret pattern end
    count:   counts everything else
    """

    secrets: Sequence[Sequence[int]]
    count: Callable[[Text, Tally], None]


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A text that is being searched, and will be counted into a tally."""

    text: Text
    tally: Tally
    continued: bool
    search: Future[_Found]


@dataclass(slots=True, kw_only=True)
class Scanner:
    """Counts the text of one profile behind one prefix into a tally."""

    profile: Profile
    prefix: Prefix
    matcher: Matcher
    leaks: LeakFinder
    pool: ThreadPoolExecutor
    _scratches: deque[Scratch] = field(default_factory=_two, init=False, repr=False)
    _waiting: _Waiting | None = field(default=None, init=False)

    def feed(
        self,
        raw: bytes,
        segments: tuple[Segment, ...],
        tally: Tally,
        *,
        continued: bool = False,
        begin: Callable[[], None] = _nothing,
        time_of: Callable[[bytes], float | None] | None = None,
    ) -> None:
        """Count whole lines; the last ones that were fed are counted by `finish`.

        Args:
            raw: the lines.
            segments: their minutes.
            tally: where the counts go.
            continued: whether the first line is the rest of one already begun.
            begin: starts other work of the threads, after the search and before the counting.
            time_of: epoch seconds of a line; None where lines carry no times.
        """
        text = self._plain(raw, segments, continued=continued)
        if time_of is not None:
            text = replace(text, times=LineTimes(raw=raw, time_of=time_of))
        tally.bytes += len(raw)
        if self.profile.fields is not None:
            begin()
            secrets = count_json(self.profile, self.matcher, text, tally)
            self._settle(text, secrets, tally, continued=continued)
            return
        search = self.pool.submit(self._search, text.data, tally.pairing.hashed)
        begin()
        self.finish()
        self._waiting = _Waiting(text, tally, continued, search)

    def finish(self) -> None:
        """Count the text that was fed last.

        One thread searches a text while the other counts the one before.
        """
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            text, tally, found = waiting.text, waiting.tally, waiting.search.result()
            found.count(text, tally)
            self._settle(text, found.secrets, tally, continued=waiting.continued)

    def _settle(
        self, text: Text, secrets: Sequence[Sequence[int]], tally: Tally, *, continued: bool
    ) -> None:
        self.leaks.count(text, secrets, tally, continued=continued)
        settle(tally, STATUS_MASK, final=False)

    def _search(self, data: bytes, hashed: IdHash) -> _Found:
        """What is found by Hyperscan and numpy in long calls, without the interpreter's lock.

        In a table of lines the rest is found when the text is counted: those are many short calls,
        and each would wait for the lock.
        """
        blocks, pairs, openings = self.profile.blocks, self.profile.pairs, self.profile.openings
        secrets = self.matcher.secrets(data)
        if blocks is not None:
            marks, events = blocks.marks(data), self.matcher.events(data)

            def count_blocks(text: Text, tally: Tally) -> None:
                blocks.count(text, marks, tally)
                count_events(self.profile, text, events, tally)

            return _Found(secrets, count_blocks)
        self._scratches.rotate()
        table = LineTable(data, self._scratches[0])

        def count(text: Text, tally: Tally) -> None:
            if pairs is not None and openings is not None:
                records = pairs.read(table, hashed)
                count_pairs(pairs, text, table.newlines, records, tally)
                events = self.matcher.events_in(table)
                count_events(self.profile, text, events, tally, openings.find(table))

        return _Found(secrets, count)

    def _plain(self, raw: bytes, segments: tuple[Segment, ...], *, continued: bool) -> Text:
        """The text without prefixes, carriage returns and colours, its segments moved along."""
        ansi = b"\x1b" in raw
        returns = b"\r" in raw
        if self.prefix is NO_PREFIX and not ansi and not returns and not continued:
            return Text(raw, segments)
        parts: list[bytes] = []
        moved: list[Segment] = []
        start = size = 0
        for segment in segments:
            part = raw[start : segment.end]
            if returns:
                part = part.replace(b"\r\n", b"\n")
            if ansi:
                part = uncoloured(part)
            if continued and not parts:
                part = _CONTINUED + part
            if self.prefix is not NO_PREFIX:
                part = self.prefix.strip(part)
            parts.append(part)
            size += len(part)
            moved.append(replace(segment, end=size))
            start = segment.end
        return Text(b"".join(parts), tuple(moved))

    def border(self, raw: bytes, *, more: bool) -> int:
        """Where to cut: after the last newline, or before a record that may go on.

        `more`: the file goes on at once, so that a record as long as the chunk is cut in two.
        """
        end = raw.rfind(b"\n") + 1
        if self.profile.pairs is None or not end:
            return end
        stop = end
        for _ in range(_MAX_BACK):
            begin = raw.rfind(b"\n", 0, stop - 1) + 1
            line = self.prefix.strip(uncoloured(raw[begin:stop]))
            if line[:1] not in (b" ", b"\t", b"}"):
                return end if more and not begin else begin
            if not begin:
                return end
            stop = begin
        return end


def read_on(
    scanner: Scanner,
    reader: Reader,
    state: FileState,
    timeline: Timeline,
    *,
    last: bool,
    progress: Callable[[int], None],
) -> bytes:
    """Count a file from `state.offset` to its end; the state moves along.

    Args:
        scanner: what counts.
        reader: the bytes.
        state: where to begin, and where the counts go.
        timeline: the minutes and the window.
        last: whether the file may still grow; a rotated one is used to its very last byte.
        progress: told how many bytes were read.

    Returns:
        What stands at the end and may not be complete yet (empty where the window ended before).
    """
    ahead = Ahead(reader, scanner.pool)
    try:
        return _read_on(scanner, ahead, state, timeline, last=last, progress=progress)
    finally:
        ahead.wait()


def _read_on(
    scanner: Scanner,
    ahead: Ahead,
    state: FileState,
    timeline: Timeline,
    *,
    last: bool,
    progress: Callable[[int], None],
) -> bytes:
    continued = False
    while True:
        raw, more = ahead.take(state.offset)
        end_of_file = not more
        cut = scanner.border(raw, more=more)
        if end_of_file and not last:
            cut = len(raw)
        if cut == 0:
            if end_of_file:
                return raw
            _long_line(scanner, raw, state, timeline, continued=continued)
            continued = True
            progress(CHUNK - _OVERLAP)
            continue
        whole = raw[:cut]
        segments, used = timeline.cut(whole, state.offset)
        if used:
            piece = whole[:used] if used < cut else whole
            if not piece.endswith(b"\n"):
                piece += b"\n"
            following = state.offset + used
            scanner.feed(
                piece,
                segments,
                state.tally,
                continued=continued,
                begin=lambda at=following: ahead.fetch(at),
                time_of=timeline.time_of,
            )
        continued = False
        state.offset += used
        progress(used)
        if used < cut or (end_of_file and not last):
            return b""


def _long_line(
    scanner: Scanner, raw: bytes, state: FileState, timeline: Timeline, *, continued: bool
) -> None:
    """A line longer than a chunk goes by in pieces that overlap; it is never held whole."""
    segments, used = timeline.cut(raw, state.offset)
    if used:
        moved = tuple(replace(s, end=s.end + (s.end == len(raw))) for s in segments)
        scanner.feed(raw + b"\n", moved, state.tally, continued=continued)
        state.tally.lines -= 1
    state.offset += len(raw) - _OVERLAP
