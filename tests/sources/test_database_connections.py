"""PostgresDatabase where no connection can be had, or it breaks, or a pooler stands between."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import pytest

from checks.sources.database import PostgresDatabase
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
from tests.support.pg_proxy import Proxy

both_ways = pytest.mark.parametrize("pipelined", [True, False])


def with_parts(url: str, *, user: str = "", password: str = "", database: str = "") -> str:
    """The URL with something else in it."""
    parts = urlsplit(url)
    user, password = user or str(parts.username), password or str(parts.password)
    return f"postgresql://{user}:{password}@/{database or parts.path[1:]}?{parts.query}"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql://u:hidden-pw@127.0.0.1:1/crm", "Nothing listens at 127.0.0.1:1/crm"),
        ("postgresql://u:hidden-pw@/crm?host=/nowhere", "Nothing listens at /nowhere/crm"),
        ("postgresql://u:hidden-pw@nowhere.invalid/crm", "host of nowhere.invalid:5432/crm"),
        ("postgresql://u:hidden-pw@ho%st/crm", "The database URL is not valid."),
        ("postgresql+asyncpg://u:hidden-pw@localhost/crm", "The database URL is not valid."),
        ("hidden-pw", "The database URL is not valid."),
        ("postgresql://u:hidden-pw@127.0.0.1:1/crm?nonsense=1", "The database URL is not valid."),
    ],
)
async def test_no_server(url: str, says: str) -> None:
    """What is wrong with the address is said at once, without the URL's password."""
    said = problem(await ask(url, ONE))
    assert says in said
    assert "GOLIVE_DATABASE_URL" in said
    assert "hidden-pw" not in said


async def test_wrong_password(crm_database: str) -> None:
    """A refused password names the user and the setting, and neither password."""
    said = problem(await ask(with_parts(crm_database, password="wrong-one"), ONE))
    assert 'The password for user "golive" was refused' in said
    assert "wrong-one" not in said


async def test_unknown_database(crm_database: str) -> None:
    """A database that does not exist is named."""
    said = problem(await ask(with_parts(crm_database, database="crn"), ONE))
    assert 'The database "crn" does not exist' in said


async def test_too_many_connections(crm_database: str) -> None:
    """A server without a free connection says so, with the pooler as a way out."""
    with Rows(crm_database) as rows:
        rows.run("CREATE ROLE crowded LOGIN PASSWORD 'crowded' CONNECTION LIMIT 0")
        said = problem(await ask(with_parts(crm_database, user="crowded", password="crowded"), ONE))
        rows.run("DROP ROLE crowded")
    assert "no free connection" in said


async def test_no_tls() -> None:
    """A server without TLS, where TLS is asked for, is told from one that is not there."""
    server = await asyncio.start_server(_refuse_tls, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        said = problem(await ask(f"postgresql://u:pw@127.0.0.1:{port}/crm?sslmode=require", ONE))
    assert f"No encrypted connection to 127.0.0.1:{port}/crm" in said


async def _refuse_tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(8)
    writer.write(b"N")
    await writer.drain()
    writer.close()
    await writer.wait_closed()


# --- poolers and broken connections -------------------------------------------------------------


async def test_a_transaction_pooler_is_asked_one_by_one(crm_database: str) -> None:
    """On port 6543 nothing is pipelined: each query is a trip of its own."""
    proxy = Proxy(upstream=crm_database, port=6543)
    async with proxy, PostgresDatabase(proxy.url) as database:
        await database.collect([])
        before = proxy.trips
        evidence = await database.collect([(ONE, {}), (COUNT, {}), (AGAIN, {})])
        trips = proxy.trips - before
    assert trips == 1 + 4 + 3 + 1  # the pool's own look, the opening, the queries, the end
    assert row(evidence, COUNT) == {"n": 0}


async def test_a_pooler_that_hangs_on_pipelines(crm_database: str) -> None:
    """A pipeline that is never answered is given up; the same database is asked one by one."""
    limits = Limits(pipeline=0.2, one_by_one=5, connect=2)
    proxy = Proxy(upstream=crm_database, hangs_on_pipelines=True)
    async with proxy, PostgresDatabase(proxy.url, limits=limits) as database:
        first = await database.collect([(ONE, {}), (COUNT, {})])
        second = await database.collect([(ONE, {}), (BROKEN, {}), (COUNT, {})])
    assert (row(first, ONE), row(first, COUNT)) == ({"n": 1}, {"n": 0})
    assert row(second, COUNT) == {"n": 0}


@both_ways
async def test_a_database_that_says_nothing(crm_database: str, pipelined: bool) -> None:
    """A database that stops answering costs its time limit and no more, and says so."""
    limits = Limits(pipeline=0.2, one_by_one=0.2, connect=2)
    async with Proxy(upstream=crm_database) as proxy:
        proxy.hangs = (b"BEGIN",)
        evidence = await ask(proxy.url, ONE, pipelined=pipelined, limits=limits)
    assert "did not answer within 0.2 s" in problem(evidence)


async def test_partial_answers_survive(crm_database: str) -> None:
    """What was answered before the database fell silent is kept."""
    limits = Limits(one_by_one=0.2, connect=2)
    silent = query("silent", "SELECT 'hush' AS word")
    async with Proxy(upstream=crm_database) as proxy:
        proxy.hangs = (b"hush",)
        evidence = await ask(proxy.url, ONE, silent, COUNT, pipelined=False, limits=limits)
    assert row(evidence, ONE) == {"n": 1}
    assert "did not answer" in problem(evidence, silent)
    assert "did not answer" in problem(evidence, COUNT)


@both_ways
async def test_a_connection_lost_on_the_way(crm_database: str, pipelined: bool) -> None:
    """What was answered is kept, the rest says that the connection was lost; then all is well."""
    async with Proxy(upstream=crm_database) as proxy:
        proxy.before[b"ROLLBACK TO"] = proxy.cut
        async with PostgresDatabase(proxy.url, pipelined=pipelined) as database:
            work = without_values(ONE, BROKEN, COUNT)
            first = await database.collect(work)
            second = await database.collect(work)
    assert row(first, ONE) == {"n": 1}
    assert "was lost while reading" in problem(first, COUNT)
    assert row(second, COUNT) == {"n": 0}


async def test_an_idle_connection_that_died(crm_database: str) -> None:
    """A connection that was cut between two checkpoints is replaced without a word."""
    async with Proxy(upstream=crm_database) as proxy, PostgresDatabase(proxy.url) as database:
        await database.collect([(ONE, {})])
        proxy.cut()
        assert row(await database.collect([(ONE, {})]), ONE) == {"n": 1}


async def test_a_server_that_went_away(crm_database: str) -> None:
    """A server that stopped between two checkpoints gives the reason, not a time-out."""
    async with PostgresDatabase("postgresql://u:pw@127.0.0.1:1/x") as nobody:
        assert "Nothing listens" in problem(await nobody.collect([(ONE, {})]))
        assert "Nothing listens" in problem(await nobody.collect([(ONE, {})]))
    async with Proxy(upstream=crm_database) as proxy:
        database = PostgresDatabase(proxy.url, limits=Limits(connect=0.5))
        await database.collect([(ONE, {})])
    evidence = await database.collect([(ONE, {})])
    await database.close()
    assert "Nothing listens" in problem(evidence)
