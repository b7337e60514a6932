"""Commands that are typed while bots are killed: each is done, and never oftener than typed."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import suppress

from tests.faults.handed import Handed
from tests.faults.truth import Verdict, rows
from tests.faults.world import World

_NOTES = "SELECT reason FROM golive.notes"
_SOON = 0.3
"""Real seconds within which a bot is killed after a command was typed."""

_PATIENCE = 2.0
_MOST = 60.0


async def commands_among_kills(
    world: World, *, commands: int, replicas: int, seed: int, minutes: float = 20
) -> Verdict:
    """Accept a finding so many times, each time killing the bot that Slack handed it to."""
    dice, handed = random.Random(seed), Handed(world)
    await world.begin(replicas)
    wrong: list[str] = []
    for number in range(commands):
        reason = f"seen {number}"
        typed = await _insist(world, handed, dice, reason)
        done = _done(world).count(reason)
        if not 1 <= done <= typed:
            wrong.append(f"{reason!r} was typed {typed} times and done {done} times")
    verdict = await world.finish(minutes)
    verdict.lost += wrong
    return verdict


async def _insist(world: World, handed: Handed, dice: random.Random, reason: str) -> int:
    """Type a command until it is done, the first time with a kill; how often it was typed."""
    text = f"/golive accept inbound_flow {reason}"
    typing = asyncio.create_task(world.command(text))
    await asyncio.sleep(dice.uniform(0, _SOON))
    await world.kill(handed.bot or dice.choice(world.bots))
    world.start_bot()
    await typing
    times, deadline = 1, time.monotonic() + _MOST
    while True:
        with suppress(TimeoutError):
            await world.until(lambda: reason in _done(world), seconds=_PATIENCE)
            return times
        if time.monotonic() > deadline:
            return times
        await world.command(text)
        times += 1


def _done(world: World) -> list[str]:
    return [row["reason"] for row in rows(world.store, _NOTES)]
