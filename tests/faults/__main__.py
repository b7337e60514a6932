"""`python -m tests.faults`: the whole bot under faults, and a table of what was found.

Without arguments each part runs once, with 50 kills of one bot and 50 of one in two. `--kills N`
plays the hours that N kills take, `--minutes N` begins nothing after N minutes. The exit code is 1
if anything was lost, doubled, out of order or left behind. A day: `python -m tests.faults.soak`.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from bot.demo.postgres import EmbeddedPostgres, crm_schema
from bot.storage.store import Store
from tests.faults.bots import Nursery
from tests.faults.killing import hour_of_kills
from tests.faults.machine import hour_of_machine_trouble
from tests.faults.slack import disordered_envelopes, ended_while_people_type, hour_of_slack_trouble
from tests.faults.store import hour_of_store_trouble, open_store_world, replaced_store
from tests.faults.truth import Verdict
from tests.faults.world import Ground, World, open_world

_KILLS_AN_HOUR = 10
Part: TypeAlias = Callable[[Ground, Path], Awaitable[Verdict]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table: what is injected, how often, and what plays it."""

    name: str
    injected: str
    play: Part


@dataclass(slots=True)
class Table:
    """What was played so far."""

    until: float
    wrong: list[str] = field(default_factory=list[str])

    def head(self) -> None:
        """The first line."""
        self._line("part", "injected", "points", "posts", "lost", "doubled", "other", "s")

    async def play(self, ground: Ground, row: Row) -> None:
        """Play a part and print its line; what takes too long, or breaks, is wrong too."""
        began = time.monotonic()
        if began > self.until:
            return
        with tempfile.TemporaryDirectory(prefix="golive-faults-") as folder:
            try:
                found = await row.play(ground, Path(folder))
            except (TimeoutError, RuntimeError) as error:
                found = Verdict(lost=[f"{type(error).__name__}: {error}"])
        other = len(found.disordered) + len(found.stale)
        self._line(
            row.name,
            row.injected,
            *map(str, (found.points, found.posts, len(found.lost), len(found.doubled), other)),
            f"{time.monotonic() - began:.0f}",
        )
        self.wrong += [f"{row.name}: {sentence}" for sentence in found.wrong]

    def _line(self, name: str, injected: str, *numbers: str) -> None:
        print(f"{name:34} {injected:52}", *(f"{one:>7}" for one in numbers), flush=True)


def rows(kills: int) -> list[Row]:
    """The parts, so that a run that ends early has had some of each."""
    once = [
        Row(
            name="store in trouble",
            injected="crash, stop, start, slow, out of connections",
            play=_store,
        ),
        Row(name="store replaced", injected="an empty database, two bots", play=_replaced),
        Row(
            name="Slack in trouble",
            injected="429, 500, resets, hang, failing look-ups, sockets cut",
            play=_in(hour_of_slack_trouble),
        ),
        Row(
            name="Slack in trouble, two bots",
            injected="the same",
            play=_in(lambda world: hour_of_slack_trouble(world, replicas=2)),
        ),
        Row(
            name="envelopes in disorder, two bots",
            injected="5 doubled, 5 held and reversed",
            play=_in(_as_verdict(disordered_envelopes)),
        ),
        Row(
            name="SIGTERM among commands",
            injected="12 commands, SIGTERM after 6",
            play=_in(_as_verdict(ended_while_people_type)),
        ),
        Row(
            name="machine in trouble, two bots",
            injected="log rotated, truncated, deleted; clock +4, -6 min; stop",
            play=_in(hour_of_machine_trouble),
        ),
    ]
    hours = -(-kills // _KILLS_AN_HOUR)
    killing = [_killing(hour, replicas) for hour in range(hours) for replicas in (1, 2)]
    return [*killing[:2], *once, *killing[2:]]


def _killing(hour: int, replicas: int) -> Row:
    async def play(world: World) -> Verdict:
        seed = 100 * replicas + hour
        return await hour_of_kills(world, kills=_KILLS_AN_HOUR, replicas=replicas, seed=seed)

    half = _KILLS_AN_HOUR // 2
    return Row(
        name=f"hour {hour + 1}, {replicas} bot{'s' * (replicas > 1)}",
        injected=f"{_KILLS_AN_HOUR} x kill -9, {half} between Slack's answer and the row",
        play=_in(play),
    )


def _in(play: Callable[[World], Awaitable[Verdict]]) -> Part:
    async def part(ground: Ground, folder: Path) -> Verdict:
        async with open_world(ground, folder) as world:
            return await play(world)

    return part


def _as_verdict(
    play: Callable[[World], Awaitable[list[str]]],
) -> Callable[[World], Awaitable[Verdict]]:
    async def part(world: World) -> Verdict:
        return Verdict(lost=await play(world))

    return part


async def _store(ground: Ground, folder: Path) -> Verdict:
    async with open_store_world(ground, folder) as (world, server, wire):
        return await hour_of_store_trouble(world, server, wire)


async def _replaced(ground: Ground, folder: Path) -> Verdict:
    async with open_store_world(ground, folder) as (world, server, wire):
        return Verdict(lost=await replaced_store(world, server, wire))


async def _play(ground: Ground, options: argparse.Namespace) -> list[str]:
    async with Store(ground.server.create_database(ground.store)):
        pass
    table = Table(time.monotonic() + 60 * options.minutes)
    table.head()
    for row in rows(options.kills):
        await table.play(ground, row)
    return table.wrong


def main() -> int:
    """Play, print, and say by the exit code whether anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=50, help="of one bot, and of one in two")
    parser.add_argument("--minutes", type=float, default=600.0, help="begin nothing after these")
    options = parser.parse_args()
    with EmbeddedPostgres() as server, Nursery() as nursery:
        server.create_database("crm_template", script=crm_schema())
        ground = Ground(server=server, crm="crm_template", store="store_template", nursery=nursery)
        wrong = asyncio.run(_play(ground, options))
    print(*wrong, f"{len(wrong)} wrong", sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
