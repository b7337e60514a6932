"""`python -m bot.demo.workspace --port N --journal FILE`: the workspace as a process."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from bot.demo.workspace.control import Control
from bot.demo.workspace.server import Workspace

_TICK_SECONDS = 1.0


async def run(arguments: Sequence[str]) -> None:
    """Serve until a signal comes; the first line of the output says where."""
    options = _parser().parse_args(arguments)
    workspace = Workspace(
        port=options.port, journal=options.journal, rate_limits=not options.no_rate_limits
    )
    Control(workspace)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with workspace:
        sys.stdout.write(f"{workspace.api_url}\n")
        sys.stdout.flush()
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _TICK_SECONDS)
            await workspace.tick()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bot.demo.workspace", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 finds a free one")
    parser.add_argument("--journal", type=Path, default=None, help="a file for all traffic")
    parser.add_argument("--no-rate-limits", action="store_true", help="count no calls")
    return parser


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1:]))
