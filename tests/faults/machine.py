"""What happens to the machine: logs rotated, cut, gone; clocks set; a bot that stands still."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from tests.faults.held import hold, owner_at
from tests.faults.truth import Verdict, rows
from tests.faults.world import World

_IN_HAND = "SELECT owner FROM golive.posts WHERE state = 'waiting'"
_SIGNALLED = 0.2
"""Seconds after which a signal has come, so that the bot does not hear Slack's answer first."""


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
    gate = await hold(world)
    bot = owner_at(world)
    if bot is not None:
        bot.stop()
    gate.release()
    await asyncio.sleep(world.lease + 0.5)
    if bot is not None:
        bot.go_on()


async def hour_of_blocked_loops(world: World, *, times: int = 3, minutes: float = 66) -> Verdict:
    """A bot's event loop blocks while Slack has its post, until the other one has taken over."""
    await world.begin(2)
    missed: list[str] = []
    for number in range(times):
        await world.reach(minutes * (number + 0.5) / times)
        missed += await _blocks(world)
    verdict = await world.finish(minutes)
    verdict.lost += missed
    return verdict


async def _blocks(world: World) -> list[str]:
    gate = await hold(world)
    bot = owner_at(world)
    if bot is None:
        gate.release()
        return ["nobody had the post that Slack had taken"]
    bot.block()
    await asyncio.sleep(_SIGNALLED)
    gate.release()
    try:
        await world.until(lambda: not _has_posts(world, bot.owner))
        lives = bot.runs
    finally:
        bot.unblock()
    return [] if lives else [f"{bot.owner} ended while its loop was blocked"]


def _has_posts(world: World, owner: str) -> bool:
    """Whether a bot still has a post in hand: blocked, it can let go of none itself."""
    return owner in {row["owner"] for row in rows(world.store, _IN_HAND)}
