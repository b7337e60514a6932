"""Which files a scan reads, and from where: windows, rotations, and where the last scan stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from checks.sources.logs.files import (
    UNREADABLE,
    FileId,
    LogFileError,
    head_of,
    predecessors,
)
from checks.sources.logs.reader import Reader
from checks.sources.logs.recognise import SAMPLE, Recognised, line_time
from checks.sources.logs.source import ScanRequest
from checks.sources.logs.state import FileState
from checks.sources.logs.timeline import first_offset, time_near
from checks.sources.logs.times import Clock

_LEAD_IN = 1 << 18
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of one file that is to be read.

    lead_in: bytes before `offset` that are read only for the requests that later responses answer
    last:    whether it is the live file, which may still grow
    """

    file: FileId
    offset: int
    lead_in: int
    last: bool


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans the scan of one path.

    others: device and inode of files that are scanned for themselves, and so not as predecessors
    """

    path: Path
    file: FileId
    found: Recognised
    request: ScanRequest
    clock: Clock
    others: frozenset[tuple[int, int]] = frozenset()

    def plan(self, known: FileState | None) -> tuple[FileState, list[Part]]:
        """The state to go on from (a copy), and what to read, oldest first."""
        head, head_size = head_of(self.file)
        if known is None:
            fresh = FileState(
                path=str(self.path),
                device=self.file.device,
                inode=self.file.inode,
                offset=0,
                head=head,
                head_size=head_size,
                profile=self.found.profile.name,
                prefix=self.found.prefix.name,
                timed=self.found.timed,
                sampled=self.found.sampled,
                recognised=self.found.matched,
            )
            parts = self._first()
            fresh.begun = (self.file.inode, parts[-1].offset)
            return fresh, parts
        state = known.copy()
        same = (known.device, known.inode) == (self.file.device, self.file.inode)
        begun = known.head_size > 0
        if same and self.file.size >= known.offset and (not begun or _same_head(self.file, known)):
            if known.head_size < head_size:
                state.head, state.head_size = head, head_size
            return state, [Part(self.file, known.offset, 0, last=True)]
        state.device, state.inode = self.file.device, self.file.inode
        state.head, state.head_size = head, head_size
        state.begun = (self.file.inode, 0)
        return state, self._after_rotation(known, state)

    def line_time(self, line: bytes) -> float | None:
        """Epoch seconds of a physical line."""
        return line_time(self.found.prefix, self.found.profile, line, self.clock)

    def _first(self) -> list[Part]:
        """What a first scan reads: from an offset, from a mark, or from where the window begins."""
        offset = self.request.since_offset
        if offset is None and not self.found.timed:
            offset = self._first_mark()
        if offset is not None:
            offset = min(offset, self.file.size)
            return [Part(self.file, offset, min(offset, _LEAD_IN), last=True)]
        since = self.request.window.since.timestamp()
        parts = [self._from(self.file, since, last=True)]
        known = {self.file.inode}
        for older in predecessors(self.path):
            if parts[0].offset > 0 or self._begins_before(parts[0], since):
                break
            if older.inode in known or (older.device, older.inode) in self.others:
                continue
            last = self._last_time(older)
            if last is None or last < since:
                break
            known.add(older.inode)
            parts.insert(0, self._from(older, since, last=False))
        return parts

    def _first_mark(self) -> int:
        """Where an untimed file was at the last mark before the window; its start without one."""
        since = self.request.window.since
        before = [
            mark.offset
            for mark in self.request.marks
            if mark.path == str(self.path) and mark.inode == self.file.inode and mark.at <= since
        ]
        return max(before, default=0)

    def _begins_before(self, part: Part, since: float) -> bool:
        first = self._with(part.file, lambda reader: time_near(reader, 0, self.line_time))
        return first is not None and first < since

    def _from(self, file: FileId, since: float, *, last: bool) -> Part:
        if file.packed:
            return Part(file, 0, 0, last=last)

        def find(reader: Reader) -> int:
            return first_offset(reader, file.size, self.line_time, since)

        return Part(file, self._with(file, find), 0, last=last)

    def _last_time(self, file: FileId) -> float | None:
        """The last time in a file; of a compressed one, when it was last written."""
        if file.packed:
            return file.modified
        end = max(0, file.size - SAMPLE)
        lines = self._with(file, lambda reader: reader(end, SAMPLE)).split(b"\n")
        times = (self.line_time(line) for line in reversed(lines))
        return next((instant for instant in times if instant is not None), None)

    def _with(self, file: FileId, use: Callable[[Reader], _T]) -> _T:
        reader = Reader(file)
        try:
            return use(reader)
        finally:
            reader.close()

    def _after_rotation(self, known: FileState, state: FileState) -> list[Part]:
        """What was written since: the rest of the file known before, then what followed it."""
        parts = [Part(self.file, 0, 0, last=True)]
        older = [file for file in predecessors(self.path) if file.inode != self.file.inode]
        index = _place_of(known, older)
        if index is not None:
            between = [Part(file, 0, 0, last=False) for file in reversed(older[:index])]
            return [Part(older[index], known.offset, 0, last=False), *between, *parts]
        note = (
            f"{self.path} was replaced and what it was before is gone: lines written just before "
            "the rotation may be missing."
        )
        state.notes = (*state.notes, note)[-5:]
        return parts


def _place_of(known: FileState, older: Sequence[FileId]) -> int | None:
    """Which of the rotated files is the one known before: the renamed one, else its copy."""
    found: int | None = None
    for index, file in enumerate(older):
        renamed = (file.device, file.inode) == (known.device, known.inode)
        if known.head_size and not _same_head(file, known):
            continue
        if renamed:
            return index
        if found is None and known.head_size:
            found = index
    return found


def _same_head(file: FileId, known: FileState) -> bool:
    try:
        head, size = head_of(file, known.head_size)
    except (*UNREADABLE, LogFileError):
        return False
    return size == known.head_size and head == known.head
