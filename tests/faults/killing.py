"""An hour in which bots are killed at random instants, and started anew."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

from bot.demo.workspace.faults import Gate
from tests.faults.bots import BotProcess
from tests.faults.truth import Verdict, rows
from tests.faults.world import CHANNELS, World

_IN_HAND = "SELECT owner FROM golive.posts WHERE owner IS NOT NULL AND state = 'waiting'"


async def hour_of_kills(
    world: World, *, kills: int, replicas: int, seed: int, minutes: float = 66
) -> Verdict:
    """Play an hour with so many kills spread over it, some between Slack's answer and our row."""
    dice = random.Random(seed)
    await world.begin(replicas)
    for number in range(kills):
        at = minutes * (number + dice.random()) / kills
        await world.reach(at)
        if number % 2:
            await _kill_between(world, dice)
        else:
            await world.kill(dice.choice(world.bots))
        world.start_bot()
    return await world.finish(minutes)


async def _kill_between(world: World, dice: random.Random) -> None:
    """Kill the bot whose post Slack has taken, before it hears so."""
    method = dice.choice(("chat.postMessage", "chat.postMessage", "chat.update"))
    gate = world.workspace.faults.api.hang(method, applied=True)
    asking = asyncio.create_task(_ask_for_posts(world))
    try:
        await asyncio.wait_for(gate.reached.wait(), 8)
        await world.kill(_owner_at(world, gate) or dice.choice(world.bots))
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        world.workspace.faults.api.clear()


async def _ask_for_posts(world: World) -> None:
    """Somebody asks for checkpoints, so that there is something to say."""
    while True:
        for channel in CHANNELS:
            if world.workspace.sockets.connected:
                with suppress(OSError):
                    await world.command("/golive checkpoint", channel)
        await asyncio.sleep(0.5)


def _owner_at(world: World, gate: Gate) -> BotProcess | None:
    """The bot that has a post in hand."""
    if not gate.reached.is_set():
        return None
    owners = {row["owner"] for row in rows(world.store, _IN_HAND)}
    return next((bot for bot in world.bots if bot.owner in owners), None)
