"""Migrations: once, forward only, by many at once, and by a role that owns only its schema."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from importlib.resources import files
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from bot.demo.postgres import EmbeddedPostgres
from bot.storage.database import StoreDatabase
from bot.storage.migrate import Migration, migrate, migrations
from bot.storage.store import Store
from bot.storage.values import StoreUnavailable
from tests.bot.storage.things import T0, begin, rows

ROLE = "store_of_the_tests"
"""Its own: a server keeps golive_store for all databases in which roles.sql was run."""

MORE = Migration(version=90, name="090_more.sql", script="CREATE TABLE golive.more (a integer);")


@pytest.fixture
def empty_database(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """The URL of a database without any tables."""
    url = postgres_server.create_database()
    yield url
    postgres_server.drop_database(urlsplit(url).path.removeprefix("/"))


@pytest.fixture
def limited_database(empty_database: str) -> Iterator[str]:
    """The URL of a database for a role that may create nothing in it."""
    with closing(psycopg.connect(empty_database, autocommit=True)) as owner:
        owner.execute(f"CREATE ROLE {ROLE} LOGIN PASSWORD 'storepassword'")
        owner.execute("REVOKE ALL ON SCHEMA public FROM public")
        yield _as(empty_database, ROLE, "storepassword")
        owner.execute("DROP SCHEMA IF EXISTS golive CASCADE")
        owner.execute(f"DROP ROLE {ROLE}")


def _as(url: str, user: str, password: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{user}:{password}@").geturl()


async def migrated(url: str, *more: Migration) -> int:
    """Apply the shipped steps and some more; how many were missing."""
    database = StoreDatabase(url, timeout=5, size=1)
    await database.open()
    try:
        return await migrate(database, (*migrations(), *more))
    finally:
        await database.close()


def test_steps_are_numbered_from_one() -> None:
    """Without a gap, each in a file of the package, so that a wheel carries them."""
    known = migrations()
    assert [step.version for step in known] == list(range(1, len(known) + 1))
    assert files("bot.storage").joinpath("migrations", known[0].name).is_file()


async def test_each_step_is_applied_and_recorded_once(empty_database: str) -> None:
    """A second start finds nothing to do."""
    assert await migrated(empty_database) == len(migrations())
    assert await migrated(empty_database) == 0
    recorded = rows(empty_database, "SELECT version, name FROM golive.migrations")
    assert recorded == [(step.version, step.name) for step in migrations()]


async def test_many_may_migrate_at_once(empty_database: str) -> None:
    """Of ten replicas that start together one makes the tables, and all have them."""
    done = await asyncio.gather(*(migrated(empty_database) for _ in range(10)))
    assert sorted(done) == [0] * 9 + [len(migrations())]


async def test_later_step_is_applied_to_what_is_there(store_database: str) -> None:
    """An update of golive keeps what is stored."""
    async with Store(store_database) as store:
        watch = await begin(store)
    assert await migrated(store_database, MORE) == 1
    assert rows(store_database, "SELECT id FROM golive.deployments") == [(watch.id,)]


async def test_step_that_fails_leaves_nothing(store_database: str) -> None:
    """All or nothing: the steps before it are not kept either."""
    broken = replace(MORE, version=91, name="091_broken.sql", script="SELECT 1/0;")
    with pytest.raises(StoreUnavailable, match="division by zero"):
        await migrated(store_database, MORE, broken)
    assert rows(store_database, "SELECT max(version) FROM golive.migrations") == [
        (len(migrations()),)
    ]
    assert rows(store_database, "SELECT to_regclass('golive.more')") == [(None,)]


async def test_newer_store_is_refused(store_database: str) -> None:
    """An old golive does not touch tables that it does not know."""
    await migrated(store_database, MORE)
    with pytest.raises(StoreUnavailable, match="version 90 of its tables; this") as told:
        await Store(store_database).open()
    assert told.value.retry is False
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize(
    "schema",
    [
        f"CREATE SCHEMA golive AUTHORIZATION {ROLE}",
        f"CREATE SCHEMA golive; GRANT USAGE, CREATE ON SCHEMA golive TO {ROLE}",
    ],
)
async def test_role_with_rights_in_its_schema_only_is_enough(
    limited_database: str, empty_database: str, schema: str
) -> None:
    """The schema is there, its own or granted; the database grants the role nothing more."""
    rows(empty_database, schema)
    async with Store(limited_database) as store:
        await begin(store)
        assert await store.deliver_once("Ev1", T0)
        assert len(await store.fingerprint_key()) == 32


async def test_missing_schema_names_the_mend(limited_database: str) -> None:
    """A role that may not make the schema is told who must, and how."""
    with pytest.raises(StoreUnavailable, match=f"ON SCHEMA golive TO {ROLE}") as told:
        await Store(limited_database).open()
    assert told.value.retry is False
    assert "storepassword" not in str(told.value)


async def test_schema_of_somebody_else_names_the_mend(
    limited_database: str, empty_database: str
) -> None:
    """Neither a schema that may not be used nor one that may not be written to is a riddle."""
    rows(empty_database, "CREATE SCHEMA golive")
    with pytest.raises(
        StoreUnavailable, match=r"manifests/roles.sql.* GRANT USAGE, CREATE ON SCHEMA golive TO"
    ):
        await Store(limited_database).open()
    rows(empty_database, f"GRANT USAGE ON SCHEMA golive TO {ROLE}")
    with pytest.raises(
        StoreUnavailable, match=r"manifests/roles.sql.* GRANT USAGE, CREATE ON SCHEMA golive TO"
    ):
        await Store(limited_database).open()


async def test_schema_may_hold_other_tables(empty_database: str) -> None:
    """What golive keeps about fixes may live in the same schema of the same database."""
    rows(empty_database, "CREATE SCHEMA golive")
    for table in ("claims", "before_images", "audit"):
        with psycopg.connect(empty_database) as connection:
            connection.execute(
                sql.SQL("CREATE TABLE golive.{} (a integer)").format(sql.Identifier(table))
            )
    assert await migrated(empty_database) == len(migrations())
