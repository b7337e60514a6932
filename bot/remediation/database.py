"""The connections of fixes: a pool of their own, and one bounded transaction a step."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final, LiteralString, TypeAlias

import psycopg
from psycopg import AsyncConnection, sql
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from bot.remediation import trouble
from checks.engine.model import Problem
from checks.sources.database.connection import conninfo, hang_up_after, roll_back
from checks.sources.database.coverage import HIDDEN, SET_ZONE, hidden_of, hidden_problem
from checks.sources.database.url import target_of

Row: TypeAlias = dict[str, Any]
Connection: TypeAlias = AsyncConnection[Row]

_CONNECTIONS: Final = 4
_PATIENCE: Final = 5.0
"""Seconds for getting a connection."""

_IDLE: Final = timedelta(seconds=35)
"""How long the server keeps the locks of a process that is gone; Evolution is told meanwhile."""

_WHOLE: Final = timedelta(seconds=50)
"""How long a step may take with all its statements: less than a claim is left to its owner."""

_BEGIN: Final = sql.SQL(
    "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL lock_timeout = {lock};"
    " SET LOCAL statement_timeout = {statement};"
    " SET LOCAL idle_in_transaction_session_timeout = {idle}"
)
"""One trip. The server's own bounds free its locks when this side hangs up or disappears."""

_ZONE: Final[LiteralString] = f"SELECT {SET_ZONE}"


class FixDatabase:
    """The application's database by the role that may fix it, opened when first needed.

    Args:
        url: direct, or through a pooler in session or transaction mode.
        lock: how long a statement waits for a lock.
        statement: how long a statement may run.
        whole: how long all of a transaction may take before its connection is given up.
        zone: in which timestamps without time zone are read; None for the database's own.
    """

    def __init__(
        self,
        url: str,
        *,
        lock: timedelta,
        statement: timedelta,
        whole: timedelta = _WHOLE,
        zone: str | None = None,
    ) -> None:
        self.target = target_of(url)
        self._url = url
        self._zone = zone
        self._lock = lock
        self._statement = statement
        self._whole = max(whole, statement)
        self._pool: AsyncConnectionPool[Connection] | None = None
        self._opening = asyncio.Lock()

    async def close(self) -> None:
        """Close all connections; the next use opens them again."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()

    @asynccontextmanager
    async def transaction(self, *, keep: bool = True) -> AsyncGenerator[Connection]:
        """A transaction that commits at the end, unless it is left by an exception.

        keep: False rolls back at the end all the same: what it did was only a look.

        Raises:
            FixUnavailable: for whatever keeps it from being done. If the answer to the commit was
                lost, nobody knows here whether it was done.
        """
        connection = await self._connection()
        try:
            # The server bounds statements itself; this bounds a server that is gone.
            with hang_up_after(connection, self._whole.total_seconds()) as hung_up:
                try:
                    async with self._bounded(connection, keep=keep):
                        yield connection
                except psycopg.Error as error:
                    if hung_up.is_set():
                        raise trouble.hung(self.target) from None
                    raise trouble.refused(error, connection, self.target) from None
        finally:
            await self._give_back(connection)

    @asynccontextmanager
    async def _bounded(self, connection: Connection, *, keep: bool) -> AsyncGenerator[None]:
        begin = _BEGIN.format(
            lock=sql.Literal(_milliseconds(self._lock)),
            statement=sql.Literal(_milliseconds(self._statement)),
            idle=sql.Literal(_milliseconds(_IDLE)),
        )
        await connection.execute(begin)
        try:
            await connection.execute(_ZONE, {"zone": self._zone})
            yield
            await connection.execute("COMMIT" if keep else "ROLLBACK")
        finally:
            await roll_back(connection)

    async def _connection(self) -> Connection:
        pool = await self._opened()
        try:
            return await pool.getconn()
        except PoolTimeout as error:
            raise trouble.no_connection(error, self.target) from None

    async def _opened(self) -> AsyncConnectionPool[Connection]:
        async with self._opening:
            if self._pool is None:
                await self._knock()
                pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
                    self._conninfo(),
                    connection_class=AsyncConnection[Row],
                    # Opened by hand with its bounds; a transaction pooler knows no prepared ones.
                    kwargs={"autocommit": True, "prepare_threshold": None, "row_factory": dict_row},
                    min_size=0,
                    max_size=_CONNECTIONS,
                    open=False,
                    check=_alive,
                    timeout=_PATIENCE,
                )
                await pool.open()
                self._pool = pool
            return self._pool

    async def _knock(self) -> None:
        """Connect once: the pool forgets why it could not."""
        try:
            connection = await AsyncConnection[Row].connect(self._conninfo(), autocommit=True)
        except psycopg.Error as error:
            raise trouble.no_connection(error, self.target) from None
        await connection.close()

    async def _give_back(self, connection: Connection) -> None:
        if self._pool is None:
            await connection.close()
        else:
            await self._pool.putconn(connection)

    def _conninfo(self) -> str:
        return conninfo(self._url, _PATIENCE, name="golive fixes")


async def fetch(
    connection: Connection, statement: LiteralString, values: Mapping[str, object] | None = None
) -> list[Row]:
    """The rows of one statement, instants in UTC; [] where it returns none by its kind."""
    cursor = await connection.execute(statement, values)
    rows = await cursor.fetchall() if cursor.description is not None else []
    return [{name: _in_utc(value) for name, value in row.items()} for row in rows]


def _in_utc(value: object) -> object:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    return value


async def hidden_from(connection: Connection, uses: Mapping[str, str]) -> Problem | None:
    """Why this role does not see, or may not change, every row of these tables.

    uses: table → "r" where it is read, "rw" where it is changed too
    """
    pairs = [(table, command) for table, commands in uses.items() for command in commands]
    values: dict[str, object] = {
        "tables": [table for table, _ in pairs],
        "commands": [command for _, command in pairs],
    }
    hidden = hidden_of(await fetch(connection, HIDDEN, values))
    return hidden_problem(hidden, "ALL") if hidden else None


async def one(
    connection: Connection, statement: LiteralString, values: Mapping[str, object] | None = None
) -> Row | None:
    """The only row of a statement, where there is one."""
    rows = await fetch(connection, statement, values)
    return rows[0] if rows else None


async def _alive(connection: Connection) -> None:
    # A connection that a firewall dropped in silence would let the check itself wait.
    with hang_up_after(connection, _PATIENCE):
        await connection.execute("")


def _milliseconds(span: timedelta) -> int:
    return max(1, round(span.total_seconds() * 1000))
