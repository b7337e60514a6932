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


class ScanStopped(Exception):  # noqa: N818 - not an error: nobody waits for the scan any more
    """Ends a scan whose run was interrupted while it went on in its own thread."""


class ScanProgress:
    """A context in which `advance(done, total)` may be called, from any thread.

    After its end `advance` raises: a scan that goes on behind an interrupted run stops there.
    """

    def __init__(self, console: Console, *, long: int = LONG) -> None:
        """Shows nothing until a scan of at least `long` bytes reports, on a terminal."""
        self._long = long
        self._task: TaskID | None = None
        self._over = False
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
        """So many bytes of so many are read.

        Raises:
            ScanStopped: the context has ended.
        """
        if self._over:
            raise ScanStopped
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
        self._over = True
        if self._task is not None:
            self._bar.stop()
