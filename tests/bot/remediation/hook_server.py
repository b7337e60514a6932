"""A deploy hook on a real socket: what it was asked, and answers as a script gives them."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, TypeAlias

from checks.engine.runbook.remediation import Hook

TOKEN: Final = "deploy-token-of-the-tests-1234567890"
VARIABLE: Final = "DEPLOY"

RESET: Final = "reset"
"""Reads the request and resets the connection."""

SILENT: Final = "silent"
"""Reads the request and says nothing until it is let go."""

Answer: TypeAlias = bytes | str


def answer(status: int, body: str = "", *headers: str) -> bytes:
    """A whole HTTP answer."""
    raw = body.encode()
    head = [f"HTTP/1.1 {status} X", f"Content-Length: {len(raw)}", "Connection: close", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + raw


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request."""

    headers: dict[str, str]
    body: Any


@dataclass(slots=True, kw_only=True)
class HookServer:
    """Gives each request the next answer, the last one again and again.

    most: how many requests were in its hands at once
    """

    answers: list[Answer]
    secure: bool = False
    port: int = 0
    asked: list[Asked] = field(default_factory=list[Asked])
    came: asyncio.Event = field(default_factory=asyncio.Event)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)
    most: int = 0
    _now: int = 0
    _serving: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    @property
    def url(self) -> str:
        """Its address."""
        return f"{'https' if self.secure else 'http'}://127.0.0.1:{self.port}/deploy"

    def hook(self, *, seconds: float = 20, token: str | None = VARIABLE) -> Hook:
        """The hook as runbook.yaml names it."""
        return Hook(url=self.url, timeout=timedelta(seconds=seconds), token=token)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request."""
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        try:
            await self._serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        pairs = [line.partition(": ") for line in head.split("\r\n")[1:] if line]
        headers = {name.lower(): value for name, _, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        said = self.answers[min(len(self.asked), len(self.answers) - 1)]
        self._now += 1
        self.most = max(self.most, self._now)
        self.asked.append(Asked(headers=headers, body=json.loads(body) if body else None))
        self.came.set()
        try:
            if said == SILENT:
                await self.let_go.wait()
            elif said == RESET:
                # Without lingering the close is a reset, and not an end that could be read.
                gone: socket.socket = writer.get_extra_info("socket")
                gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
            elif isinstance(said, bytes):
                await asyncio.sleep(0)  # so that calls made together meet here
                writer.write(said)
                await writer.drain()
        finally:
            self._now -= 1

    async def end(self) -> None:
        """Let go of whoever waits."""
        self.let_go.set()
        await asyncio.gather(*self._serving, return_exceptions=True)


@asynccontextmanager
async def hook_server(
    *answers: Answer, tls: ssl.SSLContext | None = None
) -> AsyncGenerator[HookServer]:
    """A running hook; with `tls` it speaks HTTPS."""
    made = HookServer(answers=list(answers) or [answer(202, "accepted")], secure=tls is not None)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=tls)
    made.port = server.sockets[0].getsockname()[1]
    async with server:
        try:
            yield made
        finally:
            await made.end()
