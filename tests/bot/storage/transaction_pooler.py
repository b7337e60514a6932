"""A pooler in transaction mode: every transaction of a client goes to another session."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, TypeAlias

from psycopg.conninfo import conninfo_to_dict, make_conninfo

Session: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_WANTS_ANSWER = {3, 5, 10, 11}
"""Kinds of an authentication message after which the client speaks."""


@dataclass(kw_only=True)
class TransactionPooler:
    """Listens on a socket of its own: `async with TransactionPooler(upstream=url) as pooler: …`.

    A client logs in on a session of its own, which then belongs to all: a transaction takes the
    session that has waited longest. Sessions stay when their client leaves.

    sessions: which session each transaction ran on, in order
    """

    upstream: str
    sessions: list[int] = field(default_factory=list[int])
    _free: asyncio.Queue[Session] = field(default_factory=asyncio.Queue[Session])
    _made: list[Session] = field(default_factory=list[Session])
    _tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    async def __aenter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="pooler-", dir="/tmp")
        self._server = await asyncio.start_unix_server(
            self._accept, f"{self._folder.name}/.s.PGSQL.5432"
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for session in self._made:
            await _close(session)
        await self._server.wait_closed()
        self._folder.cleanup()

    @property
    def url(self) -> str:
        """The upstream database's URL, by way of this pooler."""
        return make_conninfo(self.upstream, host=self._folder.name)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve((reader, writer)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, client: Session) -> None:
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                await self._log_in(client)
                while await self._transaction(client):
                    pass
        finally:
            await _close(client)

    async def _log_in(self, client: Session) -> None:
        host = conninfo_to_dict(self.upstream)["host"]
        session = await asyncio.open_unix_connection(f"{host}/.s.PGSQL.5432")
        self._made.append(session)
        length = await client[0].readexactly(4)
        session[1].write(length + await client[0].readexactly(int.from_bytes(length) - 4))
        while True:
            kind, body = await _pass(session, client)
            if kind == b"R" and int.from_bytes(body[:4]) in _WANTS_ANSWER:
                await _pass(client, session)
            elif kind == b"Z":
                self._free.put_nowait(session)
                return

    async def _transaction(self, client: Session) -> bool:
        """Pass one transaction on; False if the client said goodbye."""
        kind, body = await _read(client)
        if kind == b"X":
            return False
        session = await self._free.get()
        self.sessions.append(self._made.index(session))
        while True:
            _write(session, kind, body)
            if kind in {b"Q", b"S"} and await _answer(session, client) == b"I":
                self._free.put_nowait(session)
                return True
            kind, body = await _read(client)


async def _close(session: Session) -> None:
    session[1].close()
    with suppress(ConnectionError):
        await session[1].wait_closed()


async def _read(source: Session) -> tuple[bytes, bytes]:
    kind, length = await source[0].readexactly(1), await source[0].readexactly(4)
    return kind, await source[0].readexactly(int.from_bytes(length) - 4)


def _write(target: Session, kind: bytes, body: bytes) -> None:
    target[1].write(kind + (len(body) + 4).to_bytes(4) + body)


async def _pass(source: Session, target: Session) -> tuple[bytes, bytes]:
    kind, body = await _read(source)
    _write(target, kind, body)
    return kind, body


async def _answer(session: Session, client: Session) -> bytes:
    """Pass the whole answer on; the state of the transaction after it."""
    while True:
        kind, body = await _pass(session, client)
        if kind == b"Z":
            return body
