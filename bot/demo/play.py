"""`golive demo`: a whole go-live in a browser or in a terminal, with nothing to set up."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import webbrowser
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console

from bot.clock import SystemClock
from bot.demo.announce import Announcer
from bot.demo.databases import make_databases
from bot.demo.interrupts import Interrupts
from bot.demo.pace import Pace, PacedClock, PacedTimer
from bot.demo.page.serving import serve
from bot.demo.postgres import EmbeddedPostgres
from bot.demo.scenarios import Scenario
from bot.demo.show import Show, Times, open_show

PORT = 8484
"""Where the page is, unless something else is there."""

INTERRUPTED = 130
"""Exit code after Ctrl-C or SIGTERM, as shells have it."""

_FIRST_CHECKPOINT = timedelta(minutes=10)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the demo plays.

    speed:    simulated seconds a real one
    headless: open no browser
    stay:     go on after the final review, until Ctrl-C
    """

    scenario: Scenario
    seed: int = 1
    speed: float = 60.0
    headless: bool = False
    stay: bool = True
    port: int = PORT


def has_display() -> bool:
    """Whether a browser can be opened where somebody sees it."""
    if sys.platform.startswith("linux"):
        return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return True


def play(options: Options, console: Console) -> int:
    """Play until the final review or Ctrl-C. Leaves nothing behind.

    Returns:
        0 whatever the verdict; 130 when it was interrupted before the final review.

    Raises:
        EmbeddedPostgresError: the embedded PostgreSQL cannot be started.
    """
    interrupts = Interrupts()
    # An hour ago, so that the hour that plays is over when it ends.
    clock = PacedClock(datetime.now(UTC) - _HOUR, speed=Pace.LIFE)
    announcer = Announcer(console, clock.now())
    player = _Player(options, clock, announcer)
    try:
        with interrupts.caught(), tempfile.TemporaryDirectory(prefix="golive-demo-") as folder:
            announcer.say(f"{options.scenario.name}: {options.scenario.about}")
            announcer.say("Starting a PostgreSQL, an application, an Evolution, a workspace …")
            with EmbeddedPostgres() as server:
                interrupts.run(player.play(server, Path(folder)))
    except KeyboardInterrupt:
        announcer.say("Stopped. The servers and their files are gone.")
        return 0 if player.reviewed else INTERRUPTED
    return 0


class _Player:
    def __init__(self, options: Options, clock: PacedClock, announcer: Announcer) -> None:
        self._options = options
        self._clock = clock
        self._announcer = announcer
        self.reviewed = False

    async def play(self, server: EmbeddedPostgres, folder: Path) -> None:
        pace = Pace(self._clock, self._options.speed)
        timer = PacedTimer(self._clock)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(timer.stop)
            show = await stack.enter_async_context(
                open_show(
                    self._options.scenario,
                    seed=self._options.seed,
                    times=Times(clock=self._clock, timer=timer, life=SystemClock()),
                    databases=make_databases(server),
                    folder=folder,
                    port=self._options.port,
                    before=lambda show: serve(show, pace),
                )
            )
            stack.callback(show.workspace.state.changes.subscribe(self._announcer.told))
            await self._begin(show, pace, timer)
            await self._watch(show, pace)

    async def _begin(self, show: Show, pace: Pace, timer: PacedTimer) -> None:
        address = f"{show.workspace.base_url}/"
        self._announcer.say(f"#incidents is at {address}  (this is not Slack)", style="bold")
        if not self._options.headless:
            await asyncio.to_thread(webbrowser.open, address)
        await show.start_watch()
        pace.hurry(on=True)

        async def calm() -> None:
            pace.hurry(on=False)

        timer.at(show.hour.world.deployed_at + _FIRST_CHECKPOINT, "demo:pace", calm)

    async def _watch(self, show: Show, pace: Pace) -> None:
        """Wait for the final review; then end, or go on at life's own pace."""
        await show.finished()
        self.reviewed = True
        pace.choose(Pace.LIFE)
        if not self._options.stay:
            self._announcer.say("The final review is posted; the demo is over.")
            return
        self._announcer.say("The final review is posted. The page stays; Ctrl-C ends the demo.")
        await asyncio.Event().wait()
