"""roles.sql where the application's tables stand in another schema than public."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit

import psycopg
import pytest

from bot.doctor.database import INDEX, look_at_database
from bot.doctor.fixes import look_at_fixes
from bot.doctor.model import Status
from bot.doctor.probes import needs_of
from checks import CHECKS
from checks.sources.database import PostgresDatabase
from tests.bot.doctor.lines import bad
from tests.manifests.roles import ROLES_SQL, RoleUrls, install
from tests.support.crm_rows import TABLES, Rows

SCHEMA = 'crm "of" ours'


@pytest.fixture
def roles(crm_database: str) -> RoleUrls:
    """The tables in a schema of their own, whose name has to be quoted, and the roles for it."""
    with Rows(crm_database) as rows:
        rows.unit("Alfa", created_at=datetime.now(UTC))
    with psycopg.connect(crm_database, autocommit=True) as owner:
        owner.execute('CREATE SCHEMA "crm ""of"" ours"')
        for table in TABLES:
            owner.execute(f'ALTER TABLE {table} SET SCHEMA "crm ""of"" ours"'.encode())
        owner.execute("SELECT set_config('golive.schema', %s, false)", [SCHEMA])
        owner.execute(ROLES_SQL)
        owner.execute(ROLES_SQL)  # a second time changes nothing
    # Passwords alone: another run without the setting finds no tables, and takes nothing away.
    return install(crm_database, script=False)


async def test_doctor_finds_nothing_wrong(roles: RoleUrls) -> None:
    """The reader finds its tables, and each statement of checks and fixes can be planned."""
    async with PostgresDatabase(roles.reader) as database:
        lines = await look_at_database(
            database, roles.reader, needs_of(CHECKS), lambda: datetime.now(UTC)
        )
        assert [line.mend for line in bad(lines)] == [INDEX]
        async with PostgresDatabase(roles.fixer) as fixer:
            fixes = await look_at_fixes(fixer, database)
    assert {line.status for line in fixes} == {Status.OK}


def test_other_databases_keep_their_schema(roles: RoleUrls) -> None:
    """The search_path is that of the roles in this database alone."""
    name = urlsplit(roles.owner).path.removeprefix("/")
    elsewhere = roles.reader.replace(name, "postgres")
    with psycopg.connect(elsewhere) as reader:
        row = reader.execute("SHOW search_path").fetchone()
    assert row != ('"crm ""of"" ours"',)


def test_nothing_is_granted_in_public(roles: RoleUrls) -> None:
    """Also not by a table of the same name there."""
    with psycopg.connect(roles.owner, autocommit=True) as owner:
        owner.execute("CREATE TABLE public.messages (id int)")
        row = owner.execute(
            "SELECT has_table_privilege('golive_reader', 'public.messages', 'SELECT')"
        ).fetchone()
    assert row == (False,)
