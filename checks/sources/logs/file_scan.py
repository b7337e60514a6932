"""One scan of log files, from plan to evidence, in one worker thread."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from checks.engine.masking import MIN_LIVE_SECRET
from checks.engine.model import LogEvidence, Problem, minute_of
from checks.sources.logs.evidence import Counted, Frame, build
from checks.sources.logs.files import UNREADABLE, FileId, LogFileError, identify
from checks.sources.logs.leaks import LeakFinder, settle
from checks.sources.logs.pairs import STATUS_MASK
from checks.sources.logs.plan import Part, Planner
from checks.sources.logs.reader import Reader
from checks.sources.logs.recognise import SAMPLE, Recognised, sample_lines, share_of
from checks.sources.logs.scan import Scanner, read_on
from checks.sources.logs.source import ScanRequest, ScanState, named
from checks.sources.logs.state import FileState, Tally
from checks.sources.logs.text import Segment
from checks.sources.logs.timeline import ByLine, ByMarks, ByOffset, Timeline
from checks.sources.logs.times import Clock

_KEPT = 1 << 24
_DRIFT_SAMPLE = 4_096
_DRIFT_LINES = 10
_DRIFT_SHARE = 0.1
_SHARP = 60.0
"""Seconds after the window's end within which a mark cuts there: counts are by the minute."""

UNTIMED = Problem(
    what="The log carries no times, so it is not known which of its lines are recent.",
    mend="Count from a byte on with --since-offset BYTES (0 = the whole file), "
    "or let the platform add times (docker logs -t, PM2 --time).",
)

FormatOf = Sequence[tuple[Path, Recognised | Problem]]


class FileScan:
    """Scans the files of one request."""

    def __init__(
        self, request: ScanRequest, clock: Clock, progress: Callable[[int, int], None]
    ) -> None:
        self._request = request
        self._clock = clock
        self._progress = progress
        self._own: frozenset[tuple[int, int]] = frozenset()
        self._done = 0
        self._total = 0
        self._uncut: float | None = None
        self._secrets = tuple(
            secret.encode("utf-8", "surrogateescape")
            for secret in request.secrets
            if len(secret) >= MIN_LIVE_SECRET
        )

    def run(self, formats: FormatOf, state: ScanState | None) -> tuple[LogEvidence, ScanState]:
        """Scan every file; one with trouble leaves a problem, and the others are counted."""
        parts: list[Counted] = []
        files: dict[str, FileState] = {}
        problems: list[Problem] = []
        grew = False
        self._own = _identities(path for path, _found in formats)
        _keep_freed_memory()
        with ThreadPoolExecutor(max_workers=1) as pool:
            for path, found in formats:
                known = state.files.get(str(path)) if state is not None else None
                if known is not None:
                    files[str(path)] = known
                if isinstance(found, Problem):
                    problems.append(found)
                    continue
                try:
                    counted, after = self._file(path, found, known, pool)
                except LogFileError as error:
                    problems.append(error.problem)
                    continue
                except UNREADABLE as error:
                    problems.append(unreadable(path, error))
                    continue
                parts.append(counted)
                files[str(path)] = after
                grew = grew or _grew(known, after)
        frame = self._frame([path for path, _found in formats], parts, problems)
        if state is not None:
            frame = replace(frame, grew=grew)
        return build(parts, frame), ScanState(files=files)

    def _frame(
        self, paths: Sequence[Path], parts: Sequence[Counted], problems: Sequence[Problem]
    ) -> Frame:
        offset = self._request.since_offset
        unwindowed = offset is None and any(not part.timed for part in parts)
        return Frame(
            source=", ".join(str(path) for path in paths),
            problem=problems[0] if problems and not parts else _drifted(parts),
            unwindowed=UNTIMED if unwindowed else None,
            by_offset=offset is not None,
            since_minute=minute_of(self._request.window.since) if offset is None else None,
            until=None if self._uncut is None else datetime.fromtimestamp(self._uncut, UTC),
            secrets=self._secrets,
            notes=tuple(str(problem) for problem in problems) if parts else (),
        )

    def _file(
        self, path: Path, found: Recognised, known: FileState | None, pool: ThreadPoolExecutor
    ) -> tuple[Counted, FileState]:
        file = identify(path)
        name = self._request.naming
        if name is not None:
            naming = re.compile(named(name).encode("utf-8", "replace"))
            found = replace(found, profile=replace(found.profile, naming=naming))
        scanner = Scanner(
            profile=found.profile,
            prefix=found.prefix,
            matcher=found.profile.matcher(self._secrets),
            leaks=LeakFinder(found.profile, self._secrets, self._request.fingerprint_key),
            pool=pool,
        )
        planner = Planner(path, file, found, self._request, self._clock, self._own)
        marked = not found.timed and self._marked(path)
        state, plan = planner.plan(known)
        state.size = file.size
        self._total += sum(max(0, part.file.size - part.offset) for part in plan)
        rest, timeline = b"", ByOffset(0)
        for part in plan:
            timeline = self._timeline(planner, state, part, marked=marked)
            try:
                rest = self._read(scanner, state, part, timeline)
            except (*UNREADABLE, LogFileError) as error:
                if part.last:
                    raise
                state.notes = (*state.notes, _unread(part, error))[-5:]
        if file.size >= _DRIFT_SAMPLE and not file.packed:
            _sample_again(planner, state)
        outages = state.tally.outages
        if not outages.succeeded and plan:
            outages.succeeded = _succeeded_before(scanner, plan[0])
        tally = _with_rest(scanner, state, timeline, rest)
        counted = Counted(
            path=str(path),
            profile=found.profile,
            timed=found.timed or marked,
            tally=tally,
            sampled=state.sampled,
            recognised=state.recognised,
            notes=state.notes,
        )
        return counted, state

    def _read(self, scanner: Scanner, state: FileState, part: Part, timeline: Timeline) -> bytes:
        state.offset = part.offset - part.lead_in
        reader = Reader(part.file)
        try:
            rest = read_on(scanner, reader, state, timeline, last=part.last, progress=self._advance)
        finally:
            reader.close()
            scanner.finish()
        if isinstance(timeline, ByLine):
            state.high = timeline.high
        return rest

    def _advance(self, n: int) -> None:
        self._done += n
        self._progress(self._done, max(self._total, self._done))

    def _timeline(
        self, planner: Planner, state: FileState, part: Part, *, marked: bool
    ) -> Timeline:
        if marked:
            return self._marks(planner.path, part.file)
        # A line that stood before the first byte counted may be read once more, as what was not
        # known to be whole: it does not count now either.
        inode, begun = state.begun
        start = max(part.offset, begun) if part.file.inode == inode else part.offset
        if not planner.found.timed:
            return ByOffset(start)
        window, offset = self._request.window, self._request.since_offset
        if offset is not None:
            return ByLine(planner.line_time, None, None, state.high, start)
        since, until = window.since.timestamp(), window.until.timestamp()
        return ByLine(planner.line_time, since, until, state.high)

    def _marked(self, path: Path) -> bool:
        """Whether the growth of a path was recorded, and is what counts."""
        if self._request.since_offset is not None:
            return False
        return any(mark.path == str(path) for mark in self._request.marks)

    def _marks(self, path: Path, file: FileId) -> ByMarks:
        """The recorded growth of an untimed file.

        It is cut at the first mark after the window. Without one soon after, as where nobody
        marked for a while, what is younger cannot be told apart, and counts.
        """
        marks = sorted(
            (m for m in self._request.marks if m.path == str(path) and m.inode == file.inode),
            key=lambda mark: (mark.offset, mark.at),
        )
        instants = [mark.at.timestamp() for mark in marks]
        now, end = self._clock.now.timestamp(), self._request.window.until.timestamp()
        until = min((at for at in instants if at >= end), default=max(now, end))
        if until - end > _SHARP:
            self._uncut = until = max(now, end)
        return ByMarks(
            offsets=[mark.offset for mark in marks],
            instants=instants,
            since=self._request.window.since.timestamp(),
            until=until,
            now=now,
        )


def unreadable(path: Path, error: Exception) -> Problem:
    """What is said of a file that broke while it was read."""
    reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else ""
    if path.suffix == ".gz":
        reason = reason or "it is not a whole gzip file"
    return Problem(
        what=f"{path} cannot be read: {reason or type(error).__name__}.",
        mend="Check that the file is whole and on a working file system.",
    )


def _unread(part: Part, error: Exception) -> str:
    problem = (
        error.problem if isinstance(error, LogFileError) else unreadable(part.file.path, error)
    )
    return f"{problem.what} What it holds is missing from the counts."


def _keep_freed_memory() -> None:
    """Have the C library keep the memory that one chunk frees for the next one.

    glibc takes the largest block that was ever freed as the measure of what it hands back to the
    system at once; what it gets back from there has to be cleared page by page.
    """
    np.empty(_KEPT, np.uint8)  # never written to, so it takes no memory


def _identities(paths: Iterable[Path]) -> frozenset[tuple[int, int]]:
    found: set[tuple[int, int]] = set()
    for path in paths:
        try:
            file = identify(path)
        except LogFileError:
            continue
        found.add((file.device, file.inode))
    return frozenset(found)


def _grew(known: FileState | None, after: FileState) -> bool:
    """Whether something was written since the scan before."""
    if known is None:
        return True
    same = (known.device, known.inode) == (after.device, after.inode)
    return after.size > (known.size if same and after.size >= known.size else 0)


def _with_rest(scanner: Scanner, state: FileState, timeline: Timeline, rest: bytes) -> Tally:
    """The counts including what stands at the end and may not be complete yet.

    The state leaves that end out, so that the next scan reads it again, whole.
    """
    tally = state.tally.copy()
    if rest:
        segments, used = timeline.cut(rest, state.offset)
        if used:
            piece = rest[:used]
            missing = 0 if piece.endswith(b"\n") else 1
            last = segments[-1]
            stretched = replace(last, end=last.end + missing)
            scanner.feed(
                piece + b"\n" * missing,
                (*segments[:-1], stretched),
                tally,
                time_of=timeline.time_of,
            )
            scanner.finish()
            tally.bytes -= missing
    settle(tally, STATUS_MASK, final=True)
    return tally


def _succeeded_before(scanner: Scanner, part: Part) -> bool:
    """Whether a file shows a response below 400 before the part that is counted."""
    reader = Reader(part.file)
    try:
        end = part.offset - part.lead_in
        for start in (max(0, end - SAMPLE), 0):
            raw = reader(start, min(SAMPLE, end - start)) if end > start else b""
            whole = raw[raw.find(b"\n") + 1 if start else 0 : raw.rfind(b"\n") + 1]
            if whole:
                tally = Tally()
                scanner.feed(whole, (Segment(end=len(whole), minute=None, counted=False),), tally)
                scanner.finish()
                if tally.outages.succeeded:
                    return True
    finally:
        reader.close()
    return False


def _sample_again(planner: Planner, state: FileState) -> None:
    """Look at the newest part again: a format may change under a running watch."""
    found, file = planner.found, planner.file
    reader = Reader(file)
    try:
        lines = sample_lines(b"", reader(max(0, file.size - SAMPLE), SAMPLE))
    finally:
        reader.close()
    matched, sampled = share_of(found.profile, found.prefix, lines)
    if found.timed and lines:
        times = sum(planner.line_time(line) is not None for line in lines)
        matched = matched if times >= _DRIFT_SHARE * len(lines) else 0
    if sampled >= _DRIFT_LINES:
        state.sampled, state.recognised = sampled, matched


def _drifted(parts: Sequence[Counted]) -> Problem | None:
    for part in parts:
        if part.sampled and part.recognised < _DRIFT_SHARE * part.sampled:
            return Problem(
                what=f"The newest lines of {part.path} no longer fit its format "
                f"{part.profile.name} ({part.recognised} of {part.sampled} sampled).",
                mend="Check what writes to it now, and the profile in runbook.yaml.",
            )
    return None
