"""Two bots with the lease that they really have: one is killed, the other one is on time."""

from __future__ import annotations

import time
from pathlib import Path
from typing import LiteralString

import psycopg

from bot.demo.workspace import people
from bot.slack.sender import LEASE
from tests.faults.books import write_book
from tests.faults.held import hold, owner_at
from tests.faults.opening import open_world
from tests.faults.truth import Row, Verdict, rows
from tests.faults.world import Ground, World

SPEED = 6.0
"""Slow enough for the real lease of 15 s to be more than what lies between two checkpoints."""

_DENSE = {
    f"{{at: {minutes}m, run: {run}": f"{{at: {dense}m, run: {run}"
    for minutes, dense, run in (
        (5, 1, "health"),
        (10, 2, "checkpoint 1"),
        (20, 3, "checkpoint 2"),
        (30, 4, "checkpoint 3"),
        (60, 7, "final"),
    )
} | {
    "{at: 40m, run: pulse": "{at: 5m, run: pulse",
    "{at: 50m, run: pulse": "{at: 6m, run: pulse",
}
_CHECKPOINTS: LiteralString = """
    SELECT c.* FROM golive.checkpoints c JOIN golive.deployments d ON d.id = c.deployment_id
    WHERE d.channel = %(channel)s
"""
_IN_HAND = "SELECT id FROM golive.posts WHERE state = 'waiting' AND owner = %(owner)s"
_LEFT = "SELECT FROM golive.posts WHERE state = 'waiting' AND id = ANY(%(ids)s)"
_MOST = 2 * LEASE
"""Real seconds within which what a dead one had claimed is done: its lease, and as long again."""


async def takeover(ground: Ground, folder: Path, *, whole: bool = True) -> Verdict:
    """Kill who took the last checkpoint, who has a post in hand, and who is at a checkpoint."""
    book = write_book(folder / "runbook.yaml", _DENSE)
    async with open_world(ground, folder, speed=SPEED, lease=LEASE) as world:
        world.book = book
        await world.begin(2)
        found = [await _next_checkpoint(world), await _post_in_hand(world)]
        if whole:
            found.append(await _checkpoint_in_hand(world))
        verdict = await world.finish(7.2 if whole else 5.2)
    for note, wrong in found:
        verdict.notes.append(note)
        verdict.lost += [f"{note}: {wrong}"] if wrong else []
    return verdict


async def _next_checkpoint(world: World) -> tuple[str, str]:
    """Kill the one that took checkpoint 1; its successor is taken by the other one, on time."""
    await world.until(lambda: _taken(world, "T+2") is not None, seconds=120)
    killed = await _kill(world, (_taken(world, "T+2") or {})["owner"])
    await world.until(lambda: _taken(world, "T+3") is not None, seconds=120)
    row = _taken(world, "T+3") or {}
    late = (row["taken_at"] - row["due_at"]).total_seconds()
    note = f"after a kill the next checkpoint came {late:.1f} s late ({late / SPEED:.1f} s really)"
    await _replace(world)
    if row["owner"] == killed:
        return note, "it was taken by the one that was killed"
    return note, "" if late / SPEED < LEASE else "that is late"


async def _post_in_hand(world: World) -> tuple[str, str]:
    """Kill the one whose post Slack has; the other one settles it when the lease has ended."""
    gate = await hold(world)
    holder = owner_at(world)
    if holder is None:
        return "nobody had the post that Slack had taken", "there was nobody to kill"
    ids = [row["id"] for row in rows(world.store, _IN_HAND, {"owner": holder.owner})]
    began = time.monotonic()
    await _kill(world, holder.owner)
    gate.release()
    await world.until(lambda: not rows(world.store, _LEFT, {"ids": ids}), seconds=120)
    return await _measured(world, began, "its post was settled by the other bot")


async def _checkpoint_in_hand(world: World) -> tuple[str, str]:
    """Kill the one that is at a checkpoint; the other one takes it when the lease has ended."""
    with psycopg.connect(world.database) as application:
        # Whoever takes a checkpoint now waits at its first question about messages.
        application.execute("LOCK TABLE messages IN ACCESS EXCLUSIVE MODE")
        await world.until(lambda: bool(_claimed(world)), seconds=120)
        row = _claimed(world)[0]
        began = time.monotonic()
        await _kill(world, row["owner"])
    await world.until(lambda: _taken(world, row["key"]) is not None, seconds=120)
    return await _measured(world, began, "its checkpoint was taken by the other bot")


async def _measured(world: World, began: float, what: str) -> tuple[str, str]:
    seconds = time.monotonic() - began
    await _replace(world)
    note = f"{what} {seconds:.1f} s after the kill, with a lease of {LEASE:g} s"
    return note, "" if seconds < _MOST else "that is late"


async def _kill(world: World, owner: str) -> str:
    await world.kill(next(bot for bot in world.bots if bot.owner == owner))
    return owner


async def _replace(world: World) -> None:
    world.start_bot()
    await world.connected(2)


def _points(world: World) -> list[Row]:
    """The rows of the checkpoints of one channel's watch."""
    return rows(world.store, _CHECKPOINTS, {"channel": people.RELEASES})


def _taken(world: World, key: str) -> Row | None:
    found = (row for row in _points(world) if row["key"] == key and row["taken_at"] is not None)
    return next(found, None)


def _claimed(world: World) -> list[Row]:
    """The points that a bot which lives is at."""
    alive = {bot.owner for bot in world.bots}
    return [r for r in _points(world) if r["taken_at"] is None and r["owner"] in alive]
