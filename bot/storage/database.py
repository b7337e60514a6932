"""The connections to the store: a small pool, one transaction an operation, and a bound on time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Any, Final, LiteralString, TypeAlias

import psycopg
from psycopg import AsyncConnection, sql
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from bot.storage import problems
from bot.storage.codec import CodecError
from bot.storage.values import StoreUnavailable
from checks.sources.database.connection import conninfo, hang_up_after, roll_back
from checks.sources.database.url import target_of

Row: TypeAlias = dict[str, Any]
Connection: TypeAlias = AsyncConnection[Row]

_BEGIN: Final = sql.SQL(
    "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;"
    " SET LOCAL statement_timeout = {ms}; SET LOCAL lock_timeout = {ms};"
    " SET LOCAL idle_in_transaction_session_timeout = {ms}; SET LOCAL TimeZone = 'UTC'"
)
"""One trip. The server's own bounds free its locks when this side hangs up or disappears."""


def _unheard() -> None:
    return


class StoreDatabase:
    """A pool for one URL, direct or through a pooler in session or transaction mode.

    timeout: seconds for getting a connection, and again for the operation on it
    size:    connections at most; one is kept open
    failed:  is told of every StoreUnavailable
    """

    def __init__(
        self, url: str, *, timeout: float, size: int, failed: Callable[[], None] = _unheard
    ) -> None:
        self.target = target_of(url)
        self._url = url
        self._timeout = timeout
        self._size = size
        self._failed = failed
        self._pool: AsyncConnectionPool[Connection] | None = None

    async def open(self) -> bool:
        """Connect; False, and nothing is done, if it is open.

        Raises:
            StoreUnavailable: if no connection can be had.
        """
        if self._pool is not None:
            return False
        with self._told():
            await self._knock()
        pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            self._conninfo(),
            connection_class=AsyncConnection[Row],
            # The transaction is opened by hand, with its bounds, in the same trip; and a
            # transaction pooler knows no prepared statements.
            kwargs={"autocommit": True, "prepare_threshold": None, "row_factory": dict_row},
            min_size=1,
            max_size=self._size,
            open=False,
            check=self._alive,
            timeout=self._timeout,
            reconnect_timeout=self._timeout,
        )
        await pool.open()
        self._pool = pool
        return True

    async def close(self) -> None:
        """Close all connections."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()

    @asynccontextmanager
    async def transaction(self, seconds: float | None = None) -> AsyncGenerator[Connection]:
        """A transaction that commits at the end, or rolls back if it is left by an exception.

        Raises:
            StoreUnavailable: for whatever keeps it from being done. If the answer to the commit
                was lost, nobody knows whether it was done.
        """
        with self._told():
            async with self._work(self._timeout if seconds is None else seconds) as connection:
                yield connection

    @asynccontextmanager
    async def _work(self, bound: float) -> AsyncGenerator[Connection]:
        connection = await self._connection()
        try:
            with hang_up_after(connection, bound) as hung_up:
                try:
                    async with _transaction(connection, bound):
                        yield connection
                except psycopg.Error as error:
                    if hung_up.is_set():
                        raise problems.no_answer(self.target, bound) from None
                    raise problems.refused(error, connection, self.target, bound) from None
                except CodecError as error:
                    raise problems.unreadable(str(error)) from None
        finally:
            await self._give_back(connection)

    async def fetch(self, statement: LiteralString, values: Row | None = None) -> list[Row]:
        """The rows of one statement in a transaction of its own.

        Raises:
            StoreUnavailable: for whatever keeps it from being done.
        """
        async with self.transaction() as connection:
            return await fetch(connection, statement, values)

    @contextmanager
    def _told(self) -> Generator[None]:
        try:
            yield
        except StoreUnavailable:
            self._failed()
            raise

    async def _connection(self) -> Connection:
        if self._pool is None:
            raise problems.not_opened()
        try:
            return await self._pool.getconn()
        except PoolTimeout as error:
            await self._knock()
            raise problems.no_connection(error, self.target) from None
        except PoolClosed:
            raise problems.not_opened() from None

    async def _give_back(self, connection: Connection) -> None:
        if self._pool is None:
            await connection.close()
        else:
            await self._pool.putconn(connection)

    async def _knock(self) -> None:
        """Connect once: the pool retries in the background and forgets why it failed."""
        try:
            async with asyncio.timeout(self._timeout + 1):
                connection = await AsyncConnection[Row].connect(
                    self._conninfo(), autocommit=True, prepare_threshold=None
                )
        except psycopg.Error as error:
            raise problems.no_connection(error, self.target) from None
        except TimeoutError:
            raise problems.no_answer(self.target, self._timeout) from None
        await connection.close()

    async def _alive(self, connection: Connection) -> None:
        # A connection that a firewall dropped in silence would let the check itself wait.
        with hang_up_after(connection, self._timeout):
            await connection.execute("")

    def _conninfo(self) -> str:
        return conninfo(self._url, self._timeout)


async def fetch(
    connection: Connection, statement: LiteralString, values: Row | None = None
) -> list[Row]:
    """The rows of one statement; [] where it returns none by its kind."""
    cursor = await connection.execute(statement, values)
    return await cursor.fetchall() if cursor.description is not None else []


def utc(instant: datetime) -> datetime:
    """An aware instant, in UTC.

    Raises:
        ValueError: if it has no zone: then nobody knows which instant is meant.
    """
    if instant.tzinfo is None:
        raise ValueError("An instant needs a time zone.")
    return instant.astimezone(UTC)


@asynccontextmanager
async def _transaction(connection: Connection, seconds: float) -> AsyncGenerator[None]:
    await connection.execute(_BEGIN.format(ms=sql.Literal(max(1, round(seconds * 1000)))))
    try:
        yield
        await connection.execute("COMMIT")
    finally:
        await roll_back(connection)
