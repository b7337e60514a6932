"""A log in which something happens now and then, and what a rotation does to its files."""

from __future__ import annotations

import gzip
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.support.logs import (
    retry,
    stamp,
    text,
)

BEGIN = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    """An instant of the test."""
    return BEGIN + timedelta(minutes=minutes)


def retries(*minutes: float) -> bytes:
    """An event at each of these minutes."""
    return text(f"{stamp(at(m))} {retry()}" for m in minutes)


def append(path: Path, raw: bytes) -> None:
    """Write at the end of a file."""
    with path.open("ab") as log:
        log.write(raw)


def compress(path: Path, *, at_minute: float | None = None) -> Path:
    """Replace a file by its compressed form, as logrotate does, and keep its age."""
    packed = path.with_name(f"{path.name}.gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    seen = path.stat()
    stamped_at = seen.st_mtime if at_minute is None else at(at_minute).timestamp()
    os.utime(packed, (stamped_at, stamped_at))
    path.unlink()
    return packed


def aged(path: Path, minute: float) -> None:
    """Set when a file was last written."""
    written = at(minute).timestamp()
    os.utime(path, (written, written))
