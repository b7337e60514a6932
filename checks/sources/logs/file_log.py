"""Log files as a source: which files belong to the window, where to begin, what changed since."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from pathlib import Path

import aiofiles
import aiofiles.os

from checks.engine.masking import evidence_line
from checks.engine.model import LogEvidence, Problem
from checks.sources.logs.file_scan import FileScan, unreadable
from checks.sources.logs.files import UNREADABLE, FileId, LogFileError, identify, predecessors
from checks.sources.logs.prefix import prefix_named
from checks.sources.logs.profile import Profile
from checks.sources.logs.reader import Reader
from checks.sources.logs.recognise import (
    SAMPLE,
    Recognised,
    recognise,
    sample_lines,
)
from checks.sources.logs.source import Mark, ScanRequest, ScanState
from checks.sources.logs.state import FileState
from checks.sources.logs.times import Clock

_TAIL_LINE = 4_096
"""Bytes that a line of the tail may have on average; of longer ones fewer are shown."""


class FileLog:
    """One or more log files, read from disk.

    Args:
        paths: the files; rotated predecessors are found beside them.
        profiles: the formats to recognise.
        zone: of times that name no zone.
        now: gives the instant of a scan.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        profiles: Sequence[Profile],
        zone: tzinfo,
        now: Callable[[], datetime],
    ) -> None:
        self._paths = tuple(dict.fromkeys(paths))
        self._profiles = tuple(profiles)
        self._zone = zone
        self._now = now

    async def marks(self) -> tuple[Mark, ...]:
        """How large the files are now; files that cannot be looked at are left out."""
        found: list[Mark] = []
        for path in self._paths:
            try:
                seen = await aiofiles.os.stat(path)
            except OSError:
                continue
            found.append(
                Mark(path=str(path), at=self._now(), inode=seen.st_ino, offset=seen.st_size)
            )
        return tuple(found)

    async def tail(self, lines: int, secrets: Sequence[str] = ()) -> tuple[str, ...] | Problem:
        """The last lines of the files together, masked; see `LogSource.tail`."""
        known = [secret.encode("utf-8", "surrogateescape") for secret in secrets]
        found: list[str] = []
        problem: Problem | None = None
        for path in self._paths:
            try:
                file = await asyncio.to_thread(identify, path)
                raw = await _end_of(file, lines)
            except LogFileError as error:
                problem = error.problem
                continue
            except UNREADABLE as error:
                problem = unreadable(path, error)
                continue
            found += await asyncio.to_thread(_masked, raw, known)
        return problem if problem is not None and not found else tuple(found[-lines:])

    async def recognise(self, path: Path) -> Recognised | Problem:
        """The format of a file, or why it has none."""
        try:
            file = await asyncio.to_thread(identify, path)
            lines = await _sample(file)
        except LogFileError as error:
            return error.problem
        except UNREADABLE as error:
            return unreadable(path, error)
        return recognise(str(path), lines, self._profiles, self._clock())

    async def scan(
        self,
        request: ScanRequest,
        state: ScanState | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> tuple[LogEvidence, ScanState]:
        """Scan what is new since `state`; see `LogSource.scan`."""
        clock = self._clock()
        prepared: list[tuple[Path, Recognised | Problem]] = []
        for path in self._paths:
            known = state.files.get(str(path)) if state is not None else None
            prepared.append((path, await self._format(path, known, clock)))
        job = FileScan(request, clock, progress or _no_progress)
        return await asyncio.to_thread(job.run, prepared, state)

    async def _format(
        self, path: Path, known: FileState | None, clock: Clock
    ) -> Recognised | Problem:
        if known is not None:
            profile = next((p for p in self._profiles if p.name == known.profile), None)
            if profile is not None:
                prefix = prefix_named(known.prefix)
                return Recognised(profile, prefix, known.timed, known.sampled, known.recognised)
        found = await self.recognise(path)
        if isinstance(found, Problem):
            # Just rotated: the file is new and empty, its format is that of its predecessor.
            older = await asyncio.to_thread(_replaced, path)
            if older is not None:
                try:
                    lines = await _sample(older)
                except (*UNREADABLE, LogFileError):
                    return found
                return recognise(str(path), lines, self._profiles, clock)
        return found

    def _clock(self) -> Clock:
        return Clock(zone=self._zone, now=self._now())


def _masked(lines: Sequence[bytes], secrets: Sequence[bytes]) -> list[str]:
    return [evidence_line(line, secrets) for line in lines]


def _replaced(path: Path) -> FileId | None:
    """The newest predecessor of a file that is there, but empty."""
    try:
        if identify(path).size:
            return None
    except LogFileError:
        return None
    return next((file for file in predecessors(path) if file.size), None)


def _no_progress(_done: int, _total: int) -> None:
    return


async def _end_of(file: FileId, lines: int) -> list[bytes]:
    """The last whole lines of a file, within the last bytes that so many lines may take."""
    size = min(file.size, lines * _TAIL_LINE)
    async with aiofiles.open(file.path, "rb") as opened:
        await opened.seek(file.size - size)
        raw = await opened.read(size)
    if size < file.size:
        raw = raw[raw.find(b"\n") + 1 :]
    return raw.splitlines()[-lines:]


async def _sample(file: FileId) -> list[bytes]:
    """Lines from the beginning and the end of a file."""
    if file.packed:
        reader = await asyncio.to_thread(Reader, file)
        try:
            return sample_lines(await asyncio.to_thread(reader, 0, SAMPLE))
        finally:
            reader.close()
    async with aiofiles.open(file.path, "rb") as opened:
        first = await opened.read(SAMPLE)
        last = b""
        if file.size > 2 * SAMPLE:
            await opened.seek(file.size - SAMPLE)
            last = await opened.read(SAMPLE)
    return sample_lines(first, last)
