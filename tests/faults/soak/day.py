"""A day of the bot with three channels, by a clock moved by hand: what it holds stays flat."""

from __future__ import annotations

import asyncio
import gc
import os
import tracemalloc
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import psycopg

from bot.demo.health import HealthServer
from bot.demo.workspace import people
from bot.demo.workspace.server import Workspace
from tests.faults.world import T0
from tests.support.hand import HandClock
from tests.support.slack_bot import Stage, at, settings_for, staged

THIRD = "C0THIRD0006"
CHANNELS = (people.RELEASES, people.PRIVATE, THIRD)
ROUND = timedelta(hours=1, minutes=30)
"""How long a watch lasts; then the next one begins in its channel."""

_LINE = '10.0.0.7 - - [{at:%d/%b/%Y:%H:%M:%S} +0000] "GET /health HTTP/1.1" 200 15 "-" "probe"\n'
_OURS = ("*/bot/*", "*/checks/*", "*/psycopg/*", "*/psycopg_pool/*", "*/asyncio/*")
_NOT_OURS = ("*/bot/demo/*",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the bot holds at one instant.

    kib:         memory allocated by golive and its drivers, in KiB
    tasks:       asyncio's
    connections: of both databases
    files:       open descriptors of the process
    """

    hours: float
    kib: int
    tasks: int
    connections: int
    files: int

    def __str__(self) -> str:
        return (
            f"{self.hours:5.1f} h  {self.kib:8,} KiB  {self.tasks:3} tasks"
            f"  {self.connections:3} connections  {self.files:3} open files"
        )


async def soak(
    urls: tuple[str, str], folder: Path, *, hours: float, length: timedelta = ROUND
) -> list[Figures]:
    """Play so many hours, in an empty store and a CRM; the figures at the end of each round."""
    figures: list[Figures] = []
    async with _stage(urls, folder) as stage:
        tracemalloc.start()
        try:
            while stage.clock.now() - T0 < timedelta(hours=hours):
                await _round(stage, folder / "app.log", length)
                figures.append(_measure(stage, urls))
        finally:
            tracemalloc.stop()
        if stage.timer.failures:
            raise ExceptionGroup("jobs failed", [RuntimeError(repr(stage.timer.failures[0]))])
    return figures


def grown(figures: list[Figures]) -> list[str]:
    """What is more at the end than after the rounds that fill what is kept for three hours."""
    first, last = figures[min(2, len(figures) - 2)], figures[-1]
    wrong: list[str] = []
    if last.kib > first.kib * 1.25 + 512:
        wrong.append(f"memory grew from {first.kib} to {last.kib} KiB")
    for name in ("tasks", "connections", "files"):
        before, after = getattr(first, name), getattr(last, name)
        if after > before + 3:
            wrong.append(f"{name} grew from {before} to {after}")
    return wrong


@asynccontextmanager
async def _stage(urls: tuple[str, str], folder: Path) -> AsyncGenerator[Stage, None]:
    store, database = urls
    (folder / "app.log").write_text("")
    clock = HandClock(T0)
    async with (
        Workspace(now=clock.now, rate_limits=False) as workspace,
        HealthServer() as health,
    ):
        private = workspace.state.channel(people.PRIVATE)
        workspace.state.put_channel(replace(private, id=THIRD, name="third"))
        settings = settings_for(
            workspace,
            store,
            log=folder / "app.log",
            database=database,
            base_url=health.base_url,
        )
        async with staged(workspace, settings, clock) as stage:
            yield stage


async def _round(stage: Stage, log: Path, length: timedelta) -> None:
    """One watch in each channel, from its start to its end, with an application that lives."""
    end = stage.clock.now() + length
    for channel in CHANNELS:
        await stage.workspace.actor.command(people.OPERATOR, channel, "/golive start v2.4.0")
        await stage.timer.rest()
    while stage.clock.now() < end:
        with log.open("a", encoding="utf-8") as file:
            file.writelines(_LINE.format(at=stage.clock.now()) for _ in range(4))
        await stage.timer.reach(at(stage.clock.now(), 1))
    for channel in CHANNELS:
        await stage.workspace.actor.command(people.OPERATOR, channel, "/golive close")
        await stage.timer.rest()


def _measure(stage: Stage, urls: tuple[str, str]) -> Figures:
    gc.collect()
    taken = tracemalloc.take_snapshot().filter_traces(
        [
            *(tracemalloc.Filter(inclusive=True, filename_pattern=name) for name in _OURS),
            *(tracemalloc.Filter(inclusive=False, filename_pattern=name) for name in _NOT_OURS),
        ]
    )
    return Figures(
        hours=(stage.clock.now() - T0) / timedelta(hours=1),
        kib=sum(one.size for one in taken.statistics("filename")) // 1024,
        tasks=len(asyncio.all_tasks()),
        connections=sum(map(_connections, urls)),
        files=len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0,  # noqa: PTH208
    )


def _connections(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchone()
    return 0 if row is None else int(row[0])
