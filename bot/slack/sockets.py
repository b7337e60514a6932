"""Socket Mode: Slack reaches the bot over a socket that the bot itself opens."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final, Protocol, TypeAlias, cast

import structlog
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.slack.quiet import LIBRARY
from bot.slack.waiting import Pause
from bot.slack.web import Web

Handle: TypeAlias = Callable[[AsyncBaseSocketModeClient, SocketModeRequest], Awaitable[None]]

WATCH: Final = timedelta(seconds=5)
PING: Final = 10.0

_log = structlog.get_logger(__name__)


class Front(Protocol):
    """A way by which Slack reaches the bot."""

    @property
    def connected(self) -> bool:
        """Whether Slack reaches it now, as far as can be seen from here."""
        ...

    async def start(self) -> None:
        """Begin to take what Slack delivers."""
        ...

    async def quiet(self) -> None:
        """Take nothing more; what was taken already goes on."""
        ...

    async def close(self) -> None:
        """End it."""
        ...


class _Tasks(Protocol):
    """The client's own tasks, with types."""

    message_processor: asyncio.Future[None]
    current_session_monitor: asyncio.Future[None] | None
    message_receiver: asyncio.Future[None] | None


class Sockets:
    """The socket, and the watchdog that gets it out of a wedge.

    The client repeats a failed connect with the same address for ever, though an address of Slack's
    holds once and for seconds: the watchdog makes it forget it, so that it asks for another.

    Args:
        web: the calls, whose session the socket shares.
        app_token: opens sockets.
        handle: acknowledges and routes what comes.
        pause: the clock that the watchdog goes by.
        ping: seconds between pings; also between attempts to connect.
    """

    def __init__(
        self, web: Web, *, app_token: str, handle: Handle, pause: Pause, ping: float = PING
    ) -> None:
        self._web = web
        self._app_token = app_token
        self._handle = handle
        self._pause = pause
        self._ping = ping
        self._client: SocketModeClient | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._up = False

    @property
    def connected(self) -> bool:
        """Whether the socket was open when the watchdog last looked."""
        return self._up

    async def start(self) -> None:
        """Connect in the background, as often as it takes, and watch the connection."""
        client = SocketModeClient(
            app_token=self._app_token,
            logger=LIBRARY,
            web_client=self._web.client,
            ping_interval=self._ping,
        )
        own, client.aiohttp_client_session = client.aiohttp_client_session, self._web.session
        await own.close()
        client.socket_mode_request_listeners.append(self._handle)
        self._client = client
        self._tasks = [
            asyncio.create_task(_connect(client), name="slack socket"),
            asyncio.create_task(self._watch(client), name="slack socket watchdog"),
        ]

    async def quiet(self) -> None:
        """Disconnect for good: Slack sends to another replica, or waits with its events."""
        client = self._client
        if client is None:
            return
        await self._cancel()
        # Its own tasks end by this, and with them every attempt to connect again.
        client.closed = True
        client.auto_reconnect_enabled = False
        await client.disconnect()
        self._up = False

    async def close(self) -> None:
        """End the client's own tasks; the session is closed by whoever made it."""
        client, self._client = self._client, None
        if client is None:
            return
        await self._cancel()
        client.closed = True
        await client.disconnect()
        tasks = cast("_Tasks", client)
        several = (tasks.message_processor, tasks.current_session_monitor, tasks.message_receiver)
        own = [task for task in several if task is not None]
        for task in own:
            task.cancel()
        await asyncio.gather(*own, return_exceptions=True)

    async def _watch(self, client: SocketModeClient) -> None:
        while True:
            self._look(client, up=await client.is_connected())
            await self._pause.span(WATCH)

    def _look(self, client: SocketModeClient, *, up: bool) -> None:
        if up != self._up:
            _log.warning("the socket is open" if up else "the socket is not open")
        if not up:
            client.wss_uri = None
        self._up = up

    async def _cancel(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []


async def _connect(client: SocketModeClient) -> None:
    """The first connect, under the lock that every later one takes."""
    async with client.connect_operation_lock:
        await client.connect()
