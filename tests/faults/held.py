"""Holding a bot at the one moment when Slack has its post and nobody has written so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from bot.demo.workspace.faults import Gate
from tests.faults.bots import BotProcess
from tests.faults.truth import post_id, rows
from tests.faults.world import CHANNELS, World

_IN_HAND = """
    SELECT id, owner FROM golive.posts
    WHERE owner IS NOT NULL AND state = 'waiting' ORDER BY seq
"""
_BETWEEN_WISHES = 0.5


async def hold(world: World, method: str = "chat.postMessage") -> Gate:
    """Let people ask for checkpoints until Slack has taken a call; it answers when released."""
    gate = world.workspace.faults.api.hang(method, applied=True)
    async with _asked_for_posts(world):
        await world.until(gate.reached.is_set, seconds=60)
    return gate


def owner_at(world: World) -> BotProcess | None:
    """The bot whose post Slack has and the store does not; else any that has one in hand."""
    bots = {bot.owner: bot for bot in world.bots}
    in_hand = [row for row in rows(world.store, _IN_HAND) if row["owner"] in bots]
    shown = {post_id(message) for message in world.messages}
    held = [row for row in in_hand if str(row["id"]) in shown] or in_hand
    return bots[held[0]["owner"]] if held else None


@asynccontextmanager
async def _asked_for_posts(world: World) -> AsyncGenerator[None]:
    """Somebody asks for checkpoints meanwhile, so that there is something to say."""
    enough = asyncio.Event()
    asking = asyncio.create_task(_ask(world, enough))
    try:
        yield
    finally:
        # Not cancelled: a wait for an acknowledgement that comes at that moment would swallow it.
        enough.set()
        await asking


async def _ask(world: World, enough: asyncio.Event) -> None:
    while not enough.is_set():
        for channel in CHANNELS:
            if world.workspace.sockets.connected and not enough.is_set():
                with suppress(OSError):
                    await world.command("/golive checkpoint", channel)
        with suppress(TimeoutError):
            await asyncio.wait_for(enough.wait(), _BETWEEN_WISHES)
