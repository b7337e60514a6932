"""Reading one file's new bytes and counting them: chunk by chunk, each chunk once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from checks.sources.logs.blocks import BlockCounter
from checks.sources.logs.events import count_events
from checks.sources.logs.leaks import LeakFinder, settle
from checks.sources.logs.lines import LineTable, Scratch
from checks.sources.logs.pairs import STATUS_MASK, count_pairs
from checks.sources.logs.prefix import NO_PREFIX, Prefix, uncoloured
from checks.sources.logs.profile import Matcher, Profile
from checks.sources.logs.reader import CHUNK, Ahead, Reader
from checks.sources.logs.response_lines import Marks
from checks.sources.logs.responses import count_json
from checks.sources.logs.state import FileState, Tally
from checks.sources.logs.text import Segment, Text
from checks.sources.logs.timeline import Timeline

_OVERLAP = 2_048
_MAX_BACK = 400
_CONTINUED = b"\0"


def _nothing() -> None:
    return


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A text that is being searched, and will be counted into a tally."""

    text: Text
    tally: Tally
    continued: bool
    blocks: BlockCounter
    search: Future[_Searched]


@dataclass(slots=True, kw_only=True)
class Scanner:
    """Counts the text of one profile behind one prefix into a tally."""

    profile: Profile
    prefix: Prefix
    matcher: Matcher
    leaks: LeakFinder
    pool: ThreadPoolExecutor
    scratch: Scratch = field(default_factory=Scratch)
    _waiting: _Waiting | None = field(default=None, init=False)

    def feed(
        self,
        raw: bytes,
        segments: tuple[Segment, ...],
        tally: Tally,
        *,
        continued: bool = False,
        meanwhile: Callable[[], None] = _nothing,
    ) -> None:
        """Count whole lines; the last ones that were fed are counted by `finish`.

        Args:
            raw: the lines.
            segments: their minutes.
            tally: where the counts go.
            continued: whether the first line is the rest of one already begun.
            meanwhile: work that waits for the disk and not for this text.
        """
        text = self._plain(raw, segments, continued=continued)
        tally.bytes += len(raw)
        blocks = self.profile.blocks
        if blocks is not None:
            search = self.pool.submit(_search, blocks, self.matcher, text.data)
            self.finish()
            self._waiting = _Waiting(text, tally, continued, blocks, search)
            meanwhile()
        else:
            secrets = self._count(text, tally, meanwhile)
            self._settle(text, secrets, tally, continued=continued)

    def finish(self) -> None:
        """Count the text that was fed last.

        Where lines stand alone, one thread searches a text while the other counts the one before.
        """
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            marks, events, secrets = waiting.search.result()
            waiting.blocks.count(waiting.text, marks, waiting.tally)
            count_events(self.profile, waiting.text, events, waiting.tally)
            self._settle(waiting.text, secrets, waiting.tally, continued=waiting.continued)

    def _settle(
        self, text: Text, secrets: Sequence[Sequence[int]], tally: Tally, *, continued: bool
    ) -> None:
        self.leaks.count(text, secrets, tally, continued=continued)
        settle(tally, STATUS_MASK, final=False)

    def _count(
        self, text: Text, tally: Tally, meanwhile: Callable[[], None]
    ) -> Sequence[Sequence[int]]:
        """Count with two threads: Hyperscan and numpy run without the interpreter's lock.

        Returns the hits of the secret patterns.

        Hyperscan takes the lock for a moment at each hit. They are many here: so it is the search
        for records that runs beside.
        """
        pairs, data = self.profile.pairs, text.data
        if pairs is not None:
            reading = self.pool.submit(LineTable, data, self.scratch)
            meanwhile()
            events, secrets = self.matcher.scan(data)
            table = reading.result()
            records = pairs.read(table, tally.pairing.hashed)
            count_pairs(pairs, text, table.newlines, records, tally)
            openings = self.profile.openings
            opened = openings.find(table) if openings is not None else None
            count_events(self.profile, text, events, tally, opened)
        else:
            meanwhile()
            secrets = count_json(self.profile, self.matcher, text, tally)
        return secrets

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
            moved.append(Segment(end=size, minute=segment.minute, counted=segment.counted))
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


_Searched = tuple[Marks, list[list[int]], list[list[int]]]


def _search(blocks: BlockCounter, matcher: Matcher, data: bytes) -> _Searched:
    """All that is found without the lock: marks, and hits of events and of secrets."""
    return (blocks.marks(data), *matcher.scan(data))


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
    continued = False
    ahead = Ahead(reader)
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
                meanwhile=lambda at=following: ahead.fetch(at),
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
        moved = tuple(
            Segment(end=s.end + (s.end == len(raw)), minute=s.minute, counted=s.counted)
            for s in segments
        )
        scanner.feed(raw + b"\n", moved, state.tally, continued=continued)
        state.tally.lines -= 1
    state.offset += len(raw) - _OVERLAP
