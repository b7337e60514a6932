"""A man in the middle between a client and PostgreSQL: counts round trips, hangs, cuts, is slow."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlsplit

from psycopg.conninfo import conninfo_to_dict

_ENDS_A_TRIP = {b"S", b"Q"}
"""Messages after which the client waits: Sync, and a simple query."""


@dataclass(kw_only=True)
class Proxy:
    """Listens on a socket of its own and passes everything on: `async with Proxy(…) as proxy: …`.

    trips:  how often the client ended a trip and waited
    hangs:  say nothing any more once the client sends one of these
    hangs_on_pipelines: say nothing any more once the client sends two statements in one trip
    refuses: let nobody in; those that are in stay until `cut`
    delay: real seconds that each trip takes longer
    before: called when the client sends these bytes, before they are passed on
    """

    upstream: str
    port: int = 5432
    trips: int = 0
    hangs: tuple[bytes, ...] = ()
    hangs_on_pipelines: bool = False
    refuses: bool = False
    delay: float = 0.0
    before: dict[bytes, Callable[[], None]] = field(default_factory=dict[bytes, Callable[[], None]])
    _folder: Path = field(init=False)
    _server: asyncio.Server = field(init=False)
    _tasks: set[asyncio.Task[None]] = field(init=False, default_factory=set[asyncio.Task[None]])
    _writers: list[asyncio.StreamWriter] = field(
        init=False, default_factory=list[asyncio.StreamWriter]
    )

    async def __aenter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="pg-proxy-", dir="/tmp"))
        await self.come_back()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.disappear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()
        shutil.rmtree(self._folder)

    @property
    def url(self) -> str:
        """The upstream database's URL, by way of this proxy."""
        parts = urlsplit(self.upstream)
        host = quote(str(self._folder), safe="")
        return f"{parts.scheme}://{parts.netloc}{parts.path}?host={host}&port={self.port}"

    @property
    def _socket(self) -> Path:
        return self._folder / f".s.PGSQL.{self.port}"

    def go_away(self) -> None:
        """End every connection, and let nobody in until `refuses` is taken back."""
        self.refuses = True
        self.cut()

    def disappear(self) -> None:
        """End every connection, and be gone as a stopped server is: there is no socket any more."""
        self._server.close()
        self._socket.unlink(missing_ok=True)
        self.cut()

    async def come_back(self) -> None:
        """Listen."""
        self._server = await asyncio.start_unix_server(self._accept, self._socket)

    def cut(self) -> None:
        """End every connection."""
        for writer in self._writers:
            writer.close()
        self._writers.clear()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refuses:
            writer.close()
            return
        host = str(conninfo_to_dict(self.upstream)["host"])
        upstream = await asyncio.open_unix_connection(f"{host}/.s.PGSQL.5432")
        self._writers += [writer, upstream[1]]
        for work in (self._forward(reader, upstream[1]), self._back(upstream[0], writer)):
            task = asyncio.create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        started, parsed = False, 0
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                # The first message of a connection has a length and no type.
                kind = await reader.readexactly(1) if started else b""
                length = await reader.readexactly(4)
                body = await reader.readexactly(int.from_bytes(length) - 4)
                started = True
                parsed = 0 if kind == b"S" else parsed + (kind == b"P")
                if self.hangs_on_pipelines and parsed > 1:
                    await asyncio.Event().wait()
                await self._pass_on(kind, length + body, writer)
        writer.close()

    async def _pass_on(self, kind: bytes, rest: bytes, writer: asyncio.StreamWriter) -> None:
        if kind in _ENDS_A_TRIP:
            self.trips += 1
            if self.delay:
                await asyncio.sleep(self.delay)
        for words, call in list(self.before.items()):
            if words in rest:
                del self.before[words]
                call()
        if any(words in rest for words in self.hangs):
            await asyncio.Event().wait()
        writer.write(kind + rest)
        await writer.drain()

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()
