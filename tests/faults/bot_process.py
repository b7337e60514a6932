"""The whole bot as a process of its own: `python -m tests.faults.bot_process FD`, for tests only.

It loads everything once and forks a bot for each order, so that a restart costs what a bot's start
costs and not what Python's imports cost. Orders are lines of JSON on stdin, answers lines on
stdout. FD is a pipe that nobody writes to: when it ends, because whoever gave the orders is gone,
so do all bots.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import json
import logging
import os
import signal
import sys
import time
import traceback
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from bot.compose import open_bot
from bot.logs import configure_logging
from bot.schedule import WallTimer
from bot.settings import Settings
from checks import CHECKS
from checks.engine.runbook import load_runbook
from tests.faults.shared_clock import SharedClock

_SECRETS = (
    "database_url",
    "evolution_api_key",
    "remediation_database_url",
    "slack_app_token",
    "slack_bot_token",
    "store_url",
)
_BETWEEN_LOOKS = 0.02


def _settings(given: dict[str, Any]) -> Settings:
    values = {
        name: SecretStr(value) if name in _SECRETS and value is not None else value
        for name, value in given.items()
    }
    return Settings.model_validate(values)


async def _run(order: dict[str, Any], life: int) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    loop.add_signal_handler(signal.SIGUSR1, partial(_block, Path(order["blocked"])))
    loop.add_signal_handler(signal.SIGUSR2, partial(_weigh, Path(order["weighed"])))
    loop.add_reader(life, os._exit, 1)
    settings = _settings(order["settings"])
    configure_logging(logging.INFO, form="console", secrets=settings.hidden)
    clock = SharedClock(Path(order["clock"]))
    timer = WallTimer(clock, speed=clock.speed)
    timer.start()
    try:
        async with open_bot(
            settings,
            load_runbook(Path(order["runbook"]) if order["runbook"] else None, checks=CHECKS),
            clock=clock,
            timer=timer,
            owner=order["owner"],
            lease=order["lease"],
        ):
            await ended.wait()
    finally:
        await timer.stop()


def _block(while_there: Path) -> None:
    """Let the event loop do nothing else while a file is there, as a call that blocks does."""
    while while_there.exists():
        time.sleep(_BETWEEN_LOOKS)


def _weigh(file: Path) -> None:
    """Give back what is not needed, and write how many KiB are still in hand."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # only the GNU library keeps a hoard
    if trim is not None:
        trim(0)
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    sizes = [line.split()[1] for line in status if line.startswith("VmRSS:")]
    written = file.with_suffix(".new")
    written.write_text(sizes[0], encoding="ascii")
    written.rename(file)


def _bear(order: dict[str, Any], life: int) -> int:
    """Fork a bot; its process id."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        with Path(order["output"]).open("ab", buffering=0) as output, Path(os.devnull).open() as no:
            os.dup2(no.fileno(), 0)
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
        asyncio.run(_run(order, life))
        code = 0
    except BaseException:  # noqa: BLE001 - whatever it was, it is told and the process ends
        traceback.print_exc()
    finally:
        # Nothing of the parent's is to be ended by the child: not its files, not its hooks.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _poll(pid: int) -> int | None:
    """How a bot ended (minus a signal's number, or its exit code); None while it runs."""
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def main(life: int) -> None:
    """Take orders until there are no more."""
    for line in sys.stdin:
        order: dict[str, Any] = json.loads(line)
        answer = _poll(order["poll"]) if "poll" in order else _bear(order, life)
        sys.stdout.write(f"{json.dumps(answer)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]))
