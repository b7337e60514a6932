"""PostgresDatabase against a real server, and against one that misbehaves."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit

import psycopg
import pytest

from checks.sources.database import LiveSecrets, PostgresDatabase
from checks.sources.database.snapshot import Limits
from tests.support.crm_rows import Rows
from tests.support.database_questions import (
    AGAIN,
    BROKEN,
    COUNT,
    ONE,
    ask,
    problem,
    query,
    row,
    without_values,
)
from tests.support.evidence import NOW
from tests.support.pg_proxy import Proxy

QUICK = Limits(statement=0.3, lock=0.2, pipeline=5, one_by_one=5, connect=2)
both_ways = pytest.mark.parametrize("pipelined", [True, False])


def message(url: str) -> None:
    """Store one message, committed."""
    with Rows(url) as rows:
        conversation = rows.conversation(rows.unit("Alfa", created_at=NOW), created_at=NOW)
        rows.message(conversation, created_at=NOW)


# --- answers ------------------------------------------------------------------------------------


async def test_all_queries_in_one_round_trip(crm_database: str) -> None:
    """The whole transaction, opening and ending included, is one trip when nothing fails."""
    async with Proxy(upstream=crm_database) as proxy, PostgresDatabase(proxy.url) as database:
        await database.collect([])
        before = proxy.trips
        evidence = await database.collect([(ONE, {}), (COUNT, {}), (AGAIN, {})])
        assert proxy.trips - before == 2  # the pool's own look at the connection, and all the rest
    assert [row(evidence, q)["n"] for q in (ONE, COUNT, AGAIN)] == [1, 0, 0]
    assert evidence.problem is None


@both_ways
async def test_values_are_plain(crm_database: str, pipelined: bool) -> None:
    """Rows hold numbers, text, UTC datetimes and None; other programs' text is masked."""
    sql = """
        SELECT 'a0000000-0000-0000-0000-000000000001'::uuid AS id, 2::numeric AS whole,
               0.5::numeric AS half, NULL::int AS nothing, true AS yes,
               '2026-03-05 09:00-03'::timestamptz AS aware, '2026-03-05 12:00'::timestamp AS naive,
               interval '90 s' AS span, '{"a": 1}'::jsonb AS object, date '2026-03-05' AS day,
               'number 5511987654321' AS error
    """
    q = query("values", sql)
    noon = datetime(2026, 3, 5, 12, tzinfo=UTC)
    found = row(await ask(crm_database, q, pipelined=pipelined), q)
    assert found == {
        "id": "a0000000-0000-0000-0000-000000000001",
        "whole": 2,
        "half": 0.5,
        "nothing": None,
        "yes": True,
        "aware": noon,
        "naive": noon,
        "span": 90.0,
        "object": '{"a": 1}',
        "day": "2026-03-05",
        "error": found["error"],
    }
    assert "5511987654321" not in str(found["error"])


async def test_the_servers_version(crm_database: str) -> None:
    """The version is the number alone."""
    version = (await ask(crm_database, ONE)).server_version
    assert version is not None
    assert version.replace(".", "").isdigit()


async def test_parameters_are_bound(crm_database: str) -> None:
    """Values are bound by name; those that a query does not use do no harm."""
    q = query("echo", "SELECT %(text)s::text AS text, %(ids)s::text[] IS NULL AS none")
    async with PostgresDatabase(crm_database) as database:
        values: dict[str, object] = {"text": "'; DROP TABLE messages; --", "ids": [], "more": 1}
        evidence = await database.collect([(q, values), (COUNT, values)])
    assert row(evidence, q) == {"text": "'; DROP TABLE messages; --", "none": False}
    assert row(evidence, COUNT) == {"n": 0}


async def test_it_only_reads(crm_database: str) -> None:
    """Even a statement that writes changes nothing."""
    writes = query("writes", "DELETE FROM messages")
    message(crm_database)
    evidence = await ask(crm_database, writes, COUNT)
    assert "read-only transaction" in problem(evidence, writes)
    assert row(evidence, COUNT) == {"n": 1}


async def test_secrets(crm_database: str) -> None:
    """Each live webhook secret once; empty ones are none."""
    with Rows(crm_database) as rows:
        for name, secret in (("A", "s" * 32), ("B", "s" * 32), ("C", "t" * 32), ("D", "")):
            rows.unit(name, created_at=NOW, webhook_secret=secret)
        rows.unit("E", created_at=NOW, webhook_secret=None)
    async with PostgresDatabase(crm_database) as database:
        assert await database.secrets() == LiveSecrets(values=("s" * 32, "t" * 32))


async def test_secrets_on_trouble(crm_database: str) -> None:
    """Where the secrets cannot be read the reason is told, and nothing is raised."""
    with Rows(crm_database) as rows:
        rows.run("ALTER TABLE unit_whatsapp_connections DROP COLUMN webhook_secret")
    for url in (crm_database, "postgresql://u:pw@127.0.0.1:1/x"):
        async with PostgresDatabase(url) as database:
            found = await database.secrets()
        assert found.values == ()
        assert found.problem is not None


# --- one snapshot -------------------------------------------------------------------------------


@both_ways
async def test_one_snapshot_beyond_an_error(crm_database: str, pipelined: bool) -> None:
    """A row committed between a failed query and the rest, sent again, is not seen."""
    async with Proxy(upstream=crm_database) as proxy:
        proxy.before[b"ROLLBACK TO"] = lambda: message(crm_database)
        async with PostgresDatabase(proxy.url, pipelined=pipelined) as database:
            work = without_values(COUNT, BROKEN, AGAIN)
            first = await database.collect(work)
            second = await database.collect(work)
    assert not proxy.before
    assert (row(first, COUNT)["n"], row(first, AGAIN)["n"]) == (0, 0)
    assert (row(second, COUNT)["n"], row(second, AGAIN)["n"]) == (1, 1)
    assert "division by zero" in problem(first, BROKEN)


@both_ways
async def test_many_failures(crm_database: str, pipelined: bool) -> None:
    """Each failing query has its own reason, wherever it stands; the others are answered."""
    queries = [
        query(f"q{n}", "SELECT 1 / 0 AS n" if n % 3 == 0 else "SELECT 7 AS n") for n in range(10)
    ]
    evidence = await ask(crm_database, *queries, pipelined=pipelined)
    failed = [q.name for q in queries if evidence.results[q.name].problem]
    assert failed == ["q0", "q3", "q6", "q9"]
    assert all(row(evidence, q) == {"n": 7} for q in queries if q.name not in failed)


# --- queries that cannot be answered ------------------------------------------------------------


@both_ways
async def test_missing_table(crm_database: str, pipelined: bool) -> None:
    """A table that does not exist is named, with the migrations as the mend."""
    with Rows(crm_database) as rows:
        rows.run("ALTER TABLE messages RENAME TO message")
    evidence = await ask(crm_database, ONE, COUNT, BROKEN, pipelined=pipelined)
    assert "relation messages does not exist" in problem(evidence, COUNT)
    assert "Run the application's migrations" in problem(evidence, COUNT)
    assert row(evidence, ONE) == {"n": 1}
    assert "division by zero" in problem(evidence, BROKEN)


@both_ways
async def test_missing_columns(crm_database: str, pipelined: bool) -> None:
    """All columns that a query lacks are named at once, with their table."""
    with Rows(crm_database) as rows:
        rows.run("ALTER TABLE messages DROP COLUMN external_id, DROP COLUMN retry_count")
    columns = ("status", "external_id", "retry_count")
    q = query("old", "SELECT status, external_id, retry_count FROM messages", messages=columns)
    evidence = await ask(crm_database, q, COUNT, pipelined=pipelined)
    assert "columns messages.external_id, messages.retry_count do not exist" in problem(evidence, q)
    assert row(evidence, COUNT) == {"n": 0}


@both_ways
async def test_missing_grant(crm_database: str, pipelined: bool) -> None:
    """A missing grant is named as the statement that gives it, to the role that lacks it."""
    with Rows(crm_database) as rows:
        rows.run("DROP ROLE IF EXISTS looks_only")
        rows.run("CREATE ROLE looks_only LOGIN PASSWORD 'reading'")
        rows.run("GRANT SELECT ON ALL TABLES IN SCHEMA public TO looks_only")
        rows.run("REVOKE SELECT ON messages FROM looks_only")
    parts = urlsplit(crm_database)
    url = f"postgresql://looks_only:reading@{parts.path}?{parts.query}"
    units = query("units", "SELECT count(*) AS n FROM units", units=("id",))
    evidence = await ask(url, COUNT, units, pipelined=pipelined)
    assert problem(evidence, COUNT) == (
        "The role looks_only may not read messages. "
        "As the tables' owner: GRANT SELECT ON messages TO looks_only;"
    )
    assert row(evidence, units) == {"n": 0}
    with Rows(crm_database) as rows:
        rows.run("DROP OWNED BY looks_only")
        rows.run("DROP ROLE looks_only")


@both_ways
async def test_statement_timeout(crm_database: str, pipelined: bool) -> None:
    """A slow query is cancelled by the server; the index that would help is named."""
    slow = query("slow", "SELECT pg_sleep(60)", messages=("created_at",))
    other = query("other", "SELECT pg_sleep(60)", campaigns=("id",))
    evidence = await ask(crm_database, slow, other, COUNT, pipelined=pipelined, limits=QUICK)
    assert "The query slow did not finish within 0.3 s." in problem(evidence, slow)
    assert "CREATE INDEX CONCURRENTLY" in problem(evidence, slow)
    assert "pg_stat_activity" in problem(evidence, other)
    assert row(evidence, COUNT) == {"n": 0}


@both_ways
async def test_locked_table(crm_database: str, pipelined: bool) -> None:
    """A table that a migration holds is not waited for; the others are read."""
    units = query("units", "SELECT count(*) AS n FROM units", units=("id",))
    with psycopg.connect(crm_database) as holder:
        holder.execute("LOCK TABLE messages IN ACCESS EXCLUSIVE MODE")
        evidence = await ask(crm_database, COUNT, units, pipelined=pipelined, limits=QUICK)
    assert "waited for a lock that another session holds on messages" in problem(evidence, COUNT)
    assert row(evidence, units) == {"n": 0}


@both_ways
async def test_a_value_without_a_python_form(crm_database: str, pipelined: bool) -> None:
    """A timestamp beyond Python's years fails its own query only."""
    forever = query("forever", "SELECT 'infinity'::timestamptz AS at")
    evidence = await ask(crm_database, forever, ONE, pipelined=pipelined)
    assert "forever failed" in problem(evidence, forever)
    assert row(evidence, ONE) == {"n": 1}


@both_ways
async def test_a_parameter_that_was_not_given(crm_database: str, pipelined: bool) -> None:
    """A query that cannot even be sent fails alone."""
    needy = query("needy", "SELECT %(absent)s::int AS n")
    evidence = await ask(crm_database, ONE, needy, COUNT, pipelined=pipelined)
    assert "needy failed" in problem(evidence, needy)
    assert (row(evidence, ONE), row(evidence, COUNT)) == ({"n": 1}, {"n": 0})
