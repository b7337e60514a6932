"""Several bots on one store and in one workspace, with one time for all of them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.compose import Bot, open_bot
from bot.demo.workspace import people
from bot.demo.workspace.actor import Outcome
from bot.demo.workspace.messages import Message
from bot.demo.workspace.server import Workspace
from bot.settings import Settings
from checks import CHECKS
from checks.engine.runbook import load_runbook
from tests.support.hand import HandClock, HandTimer
from tests.support.slack_bot import CHANNEL, come_to_rest


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareOfTimer:
    """Implements `Timer` by one that others use too: the jobs of each are told apart."""

    timer: HandTimer
    owner: str

    def at(self, instant: datetime, key: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run a job at an instant."""
        self.timer.at(instant, f"{key}@{self.owner}", run)

    def cancel(self, key: str) -> None:
        """Forget a waiting job."""
        self.timer.cancel(f"{key}@{self.owner}")


@dataclass(slots=True, kw_only=True)
class Replicas:
    """The bots that run, by their names in claims."""

    workspace: Workspace
    timer: HandTimer
    bots: dict[str, Bot] = field(default_factory=dict[str, Bot])
    _ends: dict[str, AsyncExitStack] = field(default_factory=dict[str, AsyncExitStack])

    async def begin(self, name: str, settings: Settings) -> None:
        """Start one more, and wait until it is connected; what is posted to it may come at once."""
        stack = AsyncExitStack()
        self._ends[name] = stack
        self.bots[name] = await stack.enter_async_context(
            open_bot(
                settings,
                load_runbook(checks=CHECKS),
                clock=self.timer.clock,
                timer=ShareOfTimer(timer=self.timer, owner=name),
                owner=name,
            )
        )
        if settings.slack_mode == "socket":
            await self.workspace.connected(len(self.bots))

    async def end(self, name: str) -> None:
        """End one: what it began is done, and the others go on."""
        del self.bots[name]
        await self._ends.pop(name).aclose()

    async def rest(self) -> None:
        """Wait until all of them have come to rest."""
        for bot in tuple(self.bots.values()):
            await come_to_rest(bot, self.timer)

    async def command(self, text: str, *, user: str = people.OPERATOR) -> Outcome:
        """Type a command in the channel; Slack brings it to any of them."""
        outcome = await self.workspace.actor.command(user, CHANNEL, f"/golive {text}")
        await self.settle()
        return outcome

    async def settle(self) -> None:
        """Let what was just asked for be done, and what that sets off at once."""
        await self.timer.rest()
        await self.timer.advance(timedelta(0))

    @property
    def posts(self) -> list[Message]:
        """Everything in the channel that has words, oldest first."""
        return [post for post in self.workspace.state.messages.of(CHANNEL) if post.text]

    def headed(self, part: str) -> list[Message]:
        """All posts whose first line has these words."""
        return [post for post in self.posts if part in post.text.partition("\n")[0]]


@asynccontextmanager
async def replicas(
    workspace: Workspace, settings: Settings, clock: HandClock, *names: str
) -> AsyncGenerator[Replicas]:
    """So many bots, connected."""
    timer = HandTimer(clock=clock)
    found = Replicas(workspace=workspace, timer=timer)
    try:
        for name in names:
            await found.begin(name, settings)
        timer.quiet = found.rest
        yield found
        assert timer.failures == []
    finally:
        timer.quiet = None
        for name in tuple(found.bots):
            await found.end(name)
