"""`golive run`: the bot until it is told to end."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket

import structlog

from bot.clock import SystemClock
from bot.compose import open_bot
from bot.schedule import WallTimer
from bot.settings import Settings
from checks.engine.runbook import Runbook

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


async def run_bot(settings: Settings, runbook: Runbook) -> None:
    """Run until SIGTERM or Ctrl-C; then take nothing more, finish what was begun, and return.

    Raises:
        StoreUnavailable: the store can be reached, and cannot be used as it is.
    """
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, ended.set)
    clock = SystemClock()
    timer = WallTimer(clock)
    timer.start()
    try:
        async with open_bot(settings, runbook, clock=clock, timer=timer, owner=owner()):
            _log.warning("golive runs", mode=settings.slack_mode)
            await ended.wait()
            _log.warning("golive ends")
    finally:
        await timer.stop()


def owner() -> str:
    """A name for this process in claims: where it runs, and that it is this one and no other."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
