"""Brings the store's tables up to date: numbered SQL files, forward only, each recorded once."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import Final, LiteralString

from psycopg import errors

from bot.shipped import shipped_sql
from bot.storage import problems
from bot.storage.database import Connection, StoreDatabase, fetch

_SECONDS: Final = 60.0
"""A change of large tables may take longer than any other operation, and so may waiting for it."""

_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended('golive.migrations', 0))"
"""One process migrates, the others wait; it ends with the transaction, so a pooler may be used."""

_FOUND: Final = """
    SELECT to_regnamespace('golive') IS NOT NULL AS schema,
           to_regclass('golive.migrations') IS NOT NULL AS migrations
"""
"""What is there already: CREATE … IF NOT EXISTS would want the right to create all the same."""

_TABLE: Final = """
    CREATE TABLE golive.migrations (
        version    integer PRIMARY KEY,
        name       text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
"""

_APPLIED: Final = "SELECT coalesce(max(version), 0) AS version FROM golive.migrations"

_RECORD: Final = """
    INSERT INTO golive.migrations (version, name) VALUES (%(version)s, %(name)s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One step: `001_store.sql` is version 1."""

    version: int
    name: str
    script: LiteralString


def migrations() -> tuple[Migration, ...]:
    """All steps that this version knows, in order."""
    found = [
        Migration(
            version=int(file.name.partition("_")[0]),
            name=file.name,
            script=shipped_sql(file),
        )
        for file in files("bot.storage").joinpath("migrations").iterdir()
        if file.name.endswith(".sql")
    ]
    return tuple(sorted(found, key=lambda migration: migration.version))


async def migrate(database: StoreDatabase, known: tuple[Migration, ...] | None = None) -> int:
    """Apply what is missing, all or nothing; how many steps that were.

    Args:
        database: the store's, opened.
        known: the steps; None for those of this version.

    Raises:
        StoreUnavailable: if a newer version has been here, or the database refuses.
    """
    steps = migrations() if known is None else known
    async with database.transaction(_SECONDS) as connection:
        await fetch(connection, _LOCK)
        try:
            found = await _prepare(connection)
        except errors.InsufficientPrivilege:
            raise problems.no_schema(database.target) from None
        newest = max((step.version for step in steps), default=0)
        if found > newest:
            raise problems.newer(found, newest)
        todo = [step for step in steps if step.version > found]
        for step in todo:
            await connection.execute(step.script)
            await fetch(connection, _RECORD, {"version": step.version, "name": step.name})
    return len(todo)


async def _prepare(connection: Connection) -> int:
    """The version of what is there, with the schema and the record made if need be."""
    (found,) = await fetch(connection, _FOUND)
    if not found["schema"]:
        await fetch(connection, "CREATE SCHEMA golive")
    if not found["migrations"]:
        await fetch(connection, _TABLE)
    (applied,) = await fetch(connection, _APPLIED)
    return int(applied["version"])
