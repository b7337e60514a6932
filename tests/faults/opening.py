"""Making a world, letting its application go on, and ending all bots in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

from psycopg import AsyncConnection

from bot.demo.stage import Stage
from bot.demo.workspace.server import Workspace
from tests.faults.shared_clock import SharedClock
from tests.faults.world import T0, Ground, World
from tests.support.health import HealthServer
from tests.support.hours import make_hour
from tests.support.secrecy.databases import hear_database
from tests.support.secrecy.heard import hear
from tests.support.secrecy.planted import plant_password

_WRITE_EVERY = 0.1


@asynccontextmanager
async def open_world(
    ground: Ground,
    folder: Path,
    *,
    speed: float = 240.0,
    seed: int = 3,
    quiet: bool = False,
    lease: float = 2.0,
    store: str | None = None,
    bots_store: str | None = None,
    log: Path | None = None,
    output: Path | None = None,
) -> AsyncGenerator[World, None]:
    """A world whose time begins with `clock.begin`; at the block's end every bot in it is dead.

    store: of the bots, where it is not to be on the ground's own server
    bots_store: how they reach it, where something stands in between
    log: the application's
    output: where the bots write golive's own log
    """
    store = store or ground.server.create_database(template=ground.store)
    database = ground.server.create_database(template=ground.crm)
    plant_password(store, database)
    clock = SharedClock.make(folder / "clock", start=T0, speed=speed)
    async with AsyncExitStack() as stack:
        writer = await stack.enter_async_context(
            await AsyncConnection.connect(database, autocommit=True)
        )
        world = World(
            ground=ground,
            folder=folder,
            clock=clock,
            workspace=await stack.enter_async_context(Workspace(rate_limits=False)),
            health=await stack.enter_async_context(HealthServer()),
            database=database,
            store=store,
            bots_store=bots_store or store,
            log=log or folder / "app.log",
            output=output or folder / "bots.txt",
            lease=lease,
        )
        stage = Stage(
            make_hour(seed=seed, quiet=quiet, deployed_at=T0), log=world.log, database=writer
        )
        await stage.set_up()
        stack.push_async_callback(_end, world)
        writing = asyncio.create_task(_write(world, stage))
        stack.callback(writing.cancel)
        yield world


async def _write(world: World, stage: Stage) -> None:
    """The application goes on with the clock, whatever happens to the bots."""
    while True:
        # What it cannot write while its disk is full is lost, and it goes on.
        with suppress(OSError):
            await stage.advance(world.clock.now())
        await asyncio.sleep(_WRITE_EVERY)


async def _end(world: World) -> None:
    for bot in list(world.bots):
        bot.go_on()
        bot.unblock()
        await bot.kill()
    if world.output.is_file():  # from a full device nothing can be read
        hear("a bot's output", world.output.read_text("utf-8", "replace"))
    for url in (world.database, world.store):
        hear_database(url)
