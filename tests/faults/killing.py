"""An hour in which bots are killed at random instants, and started anew."""

from __future__ import annotations

import random

from tests.faults.held import hold, owner_at
from tests.faults.truth import Verdict
from tests.faults.world import World


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
    gate = await hold(world, method)
    await world.kill(owner_at(world) or dice.choice(world.bots))
    gate.release()
