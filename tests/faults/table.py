"""The table: what was injected, and what was found to be wrong afterwards."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from tests.faults.room import NoVolumeError
from tests.faults.truth import Verdict
from tests.faults.world import Ground
from tests.support.secrecy.heard import Heard

Part: TypeAlias = Callable[[Ground, Path], Awaitable[Verdict]]

_GROWS = 1.3
"""How much more than after an undisturbed hour a bot may hold: chance, and what allocators keep."""

_AT_THE_END = 15.0
"""Seconds that are left for ending the servers and the bots."""

_COLUMNS = ("points", "posts", "lost", "doubled", "other", "fixes", "unsafe", "leaked", "MiB")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table.

    name:     what plays
    injected: what is done to the bots
    play:     plays it
    seconds:  how long that takes, about
    kills:    how many `kill -9` are in it
    level:    whether nothing is injected, so that others are held against its memory
    """

    name: str
    injected: str
    play: Part
    seconds: float
    kills: int = 0
    level: bool = False


@dataclass(slots=True, kw_only=True)
class Table:
    """What was played so far.

    minutes: no part begins that would end later
    heard:   what left golive in the present part
    """

    minutes: float
    heard: Heard = field(default_factory=Heard)
    wrong: list[str] = field(default_factory=list[str])
    left_out: list[str] = field(default_factory=list[str])
    total: Verdict = field(default_factory=Verdict)
    played: int = 0
    kills: int = 0
    _began: float = field(default_factory=time.monotonic)
    _level: int = 0
    _slower: float = 1.0
    _beside: list[asyncio.Task[None]] = field(default_factory=list[asyncio.Task[None]])

    def head(self) -> None:
        """The first line."""
        self._line("part", "injected", *_COLUMNS, "s")

    async def play(self, ground: Ground, row: Row) -> bool:
        """Play a part and print its line; False where there is no time for it."""
        gone = time.monotonic() - self._began
        if gone + row.seconds * self._slower > 60 * self.minutes - _AT_THE_END:
            self.left_out.append(f"{row.name}: no time was left for it")
            return False
        await self._play(ground, row)
        # What the first parts took longer, the next ones will too.
        took = time.monotonic() - self._began - gone
        self._slower = max(self._slower, took / row.seconds)
        return True

    def beside(self, ground: Ground, row: Row) -> None:
        """Play a part that mostly waits, beside the others."""
        self._beside.append(asyncio.create_task(self._play(ground, row)))

    async def end(self) -> None:
        """Wait for what plays beside, and print what was found in all."""
        await asyncio.gather(*self._beside)
        seconds = time.monotonic() - self._began
        total = self.total
        self._line(
            f"{self.played} parts",
            f"{self.kills} x kill -9 in all",
            *_numbers(total),
            "",
            f"{seconds:.0f}",
        )
        for said in (*self.left_out, *self.wrong):
            print(said)
        print(f"{len(self.wrong)} wrong, in {seconds // 60:.0f} min {seconds % 60:.0f} s")

    async def _play(self, ground: Ground, row: Row) -> None:
        """Play a part; what takes too long, or breaks, is wrong too."""
        began = time.monotonic()
        self.heard.about = row.name
        with tempfile.TemporaryDirectory(prefix="golive-faults-") as folder:
            try:
                found = await row.play(ground, Path(folder))
            except NoVolumeError as why:
                self.left_out.append(f"{row.name}: {why}")
                self._line(row.name, f"not played: {why}")
                return
            except (TimeoutError, RuntimeError, OSError) as error:
                found = Verdict(lost=[f"{type(error).__name__}: {error}"])
        found.leaked += [str(leak) for leak in self.heard.leaks()]
        self.heard.forget()
        self._weigh(row, found)
        self.played += 1
        self.kills += row.kills
        self._add(found)
        before, after = (f"{kib / 1024:.0f}" for kib in found.resident)
        self._line(
            row.name,
            row.injected,
            *_numbers(found),
            f"{before}>{after}" if found.resident[1] else "",
            f"{time.monotonic() - began:.0f}",
        )
        for note in found.notes:
            print(f"{'':34} {note}", flush=True)
        self.wrong += [f"{row.name}: {sentence}" for sentence in found.wrong]

    def _weigh(self, row: Row, found: Verdict) -> None:
        """Hold a bot's memory against what an undisturbed hour leaves behind."""
        after = found.resident[1]
        if row.level:
            self._level = after
        elif self._level and after > self._level * _GROWS:
            found.grown.append(
                f"a bot holds {after // 1024} MiB; without faults it holds {self._level // 1024}"
            )

    def _add(self, found: Verdict) -> None:
        total = self.total
        total.lost += found.lost
        total.doubled += found.doubled
        total.disordered += found.disordered
        total.stale += found.stale
        total.grown += found.grown
        total.unsafe += found.unsafe
        total.leaked += found.leaked
        total.points += found.points
        total.posts += found.posts
        total.fixes += found.fixes

    def _line(self, name: str, injected: str, *numbers: str) -> None:
        print(f"{name:34} {injected:62}", *(f"{one:>7}" for one in numbers), flush=True)


def _numbers(found: Verdict) -> list[str]:
    other = len(found.disordered) + len(found.stale) + len(found.grown)
    numbers = (
        *(found.points, found.posts, len(found.lost), len(found.doubled), other),
        *(found.fixes, len(found.unsafe), len(found.leaked)),
    )
    return [str(number) for number in numbers]
