"""What happens to the machine: logs rotated, cut, gone; clocks set; a process that stands still."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from tests.faults.truth import Verdict, rows
from tests.faults.world import World

_IN_HAND = "SELECT owner FROM golive.posts WHERE owner IS NOT NULL AND state = 'waiting'"


async def hour_of_machine_trouble(world: World, *, minutes: float = 66) -> Verdict:
    """The log is rotated, truncated, deleted; the clock is set forward and back; two bots run."""
    await world.begin(2)
    await world.reach(minutes * 0.12)
    world.log.rename(world.log.with_suffix(".log.1"))
    await world.reach(minutes * 0.25)
    world.log.write_bytes(b"")
    world.clock.step(timedelta(minutes=4))
    await world.reach(minutes * 0.4)
    world.log.unlink(missing_ok=True)
    world.clock.step(timedelta(minutes=-6))
    await world.reach(minutes * 0.5)
    await _stands_still(world)
    await world.reach(minutes * 0.8)
    return await world.finish(minutes)


async def _stands_still(world: World) -> None:
    """A bot stops while Slack has its post, for longer than its lease; then it wakes up."""
    gate = world.workspace.faults.api.hang("chat.postMessage", applied=True)
    await world.command("/golive checkpoint")
    await asyncio.wait_for(gate.reached.wait(), 20)
    owners = {row["owner"] for row in rows(world.store, _IN_HAND)}
    for bot in world.bots:
        if bot.owner in owners:
            bot.stop()
    gate.release()
    await asyncio.sleep(world.lease + 0.5)
    for bot in world.bots:
        bot.go_on()
