"""Slack's side of the bot as one thing: built in steps, started, drained and ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import aiohttp
import structlog

from bot.app import SlackApp
from bot.clock import Clock, Timer
from bot.desk import Desk
from bot.home import Homes
from bot.operations.metrics import UNMEASURED, Metrics
from bot.slack.access import Access
from bot.slack.counter import Counter
from bot.slack.delivery import WAITING, WORKERS, Deliveries, Delivery
from bot.slack.files import Files
from bot.slack.gateway import Gateway
from bot.slack.http import HttpFront
from bot.slack.outbox import Outbox
from bot.slack.sender import LEASE, Sender
from bot.slack.sockets import Front, Sockets
from bot.slack.trouble import SlackTrouble
from bot.slack.waiting import Pause
from bot.slack.web import Web
from bot.storage.values import StoreUnavailable
from bot.watch.model import Deployment

GRACE: Final = 20.0
"""Seconds that running work gets at the end; a claimed post gets as many again."""

_log = structlog.get_logger(__name__)


class SlackStore(Outbox, Deliveries, Protocol):
    """The part of the store that Slack's side uses."""

    async def open_watches(self) -> tuple[Deployment, ...]:
        """The watches that are not closed; may raise StoreUnavailable."""
        ...


class SlackSide:
    """Everything between Slack and the desk.

    The desk may need the sender and the gateway, so it comes with `start`.

    Args:
        session: shared by calls, sockets and files; `bot.slack.web.open_session` makes it, and
            whoever made it closes it after `stop`.
        bot_token: of the app.
        api_url: of the Web API, ending in a slash.
        operators: ids of users and user groups.
        store: the outbox, the audit and what was delivered.
        clock: gives the instant.
        timer: calls back at one.
        owner: names this replica in claims.
        reference: makes the ids by which a failure is found in the log.
        channel: what a command acts on that is typed in a direct message with the bot.
        lease: seconds for which a claim is safe from others.
        workers: how much of what Slack delivers is worked on at a time.
        waiting: how much more of it may wait; beyond that the answer is that golive is busy.
        metrics: are told of every call and post.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        bot_token: str,
        api_url: str,
        operators: Sequence[str],
        store: SlackStore,
        clock: Clock,
        timer: Timer,
        owner: str,
        reference: Callable[[], str],
        channel: str | None = None,
        lease: float = LEASE,
        workers: int = WORKERS,
        waiting: int = WAITING,
        metrics: Metrics = UNMEASURED,
    ) -> None:
        self._clock = clock
        self._timer = timer
        self._metrics = metrics
        self._channel = channel
        self._store = store
        self._homes: Homes | None = None
        self._reference = reference
        self._pause = Pause(clock, timer)
        self._web = Web(
            session, token=bot_token, base_url=api_url, pause=self._pause, metrics=metrics
        )
        self.gateway = Gateway(self._web, self._pause)
        self.files = Files(self._web, self._pause)
        self.access = Access(self.gateway, clock, operators)
        self.delivery = Delivery(store, clock, workers=workers, waiting=waiting)
        self.sender = Sender(
            outbox=store,
            gateway=self.gateway,
            files=self.files,
            clock=clock,
            timer=timer,
            owner=owner,
            shared=self.access.shared_outside,
            lease=lease,
            metrics=metrics,
        )
        self._front: Front | None = None
        self._sending: asyncio.Task[None] | None = None

    @property
    def connected(self) -> bool:
        """Whether Slack reaches the bot, as far as can be seen from here."""
        return self._front is not None and self._front.connected

    async def trouble(self) -> str | None:
        """Why golive can say nothing in Slack, as Slack says now, with the mend.

        Its channels are GOLIVE_CHANNEL and those of its open watches.
        """
        channels = {self._channel} if self._channel is not None else set[str]()
        try:
            channels |= {watch.channel for watch in await self._store.open_watches()}
        except StoreUnavailable as error:
            _log.info("the channels of the watches are not known", why=str(error.problem))
        return await self.gateway.trouble(channels)

    async def start_sockets(self, desk: Desk, *, app_token: str) -> None:
        """Send what waits, and serve over a socket."""
        app = self._app(desk)
        await self._start(
            Sockets(self._web, app_token=app_token, handle=app.handle_socket, pause=self._pause)
        )

    async def start_http(
        self, desk: Desk, *, signing_secret: str, port: int, host: str | None = None
    ) -> HttpFront:
        """Send what waits, and serve what Slack posts to a port."""
        front = HttpFront(
            handle=self._app(desk).handle_http,
            secret=signing_secret,
            clock=self._clock,
            port=port,
            host=host,
            metrics=self._metrics,
        )
        await self._start(front)
        return front

    def refresh_homes(self) -> None:
        """What App Home shows has changed."""
        if self._homes is not None:
            self._homes.changed()

    async def quiet(self, *, grace: float = GRACE) -> None:
        """Take nothing more from Slack, and finish what was taken; posts are still sent."""
        if self._front is not None:
            await self._front.quiet()
        await self.delivery.drain(grace)

    async def stop(self, *, grace: float = GRACE) -> None:
        """Take nothing more, finish what runs, end."""
        await self.quiet(grace=grace)
        if self._homes is not None:
            await self._homes.end()
        self.sender.stop()
        if self._sending is not None:
            done, _ = await asyncio.wait({self._sending}, timeout=grace)
            if not done:
                _log.warning("sending was cut off at the end")
                self._sending.cancel()
                await asyncio.wait({self._sending})
        if self._front is not None:
            await self._front.close()
            self._front = None
        self._sending = None

    def _app(self, desk: Desk) -> SlackApp:
        counter = Counter(
            desk=desk,
            access=self.access,
            gateway=self.gateway,
            files=self.files,
            clock=self._clock,
            channel=self._channel,
        )
        self._homes = Homes(
            desk=desk,
            access=self.access,
            gateway=self.gateway,
            clock=self._clock,
            timer=self._timer,
        )
        return SlackApp(
            counter=counter,
            homes=self._homes,
            gateway=self.gateway,
            delivery=self.delivery,
            reference=self._reference,
        )

    async def _start(self, front: Front) -> None:
        self._sending = asyncio.create_task(self.sender.run(), name="slack sender")
        try:
            await self.gateway.identity()
        except SlackTrouble as trouble:
            # It is asked again by the first who needs it; Slack may be down for a moment.
            _log.warning("Slack does not say who the bot is", why=trouble.sentence)
        self._front = front
        await front.start()
        why = await self.gateway.channel_trouble(self._channel) if self._channel else None
        if why is not None:
            _log.warning(
                "nothing can be posted into GOLIVE_CHANNEL", channel=self._channel, why=why
            )
