"""The database source: a pool that is opened when first needed, and one snapshot a checkpoint."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Protocol, Self, TypeAlias

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from checks.engine.check import Query
from checks.engine.known_secrets import know
from checks.engine.masking import MIN_LIVE_SECRET
from checks.engine.model import DatabaseEvidence, Problem, QueryResult, Row
from checks.engine.runbook.model import DatabaseRule
from checks.engine.wording import plural
from checks.sources.database import problems
from checks.sources.database.connection import conninfo, hang_up_after
from checks.sources.database.coverage import COVERAGE, clock_offset
from checks.sources.database.snapshot import Connection, Limits, Snapshot, Work, read
from checks.sources.database.url import target_of

_TENANT_KEYS = Query(
    name="tenant_keys",
    sql="""
        SELECT DISTINCT provider_config ->> 'apiKey' AS key
        FROM unit_whatsapp_connections
        WHERE provider_config ->> 'apiKey' <> ''
    """,
    reads={"unit_whatsapp_connections": ("provider_config",)},
)
"""The keys of tenants' own Evolution servers: hidden wherever they turn up."""

_SECRETS = Query(
    name="webhook_secrets",
    sql="""
        SELECT DISTINCT
            CASE
                WHEN pg_typeof(webhook_secret) IN ('json'::regtype, 'jsonb'::regtype)
                THEN to_jsonb(webhook_secret) #>> '{}'
                ELSE webhook_secret::text
            END AS webhook_secret,
            pg_typeof(webhook_secret) = 'bytea'::regtype AS in_bytes
        FROM unit_whatsapp_connections
        WHERE webhook_secret::text <> ''
        ORDER BY 1
    """,
    reads={"unit_whatsapp_connections": ("webhook_secret",)},
)
"""A row for each secret: `webhook_secret`, which `in_bytes` is in PostgreSQL's hex form."""

_HEX = "\\x"

Pool: TypeAlias = AsyncConnectionPool[Connection]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSecrets:
    """The live webhook secrets, as far as the database named them, and why not all of them."""

    values: tuple[str, ...] = field(default=(), repr=False)
    problem: Problem | None = None


class Database(Protocol):
    """The application's database, as the engine sees it."""

    async def secrets(self) -> LiveSecrets:
        """The live webhook secrets, which must never occur in the log. Trouble is never raised."""
        ...

    async def collect(self, work: Work) -> DatabaseEvidence:
        """Answer all queries from one snapshot. Trouble is part of the evidence, never raised."""
        ...


class PostgresDatabase:
    """`Database` on PostgreSQL, through a direct connection or a pooler.

    pipelined: whether to send all queries at once. None decides by the port: a transaction pooler
        (6543) may hang on a pipeline, and is asked one query at a time. A database that hangs all
        the same is asked one by one from then on.
    rule: when what it answers is no basis, and its time zone.
    clock: this machine's clock, which the server's is compared with.
    """

    def __init__(
        self,
        url: str,
        *,
        pipelined: bool | None = None,
        limits: Limits | None = None,
        rule: DatabaseRule | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._url = url
        self._rule = rule or DatabaseRule()
        self._clock = clock
        self._target = target_of(url)
        self._pipelined = (
            self._target.port != problems.TRANSACTION_POOLER_PORT
            if pipelined is None
            else pipelined
        )
        self._limits = limits or Limits()
        self._pool: Pool | None = None
        self._opening = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections; the next use opens them again."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()

    async def secrets(self) -> LiveSecrets:
        """The live webhook secrets, which must never occur in the log. Trouble is never raised."""
        evidence = await self.collect([(_SECRETS, {}), (_TENANT_KEYS, {})])
        result = evidence.results.get(_SECRETS.name, QueryResult())
        written = [_as_written(row) for row in result.rows if row["webhook_secret"] is not None]
        values = tuple(value for value in written if value is not None)
        keys = evidence.results.get(_TENANT_KEYS.name, QueryResult()).rows
        await asyncio.to_thread(know, (*values, *(str(row["key"]) for row in keys)))
        return LiveSecrets(
            values=values,
            problem=evidence.problem
            or result.problem
            or _no_text(written.count(None))
            or _too_short(values),
        )

    async def collect(self, work: Work) -> DatabaseEvidence:
        """Answer all queries from one snapshot. Trouble is part of the evidence, never raised."""
        try:
            snapshot, offset, hung_up = await self._attempt(work)
            if hung_up and self._pipelined and not snapshot.results:
                self._pipelined = False
                snapshot, offset, hung_up = await self._attempt(work)
        except psycopg.Error as error:
            await self.close()
            return DatabaseEvidence(problem=problems.connection_problem(error, self._target))
        return self._covered(
            work, snapshot, self._evidence(work, snapshot, hung_up=hung_up), offset
        )

    async def _attempt(self, work: Work) -> tuple[Snapshot, float, bool]:
        """One transaction; how far the server's clock is ahead, and whether it was hung up."""
        async with self._connection() as connection:
            before = self._clock()
            with hang_up_after(connection, self._seconds) as hung_up:
                snapshot = await read(
                    connection,
                    work,
                    target=self._target,
                    limits=self._limits,
                    pipelined=self._pipelined,
                    zone=self._rule.timezone,
                )
        covered = snapshot.coverage
        offset = clock_offset(covered.now, before, self._clock()) if covered is not None else 0.0
        return snapshot, offset, hung_up.is_set()

    @property
    def _seconds(self) -> float:
        return self._limits.pipeline if self._pipelined else self._limits.one_by_one

    def _evidence(self, work: Work, snapshot: Snapshot, *, hung_up: bool) -> DatabaseEvidence:
        if snapshot.broken is None:
            return DatabaseEvidence(server_version=snapshot.version, results=snapshot.results)
        if hung_up:
            why = problems.no_answer(self._target, self._seconds)
        elif snapshot.lost:
            why = problems.connection_lost(self._target)
        else:
            why = problems.connection_problem(snapshot.broken, self._target)
        if not snapshot.results:
            return DatabaseEvidence(problem=why, server_version=snapshot.version)
        missing = {query.name: QueryResult(problem=why) for query, _ in work}
        return DatabaseEvidence(
            server_version=snapshot.version, results={**missing, **snapshot.results}
        )

    def _covered(
        self, work: Work, snapshot: Snapshot, evidence: DatabaseEvidence, offset: float
    ) -> DatabaseEvidence:
        """The evidence with what it covers; what it does not cover is no answer."""
        covered = snapshot.coverage
        asked = evidence.results.get(COVERAGE.name)
        results = {name: r for name, r in evidence.results.items() if name != COVERAGE.name}
        if covered is None:
            if asked is not None and asked.problem is not None:
                blind = problems.not_covered(asked.problem)
                results |= {q.name: QueryResult(problem=blind) for q, _ in work if q.reads}
            return replace(evidence, results=results)
        for query, _ in work:
            problem = covered.problem_of(query, offset, self._rule)
            if problem is not None:
                results[query.name] = QueryResult(problem=problem)
        return replace(
            evidence,
            results=results,
            hidden=tuple(dict.fromkeys(entry.table for entry in covered.hidden)),
            standby=covered.standby,
            stale=covered.stale(self._rule),
            server_time=covered.now.astimezone(UTC),
            clock_offset=offset,
            timezone=covered.zone,
            zoneless=covered.zoneless,
            newest=covered.newest,
        )

    @asynccontextmanager
    async def _connection(self) -> AsyncGenerator[Connection]:
        async with self._opening:
            pool = self._pool = self._pool or await self._open()
        try:
            connection = await pool.getconn()
        except PoolTimeout:
            await self.close()
            await self._knock()
            raise
        try:
            yield connection
        finally:
            await pool.putconn(connection)

    async def _open(self) -> Pool:
        # The pool retries in the background and forgets why it failed; one connection made by hand
        # knows the reason at once.
        await self._knock()
        pool: Pool = AsyncConnectionPool(
            self._conninfo(),
            connection_class=AsyncConnection[TupleRow],
            # The transaction is opened by hand, with the queries, in the same trip; and a
            # transaction pooler knows no prepared statements.
            kwargs={"autocommit": True, "prepare_threshold": None},
            min_size=1,
            max_size=2,
            open=False,
            check=self._alive,
            timeout=self._limits.connect,
            reconnect_timeout=self._limits.connect,
        )
        await pool.open()
        return pool

    async def _knock(self) -> None:
        """Connect once, to learn why it is not possible."""
        connection = await AsyncConnection[TupleRow].connect(
            self._conninfo(), autocommit=True, prepare_threshold=None
        )
        await connection.close()

    async def _alive(self, connection: Connection) -> None:
        # A connection that a firewall dropped in silence would let the check itself wait.
        with hang_up_after(connection, self._limits.connect):
            await AsyncConnectionPool.check_connection(connection)

    def _conninfo(self) -> str:
        return conninfo(self._url, self._limits.connect)


def _as_written(row: Row) -> str | None:
    """A secret as a log would hold it; None for bytes that are no text."""
    secret = str(row["webhook_secret"])
    if not (row["in_bytes"] and secret.startswith(_HEX)):
        return secret
    try:
        return bytes.fromhex(secret.removeprefix(_HEX)).decode()
    except ValueError:
        return None


def _no_text(secrets: int) -> Problem | None:
    if not secrets:
        return None
    return Problem(
        what=f"{plural(secrets, 'webhook secret')} {'is' if secrets == 1 else 'are'} no text, and"
        " cannot be searched in the log.",
        mend="Have GOLIVE_SECRETS list variables that hold them in clear, or accept it.",
    )


def _too_short(secrets: tuple[str, ...]) -> Problem | None:
    short = sum(len(secret) < MIN_LIVE_SECRET for secret in secrets)
    if not short:
        return None
    return Problem(
        what=f"{plural(short, 'webhook secret')} shorter than {MIN_LIVE_SECRET} characters cannot"
        " be searched in the log.",
        mend="Give those connections new secrets (`/golive fix regenerate_secret UNIT`).",
    )
