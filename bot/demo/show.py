"""A whole go-live on one machine: application, Evolution, databases, workspace, and the bot.

The bot is the one that `golive run` runs, composed with other settings, another clock and timer.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from psycopg import AsyncConnection

from bot.clock import Clock, Timer
from bot.compose import Bot, open_bot
from bot.demo.application import Application, other_log, scripted
from bot.demo.databases import Databases
from bot.demo.evolution import EvolutionStandIn
from bot.demo.figures import Figure, figures
from bot.demo.hour import Hour, write_hour
from bot.demo.place import INCIDENTS, OPERATOR, demo_cast
from bot.demo.scenarios import Scenario
from bot.demo.settings import demo_settings, write_runbook
from bot.demo.stage import Stage
from bot.demo.workspace import Message, Outcome, Workspace
from bot.demo.world import Dice, make_world
from checks import CHECKS
from checks.engine.runbook import load_runbook

VERSION = "v2.4.0"
STEP = timedelta(seconds=10)
"""How often the application writes what it did."""

_FINAL = "final review (T+60)"
_FOR_EVER = 7 * 24 * 3600.0
_A_MOMENT = 0.1
_TAIL = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """The clock and timer of bot and application; `life` is what people's actions expire by."""

    clock: Clock
    timer: Timer
    life: Clock


class Log:
    """The log as it is written: its end, and who is told of new lines."""

    def __init__(self) -> None:
        self.tail: list[str] = []
        self.followers: list[Callable[[Sequence[str]], None]] = []

    def written(self, lines: Sequence[str]) -> None:
        """New lines."""
        self.tail = [*self.tail, *lines][-_TAIL:]
        for tell in tuple(self.followers):
            tell(lines)


@dataclass(slots=True, kw_only=True)
class Show:
    """What plays.

    watched_log: the file that golive was given
    counted:     is told of new figures
    """

    scenario: Scenario
    hour: Hour
    clock: Clock
    application: Application
    evolution: EvolutionStandIn
    log: Log
    watched_log: Path
    databases: Databases
    workspace: Workspace = field(init=False)
    bot: Bot = field(init=False)
    figures: tuple[Figure, ...] = ()
    counted: list[Callable[[], None]] = field(default_factory=list[Callable[[], None]])

    async def start_watch(self) -> Outcome:
        """An operator types the command that begins it all."""
        return await self.workspace.actor.command(OPERATOR, INCIDENTS, f"/golive start {VERSION}")

    @property
    def posts(self) -> tuple[Message, ...]:
        """Everything in #incidents, oldest first."""
        return self.workspace.state.messages.of(INCIDENTS)

    @property
    def final(self) -> Message | None:
        """The final review, once it is posted."""
        return next((p for p in self.posts if _FINAL in p.text.partition("\n")[0]), None)

    async def finished(self) -> None:
        """Wait for the final review, and until everything that goes with it is posted."""
        await self.workspace.until(lambda: self.final is not None, seconds=_FOR_EVER)
        while (  # noqa: ASYNC110 - the outbox tells nobody when it is empty
            await self.bot.store.backlog(self.clock.now())
        ).depth:
            await asyncio.sleep(_A_MOMENT)


@asynccontextmanager
async def open_show(
    scenario: Scenario,
    *,
    seed: int,
    times: Times,
    databases: Databases,
    folder: Path,
    port: int = 0,
    step: timedelta = STEP,
    before: Callable[[Show], None] | None = None,
) -> AsyncGenerator[Show, None]:
    """Everything, running, with the deploy at the clock's present instant.

    Args:
        scenario: which hour plays.
        seed: the same seed plays the same hour.
        times: whose time it plays in.
        databases: fresh ones.
        folder: for the log and the runbook.
        port: of the workspace, if it is free; else any.
        step: how often the application writes what it did.
        before: is given the show before the workspace listens, to add routes to it.
    """
    async with AsyncExitStack() as stack:
        show, asking = await _open_application(stack, scenario, seed, times, databases, folder)
        show.workspace = Workspace(
            now=times.clock.now, cast=demo_cast(), life=times.life.now, port=port, any_port=True
        )
        if before is not None:
            before(show)
        await stack.enter_async_context(show.workspace)
        await _writing(show, times.timer, asking, step)
        stack.callback(times.timer.cancel, _WRITING)
        settings = demo_settings(
            log=show.watched_log,
            databases=databases,
            base_url=show.application.base_url,
            evolution_url=show.evolution.url,
            evolution_key=show.hour.world.apikey,
            slack=show.workspace.credentials,
            slack_url=show.workspace.api_url,
            runbook=write_runbook(folder / "runbook.yaml", show.application.base_url),
            token=show.application.token,
        )
        show.bot = await stack.enter_async_context(
            open_bot(
                settings,
                load_runbook(settings.runbook, checks=CHECKS),
                clock=times.clock,
                timer=times.timer,
                owner=f"demo:{secrets.token_hex(4)}",
            )
        )
        await show.workspace.connected()
        yield show


async def _open_application(
    stack: AsyncExitStack,
    scenario: Scenario,
    seed: int,
    times: Times,
    databases: Databases,
    folder: Path,
) -> tuple[Show, AsyncConnection]:
    """Evolution and the application, as they are at T+0, and a connection to ask its database."""
    deployed_at = times.clock.now()
    key = make_world(Dice(seed), deployed_at).apikey
    evolution = await stack.enter_async_context(
        EvolutionStandIn(key=key, now=times.clock.now, sleep=_at_once)
    )
    hour = write_hour(scenario.write, seed=seed, deployed_at=deployed_at, evolution=evolution.url)
    writer, asking = [
        await stack.enter_async_context(
            await AsyncConnection.connect(databases.owner, autocommit=True)
        )
        for _ in range(2)
    ]
    log, crm = Log(), folder / "crm.log"
    stage = Stage(scripted(hour), log=crm, database=writer, told=log.written)
    application = await stack.enter_async_context(
        Application(
            scenario,
            hour,
            clock=times.clock,
            evolution=evolution,
            stage=stage,
            asking=asking,
            token=secrets.token_hex(16),
        )
    )
    await stage.set_up()
    await application.advance(deployed_at)
    show = Show(
        scenario=scenario,
        hour=hour,
        clock=times.clock,
        application=application,
        evolution=evolution,
        log=log,
        watched_log=folder / "backup.log" if scenario.wrong_log else crm,
        databases=databases,
    )
    return show, asking


_WRITING = "demo:application"


async def _writing(show: Show, timer: Timer, asking: AsyncConnection, step: timedelta) -> None:
    """Let the application write as the clock goes on, and the other program where there is one."""
    counted_at: datetime | None = None

    async def write() -> None:
        nonlocal counted_at
        now = show.clock.now()
        await show.application.advance(now)
        if show.scenario.wrong_log:
            other_log(show.watched_log, now)
        if counted_at is None or now - counted_at >= STEP:
            counted_at = now
            show.figures = await figures(asking, show.hour.world.deployed_at)
            for tell in tuple(show.counted):
                tell()
        timer.at(now + step, _WRITING, write)

    await write()


async def _at_once(_seconds: float) -> None:
    """Evolution's pause between two tries: the demo's clock does not wait for it."""
