"""The whole bot in a local Slack workspace, with its time moved by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import SecretStr

from bot.compose import Bot, open_bot
from bot.demo.workspace import people
from bot.demo.workspace.actor import Outcome
from bot.demo.workspace.messages import Message
from bot.demo.workspace.server import Workspace
from bot.settings import Settings
from checks import CHECKS
from checks.engine.runbook import Runbook, load_runbook
from tests.support.hand import HandClock, HandTimer

CHANNEL = people.RELEASES
LEAD = people.OPERATORS
_NEVER_QUIET = 30.0
"""Real seconds after which a test gives up on coming to rest."""

_IDLE = 20
"""Looks without news after which the clock is moved on for what waits longer."""

_SOON = timedelta(seconds=70)
"""How far the clock may be moved for what waits for Slack's limits."""


@dataclass(slots=True, kw_only=True)
class Stage:
    """A bot in a workspace."""

    bot: Bot
    workspace: Workspace
    clock: HandClock
    timer: HandTimer

    async def command(self, text: str, *, user: str = people.OPERATOR) -> Outcome:
        """Type a command in the channel, and let the bot come to rest."""
        outcome = await self.workspace.actor.command(user, CHANNEL, text)
        await self.timer.rest()
        return outcome

    @property
    def posts(self) -> list[Message]:
        """Everything in the channel, oldest first."""
        return list(self.workspace.state.messages.of(CHANNEL))


def settings_for(
    workspace: Workspace,
    store: str,
    *,
    log: Path | None = None,
    database: str | None = None,
    base_url: str | None = None,
    operators: tuple[str, ...] = (people.OPERATOR, people.SECOND_OPERATOR),
    lead: str | None = LEAD,
) -> Settings:
    """The settings of a bot in that workspace."""
    return Settings(
        log=log,
        database_url=SecretStr(database) if database else None,
        base_url=base_url,
        slack_bot_token=SecretStr(workspace.credentials.bot_token),
        slack_app_token=SecretStr(workspace.credentials.app_token),
        slack_api_url=workspace.api_url,
        channel=CHANNEL,
        operators=operators,
        lead=lead,
        store_url=SecretStr(store),
    )


@asynccontextmanager
async def staged(
    workspace: Workspace,
    settings: Settings,
    clock: HandClock,
    *,
    runbook: Runbook | None = None,
    owner: str = "first",
    lease: float = 15.0,
) -> AsyncGenerator[Stage, None]:
    """A running bot, connected to the workspace."""
    timer = HandTimer(clock=clock)
    async with open_bot(
        settings,
        runbook or load_runbook(checks=CHECKS),
        clock=clock,
        timer=timer,
        owner=owner,
        lease=lease,
    ) as bot:
        stage = Stage(bot=bot, workspace=workspace, clock=clock, timer=timer)

        async def quiet() -> None:
            await come_to_rest(bot, timer)

        timer.quiet = quiet
        await workspace.until(lambda: bool(workspace.sockets.connected))
        yield stage
        timer.quiet = None


async def come_to_rest(bot: Bot, timer: HandTimer) -> None:
    """Wait until no job runs, no command is being done and no post is due.

    What waits for Slack's limits waits for the clock: it is moved on for that, a little.
    """
    latest = timer.clock.now() + _SOON
    idle = 0
    async with asyncio.timeout(_NEVER_QUIET):
        while _at_work(bot, timer) or await _due(bot, timer):
            waiting = [key for key in timer.jobs if key.startswith("slack:")]
            key = min(waiting, key=lambda one: timer.jobs[one].instant, default=None)
            near = idle > 4 and key is not None and timer.jobs[key].instant <= latest
            if not timer.busy and key is not None and (near or idle > _IDLE):
                timer.fire(key)
                idle = 0
            timer.changed.clear()
            try:
                await asyncio.wait_for(timer.changed.wait(), 0.02)
            except TimeoutError:
                idle += 1


def _at_work(bot: Bot, timer: HandTimer) -> bool:
    return timer.busy or bot.slack.delivery.running > 0 or bot.repairs.handing_over


async def _due(bot: Bot, timer: HandTimer) -> bool:
    return (await bot.store.backlog(timer.clock.now())).depth > 0


def at(deployed_at: datetime, minutes: float) -> datetime:
    """So many minutes after the deploy."""
    return deployed_at + timedelta(minutes=minutes)
