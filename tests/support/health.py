"""A small real server that answers /health, so that a health probe in a test is a real one."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

_BODY = b'{"status":"ok"}'
_HEAD_LIMIT = 8192


class HealthServer:
    """Answers `GET /health` with 200 and all else with 404, on a free port of 127.0.0.1.

    healthy: whether it does; else /health is answered with 503
    """

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self.healthy = True

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0, limit=_HEAD_LIMIT)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    @property
    def base_url(self) -> str:
        """Where it answers.

        Raises:
            RuntimeError: it is not started.
        """
        if self._server is None:
            raise RuntimeError("The health server is not started: use it with `async with`.")
        port: int = self._server.sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request a connection: the answer says so, and the probe asks rarely."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            writer.close()
            return
        known = head.startswith(b"GET /health ")
        good = b"200 OK" if self.healthy else b"503 Service Unavailable"
        status = good if known else b"404 Not Found"
        body = _BODY if known and self.healthy else b"{}"
        writer.write(
            b"HTTP/1.1 " + status + b"\r\nContent-Type: application/json\r\n"
            b"Content-Length: " + str(len(body)).encode() + b"\r\nConnection: close\r\n\r\n" + body
        )
        try:
            await writer.drain()
            writer.close()
            await writer.wait_closed()
        except ConnectionError:
            writer.close()
