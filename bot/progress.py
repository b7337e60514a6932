"""How far a long scan is: a bar on a terminal, nothing anywhere else."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

LONG = 64 * 1024 * 1024
"""Bytes below which a scan is over before a bar could be read."""


class ScanProgress:
    """A context in which `advance(done, total)` may be called, from any thread."""

    def __init__(self, console: Console, *, long: int = LONG) -> None:
        """Shows nothing until a scan of at least `long` bytes reports, on a terminal."""
        self._long = long
        self._task: TaskID | None = None
        self._bar = Progress(
            TextColumn("Reading the log"),
            BarColumn(),
            DownloadColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._wanted = console.is_terminal

    def advance(self, done: int, total: int) -> None:
        """So many bytes of so many are read."""
        if not self._wanted or total < self._long:
            return
        if self._task is None:
            self._bar.start()
            self._task = self._bar.add_task("", total=total)
        self._bar.update(self._task, completed=done, total=total)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._bar.stop()
