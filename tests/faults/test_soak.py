"""What the bot holds stays flat over watches that come and go; what held on to things is found."""

from __future__ import annotations

import asyncio
import os
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import IO, Final

import psycopg

from bot.demo.databases import make_databases
from checks.engine.model import Evidence
from tests.faults.soak.day import Soak, open_soak
from tests.faults.soak.figures import Figures, Record
from tests.faults.soak.flat import Bounds, grown
from tests.faults.world import Ground

_SHORT: Final = Bounds(heap=256 * 1024, native=512 * 1024, resident=16 * 1024 * 1024, each=3)
"""So soon after its start a process still loads what it uses for the first time."""

_LENGTH = timedelta(minutes=6)
_ASLEEP = timedelta(minutes=100)
"""Behind each round; what is kept for three hours is full after two."""


class Hoarder:
    """Holds on to all that it gets into its hands.

    Args:
        soak: whose bot it sits in: it sees the evidence of every look.
    """

    def __init__(self, soak: Soak) -> None:
        self._soak = soak
        self._adjust = soak.bot.lookout.adjust
        self._kept: list[Evidence] = []
        self._blocks: list[bytearray] = []
        self._files: list[IO[bytes]] = []
        self._tasks: list[asyncio.Task[bool]] = []
        self._connections: list[psycopg.Connection] = []
        soak.bot.lookout.adjust = self.adjust

    async def adjust(self, evidence: Evidence, checkpoint: str) -> Evidence:
        """Keep a look's evidence."""
        self._kept.append(evidence)
        return await self._adjust(evidence, checkpoint)

    def more(self) -> None:
        """Three of everything else that can be left behind, as if each watch left one."""
        for _ in range(3):
            self._blocks.append(bytearray(8 * 1024 * 1024))
            self._blocks[-1][::1024] = b"x" * (8 * 1024)  # touched, and so in memory
            self._files.append(Path(os.devnull).open("rb"))  # noqa: SIM115 - never closed
            self._tasks.append(asyncio.create_task(asyncio.Event().wait()))
            self._soak.timer.at(
                self._soak.clock.now() + timedelta(days=9), f"hoard:{len(self._files)}", self._no
            )
            for url in (self._soak.databases.store, self._soak.databases.owner):
                self._connections.append(psycopg.connect(url))

    def close(self) -> None:
        """Let go of what would outlive the test."""
        for one in (*self._files, *self._connections):
            one.close()
        for task in self._tasks:
            task.cancel()

    async def _no(self) -> None:
        """A job whose time never comes."""


async def test_what_the_bot_holds_stays_flat_and_a_leak_is_found(
    ground: Ground, tmp_path: Path
) -> None:
    """Rounds of short watches in three channels; then the same with somebody who holds on.

    `python -m tests.faults.soak` plays a day.
    """
    async with open_soak(make_databases(ground.server), tmp_path) as soak:
        flat = await _play(soak, Record(tmp_path / "flat.jsonl"), 4)
        assert grown(flat, cycle=1, bounds=_SHORT) == []
        with closing(Hoarder(soak)) as hoarder:
            leaking = await _play(soak, Record(tmp_path / "leaking.jsonl"), 3, hoarder)
    found = [line.partition(":")[0] for line in grown(leaking, cycle=1, bounds=_SHORT)]
    assert {
        "Python's objects",
        "what malloc gave out",
        "the process",
        "tasks",
        "jobs of the timer",
        "connections to the store",
        "connections to the application's database",
        "open files",
        "checks.engine.model.Evidence",
    } <= set(found)


async def _play(
    soak: Soak, record: Record, rounds: int, hoarder: Hoarder | None = None
) -> list[Figures]:
    async for one in soak.rounds(["quiet-hour"] * rounds, length=_LENGTH, pause=_ASLEEP):
        print(one)
        record.add(one)
        if hoarder is not None:
            hoarder.more()
    return record.read()
