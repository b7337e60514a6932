"""What the bot watches all day: one deploy after the other, each with an hour of its own."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path

from psycopg import AsyncConnection, sql

from bot.clock import Clock
from bot.demo.application import Application, scripted
from bot.demo.evolution import EvolutionStandIn
from bot.demo.hour import write_hour
from bot.demo.scenarios import BY_NAME
from bot.demo.stage import Stage
from bot.demo.world import Dice, make_world

_SEED = 1
_TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"


class Deploys:
    """The application and its Evolution, which stay where they are over all deploys.

    Args:
        clock: gives the instant.
        log: what the application writes; the one of the deploy before is moved away.
        evolution: the day's.
        writer, asking: two connections to the application's database, in autocommit mode.
    """

    def __init__(
        self,
        clock: Clock,
        log: Path,
        evolution: EvolutionStandIn,
        *,
        writer: AsyncConnection,
        asking: AsyncConnection,
    ) -> None:
        self.log = log
        self.evolution = evolution
        self.token = secrets.token_hex(16)
        self._clock = clock
        self._writer = writer
        self._asking = asking
        self._application: Application | None = None
        self._deployed = AsyncExitStack()
        self._port = 0

    @property
    def base_url(self) -> str:
        """Where the application answers, once it was deployed."""
        return f"http://127.0.0.1:{self._port}"

    async def begin(self, scenario: str) -> None:
        """Deploy: the hour of a scenario begins now, on empty tables and with a new log."""
        tables = [row[0] for row in await (await self._asking.execute(_TABLES)).fetchall()]
        names = sql.SQL(", ").join(sql.Identifier("public", str(name)) for name in tables)
        await self._asking.execute(sql.SQL("TRUNCATE {}").format(names))
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".1"))
        chosen, now = BY_NAME[scenario], self._clock.now()
        hour = write_hour(chosen.write, seed=_SEED, deployed_at=now, evolution=self.evolution.url)
        stage = Stage(scripted(hour), log=self.log, database=self._writer)
        application = Application(
            chosen,
            hour,
            clock=self._clock,
            evolution=self.evolution,
            stage=stage,
            asking=self._asking,
            token=self.token,
            port=self._port,
        )
        self._application = await self._deployed.enter_async_context(application)
        self._port = application.port
        await stage.set_up()
        await application.advance(now)

    async def advance(self, until: datetime) -> None:
        """Let everything happen that begins before an instant."""
        if self._application is not None:
            await self._application.advance(until)

    async def end(self) -> None:
        """Take the application down, and forget what was asked of Evolution."""
        self._application = None
        await self._deployed.aclose()
        self.evolution.instances.clear()
        self.evolution.journal.clear()


@asynccontextmanager
async def open_deploys(clock: Clock, log: Path, database: str) -> AsyncGenerator[Deploys, None]:
    """An application that nothing was deployed of yet.

    Args:
        clock: gives the instant.
        log: what it writes.
        database: its owner's connection string, to the application's tables.
    """
    async with AsyncExitStack() as stack:
        key = make_world(Dice(_SEED), clock.now()).apikey
        evolution = await stack.enter_async_context(
            EvolutionStandIn(key=key, now=clock.now, sleep=_at_once)
        )
        writer, asking = [
            await stack.enter_async_context(
                await AsyncConnection.connect(database, autocommit=True)
            )
            for _ in range(2)
        ]
        deploys = Deploys(clock, log, evolution, writer=writer, asking=asking)
        stack.push_async_callback(deploys.end)
        yield deploys


async def _at_once(_seconds: float) -> None:
    """Evolution's pause between two tries: the clock does not wait for it."""
