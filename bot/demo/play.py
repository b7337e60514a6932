"""`golive demo`: one hour of the application in about a minute, watched by the real checks.

The log, the rows and the health server are the demo's; the clock is simulated. What reads them,
measures, judges and decides is what `golive check` runs.
"""

from __future__ import annotations

import asyncio
import secrets
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from psycopg import AsyncConnection
from rich.console import Console

from bot.compose import Targets, open_sources
from bot.demo.clock import DemoClock, Sleep
from bot.demo.health import HealthServer
from bot.demo.hour import MINUTES, Hour, make_hour
from bot.demo.interrupts import Interrupts
from bot.demo.postgres import EmbeddedPostgres, crm_schema
from bot.demo.screen import Screen
from bot.demo.stage import Stage
from bot.demo.watcher import Watcher
from checks import CHECKS
from checks.engine import runner
from checks.engine.model import Level, Report, Window
from checks.engine.runbook import CHECKPOINTS, Runbook, SchedulePoint, load_runbook
from checks.engine.runner import Occasion, Sources

DEFAULT_SPEED = 75.0
"""Simulated seconds a real second: the hour takes 48 s."""

INTERRUPTED = 130
"""Exit code after Ctrl-C or SIGTERM, as shells have it."""

_STEP = timedelta(minutes=1)


def play(
    *,
    quiet: bool,
    seed: int,
    console: Console,
    speed: float = DEFAULT_SPEED,
    sleep: Sleep = asyncio.sleep,
    on_report: Callable[[Report], None] | None = None,
) -> int:
    """Play the hour and print every checkpoint as it comes. Leaves nothing behind.

    Args:
        quiet: an hour without incident.
        seed: the same seed plays the same hour.
        console: where to print.
        speed: simulated seconds a real second; math.inf does not wait.
        sleep: waits for so many real seconds.
        on_report: is given each report after it was printed.

    Returns:
        0 whatever the verdict; 130 when it was interrupted.

    Raises:
        EmbeddedPostgresError: the embedded PostgreSQL cannot be started.
        RunbookError: the shipped runbook is not valid.
    """
    book = load_runbook(checks=CHECKS)
    hour = make_hour(seed=seed, quiet=quiet)
    screen = Screen(console, hour.world.deployed_at)
    clock = DemoClock(hour.world.deployed_at, speed=speed, sleep=sleep)
    interrupts = Interrupts()
    try:
        with interrupts.caught(), tempfile.TemporaryDirectory(prefix="golive-demo-") as folder:
            screen.opening(quiet=quiet, seconds=MINUTES * 60 / speed)
            with EmbeddedPostgres() as server:
                url = server.create_database("crm", script=crm_schema())
                log = Path(folder) / "crm.log"
                show = _Show(book=book, hour=hour, clock=clock, screen=screen, on_report=on_report)
                interrupts.run(show.play(log, url))
    except KeyboardInterrupt:
        screen.interrupted()
        return INTERRUPTED
    return 0


@dataclass(slots=True, kw_only=True)
class _Show:
    """One hour on stage, taken through the runbook's schedule."""

    book: Runbook
    hour: Hour
    clock: DemoClock
    screen: Screen
    on_report: Callable[[Report], None] | None = None
    _reports: list[Report] = field(default_factory=list[Report])
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    async def play(self, log: Path, url: str) -> None:
        async with AsyncExitStack() as stack:
            health = await stack.enter_async_context(HealthServer())
            writer = await stack.enter_async_context(
                await AsyncConnection.connect(url, autocommit=True)
            )
            targets = Targets(logs=(log,), database_url=url, base_url=health.base_url)
            sources = await stack.enter_async_context(
                open_sources(targets, self.book, self.clock.now)
            )
            stage = Stage(self.hour, log=log, database=writer)
            await stage.set_up()
            watcher = Watcher(writer, self.hour.world.deployed_at)
            await self._run(stage, watcher, sources)

    async def _run(self, stage: Stage, watcher: Watcher, sources: Sources) -> None:
        deployed_at = self.hour.world.deployed_at
        await stage.advance(deployed_at)
        for point in self.book.schedule:
            due = deployed_at + point.at
            while self.clock.now() < due:
                with self.screen.playing(self.clock.now(), stage.lines_written):
                    await self.clock.advance(min(_STEP, due - self.clock.now()))
                await stage.advance(self.clock.now())
                await watcher.sample(self.clock.now())
            if point.run == "baseline":
                await watcher.baseline()
            else:
                await self._take(point, watcher, sources)

    async def _take(self, point: SchedulePoint, watcher: Watcher, sources: Sources) -> None:
        report = await runner.run(CHECKS, self.book, sources, self._occasion(point, watcher))
        self.screen.report(point, report, self._reports[-1] if self._reports else None)
        if point.run != "health":
            self._reports.append(report)
        if self.on_report is not None:
            self.on_report(report)

    def _occasion(self, point: SchedulePoint, watcher: Watcher) -> Occasion:
        now = self.clock.now()
        return Occasion(
            checkpoint=point.checkpoint or CHECKPOINTS[0],
            window=Window(since=self.hour.world.deployed_at, until=now),
            now=now,
            secrets=(self.hour.world.apikey,),
            fingerprint_key=self._key,
            observed=watcher.observed(),
            earlier=self._earlier(),
            only=("health",) if point.run == "health" else (),
        )

    def _earlier(self) -> dict[str, str]:
        """Check → the first checkpoint at which it was CRITICAL."""
        out: dict[str, str] = {}
        for report in self._reports:
            for finding in report.findings:
                if finding.level is Level.CRITICAL:
                    out.setdefault(finding.check, report.checkpoint)
        return out
