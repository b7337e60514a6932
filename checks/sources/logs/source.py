"""The port through which the engine reads a log, and the values that a scan takes and returns."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from checks.engine.model import LogEvidence, Problem, Window
from checks.sources.logs.state import FileState
from checks.sources.loki.state import LokiState


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """How large a file was at an instant: what gives times to a log that carries none."""

    path: str
    at: datetime
    inode: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanRequest:
    """What to look at.

    window:       events with `since <= t < until`; only for logs with times or marks
    since_offset: count from this byte on, whatever the times say; 0 is the whole file
    secrets:      live secrets to search as literals; shorter ones than MIN_LIVE_SECRET are left out
    fingerprint_key: key of the HMAC that names a leaked secret without showing it
    marks:        recorded sizes, for logs without times
    naming:       count only those events whose line has this name as a word of its own
    """

    window: Window
    since_offset: int | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)
    fingerprint_key: bytes = field(default=b"", repr=False)
    marks: tuple[Mark, ...] = ()
    naming: str | None = None


def named(name: str) -> str:
    """A pattern, of `re` and of RE2, for a line that has a name as a word of its own."""
    return rf"(?:^|[^\w-]){re.escape(name)}(?:[^\w-]|$)"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanState:
    """What a scan must remember so that the next one reads only what is new."""

    files: Mapping[str, FileState] = field(default_factory=dict[str, FileState])
    loki: LokiState | None = None


class LogSource(Protocol):
    """A log that can be scanned for signals."""

    async def scan(
        self,
        request: ScanRequest,
        state: ScanState | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> tuple[LogEvidence, ScanState]:
        """Scan what is new since `state` and sum it up.

        `progress` is told (bytes done, bytes in all), possibly from another thread. Trouble with a
        file is part of the evidence (`problem`), never an exception.
        """
        ...

    async def tail(self, lines: int, secrets: Sequence[str] = ()) -> tuple[str, ...] | Problem:
        """The last lines, masked and made harmless, oldest first; or why there are none."""
        ...

    async def search(self, pattern: re.Pattern[bytes], lines: int) -> tuple[bytes, ...] | Problem:
        """What group 1 of a pattern is in the last lines, each once; or why nothing can be said.

        The lines are neither masked nor kept: nothing of them is to be shown.
        """
        ...

    async def marks(self) -> tuple[Mark, ...]:
        """How large the log is now, for one that carries no times; () where that means nothing."""
        ...
