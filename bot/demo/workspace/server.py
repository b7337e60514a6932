"""The local Slack workspace as one server on 127.0.0.1."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from aiohttp import web

from bot.demo.workspace.actor import Actor
from bot.demo.workspace.api import Credentials, WebApi
from bot.demo.workspace.context import Context
from bot.demo.workspace.delivery import Delivery
from bot.demo.workspace.faults import Faults
from bot.demo.workspace.files import File
from bot.demo.workspace.journal import Journal, Traffic
from bot.demo.workspace.methods import MANIFEST_SCOPES
from bot.demo.workspace.people import Cast, standard_cast
from bot.demo.workspace.rates import RateLimits
from bot.demo.workspace.response_urls import ResponseUrls
from bot.demo.workspace.signed_http import SignedHttp
from bot.demo.workspace.sockets import Sockets
from bot.demo.workspace.state import State
from bot.demo.workspace.values import Json, Now, SlackError
from bot.render.limits import ACK_SECONDS

_HOST: Final = "127.0.0.1"
_LARGEST: Final = 64 * 1024 * 1024
_INERT: Final = {"Content-Security-Policy": "sandbox", "X-Content-Type-Options": "nosniff"}
"""What somebody uploaded is shown, and never run."""


def standard_credentials() -> Credentials:
    """Invented tokens and the scopes of the app's manifest."""
    return Credentials(
        bot_token="xoxb-local-workspace",  # noqa: S106 - worth nothing outside this process
        app_token="xapp-1-local-workspace",  # noqa: S106
        signing_secret="local-workspace",  # noqa: S106
        scopes=frozenset(MANIFEST_SCOPES),
    )


def wall_clock() -> datetime:
    """The machine's time, in UTC."""
    return datetime.now(UTC)


class Workspace:
    """A Slack workspace: `async with Workspace(now=clock.now) as workspace`.

    Args:
        now: the clock, in UTC.
        cast: who and what is there; the standard cast otherwise.
        credentials: tokens and scopes of the app.
        rate_limits: count calls, by the clock; a clock that stands still refills nothing.
        strict: refuse what Slack refuses.
        file_polls: how many times files.info answers before it knows a mimetype.
        journal: a file that gets every entry as a line of JSON.
        port: where to listen; 0 finds a free one.
        any_port: listen on a free one where the wanted one is taken.
        patience: real seconds that a person's action waits for an ack.
        life: the clock that tickets, triggers and response_urls expire by; `now` unless given. A
            clock that runs faster than people act wants another one here.
    """

    def __init__(
        self,
        *,
        now: Now = wall_clock,
        cast: Cast | None = None,
        credentials: Credentials | None = None,
        rate_limits: bool = True,
        strict: bool = True,
        file_polls: int = 1,
        journal: Path | None = None,
        port: int = 0,
        any_port: bool = False,
        patience: float = float(ACK_SECONDS),
        life: Now | None = None,
    ) -> None:
        self.now = now
        life = life or now
        self.state = State(now, cast or standard_cast(), file_polls=file_polls, life=life)
        self.credentials = credentials or standard_credentials()
        self.journal = Journal(now, journal)
        self.faults = Faults()
        self.rates = RateLimits(now, enabled=rate_limits)
        self.sockets = Sockets(life, self.journal, self.faults.wire)
        self.delivery = Delivery(now, self.sockets)
        self.context = Context(
            state=self.state,
            base_url=lambda: self.base_url,
            socket_url=self._socket_url,
            strict=strict,
        )
        self.response_urls = ResponseUrls(life, self.context, self.journal)
        self.actor = Actor(now, self.context, self.delivery, self.response_urls, patience=patience)
        self._api = WebApi(
            self.context, self.credentials, self.rates, self.faults.api, self.journal
        )
        self._routes: list[web.RouteDef] = []
        self._port = port
        self._any_port = any_port
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._http: list[SignedHttp] = []

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=_LARGEST)
        app.add_routes(
            [
                web.get("/link/", self.sockets.handle),
                web.get("/api/{method}", self._api.handle),
                web.post("/api/{method}", self._api.handle),
                web.post("/actions/{name}", self.response_urls.handle),
                web.post("/upload/v1/{file}", self._upload),
                web.get("/files/{file}/{name}", self._download),
                *self._routes,
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        try:
            await self.accept()
        except OSError:
            if not self._any_port:
                raise
            self._port = 0
            await self.accept()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.faults.api.clear()
        for http in self._http:
            await http.close()
        await self.sockets.close()
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def base_url(self) -> str:
        """Where the server is."""
        return f"http://{_HOST}:{self._port}"

    @property
    def api_url(self) -> str:
        """What the bot takes as SLACK_API_URL."""
        return f"{self.base_url}/api/"

    def add_routes(self, routes: Iterable[web.RouteDef]) -> None:
        """Serve further addresses, such as a page's; before the start."""
        self._routes += routes

    async def accept(self) -> None:
        """Listen; after `refuse`, on the same port again.

        Raises:
            RuntimeError: it is not started.
        """
        if self._runner is None:
            raise RuntimeError("The workspace is not started: use it with `async with`.")
        self._site = web.TCPSite(self._runner, _HOST, self._port, reuse_address=True)
        await self._site.start()
        self._port = self._runner.addresses[-1][1]

    async def refuse(self) -> None:
        """Stop listening, so that new connections are refused."""
        if self._site is not None:
            await self._site.stop()
            self._site = None

    def deliver_to(self, url: str, *, stamp: Now = wall_clock) -> SignedHttp:
        """HTTP mode: from now on everything goes to this URL of the bot, signed."""
        http = SignedHttp(
            self.now,
            self.journal,
            self.faults.wire,
            url=url,
            secret=self.credentials.signing_secret,
            stamp=stamp,
        )
        self._http.append(http)
        self.delivery.route = http
        return http

    async def tick(self) -> int:
        """Send again what is due by the clock; returns how many events were."""
        return await self.delivery.tick()

    async def until(self, predicate: Callable[[], bool], *, seconds: float = 5.0) -> None:
        """Wait for something to become true; looks after every change and every entry.

        Raises:
            TimeoutError: it did not become true within so many real seconds.
        """
        changed = asyncio.Event()
        unsubscribe = self.state.changes.subscribe(lambda _: changed.set())
        self.journal.observers.append(changed.set)
        try:
            async with asyncio.timeout(seconds):
                while not predicate():
                    await changed.wait()
                    changed.clear()
        finally:
            unsubscribe()
            self.journal.observers.remove(changed.set)

    async def connected(self, count: int = 1) -> None:
        """Wait until the bot has so many sockets."""
        await self.until(lambda: len(self.sockets.connected) >= count)

    def _socket_url(self) -> str:
        ticket = self.sockets.ticket()
        return f"ws://{_HOST}:{self._port}/link/?ticket={ticket}&app_id=A0GOLIVE001"

    async def _upload(self, request: web.Request) -> web.Response:
        content = await _content(request)
        name = request.match_info["file"]
        size: Json = {"bytes": len(content)}
        number = self.journal.note(Traffic.UPLOAD, name, size, content=content)
        try:
            self.state.files.receive(name, content)
        except SlackError as error:
            answer = error.answer()
            self.journal.note(Traffic.ANSWER, name, answer, about=number, status=400)
            return web.Response(status=400, text=error.code)
        return web.Response(text=f"OK - {len(content)}")

    async def _download(self, request: web.Request) -> web.Response:
        try:
            file: File = self.state.files.find(request.match_info["file"])
        except SlackError:
            return web.Response(status=404)
        kind = file.mimetype or "application/octet-stream"
        return web.Response(body=file.content or b"", content_type=kind, headers=_INERT)


async def _content(request: web.Request) -> bytes:
    if not request.content_type.startswith("multipart/"):
        return await request.read()
    for part in (await request.post()).values():
        if isinstance(part, web.FileField):
            return part.file.read()
    return b""
