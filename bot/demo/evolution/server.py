"""The stand-in on a real socket: it answers, breaks on demand, and remembers what it was sent."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from aiohttp import ClientSession, TCPConnector, web

from bot.demo.evolution.answers import NOT_FOUND, SERVER_ERROR, UNAUTHORIZED, Answers
from bot.demo.evolution.delivery import Delivery, deliver
from bot.demo.evolution.model import EVENTS, Answer, Fault, InstanceRow, Request, WebhookRow
from checks.engine.model import Json

Between = Callable[[Request], Awaitable[None]]

_ANSWERED = {
    Fault.UNAUTHORIZED: UNAUTHORIZED,
    Fault.NOT_FOUND: NOT_FOUND,
    Fault.SERVER_ERROR: SERVER_ERROR,
}
_RESET_AT_ONCE = struct.pack("ii", 1, 0)


@dataclass(slots=True, kw_only=True)
class _Breakage:
    """A fault for the requests below a path; `left` None means until it is healed."""

    fault: Fault
    below: str
    left: int | None


class EvolutionStandIn:
    """Evolution on a free port of 127.0.0.1: `async with EvolutionStandIn() as evolution: …`.

    key:     the global key
    journal: every request, in the order in which they came
    between: awaited after a request was acted on and before it is answered
    """

    def __init__(
        self,
        *,
        key: str = "stand-in-evolution-key",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        tls: ssl.SSLContext | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        """Nothing is opened yet.

        Args:
            key: the global key.
            now: what stamps rows.
            sleep: waits between two tries of a delivery.
            tls: the certificate that it shows; None speaks plain HTTP.
            trust: which certificates it trusts when it delivers webhooks.
        """
        self.key = key
        self.journal: list[Request] = []
        self.between: Between | None = None
        self._answers = Answers(key=key, now=now)
        self._sleep = sleep
        self._tls = tls
        self._trust = trust
        self._broken: list[_Breakage] = []
        self._healed = asyncio.Event()
        self._came = asyncio.Condition()
        self._runner: web.AppRunner | None = None
        self._session: ClientSession | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", r"/{path:[\s\S]*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls).start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.heal()
        session, self._session = self._session, None
        if session is not None:
            await session.close()
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def url(self) -> str:
        """Where it answers.

        Raises:
            RuntimeError: it is not started.
        """
        if self._runner is None or not self._runner.addresses:
            raise RuntimeError("The Evolution stand-in is not started: use it with `async with`.")
        scheme = "http" if self._tls is None else "https"
        return f"{scheme}://127.0.0.1:{self._runner.addresses[0][1]}"

    @property
    def instances(self) -> dict[str, InstanceRow]:
        """Its instances by name; what is changed here is what it answers next."""
        return self._answers.instances

    def add(
        self, name: str, *, state: str | None = "open", webhook_url: str | None = None
    ) -> InstanceRow:
        """Add an instance, with a webhook for all events where an address is given."""
        now = self._answers.stamp()
        row = InstanceRow(name=name, state=state, created_at=now)
        if webhook_url is not None:
            row.webhook = WebhookRow(
                url=webhook_url, events=list(EVENTS), created_at=now, updated_at=now
            )
        self.instances[name] = row
        return row

    def fail(self, fault: Fault, *, below: str = "/", times: int | None = None) -> None:
        """Break the requests whose path begins with `below`, so many times or until healed."""
        self._broken.append(_Breakage(fault=fault, below=below, left=times))

    def heal(self) -> None:
        """End every fault; what hangs is answered now."""
        self._broken.clear()
        self._healed.set()
        self._healed = asyncio.Event()

    async def received(self, requests: int) -> None:
        """Wait until so many requests came in since the start, answered or not."""
        async with self._came:
            await self._came.wait_for(lambda: len(self.journal) >= requests)

    async def deliver(self, name: str, event: str, data: Json = None) -> Delivery | None:
        """Send an event of an instance to its webhook; None where it has none for this event."""
        if self._session is None:
            connector = TCPConnector(ssl=self._trust) if self._trust else None
            self._session = ClientSession(connector=connector)
        return await deliver(self._session, self.instances[name], event, data, sleep=self._sleep)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        seen = Request(
            method=request.method,
            target=request.raw_path,
            headers=dict(request.headers),
            body=(await request.read()).decode("utf-8", "replace"),
        )
        async with self._came:
            self.journal.append(seen)
            self._came.notify_all()
        fault = self._fault(seen)
        if fault is Fault.HANG:
            await self._healed.wait()
        if fault is Fault.RESET_BEFORE:
            return _reset(request)
        answer = _ANSWERED.get(fault) if fault is not None else None
        if answer is None:
            kept = deepcopy({name: row.webhook for name, row in self.instances.items()})
            answer = self._act(seen)
            if fault is Fault.IGNORED:
                for name, webhook in kept.items():
                    self.instances[name].webhook = webhook
        if self.between is not None:
            await self.between(seen)
        if fault is Fault.RESET_AFTER:
            return _reset(request)
        seen.status = answer.status
        return web.json_response(answer.body, status=answer.status)

    def _act(self, seen: Request) -> Answer:
        key = next((v for name, v in seen.headers.items() if name.lower() == "apikey"), None)
        return self._answers.answer(seen.method, seen.target, key, seen.body)

    def _fault(self, seen: Request) -> Fault | None:
        for broken in self._broken:
            if seen.path.startswith(broken.below) and broken.left != 0:
                broken.left = None if broken.left is None else broken.left - 1
                return broken.fault
        return None


def _reset(request: web.Request) -> web.StreamResponse:
    """End the connection without a word, so that the client sees a reset and not an end."""
    transport = request.transport
    if transport is not None:
        raw: socket.socket = transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_ONCE)
        transport.abort()
    return web.Response()
