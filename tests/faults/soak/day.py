"""The bot for a day with three channels, by a clock moved by hand."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import LiteralString

import psycopg

from bot.compose import Bot, open_bot
from bot.demo.databases import Databases
from bot.demo.settings import demo_settings, write_runbook
from bot.demo.workspace import people
from bot.demo.workspace.server import standard_credentials
from bot.settings import Settings
from checks import CHECKS
from checks.engine.runbook import load_runbook
from tests.faults.soak.application import Deploys, open_deploys
from tests.faults.soak.deeds import DEEDS, Deed
from tests.faults.soak.figures import Figures, measure
from tests.faults.soak.slack import Slack, open_slack
from tests.faults.soak.workspace import CHANNELS
from tests.support.hand import HandClock, HandTimer
from tests.support.slack_bot import come_to_rest

T0 = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)
ROUND = timedelta(hours=1, minutes=30)
"""How long the watches of a round last; then the next deploy is made."""

CYCLE = ("incident", "quiet-hour", "service-down", "secret-leak")
"""What goes wrong, one round after the other."""

_STEP = timedelta(minutes=1)
"""How often the application writes what it did."""

_DONE: Mapping[str, LiteralString] = {
    "watches": "SELECT count(*) FROM golive.deployments",
    "checkpoints": "SELECT count(*) FROM golive.checkpoints WHERE taken_at IS NOT NULL",
    "posts": "SELECT count(*) FROM golive.posts WHERE state = 'sent'",
    "alarms": "SELECT count(*) FROM golive.posts WHERE key LIKE 'alarm:%'",
    "given up": "SELECT count(*) FROM golive.posts WHERE state = 'given up'",
    "files": "SELECT count(*) FROM golive.post_files WHERE file_id IS NOT NULL",
}

_FIXES = "SELECT action, count(*) FROM golive.fix_audit GROUP BY 1 ORDER BY 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Soak:
    """A bot, what it watches, and the people around it."""

    bot: Bot
    clock: HandClock
    timer: HandTimer
    databases: Databases
    deploys: Deploys
    slack: Slack

    async def rounds(
        self,
        scenarios: Sequence[str],
        *,
        length: timedelta = ROUND,
        pause: timedelta = timedelta(0),
    ) -> AsyncIterator[Figures]:
        """Play a round for each scenario; what is held after each.

        Args:
            scenarios: what goes wrong.
            length: of the watches.
            pause: for how long the machine sleeps behind each round.

        Raises:
            ExceptionGroup: a job of the timer broke.
        """
        for scenario in scenarios:
            await self._round(scenario, length)
            self.clock.instant += pause
            await self.timer.advance(_STEP)
            if self.timer.failures:
                raise ExceptionGroup("Jobs broke.", _plain(self.timer.failures))
            yield measure(
                hours=(self.clock.now() - T0) / timedelta(hours=1),
                jobs=len(self.timer.jobs),
                store=self.databases.store,
                watched=self.databases.owner,
            )

    async def _round(self, scenario: str, length: timedelta) -> None:
        await self.deploys.begin(scenario)
        began = self.clock.now()
        for deed in DEEDS:
            if deed.minute * _STEP < length:
                await self._reach(began + deed.minute * _STEP)
                await self._do(deed)
        await self._reach(began + length)
        for channel in CHANNELS:
            await self.slack.type(people.OPERATOR, channel, "close")
            await self.timer.rest()
        await self.deploys.end()

    async def _reach(self, until: datetime) -> None:
        while self.clock.now() < until:
            following = min(until, self.clock.now() + _STEP)
            await self.deploys.advance(following)
            await self.timer.reach(following)

    async def _do(self, deed: Deed) -> None:
        match deed.how:
            case "type":
                await self.slack.type(deed.user, deed.channel, deed.what)
            case "press":
                await self.slack.press(deed.user, deed.channel, deed.what)
            case "home":
                await self.slack.open_home(deed.user)
            case "confirm" | "cancel":
                await self.slack.type(deed.user, deed.channel, deed.what)
                await self.timer.rest()
                if deed.how == "confirm":
                    await self.slack.confirm(deed.user)
        await self.timer.rest()
        await self.slack.dismiss(deed.user)

    def done(self) -> str:
        """What the bot did so far, in a line."""
        counts: dict[str, int] = {}
        with psycopg.connect(self.databases.store) as store:
            for name, statement in _DONE.items():
                counts[name] = store.execute(statement).fetchall()[0][0]
        with psycopg.connect(self.databases.owner) as owner:
            for action, number in owner.execute(_FIXES).fetchall():
                counts[f"fixes {action}"] = number
        return ", ".join(f"{number} {name}" for name, number in counts.items())


@asynccontextmanager
async def open_soak(databases: Databases, folder: Path) -> AsyncGenerator[Soak, None]:
    """A running bot, before the first round.

    Args:
        databases: fresh ones.
        folder: for the application's log and the runbook.
    """
    clock = HandClock(T0)
    timer = HandTimer(clock=clock)
    async with AsyncExitStack() as stack:
        slack = await stack.enter_async_context(open_slack())
        deploys = await stack.enter_async_context(
            open_deploys(clock, folder / "app.log", databases.owner)
        )
        await deploys.begin("quiet-hour")
        await deploys.end()
        settings = _settings(databases, folder, deploys, slack)
        bot = await stack.enter_async_context(
            open_bot(
                settings,
                load_runbook(settings.runbook, checks=CHECKS),
                clock=clock,
                timer=timer,
                owner="soak",
            )
        )

        async def quiet() -> None:
            await come_to_rest(bot, timer)

        timer.quiet = quiet
        stack.callback(setattr, timer, "quiet", None)
        await slack.connected()
        yield Soak(
            bot=bot, clock=clock, timer=timer, databases=databases, deploys=deploys, slack=slack
        )


def _settings(databases: Databases, folder: Path, deploys: Deploys, slack: Slack) -> Settings:
    settings = demo_settings(
        log=deploys.log,
        databases=databases,
        base_url=deploys.base_url,
        evolution_url=deploys.evolution.url,
        evolution_key=deploys.evolution.key,
        slack=standard_credentials(),
        slack_url=slack.api_url,
        runbook=write_runbook(folder / "runbook.yaml", deploys.base_url),
        token=deploys.token,
    )
    return settings.model_copy(update={"channel": people.RELEASES, "metrics_port": 0})


def _plain(failures: Sequence[BaseException]) -> list[Exception]:
    return [one if isinstance(one, Exception) else RuntimeError(repr(one)) for one in failures]
