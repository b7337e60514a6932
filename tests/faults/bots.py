"""Bots as processes, seen from the test: born, killed, stopped, and none of them left behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_ROOT = Path(__file__).parents[2]
_LOOK_AGAIN = 0.02
_MOST = 30.0


class Nursery:
    """The process that bots are forked from; all of them end with it, and it ends with the test."""

    def __init__(self) -> None:
        self._life, self._hold = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.bot_process", str(self._life)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=(self._life,),
            cwd=_ROOT,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        os.close(self._hold)
        os.close(self._life)
        self._process.communicate()

    def bear(self, order: dict[str, Any]) -> int:
        """Fork a bot; its process id."""
        return int(self._ask(order))

    def poll(self, pid: int) -> int | None:
        """How a bot ended; None while it runs. Until it is asked, its id is nobody else's."""
        return self._ask({"poll": pid})

    def _ask(self, order: dict[str, Any]) -> Any:
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("The process was started with pipes.")
        self._process.stdin.write(f"{json.dumps(order)}\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


class BotProcess:
    """One bot that runs, or ran."""

    def __init__(self, nursery: Nursery, order: dict[str, Any]) -> None:
        self.owner: str = order["owner"]
        self._blocked = Path(order["blocked"])
        self._weighed = Path(order["weighed"])
        self.code: int | None = None
        self._nursery = nursery
        self._pid = nursery.bear(order)

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        if self.code is None:
            self.code = self._nursery.poll(self._pid)
        return self.code is None

    async def kill(self) -> None:
        """End it as `kill -9` does."""
        self._signal(signal.SIGKILL)
        await self.gone()

    async def terminate(self, seconds: float = 30.0) -> int:
        """Ask it to end, and wait; its exit code."""
        self._signal(signal.SIGTERM)
        return await self.gone(seconds)

    async def weigh(self) -> int:
        """Memory that it needs, in KiB, what it shares with other processes included.

        Raises:
            TimeoutError: it does not answer.
        """
        self._weighed.unlink(missing_ok=True)
        self._signal(signal.SIGUSR2)
        deadline = time.monotonic() + _MOST
        while not self._weighed.exists():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.owner} did not say what it holds")
            await asyncio.sleep(_LOOK_AGAIN)
        return int(self._weighed.read_text(encoding="ascii"))

    def has_socket(self, inode: str) -> bool:
        """Whether a connection, by the kernel's name for it, is this process's."""
        try:
            opened = [str(file.readlink()) for file in Path(f"/proc/{self._pid}/fd").iterdir()]
        except OSError:
            return False
        return f"socket:[{inode}]" in opened

    def block(self) -> None:
        """Block its event loop: the process lives, and does nothing."""
        self._blocked.touch()
        self._signal(signal.SIGUSR1)

    def unblock(self) -> None:
        """Let its event loop go on."""
        self._blocked.unlink(missing_ok=True)

    def stop(self) -> None:
        """Let it stand still, as a machine does that is out of memory."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    async def gone(self, seconds: float = 10.0) -> int:
        """Wait until it has ended; its exit code, or minus the signal."""
        deadline = time.monotonic() + seconds
        while self.runs:
            if time.monotonic() > deadline:
                self._signal(signal.SIGKILL)
                raise TimeoutError(f"{self.owner} did not end within {seconds:g} s")
            await asyncio.sleep(_LOOK_AGAIN)
        return self.code or 0

    def _signal(self, number: int) -> None:
        if self.runs:
            os.kill(self._pid, number)
