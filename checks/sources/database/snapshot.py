"""Reading many queries in one snapshot, in one round trip while nothing fails.

An error discards everything behind it in a pipeline. The savepoint after the first SELECT makes the
rest answerable all the same, in the same snapshot: `ROLLBACK TO`, and send what is left again.

The first query behind it is the snapshot's own: what the database shows, and how current it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import takewhile
from typing import LiteralString, TypeAlias

import psycopg
from psycopg import AsyncConnection, AsyncCursor
from psycopg.pq import ConnStatus
from psycopg.rows import DictRow, TupleRow, dict_row

from checks.engine.check import Query
from checks.engine.model import QueryResult, Row
from checks.sources.database.coverage import COVERAGE, NEWEST, SET_ZONE, Coverage, asks, coverage_of
from checks.sources.database.problems import asks_catalog, query_problem
from checks.sources.database.url import Target
from checks.sources.database.values import plain_row

Work: TypeAlias = Sequence[tuple[Query, Mapping[str, object]]]
Connection: TypeAlias = AsyncConnection[TupleRow]

_OPENING: tuple[LiteralString, ...] = (
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    """
    SELECT
        set_config('statement_timeout', %(statement_ms)s, true),
        set_config('lock_timeout', %(lock_ms)s, true),
        set_config('idle_in_transaction_session_timeout', %(idle_ms)s, true),
        current_setting('server_version') AS version,
        current_user::text AS role,
    """
    + SET_ZONE,
    "SAVEPOINT before_queries",
)
_HELLO = 1  # the place of the version in _OPENING
_AGAIN: LiteralString = "ROLLBACK TO SAVEPOINT before_queries"
_END: LiteralString = "ROLLBACK"

CATALOG: LiteralString = """
    SELECT
        r.tab,
        r.col,
        c.oid IS NOT NULL AS table_exists,
        a.attname IS NOT NULL AS column_exists,
        coalesce(has_column_privilege(c.oid, a.attnum, 'SELECT'), false) AS granted
    FROM unnest(%(tables)s::text[], %(columns)s::text[]) AS r (tab, col)
    LEFT JOIN pg_class AS c ON c.oid = to_regclass(r.tab)
    LEFT JOIN pg_attribute AS a
        ON a.attrelid = c.oid AND a.attname = r.col AND a.attnum > 0 AND NOT a.attisdropped
"""
"""For each column that a query reads: whether it exists and this role may read it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long things may take, in seconds.

    statement: one query; lock: waiting for a lock; pipeline: all queries sent at once;
    one_by_one: all queries sent each for itself; connect: getting a connection
    """

    statement: float = 10.0
    lock: float = 2.0
    pipeline: float = 15.0
    one_by_one: float = 30.0
    connect: float = 5.0


@dataclass(slots=True, kw_only=True)
class Snapshot:
    """What one transaction answered, filled while it goes on.

    coverage: what the answers are about; None where that could not be learned
    broken: the first error that ended the transaction itself, where there was one
    lost:   whether the connection ended with it
    """

    results: dict[str, QueryResult] = field(default_factory=dict[str, QueryResult])
    coverage: Coverage | None = None
    version: str | None = None
    role: str = ""
    broken: psycopg.Error | None = None
    lost: bool = False


async def read(
    connection: Connection,
    work: Work,
    *,
    target: Target,
    limits: Limits,
    pipelined: bool,
    zone: str | None = None,
) -> Snapshot:
    """Answer every query of `work` from one read-only snapshot.

    A query that fails gets its Problem; the others are answered all the same. Where the transaction
    itself ends (connection lost, hung up), `broken` is set and the unanswered have no result.

    zone: in which timestamps without time zone are read; None for the database's own
    """
    newest: Work = [(NEWEST, {})] if _reads_times_of_messages(work) else []
    reading = _Reading(
        connection=connection,
        target=target,
        limits=limits,
        pipelined=pipelined,
        zone=zone,
        pending=[(COVERAGE, asks(query.reads for query, _ in work)), *newest, *work],
    )
    while not await reading.step():
        pass
    return _covered(reading.snapshot)


def _reads_times_of_messages(work: Work) -> bool:
    return any("created_at" in query.reads.get("messages", ()) for query, _ in work)


def _covered(snapshot: Snapshot) -> Snapshot:
    """The snapshot with what its own queries said in its coverage, and not among the results."""
    newest = snapshot.results.pop(NEWEST.name, QueryResult())
    at = newest.rows[0]["newest"] if newest.rows else None
    if snapshot.coverage is not None and isinstance(at, datetime):
        snapshot.coverage = replace(snapshot.coverage, newest=at)
    return snapshot


_Statement: TypeAlias = tuple[LiteralString, Mapping[str, object] | None]
_Cursor: TypeAlias = AsyncCursor[DictRow]


@dataclass(slots=True, kw_only=True)
class _Reading:
    """One transaction, sent again from the first query that is not answered yet.

    failed: the query that ended the last trip; explained in the next, when the catalog was asked
    """

    connection: Connection
    target: Target
    limits: Limits
    pipelined: bool
    zone: str | None
    pending: list[tuple[Query, Mapping[str, object]]]
    snapshot: Snapshot = field(default_factory=Snapshot)
    failed: tuple[Query, psycopg.Error] | None = None

    async def step(self) -> bool:
        """One trip to the server; whether it was the last."""
        prefix = self._prefix()
        queries: list[_Statement] = [(query.sql, values) for query, values in self.pending]
        send = _send_at_once if self.pipelined else _send_one_by_one
        answers, error = await send(self.connection, [*prefix, *queries, (_END, None)])
        if len(answers) >= len(prefix):
            await self._read_prefix(answers[: len(prefix)])
        await self._read_answers(answers[len(prefix) :][: len(queries)])
        if error is None:
            return True
        lost = self.connection.pgconn.status != ConnStatus.OK
        if lost or len(answers) < len(prefix) or not self.pending:
            self.snapshot.broken, self.snapshot.lost = error, lost
            return True
        self.failed = (self.pending.pop(0)[0], error)
        return False

    def _prefix(self) -> list[_Statement]:
        """What goes before the queries of this trip."""
        if self.failed is None:
            values = {
                "statement_ms": _milliseconds(self.limits.statement),
                "lock_ms": _milliseconds(self.limits.lock),
                "idle_ms": _milliseconds(self.limits.one_by_one),
                "zone": self.zone,
            }
            return [(sql, values if "%(" in sql else None) for sql in _OPENING]
        query, error = self.failed
        again: list[_Statement] = [(_AGAIN, None)]
        if asks_catalog(error):
            again.append((CATALOG, _read_by(query)))
        return again

    async def _read_prefix(self, cursors: Sequence[_Cursor]) -> None:
        if self.failed is None:
            (hello,) = await cursors[_HELLO].fetchall()
            self.snapshot.version = str(hello["version"]).split(" ", maxsplit=1)[0]
            self.snapshot.role = str(hello["role"])
            return
        query, error = self.failed
        catalog = [plain_row(row) for cursor in cursors[1:] for row in await cursor.fetchall()]
        self._fail(query, error, catalog)
        self.failed = None

    async def _read_answers(self, cursors: Sequence[_Cursor]) -> None:
        for cursor in cursors:
            query, _ = self.pending.pop(0)
            if query is COVERAGE:
                (row,) = await cursor.fetchall()
                self.snapshot.coverage = coverage_of(row)
                continue
            try:
                rows = tuple(plain_row(row) for row in await cursor.fetchall())
            except (
                psycopg.DataError
            ) as error:  # a value that Python cannot hold (infinity, 4713 BC)
                self._fail(query, error, ())
            else:
                self.snapshot.results[query.name] = QueryResult(rows=rows)

    def _fail(self, query: Query, error: psycopg.Error, catalog: Sequence[Row]) -> None:
        problem = query_problem(
            error,
            query,
            self.target,
            role=self.snapshot.role,
            seconds=self.limits.statement,
            catalog=catalog,
        )
        self.snapshot.results[query.name] = QueryResult(problem=problem)


async def _send_at_once(
    connection: Connection, statements: Sequence[_Statement]
) -> tuple[list[_Cursor], psycopg.Error | None]:
    """Send everything in one pipeline. The cursors answered, up to the first error, and that."""
    cursors: list[_Cursor] = []
    raised: list[psycopg.Error] = []
    try:
        async with connection.pipeline() as pipeline:  # leaving it waits for all answers at once
            try:
                for sql, values in statements:
                    cursors.append(connection.cursor(row_factory=dict_row))
                    await cursors[-1].execute(sql, values)
            except psycopg.Error as error:
                raised.append(error)
                await pipeline.sync()
    except psycopg.Error as error:
        raised.extend(_chain(error))
    answered = list(takewhile(lambda cursor: cursor.pgresult is not None, cursors))
    # The server's own error says more than what follows from it on this side.
    raised.sort(key=lambda error: error.sqlstate is None)
    return answered, raised[0] if raised else None


def _chain(error: BaseException | None) -> Iterator[psycopg.Error]:
    """An error and those that it was raised over."""
    while isinstance(error, psycopg.Error):
        yield error
        error = error.__context__


async def _send_one_by_one(
    connection: Connection, statements: Sequence[_Statement]
) -> tuple[list[_Cursor], psycopg.Error | None]:
    """Send each statement after the answer to the one before, up to the first error."""
    answered: list[_Cursor] = []
    for sql, values in statements:
        cursor = connection.cursor(row_factory=dict_row)
        try:
            await cursor.execute(sql, values)
        except psycopg.Error as error:
            return answered, error
        answered.append(cursor)
    return answered, None


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f}"


def _read_by(query: Query) -> dict[str, object]:
    pairs = [
        (table, column)
        for reads in (query.reads, query.optional)
        for table, columns in reads.items()
        for column in columns
    ]
    return {"tables": [table for table, _ in pairs], "columns": [column for _, column in pairs]}
