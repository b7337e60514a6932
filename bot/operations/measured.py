"""A log source that tells how much of the log was read, and how long that took."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence

from bot.operations.metrics import Metrics
from checks.engine.model import LogEvidence, Problem
from checks.sources.logs.source import LogSource, Mark, ScanRequest, ScanState


class MeasuredLog:
    """Implements `LogSource` by another one.

    Args:
        log: does the reading.
        metrics: is told.
        seconds: a clock that only goes forward.
    """

    def __init__(
        self, log: LogSource, metrics: Metrics, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._log = log
        self._metrics = metrics
        self._seconds = seconds

    async def scan(
        self,
        request: ScanRequest,
        state: ScanState | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> tuple[LogEvidence, ScanState]:
        """Scan; see `LogSource.scan`."""
        read = 0

        def count(done: int, total: int) -> None:
            nonlocal read
            read = done
            if progress is not None:
                progress(done, total)

        begun = self._seconds()
        try:
            return await self._log.scan(request, state, count)
        finally:
            self._metrics.scanned(read, self._seconds() - begun)

    async def tail(self, lines: int, secrets: Sequence[str] = ()) -> tuple[str, ...] | Problem:
        """The last lines; see `LogSource.tail`."""
        return await self._log.tail(lines, secrets)

    async def search(self, pattern: re.Pattern[bytes], lines: int) -> tuple[bytes, ...] | Problem:
        """What a pattern finds; see `LogSource.search`."""
        return await self._log.search(pattern, lines)

    async def marks(self) -> tuple[Mark, ...]:
        """How large the log is now; see `LogSource.marks`."""
        return await self._log.marks()
