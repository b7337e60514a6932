"""Requests to the port that Slack posts to, byte by byte: also such as no client would send."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from aiohttp import web

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
_WITHIN = 20.0
"""Real seconds for an answer; a test that waits so long has failed."""

Headers = tuple[tuple[str, bytes], ...]


def signature(body: bytes, stamp: bytes, secret: str) -> bytes:
    """What Slack puts into X-Slack-Signature."""
    return b"v0=%s" % (
        hmac.new(secret.encode(), b"v0:%s:%s" % (stamp, body), hashlib.sha256).hexdigest().encode()
    )


def signed(body: bytes, *, secret: str, at: datetime, kind: str = FORM) -> Headers:
    """The headers that Slack would send with a body."""
    stamp = str(int(at.timestamp())).encode()
    return (
        ("Content-Type", kind.encode()),
        ("X-Slack-Request-Timestamp", stamp),
        ("X-Slack-Signature", signature(body, stamp, secret)),
    )


def raw(body: bytes, headers: Iterable[tuple[str, bytes]], *, path: str = "/slack/events") -> bytes:
    """A whole request."""
    lines = [f"POST {path} HTTP/1.1".encode(), b"Host: golive.example"]
    lines += [name.encode() + b": " + value for name, value in headers]
    lines += [b"Content-Length: %d" % len(body), b"Connection: close", b"", b""]
    return b"\r\n".join(lines) + body


async def exchange(port: int, request: bytes) -> int:
    """The status of the answer; 0 where the connection was closed without one."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(_WITHIN):
            writer.write(request)
            await writer.drain()
            answer = await reader.read()
    except ConnectionError:
        return 0
    finally:
        writer.close()
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.") else 0


def port_of(url: str) -> int:
    """The port in a URL."""
    return int(url.split(":")[2].split("/", maxsplit=1)[0])


@dataclass(slots=True)
class Trap:
    """A server of somebody else's that the bot has no business with."""

    url: str = ""
    hits: list[Mapping[str, object]] = field(default_factory=list[Mapping[str, object]])

    async def hear(self, request: web.Request) -> web.Response:
        """The bot came."""
        self.hits.append({"path": request.path, "body": await request.text()})
        return web.Response()


@asynccontextmanager
async def trapped() -> AsyncGenerator[Trap]:
    """A trap that listens."""
    trap = Trap()
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", trap.hear)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    trap.url = f"http://127.0.0.1:{runner.addresses[0][1]}/commands/1"
    try:
        yield trap
    finally:
        await runner.cleanup()
