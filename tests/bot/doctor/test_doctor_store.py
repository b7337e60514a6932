"""The store's connection and the fixing role's, with one thing broken at a time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import LiteralString

import psycopg
import pytest

from bot.doctor.fixes import look_at_fixes
from bot.doctor.model import Line, Status
from bot.doctor.store import look_at_store
from bot.storage.migrate import migrations
from bot.storage.store import Store
from checks.sources.database import PostgresDatabase
from tests.bot.doctor.lines import bad, saying, statuses
from tests.manifests.roles import RoleUrls, as_role

NEWEST = len(migrations())
"""The version of the store's tables that this golive knows."""


async def store(url: str, newest: int = NEWEST) -> list[Line]:
    """What is said about a store."""
    async with PostgresDatabase(url) as database:
        return await look_at_store(database, newest, lambda: datetime.now(UTC))


async def fixes(url: str, reader: str | None = None) -> list[Line]:
    """What is said about the fixing role, beside the reader's database where there is one."""
    async with PostgresDatabase(url) as database:
        if reader is None:
            return await look_at_fixes(database)
        async with PostgresDatabase(reader) as other:
            return await look_at_fixes(database, other)


def owner_runs(roles: RoleUrls, *statements: LiteralString) -> None:
    """Change something as the tables' owner."""
    with psycopg.connect(roles.owner, autocommit=True) as owner:
        for statement in statements:
            owner.execute(statement)


# --- store --------------------------------------------------------------------------------------


async def test_a_prepared_schema(roles: RoleUrls) -> None:
    """After roles.sql the bot can make its tables."""
    lines = await store(roles.store)
    assert statuses(lines) == {Status.OK}
    assert saying(lines, f"golive run brings them to {NEWEST}")


async def test_the_stores_own_tables(roles: RoleUrls) -> None:
    """What the store itself made under golive_store is up to date, and may be used."""
    async with Store(roles.store):
        pass
    lines = await store(roles.store)
    assert bad(lines) == []
    assert saying(lines, f"up to date (version {NEWEST})")
    assert saying(lines, "It may use its")


async def test_a_newer_store(roles: RoleUrls) -> None:
    """Tables of a newer golive are not to be touched by this one."""
    async with Store(roles.store):
        pass
    line = saying(await store(roles.store, newest=NEWEST - 1), f"has version {NEWEST}")
    assert line.status is Status.FAILED


async def test_no_schema_and_no_right_to_make_it(roles: RoleUrls) -> None:
    """A role that cannot make the schema needs roles.sql."""
    owner_runs(roles, "DROP SCHEMA golive CASCADE")
    line = saying(await store(roles.store), "There is no schema golive")
    assert line.status is Status.FAILED
    assert "manifests/roles.sql" in line.mend


async def test_no_schema_but_the_right_to_make_it(roles: RoleUrls) -> None:
    """A database's owner makes the schema at the first start."""
    owner_runs(roles, "DROP SCHEMA golive CASCADE")
    assert saying(await store(roles.owner), "golive run makes it").status is Status.OK


async def test_a_schema_that_may_not_be_used(roles: RoleUrls) -> None:
    """Without CREATE no table can be made; the GRANT is named."""
    owner_runs(roles, "REVOKE CREATE ON SCHEMA golive FROM golive_store")
    line = saying(await store(roles.store), "may not make tables")
    assert line.status is Status.FAILED
    assert line.mend.endswith("GRANT USAGE, CREATE ON SCHEMA golive TO golive_store;")


async def test_tables_of_another_role(roles: RoleUrls) -> None:
    """Tables that another role made are named with what hands them over."""
    owner_runs(
        roles,
        "CREATE TABLE golive.migrations (version int)",
        "CREATE TABLE golive.keys (name text)",
    )
    line = saying(await store(roles.store), "may not use golive.keys, golive.migrations")
    assert "ALTER TABLE golive.keys OWNER TO golive_store;" in line.mend


async def test_no_store(roles: RoleUrls) -> None:
    """The variable that is named is the store's."""
    (line,) = await store(as_role(roles.owner, "golive_store", "wrong"))
    assert "GOLIVE_STORE_URL" in line.mend
    assert "GOLIVE_DATABASE_URL" not in line.mend


# --- fixes --------------------------------------------------------------------------------------


async def test_the_fixing_role(roles: RoleUrls) -> None:
    """With roles.sql installed all is fine."""
    lines = await fixes(roles.fixer)
    assert statuses(lines) == {Status.OK}
    assert saying(lines, "has the rights that fixes need, and no more")
    assert saying(lines, "The audit of fixes is whole")


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (
            "REVOKE UPDATE (retry_count) ON messages FROM golive_fixer",
            "GRANT UPDATE (retry_count) ON messages TO golive_fixer;",
        ),
        (
            "REVOKE SELECT (name) ON units FROM golive_fixer",
            "GRANT SELECT (name) ON units TO golive_fixer;",
        ),
        (
            "REVOKE INSERT ON golive.fix_before_images FROM golive_fixer",
            "GRANT INSERT ON golive.fix_before_images TO golive_fixer;",
        ),
    ],
)
async def test_a_missing_right(roles: RoleUrls, statement: LiteralString, words: str) -> None:
    """The exact GRANT is named."""
    owner_runs(roles, statement)
    line = saying(await fixes(roles.fixer), "lacks rights")
    assert line.status is Status.FAILED
    assert words in line.mend


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("GRANT DELETE ON messages TO golive_fixer", "DELETE messages"),
        ("GRANT UPDATE (content) ON messages TO golive_fixer", "UPDATE messages (content)"),
        ("GRANT UPDATE ON golive.fix_audit TO golive_fixer", "UPDATE golive.fix_audit"),
        ("GRANT INSERT ON units TO golive_fixer", "INSERT units"),
    ],
)
async def test_a_right_too_many(roles: RoleUrls, statement: LiteralString, words: str) -> None:
    """What goes beyond the fixes is a warning."""
    owner_runs(roles, statement)
    line = saying(await fixes(roles.fixer), "may do more than fixes need")
    assert line.status is Status.WARNING
    assert words in line.what


async def test_another_database_than_the_checks(roles: RoleUrls) -> None:
    """Fixes have to change what the checks look at, and nothing else."""
    assert bad(await fixes(roles.fixer, roles.reader)) == []
    name = roles.reader.split("/")[3].split("?")[0]
    line = saying(await fixes(roles.fixer, roles.reader.replace(name, "postgres")), "It is another")
    assert line.status is Status.FAILED


async def test_a_superuser(roles: RoleUrls) -> None:
    """The owner works, and could rewrite the audit."""
    (line,) = bad(await fixes(roles.owner))
    assert "is a superuser" in line.what


async def test_roles_not_installed(roles: RoleUrls) -> None:
    """Without the schema golive no fix can be recorded, so none can be made."""
    owner_runs(roles, "DROP SCHEMA golive CASCADE")
    (line,) = bad(await fixes(roles.fixer))
    assert line.status is Status.FAILED
    assert "manifests/roles.sql" in line.mend


async def test_a_changed_audit(roles: RoleUrls) -> None:
    """An audit that was rewritten is found."""
    with psycopg.connect(roles.fixer) as fixer:
        fixer.execute(
            "INSERT INTO golive.fix_audit (at, actor, action, target)"
            " VALUES (now(), 'U1', 'executed', '*')"
        )
    owner_runs(
        roles,
        "ALTER TABLE golive.fix_audit DISABLE TRIGGER USER",
        "UPDATE golive.fix_audit SET actor = 'U2'",
    )
    line = saying(await fixes(roles.fixer), "was changed")
    assert line.status is Status.FAILED
    assert "row 1" in line.what
