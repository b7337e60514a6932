"""Socket Mode: tickets, connections, envelopes and their acks."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

from aiohttp import WSMsgType, web

from bot.demo.workspace.delivery import Ack, Envelope, NoRouteError
from bot.demo.workspace.faults import WireFaults
from bot.demo.workspace.journal import Journal, Traffic
from bot.demo.workspace.people import APP
from bot.demo.workspace.values import Json, Now, mapping

_TICKET_LIFE = timedelta(seconds=30)


@dataclass(slots=True, kw_only=True, eq=False)
class Socket:
    """One connection of the bot."""

    number: int
    ws: web.WebSocketResponse
    request: web.Request
    refreshing: bool = False
    acked: list[str] = field(default_factory=list[str])


Choose: TypeAlias = Callable[[Sequence[Socket]], Socket]


@dataclass(slots=True, kw_only=True)
class _Waiting:
    ack: asyncio.Future[Ack]
    sent: float


class Sockets:
    """All sockets of the bot. A payload goes to any one of them.

    Args:
        now: the clock, in UTC.
        journal: told of everything.
        faults: what goes wrong on the way.
    """

    def __init__(self, now: Now, journal: Journal, faults: WireFaults) -> None:
        self._now = now
        self._journal = journal
        self._faults = faults
        self._tickets: dict[str, datetime] = {}
        self._sockets: list[Socket] = []
        self._waiting: dict[str, _Waiting] = {}
        self._count = 0
        self._turn = 0
        self.choose: Choose = self._next

    @property
    def connected(self) -> tuple[Socket, ...]:
        """The sockets that are open and were not told to go."""
        return tuple(s for s in self._sockets if not s.ws.closed and not s.refreshing)

    def ticket(self) -> str:
        """A ticket for one connection."""
        self._count += 1
        name = f"ticket-{self._count:06d}"
        self._tickets[name] = self._now() + _TICKET_LIFE
        return name

    async def send(self, envelope: Envelope) -> asyncio.Future[Ack]:
        """Send an envelope to any one socket."""
        if not self.connected:
            raise NoRouteError
        waiting = self._waiting.get(envelope.id)
        if waiting is None:
            future: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()
            waiting = _Waiting(ack=future, sent=time.perf_counter())
            self._waiting[envelope.id] = waiting

        async def send_now() -> None:
            await self._write(envelope)

        if not await self._faults.pass_on(send_now):
            self._journal.note(Traffic.WITHHELD, envelope.type, {}, ref=envelope.id)
        return waiting.ack

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Tell every socket to go: `warning` ahead of time, `refresh_requested` now."""
        for socket in self.connected:
            debug: Json = {"host": "applink"}
            message: Json = {"type": "disconnect", "reason": reason, "debug_info": debug}
            if reason != "warning":
                socket.refreshing = True
            self._journal.note(Traffic.SOCKET, "disconnect", message)
            await socket.ws.send_str(json.dumps(message))

    async def ping(self) -> None:
        """Ping every socket."""
        for socket in self.connected:
            await socket.ws.ping(b"Ping from applink")

    def drop(self) -> int:
        """Cut every socket without a word; returns how many there were."""
        sockets = [s for s in self._sockets if not s.ws.closed]
        for socket in sockets:
            self._journal.note(Traffic.SOCKET, "dropped", {"number": socket.number})
            self._sockets.remove(socket)
            transport = socket.request.transport
            if transport is not None:
                transport.abort()
        return len(sockets)

    async def close(self) -> None:
        """Close every socket, with a word."""
        for socket in tuple(self._sockets):
            await socket.ws.close()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """A connection that the bot opens with a ticket."""
        expires = self._tickets.pop(request.query.get("ticket", ""), None)
        if self._faults.refuse_sockets > 0:
            self._faults.refuse_sockets -= 1
            self._journal.note(Traffic.SOCKET, "refused", {})
            return web.Response(status=503)
        if expires is None or self._now() >= expires:
            self._journal.note(Traffic.SOCKET, "bad_ticket", {})
            return web.Response(status=404, text="ticket is used or expired")
        ws = web.WebSocketResponse(autoping=False)
        await ws.prepare(request)
        self._count += 1
        socket = Socket(number=self._count, ws=ws, request=request)
        await self._greet(socket)
        try:
            await self._listen(socket)
        finally:
            if socket in self._sockets:
                self._sockets.remove(socket)
            self._journal.note(Traffic.SOCKET, "closed", {"number": socket.number})
        return ws

    async def _greet(self, socket: Socket) -> None:
        hello: Json = {
            "type": "hello",
            "num_connections": len(self._sockets) + 1,
            "debug_info": {"host": "applink", "approximate_connection_time": 18060},
            "connection_info": {"app_id": APP},
        }
        await socket.ws.send_str(json.dumps(hello))
        self._sockets.append(socket)
        self._journal.note(Traffic.SOCKET, "hello", {"number": socket.number})

    async def _listen(self, socket: Socket) -> None:
        async for message in socket.ws:
            if message.type is WSMsgType.PING:
                await socket.ws.pong(message.data)
            elif message.type is WSMsgType.PONG:
                self._journal.note(Traffic.SOCKET, "pong", {"number": socket.number})
            elif message.type is WSMsgType.TEXT:
                self._acknowledge(socket, mapping(json.loads(message.data)))

    def _acknowledge(self, socket: Socket, body: Json) -> None:
        name = str(body.get("envelope_id"))
        payload = mapping(body["payload"]) if body.get("payload") else None
        ref_body: Json = {"socket": socket.number, "payload": payload}
        self._journal.note(Traffic.ACK, "ack", ref_body, ref=name)
        socket.acked.append(name)
        waiting = self._waiting.get(name)
        if waiting is not None and not waiting.ack.done():
            seconds = time.perf_counter() - waiting.sent
            waiting.ack.set_result(Ack(at=self._now(), seconds=seconds, payload=payload))

    async def _write(self, envelope: Envelope) -> None:
        connected = self.connected
        if not connected:
            return
        socket = self.choose(connected)
        body: Json = {
            "envelope_id": envelope.id,
            "type": envelope.type,
            "payload": envelope.payload,
            "accepts_response_payload": envelope.accepts_response_payload,
        }
        if envelope.type == "events_api":
            body |= {
                "retry_attempt": envelope.retry_num,
                "retry_reason": envelope.retry_reason,
            }
        self._journal.note(Traffic.ENVELOPE, envelope.type, body, ref=envelope.id)
        try:
            await socket.ws.send_str(json.dumps(body))
        except ConnectionError:
            # the bot went away in this moment; Slack does not learn of it either
            self._journal.note(Traffic.WITHHELD, envelope.type, {}, ref=envelope.id)

    def _next(self, sockets: Sequence[Socket]) -> Socket:
        self._turn += 1
        return sockets[self._turn % len(sockets)]
