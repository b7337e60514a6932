"""People who type commands to the whole bot, in front of the invented application of the demo."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from psycopg import AsyncConnection

from bot.demo.cast import Cast
from bot.demo.script import Script
from bot.demo.stage import Stage as Application
from bot.demo.workspace import people
from bot.demo.workspace.messages import Message
from bot.demo.workspace.server import Workspace
from bot.demo.world import Dice
from tests.support.hand import HandClock
from tests.support.health import HealthServer
from tests.support.hours import make_hour
from tests.support.slack_bot import CHANNEL, Stage, settings_for, staged

T0 = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)
STEP = timedelta(minutes=1)
MOMENT = timedelta(milliseconds=100)
LEAD = f"<!subteam^{people.OPERATORS}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a play is made on: empty databases, and a folder.

    url:      of the application's database, as the bot reaches it
    base_url: of the application; None for a server that is healthy
    """

    folder: Path
    database: str
    store: str
    quiet: bool = True
    url: str | None = None
    base_url: str | None = None
    lead: str | None = people.OPERATORS


@dataclass(slots=True, kw_only=True)
class Play:
    """The bot, the application, and what people do."""

    ground: Ground
    stage: Stage
    application: Application
    workspace: Workspace
    log: Path
    base_url: str
    script: Script

    async def type(self, text: str, *, user: str = people.OPERATOR, channel: str = CHANNEL) -> str:
        """Type a command; what came back, to the caller alone and in the channel."""
        book = self.workspace.state.messages
        before = {m.ts for m in (*book.ephemerals(user), *book.of(channel))}
        outcome = await self.workspace.actor.command(user, channel, f"/golive {text}")
        assert outcome.error is None
        await self.stage.timer.rest()
        await self.stage.timer.advance(timedelta(0))
        after = [m for m in (*book.ephemerals(user), *book.of(channel)) if m.ts not in before]
        return "\n".join(words_of(m) for m in after if m.thread_ts is None or m.reader is not None)

    async def to(self, minutes: float) -> None:
        """Play on to so many minutes after the deploy."""
        while self.stage.clock.now() < T0 + timedelta(minutes=minutes):
            until = min(self.stage.clock.now() + STEP, T0 + timedelta(minutes=minutes))
            await self.application.advance(until)
            await self.stage.timer.reach(until)

    async def bad(self, number: int, *, status: int = 500) -> None:
        """Let so many requests be answered badly in the next seconds, and pass them."""
        self.script.events.clear()
        for count in range(number):
            self.script.page(self.stage.clock.now() + count * MOMENT, status=status)
        self.application.add(self.script.events)
        await self.to((self.stage.clock.now() - T0) / STEP + 0.5)

    def write(self, *lines: str) -> None:
        """Let the application write more into its log."""
        with self.log.open("a", encoding="utf-8") as log:
            now = self.stage.clock.now()
            log.writelines(f"{now:%Y-%m-%dT%H:%M:%S.%f}000Z {line}\n" for line in lines)

    def posts(self, channel: str = CHANNEL) -> list[Message]:
        """What the bot posted with words, oldest first."""
        return [post for post in self.workspace.state.messages.of(channel) if post.text]

    def one(self, part: str, channel: str = CHANNEL) -> Message:
        """The one post whose first line has these words."""
        found = [p for p in self.posts(channel) if part in p.text.partition("\n")[0]]
        assert len(found) == 1, [p.text.partition("\n")[0] for p in self.posts(channel)]
        return found[0]

    def file(self, part: str) -> str:
        """The text of the newest file whose name has this part."""
        found = [f for f in self.workspace.state.files.all() if part in f.name and f.content]
        return (found[-1].content or b"").decode()


def words_of(message: Message) -> str:
    """All words of a message; its code marks as people see them."""
    return f"{message.text}\n{message.all_blocks()}".replace("ˋ", "`")


@asynccontextmanager
async def playing(ground: Ground) -> AsyncGenerator[Play]:
    """A bot before the application at T+0; nothing is watched yet."""
    clock = HandClock(T0)
    hour = make_hour(seed=3, quiet=ground.quiet, deployed_at=T0)
    log = ground.folder / "app.log"
    async with (
        await AsyncConnection.connect(ground.database, autocommit=True) as writer,
        Workspace(now=clock.now) as workspace,
        HealthServer() as health,
    ):
        application = Application(hour, log=log, database=writer)
        await application.set_up()
        await application.advance(T0)
        base_url = ground.base_url or health.base_url
        settings = settings_for(
            workspace,
            ground.store,
            log=log,
            database=ground.url or ground.database,
            base_url=base_url,
            lead=ground.lead,
        )
        async with staged(workspace, settings, clock) as stage:
            yield Play(
                ground=ground,
                stage=stage,
                application=application,
                workspace=workspace,
                log=log,
                base_url=base_url,
                script=Script(Cast(Dice(7), hour.world)),
            )
            assert stage.timer.failures == []
