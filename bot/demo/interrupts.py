"""Ctrl-C and SIGTERM, each of them as one orderly stop that cleaning up can rely on."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

_T = TypeVar("_T")
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Turns the first signal into a KeyboardInterrupt; later ones do not disturb the clean-up."""

    def __init__(self) -> None:
        self._cancel: Callable[[], object] | None = None
        self._stopping = False

    @contextmanager
    def caught(self) -> Generator[None]:
        """Hold both signals for the time of the block, and give them back after it."""
        before = {number: signal.signal(number, self._on_signal) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def run(self, work: Coroutine[None, None, _T]) -> _T:
        """Run to the end; a signal cancels the work, which may clean up in peace.

        Raises:
            KeyboardInterrupt: a signal came.
        """
        try:
            return asyncio.run(self._cancellable(work))
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None

    async def _cancellable(self, work: Coroutine[None, None, _T]) -> _T:
        task = asyncio.current_task()
        if task is not None:
            loop, cancel = asyncio.get_running_loop(), task.cancel
            # a handler runs between two byte codes: the loop must be woken up to notice
            self._cancel = lambda: loop.call_soon_threadsafe(cancel)
        try:
            return await work
        finally:
            self._cancel = None

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self._stopping:
            return
        self._stopping = True
        if self._cancel is None:
            raise KeyboardInterrupt
        self._cancel()
