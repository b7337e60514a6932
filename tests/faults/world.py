"""What the bots live in: a workspace, an application that goes on by itself, and their store."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.demo.postgres import EmbeddedPostgres
from bot.demo.workspace import people
from bot.demo.workspace.actor import Outcome
from bot.demo.workspace.messages import Message
from bot.demo.workspace.server import Workspace
from checks import CHECKS
from checks.engine.runbook import Runbook, load_runbook
from tests.faults.bots import BotProcess, Nursery
from tests.faults.shared_clock import SharedClock
from tests.faults.truth import Verdict, compare, rows
from tests.support.health import HealthServer

T0 = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)
CHANNELS = (people.RELEASES, people.PRIVATE)
_LOOK_AGAIN = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What worlds are made on: a server with two templates, and where bots come from."""

    server: EmbeddedPostgres
    crm: str
    store: str
    nursery: Nursery


@dataclass(slots=True, kw_only=True)
class World:
    """One application, one workspace, one store, and the bots.

    store:      the store's URL as the test reaches it
    bots_store: the same as the bots reach it
    log:        the application's
    output:     where the bots write golive's own log
    settings:   more of the bots' settings
    book:       their runbook's file; None for the shipped one
    before:     KiB of the largest bot when the watches had begun
    """

    ground: Ground
    folder: Path
    clock: SharedClock
    workspace: Workspace
    health: HealthServer
    database: str
    store: str
    bots_store: str
    log: Path
    output: Path
    lease: float = 2.0
    settings: dict[str, Any] = field(default_factory=dict[str, Any])
    book: Path | None = None
    bots: list[BotProcess] = field(default_factory=list[BotProcess])
    before: int = 0
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    # --- bots -----------------------------------------------------------------------------------

    def start_bot(self) -> BotProcess:
        """One more bot."""
        owner = f"bot-{next(self._numbers)}"
        order = {
            "owner": owner,
            "settings": {**self._settings(), **self.settings},
            "runbook": str(self.book) if self.book else None,
            "clock": str(self.clock.path),
            "lease": self.lease,
            "output": str(self.output),
            "blocked": str(self.folder / f"{owner}.blocked"),
            "weighed": str(self.folder / f"{owner}.weighed"),
        }
        bot = BotProcess(self.ground.nursery, order)
        self.bots.append(bot)
        return bot

    async def kill(self, bot: BotProcess) -> None:
        """`kill -9` for one bot."""
        await bot.kill()
        self.bots.remove(bot)

    async def connected(self, count: int = 1) -> None:
        """Wait until so many bots have a socket.

        Raises:
            RuntimeError: one of them ended by itself.
        """

        def there() -> bool:
            if not all(bot.runs for bot in self.bots):
                raise RuntimeError(f"A bot ended by itself.\n{self.written()}")
            return len(self.workspace.sockets.connected) >= count

        await self.until(there)

    def _settings(self) -> dict[str, Any]:
        return {
            "log": str(self.log),
            "database_url": self.database,
            "base_url": self.health.base_url,
            "slack_bot_token": self.workspace.credentials.bot_token,
            "slack_app_token": self.workspace.credentials.app_token,
            "slack_api_url": self.workspace.api_url,
            "channel": people.RELEASES,
            "operators": [people.OPERATOR, people.SECOND_OPERATOR],
            "lead": people.OPERATORS,
            "store_url": self.bots_store,
        }

    async def weigh(self) -> int:
        """KiB of the largest bot; 0 where none runs."""
        return max([await bot.weigh() for bot in self.bots], default=0)

    @property
    def runbook(self) -> Runbook:
        """What the bots go by."""
        return load_runbook(self.book, checks=CHECKS)

    async def begin(self, replicas: int = 1) -> None:
        """Let the time run, with so many bots and a watch in each channel."""
        self.clock.begin()
        for _ in range(replicas):
            self.start_bot()
        await self.connected(replicas)
        await self.start_watches()

    # --- people ---------------------------------------------------------------------------------

    async def command(
        self, text: str, channel: str = people.RELEASES, *, user: str = people.OPERATOR
    ) -> Outcome:
        """Type a command."""
        return await self.workspace.actor.command(user, channel, text)

    async def insist(self, text: str, channel: str, done: Callable[[], bool]) -> None:
        """Type a command again and again until it is done, as people do."""

        async def typed() -> bool:
            if not done():
                await self.command(text, channel)
                with suppress(TimeoutError):
                    await self.until(done, seconds=2)
            return done()

        deadline = time.monotonic() + 30
        while not await typed():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{text} was never done")

    async def start_watches(self, channels: tuple[str, ...] = CHANNELS) -> None:
        """One watch a channel, however often it takes to type it."""
        for channel in channels:
            await self.insist(
                "/golive start v2.4.0", channel, lambda channel=channel: self.has_watch(channel)
            )
        self.before = self.before or await self.weigh()

    def has_watch(self, channel: str) -> bool:
        """Whether a channel has an open watch."""
        open_ones = rows(
            self.store, "SELECT channel FROM golive.deployments WHERE closed_at IS NULL"
        )
        return channel in {row["channel"] for row in open_ones}

    @property
    def messages(self) -> list[Message]:
        """Everything in the channels, threads included, oldest first."""
        book = self.workspace.state.messages
        roots = [message for channel in CHANNELS for message in book.of(channel)]
        threads = [
            reply
            for root in roots
            if root.thread_ts in (None, root.ts)
            for reply in book.thread(root.channel, root.ts)
        ]
        found = {(one.channel, one.ts): one for one in (*roots, *threads)}
        ordered = sorted(found.values(), key=lambda message: float(message.ts))
        return [self._with_id(message) for message in ordered]

    def said(self, words: str) -> list[Message]:
        """The messages whose first line has these words."""
        return [one for one in self.messages if words in one.text.partition("\n")[0]]

    def _with_id(self, message: Message) -> Message:
        """A message with the metadata that it was posted with: an update may leave it out."""
        first = self.workspace.state.messages.versions(message.channel, message.ts)[0]
        return replace(message, draft=replace(message.draft, metadata=first.metadata))

    # --- time -----------------------------------------------------------------------------------

    async def reach(self, minutes: float) -> None:
        """Wait until the clock is so many minutes after T0."""
        instant = T0 + timedelta(minutes=minutes)
        await self.until(lambda: self.clock.now() >= instant, seconds=600)

    async def until(
        self, done: Callable[[], bool] | Callable[[], Awaitable[bool]], *, seconds: float = 30
    ) -> None:
        """Wait for something to become true.

        Raises:
            TimeoutError: it did not within so many real seconds; what the bots wrote is in it.
        """
        deadline = time.monotonic() + seconds
        while True:
            found = done()
            if found if isinstance(found, bool) else await found:
                return
            if time.monotonic() > deadline:
                raise TimeoutError(f"It did not become true.\n{self.written()}")
            await asyncio.sleep(_LOOK_AGAIN)

    def written(self, lines: int = 60) -> str:
        """The end of what the bots wrote."""
        kept = self.output.is_file()
        text = self.output.read_text(encoding="utf-8", errors="replace") if kept else ""
        return "\n".join(text.splitlines()[-lines:])

    # --- the end --------------------------------------------------------------------------------

    async def finish(self, minutes: float = 60) -> Verdict:
        """Wait until all is taken that was due by then, close the watches, and compare."""
        until = T0 + timedelta(minutes=minutes)
        await self.reach(minutes)
        await self.until(lambda: not self._open_points(until), seconds=60)
        for channel in CHANNELS:
            if self.has_watch(channel):
                await self.insist(
                    "/golive close", channel, lambda channel=channel: not self.has_watch(channel)
                )
        await self.until(self._all_sent, seconds=60)
        verdict = compare(self.store, self.messages, self.runbook, until=until)
        verdict.resident = (self.before, await self.weigh())
        return verdict

    def _open_points(self, until: datetime) -> list[str]:
        return [s for s in compare(self.store, [], self.runbook, until=until).lost if "taken" in s]

    def _all_sent(self) -> bool:
        return not rows(self.store, "SELECT FROM golive.posts WHERE state = 'waiting'")
