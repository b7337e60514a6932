"""Running a command of runbook.yaml: no shell, bounded in time and output, ended with its children.

What is awaited is the end of the command itself: a process that it leaves behind may keep its
output open for ever.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from bot.remediation.output import READ

_LAST_WORDS: Final = 1.0
"""Seconds that what was written before the end may take to arrive."""

_TO_END: Final = 2.0
"""Seconds between asking a command to end and ending it."""


class CannotStartError(Exception):
    """The command is not there, or may not be run; the reason as part of a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended.

    code: its exit code, negative for a signal; None where its time was over
    said: the end of its output, stdout and stderr as they came
    cut:  whether something stood before that
    """

    code: int | None
    said: bytes = field(repr=False)
    cut: bool


class _Output(asyncio.SubprocessProtocol):
    """Keeps the end of what is said: the rest is read, so that nobody waits, and dropped."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.kept = b""
        self.cut = False
        self.exited = loop.create_future()
        self.closed = loop.create_future()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        del fd
        whole = self.kept + data
        self.cut = self.cut or len(whole) > READ
        self.kept = whole[-READ:]

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        del fd, exc
        _done(self.closed)

    def process_exited(self) -> None:
        _done(self.exited)


def _done(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


async def run(argv: Sequence[str], *, environment: Mapping[str, str], within: timedelta) -> Ended:
    """Run a command to its end, or end it with its children when its time is over.

    Cancelled, it is ended as well.

    Raises:
        CannotStartError: nothing was run.
    """
    loop = asyncio.get_running_loop()
    try:
        transport, output = await loop.subprocess_exec(
            lambda: _Output(loop),
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=dict(environment),
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else None
        raise CannotStartError(why or "refused") from None
    code: int | None = None
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(within.total_seconds()):
                await asyncio.shield(output.exited)
            code = transport.get_returncode()
            await asyncio.wait({output.closed}, timeout=_LAST_WORDS)
    finally:
        if not output.exited.done():
            await _end(transport.get_pid(), output)
        transport.close()
    return Ended(code=code, said=output.kept, cut=output.cut)


async def _end(group: int, output: _Output) -> None:
    """End a command and its children: what goes on unseen is worse than what failed."""
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGTERM)
        await asyncio.wait({output.exited}, timeout=_TO_END)
        # Also where it ended: those of its children that did not are of the same group.
        os.killpg(group, signal.SIGKILL)
    await output.exited
