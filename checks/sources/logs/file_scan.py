"""One scan of log files, from plan to evidence, in one worker thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from checks.engine.masking import MIN_LIVE_SECRET
from checks.engine.model import LogEvidence, Problem, minute_of
from checks.sources.logs.evidence import Counted, Frame, build
from checks.sources.logs.files import FileId, LogFileError, identify
from checks.sources.logs.leaks import LeakFinder, settle
from checks.sources.logs.pairs import STATUS_MASK
from checks.sources.logs.plan import Part, Planner
from checks.sources.logs.recognise import SAMPLE, Recognised, sample_lines, share_of
from checks.sources.logs.scan import Reader, Scanner, read_on
from checks.sources.logs.source import ScanRequest, ScanState
from checks.sources.logs.state import FileState, Tally
from checks.sources.logs.text import Segment
from checks.sources.logs.timeline import ByLine, ByMarks, ByOffset, Timeline
from checks.sources.logs.times import Clock

_DRIFT_SAMPLE = 4_096
_DRIFT_SHARE = 0.1

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
        self._done = 0
        self._total = 0
        self._secrets = tuple(
            secret.encode() for secret in request.secrets if len(secret) >= MIN_LIVE_SECRET
        )

    def run(self, formats: FormatOf, state: ScanState | None) -> tuple[LogEvidence, ScanState]:
        """Scan every file; one with trouble leaves a problem, and the others are counted."""
        parts: list[Counted] = []
        files: dict[str, FileState] = {}
        problems: list[Problem] = []
        grew = False
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
                except (OSError, EOFError) as error:
                    problems.append(unreadable(path, error))
                    continue
                parts.append(counted)
                files[str(path)] = after
                grew = grew or known is None or counted.tally.bytes > known.tally.bytes
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
            secrets=self._secrets,
            notes=tuple(str(problem) for problem in problems) if parts else (),
        )

    def _file(
        self, path: Path, found: Recognised, known: FileState | None, pool: ThreadPoolExecutor
    ) -> tuple[Counted, FileState]:
        file = identify(path)
        scanner = Scanner(
            profile=found.profile,
            prefix=found.prefix,
            matcher=found.profile.matcher(self._secrets),
            leaks=LeakFinder(found.profile, self._secrets, self._request.fingerprint_key),
            pool=pool,
        )
        planner = Planner(path, file, found, self._request, self._clock)
        marks = None if found.timed else self._marks(path, file)
        state, plan = planner.plan(known)
        self._total += sum(max(0, part.file.size - part.offset) for part in plan)
        rest, timeline = b"", ByOffset(0)
        for part in plan:
            timeline = self._timeline(planner, state, part, marks)
            rest = self._read(scanner, state, part, timeline)
        if file.size >= _DRIFT_SAMPLE and not file.packed:
            _sample_again(found, state, file)
        tally = _with_rest(scanner, state, timeline, rest)
        counted = Counted(
            path=str(path),
            profile=found.profile,
            timed=found.timed or marks is not None,
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
        if isinstance(timeline, ByLine):
            state.high = timeline.high
        return rest

    def _advance(self, n: int) -> None:
        self._done += n
        self._progress(self._done, max(self._total, self._done))

    def _timeline(
        self, planner: Planner, state: FileState, part: Part, marks: ByMarks | None
    ) -> Timeline:
        if marks is not None:
            return marks
        if not planner.found.timed:
            return ByOffset(part.offset)
        window, offset = self._request.window, self._request.since_offset
        if offset is not None:
            return ByLine(planner.line_time, None, None, state.high, part.offset)
        since, until = window.since.timestamp(), window.until.timestamp()
        return ByLine(planner.line_time, since, until, state.high)

    def _marks(self, path: Path, file: FileId) -> ByMarks | None:
        """The recorded growth of an untimed file; None where nothing was recorded."""
        marks = sorted(
            (m for m in self._request.marks if m.path == str(path) and m.inode == file.inode),
            key=lambda mark: (mark.offset, mark.at),
        )
        if not marks or self._request.since_offset is not None:
            return None
        return ByMarks(
            offsets=[mark.offset for mark in marks],
            instants=[mark.at.timestamp() for mark in marks],
            since=self._request.window.since.timestamp(),
            until=self._request.window.until.timestamp(),
            now=self._clock.now.timestamp(),
        )


def unreadable(path: Path, error: Exception) -> Problem:
    """What is said of a file that broke while it was read."""
    return Problem(
        what=f"{path} cannot be read ({type(error).__name__}).",
        mend="Check that the file is whole and on a working file system.",
    )


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
            stretched = Segment(end=last.end + missing, minute=last.minute, counted=last.counted)
            scanner.feed(piece + b"\n" * missing, (*segments[:-1], stretched), tally)
            tally.bytes -= missing
    settle(tally, STATUS_MASK, final=True)
    return tally


def _sample_again(found: Recognised, state: FileState, file: FileId) -> None:
    """Look at the newest part again: a format may change under a running watch."""
    reader = Reader(file)
    try:
        lines = sample_lines(b"", reader(max(0, file.size - SAMPLE), SAMPLE))
    finally:
        reader.close()
    matched, sampled = share_of(found.profile, found.prefix, lines)
    if sampled:
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
