"""The way to a PostgreSQL server, which a test can make slow, or cut."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlsplit

from psycopg.conninfo import conninfo_to_dict

_SOCKET = ".s.PGSQL.5432"
_CHUNK = 65536


class Wire:
    """Passes everything on, from a socket of its own: `async with Wire(url) as wire: … wire.url`.

    delay: real seconds that each piece of a client's talk takes
    """

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._folder = Path(tempfile.mkdtemp(prefix="golive-wire-", dir="/tmp"))
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.delay = 0.0

    async def __aenter__(self) -> Self:
        await self.accept()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        await self.refuse()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        shutil.rmtree(self._folder)

    @property
    def url(self) -> str:
        """The upstream database's URL, by way of this wire."""
        parts = urlsplit(self._upstream)
        host = quote(str(self._folder), safe="")
        return f"{parts.scheme}://{parts.netloc}{parts.path}?host={host}"

    async def accept(self) -> None:
        """Let clients connect."""
        self._server = await asyncio.start_unix_server(self._serve, self._folder / _SOCKET)

    async def refuse(self) -> None:
        """End every connection, and let nobody connect any more: the server is stopped."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        (self._folder / _SOCKET).unlink(missing_ok=True)
        self.cut()

    def cut(self) -> None:
        """End every connection."""
        for writer in self._writers:
            writer.close()
        self._writers.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host = str(conninfo_to_dict(self._upstream)["host"])
        there = await asyncio.open_unix_connection(f"{host}/{_SOCKET}")
        self._writers |= {writer, there[1]}
        for work in (self._pass_on(reader, there[1], slow=True), self._pass_on(there[0], writer)):
            task = asyncio.create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, slow: bool = False
    ) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(_CHUNK):
                if slow and self.delay:
                    await asyncio.sleep(self.delay)
                writer.write(data)
                await writer.drain()
        writer.close()
        self._writers.discard(writer)
