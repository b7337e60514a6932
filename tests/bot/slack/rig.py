"""Slack's side of the bot, connected to a local workspace over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import aiohttp

from bot.demo.workspace import Workspace
from bot.demo.workspace.delivery import Ack, Envelope, EnvelopeType
from bot.demo.workspace.messages import Message
from bot.demo.workspace.people import OPERATORS, RELEASES
from bot.demo.workspace.values import Json
from bot.operations.metrics import UNMEASURED, Metrics
from bot.slack.delivery import WAITING, WORKERS
from bot.slack.http import PATH
from bot.slack.web import open_session
from bot.slack_side import SlackSide, SlackStore
from tests.bot.slack.hands import FakeDesk, HandTime, MemoryStore

IDLE = 0.03
"""Real seconds without news after which time is moved on."""


@dataclass(kw_only=True)
class Rig:
    """Everything that a test about Slack needs."""

    time: HandTime
    workspace: Workspace
    session: aiohttp.ClientSession
    side: SlackSide
    desk: FakeDesk
    sent: int = 0

    async def settle(
        self, predicate: Callable[[], bool], *, step: float = 0.5, tries: int = 200
    ) -> None:
        """Let simulated time pass whenever nothing happens, until something is true."""
        for _ in range(tries):
            try:
                await self.workspace.until(predicate, seconds=IDLE)
            except TimeoutError:
                await self.time.advance(step)
            else:
                return
        raise AssertionError("it did not become true")

    def said_to(self, user: str, channel: str | None = None) -> list[str]:
        """What only one person was told, oldest first."""
        messages = self.workspace.state.messages.ephemerals(user, channel)
        return [words_of(message) for message in messages]

    async def told(self, user: str, count: int = 1) -> str:
        """Wait until somebody was told so many things; the last of them."""
        await self.workspace.until(lambda: len(self.said_to(user)) >= count)
        return self.said_to(user)[-1]

    def posts(self, channel: str = RELEASES) -> tuple[Message, ...]:
        """What the bot said in a channel and its threads."""
        return tuple(m for m in self.workspace.state.messages.of(channel) if m.bot)

    async def idle(self) -> None:
        """Wait until all work behind deliveries is done."""
        assert await self.side.delivery.drain(5) == 0

    async def deliver(self, kind: EnvelopeType, payload: Mapping[str, object]) -> Ack:
        """Send something that no person's client would send; the ack."""
        self.sent += 1
        envelope = Envelope(
            id=f"raw-{self.sent}", type=kind, payload=dict(payload), accepts_response_payload=True
        )
        async with asyncio.timeout(5):
            return await (await self.workspace.delivery.send(envelope))

    @asynccontextmanager
    async def sending(self) -> AsyncGenerator[None]:
        """The sender runs, without any front."""
        task = asyncio.create_task(self.side.sender.run())
        try:
            yield
        finally:
            self.workspace.faults.api.clear()
            self.side.sender.stop()
            await task


def words_of(message: Message) -> str:
    """The words of a message as they are read first."""
    return message.text.replace("ˋ", "`")


@asynccontextmanager
async def rigged(
    store: SlackStore,
    *,
    time: HandTime | None = None,
    operators: Sequence[str] = (OPERATORS,),
    owner: str = "replica-1",
    workspace: Workspace | None = None,
    rate_limits: bool = True,
    api_url: str | None = None,
    workers: int = WORKERS,
    waiting: int = WAITING,
    metrics: Metrics = UNMEASURED,
) -> AsyncGenerator[Rig]:
    """A rig whose side is built and not started; it is stopped at the end."""
    time = time or HandTime()
    if workspace is None:
        async with (
            Workspace(now=time.now, rate_limits=rate_limits, patience=5.0) as made,
            rigged(
                store,
                time=time,
                operators=operators,
                owner=owner,
                workspace=made,
                api_url=api_url,
                workers=workers,
                waiting=waiting,
                metrics=metrics,
            ) as rig,
        ):
            yield rig
        return
    async with open_session() as session:
        numbers = iter(range(1, 1_000))
        side = SlackSide(
            session,
            bot_token=workspace.credentials.bot_token,
            api_url=api_url or workspace.api_url,
            operators=operators,
            store=store,
            clock=time,
            timer=time,
            owner=owner,
            reference=lambda: f"ref-{next(numbers)}",
            workers=workers,
            waiting=waiting,
            metrics=metrics,
        )
        rig = Rig(time=time, workspace=workspace, session=session, side=side, desk=FakeDesk())
        try:
            yield rig
        finally:
            if rig.desk.gate is not None:
                rig.desk.gate.set()
            workspace.faults.api.clear()
            await side.stop(grace=5)


@asynccontextmanager
async def connected(store: SlackStore, **given: object) -> AsyncGenerator[Rig]:
    """A rig that serves over a socket."""
    async with rigged(store, **given) as rig:  # pyright: ignore[reportArgumentType] - handed on
        await rig.side.start_sockets(rig.desk, app_token=rig.workspace.credentials.app_token)
        await rig.workspace.connected()
        yield rig


@asynccontextmanager
async def posted_to(
    *, metrics: Metrics = UNMEASURED, enterprise: str | None = None, silent: bool = False
) -> AsyncGenerator[tuple[Rig, str]]:
    """A rig that Slack posts to, and its URL.

    Args:
        metrics: are told of what it does.
        enterprise: that Slack says the bot is in.
        silent: Slack does not say at the start who the bot is.
    """
    async with rigged(MemoryStore(), metrics=metrics) as rig:
        faults = rig.workspace.faults.api
        if enterprise is not None:
            faults.between("auth.test", partial(_within, enterprise))
        if silent:
            faults.error("auth.test", "fatal_error", times=3)
        secret = rig.workspace.credentials.signing_secret
        starting = asyncio.create_task(
            rig.side.start_http(rig.desk, signing_secret=secret, port=0, host="127.0.0.1")
        )
        await rig.settle(starting.done)
        url = f"http://127.0.0.1:{starting.result().port}{PATH}"
        rig.workspace.deliver_to(url, stamp=rig.time.now)
        yield rig, url


async def _within(enterprise: str, method: str, answer: Json) -> None:
    """Slack's word for the bot's workspace, which is in an enterprise."""
    del method
    answer["enterprise_id"] = enterprise
