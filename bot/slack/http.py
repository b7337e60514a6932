"""HTTP mode: Slack posts to an address of the bot's own; Bolt checks the signature."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from aiohttp import web

from bot.listening import listen
from bot.settings import SettingsError

HandleHttp: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

PATH: Final = "/slack/events"
LARGEST: Final = 1024 * 1024
"""Bytes of a request; Slack's own are far smaller."""
FINISH: Final = 5.0
"""Seconds that open requests get for their ack when the bot ends."""


class HttpFront:
    """The server that Slack posts to.

    Args:
        handle: checks, acknowledges and routes what comes.
        port: to listen on; 0 takes a free one.
        host: to listen on; None for all addresses.
    """

    def __init__(self, *, handle: HandleHttp, port: int, host: str | None = None) -> None:
        self._handle = handle
        self._port = port
        self._host = host
        self._runner: web.AppRunner | None = None

    @property
    def connected(self) -> bool:
        """Whether it listens."""
        return self._runner is not None

    @property
    def port(self) -> int:
        """The port that it listens on."""
        addresses = self._runner.addresses if self._runner is not None else []
        return int(addresses[0][1]) if addresses else self._port

    async def start(self) -> None:
        """Listen.

        Raises:
            SettingsError: nobody can listen there.
        """
        app = web.Application(client_max_size=LARGEST)
        app.router.add_post(PATH, self._handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=FINISH)
        await runner.setup()
        try:
            await listen(runner, self._host, self._port, setting="PORT")
        except SettingsError:
            await runner.cleanup()
            raise
        self._runner = runner

    async def quiet(self) -> None:
        """Take no more requests; those that are open get their ack."""
        await self.close()

    async def close(self) -> None:
        """Stop listening."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()
