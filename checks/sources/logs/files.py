"""Files of a log: what can be opened, which one a path is, and its rotated predecessors."""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
import re
import stat
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from checks.engine.model import Problem

HEAD = 1_024
UNREADABLE = (OSError, EOFError, zlib.error)
"""What reading a broken file raises, a compressed one included."""

# app.log.1, app.log-20261123, app.log.2026-11-23, app.log-20261123-1764021600, each also with .gz
_ROTATED = re.compile(r"[.-]\d[\d_-]{0,24}(\.gz)?")
_MAX_PREDECESSORS = 100


class LogFileError(Exception):
    """A log file that cannot be read; `problem` says why and what to do."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


@dataclass(frozen=True, slots=True, kw_only=True)
class FileId:
    """Which file a path is right now. `size` is that of the bytes on disk."""

    path: Path
    device: int
    inode: int
    size: int
    modified: float

    @property
    def packed(self) -> bool:
        """Whether it is compressed."""
        return self.path.suffix == ".gz"


def identify(path: Path) -> FileId:
    """Look a path up.

    Raises:
        LogFileError: it is missing, not readable, or not a regular file.
    """
    try:
        found = path.stat()
    except OSError as error:
        raise LogFileError(_problem(path, error)) from error
    kind = _not_a_file(found.st_mode)
    if kind is not None:
        raise LogFileError(
            Problem(
                what=f"{path} is {kind}, not a log file.",
                mend="Give the path of a regular file that the application appends to.",
            )
        )
    if not os.access(path, os.R_OK):
        raise LogFileError(_problem(path, PermissionError(errno.EACCES, "")))
    return FileId(
        path=path,
        device=found.st_dev,
        inode=found.st_ino,
        size=found.st_size,
        modified=found.st_mtime,
    )


def _not_a_file(mode: int) -> str | None:
    for test, name in (
        (stat.S_ISDIR, "a directory"),
        (stat.S_ISFIFO, "a FIFO"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
    ):
        if test(mode):
            return name
    return None


def _problem(path: Path, error: OSError) -> Problem:
    if isinstance(error, FileNotFoundError):
        return Problem(
            what=f"{path} does not exist.",
            mend="Check the path, and where the application logs to.",
        )
    if isinstance(error, PermissionError):
        return Problem(
            what=f"{path} may not be read by the user that runs golive.",
            mend=f"Give that user read permission (for example: setfacl -m u:USER:r {path}).",
        )
    reason = os.strerror(error.errno) if error.errno else type(error).__name__
    return Problem(what=f"{path} cannot be read: {reason}.", mend="Check the file system.")


def open_log(file: FileId) -> IO[bytes]:
    """Open a file (or a compressed one) for reading bytes, unbuffered where it is plain.

    Raises:
        LogFileError: it cannot be opened.
    """
    try:
        if file.packed:
            return cast("IO[bytes]", gzip.open(file.path, "rb"))
        return cast("IO[bytes]", file.path.open("rb", buffering=0))
    except OSError as error:
        raise LogFileError(_problem(file.path, error)) from error


def head_of(file: FileId, size: int = HEAD) -> tuple[bytes, int]:
    """A digest of the first bytes of a file and how many they were: what a rewrite changes."""
    with open_log(file) as opened:
        first = opened.read(size) or b""
    return hashlib.sha256(first).digest(), len(first)


def predecessors(path: Path) -> Iterator[FileId]:
    """Rotated files of a path (`app.log.1`, `app.log.2.gz`, `app.log-20261123`), newest first."""
    found: list[FileId] = []
    try:
        names = list(path.parent.glob(f"{_escaped(path.name)}[.-]*"))
    except OSError:
        return
    for candidate in names:
        if _ROTATED.fullmatch(candidate.name[len(path.name) :]) is None:
            continue
        try:
            found.append(identify(candidate))
        except LogFileError:
            continue
    found.sort(key=lambda file: (-file.modified, str(file.path)))
    yield from found[:_MAX_PREDECESSORS]


def _escaped(name: str) -> str:
    return re.sub(r"([\[*?])", r"[\1]", name)
