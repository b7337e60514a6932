"""golive_reader: every query of the code runs under it, and nothing else does."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg
import pytest
from psycopg import errors, sql

from bot.doctor.rights import reader_rights
from checks import CHECKS
from checks.diagnosis import PROCEDURES
from checks.diagnosis.units import CONNECTIONS
from checks.engine.model import Level, Window
from checks.engine.plan import Occasion
from checks.engine.runner import Sources, run
from checks.sources.database import LiveSecrets, PostgresDatabase
from tests.manifests.roles import RoleUrls, all_queries, columns, rights
from tests.support.database_runs import RUNBOOK

HOUR = Window(
    since=datetime(2026, 11, 23, 21, 50, tzinfo=UTC),
    until=datetime(2026, 11, 23, 22, 5, tzinfo=UTC),
)
NEEDED = {
    table: set(found)
    for table, found in reader_rights(all_queries()).select.items()
    if not table.startswith("pg_")
}


def test_the_file_grants_what_the_queries_read(roles: RoleUrls) -> None:
    """Every column that a query names is granted, and no other column is."""
    assert rights(roles.owner, "golive_reader", "SELECT") == NEEDED


def test_no_right_to_write_anything(roles: RoleUrls) -> None:
    """No column of any table may be written."""
    for right in ("INSERT", "UPDATE", "REFERENCES"):
        assert rights(roles.owner, "golive_reader", right) == {}


async def test_every_check_looks(recorded: RoleUrls) -> None:
    """The database's part of all checks is measured, as under the owner."""
    occasion = Occasion(checkpoint="final", window=HOUR, now=HOUR.until)
    seen: dict[str, tuple[object, LiveSecrets, list[tuple[str, Level]]]] = {}
    for url in (recorded.reader, recorded.owner):
        async with PostgresDatabase(url) as database:
            report = await run(CHECKS, RUNBOOK, Sources(database=database), occasion)
            secrets = await database.secrets()
        assert report.evidence.database.problem is None
        results = report.evidence.database.results
        assert [name for name, result in results.items() if result.problem] == []
        seen[url] = (results, secrets, [(f.check, f.level) for f in report.findings])
    assert seen[recorded.reader] == seen[recorded.owner]
    assert secrets.values
    assert secrets.problem is None
    assert any(level is not Level.UNKNOWN for _, level in seen[recorded.reader][2])


async def test_every_diagnosis_looks(recorded: RoleUrls) -> None:
    """Each query of the four incidents is answered."""
    window = {"now": HOUR.until, "since": HOUR.since, "until": HOUR.until, "most_units": 20}
    async with PostgresDatabase(recorded.reader) as database:
        for procedure in PROCEDURES:
            values = {**window, **procedure.params, "outbound_success_since": HOUR.since}
            for check in procedure.checks:
                values.update(RUNBOOK.numbers(check, "final").params)
            work = [(query, values) for query in (*procedure.queries, CONNECTIONS)]
            results = (await database.collect(work)).results
            assert [result.problem for result in results.values()] == [None] * len(work)
            assert results[CONNECTIONS.name].rows


def test_any_other_column_is_refused(roles: RoleUrls) -> None:
    """Reading a column or a table that no query names fails, also in the schema golive."""
    with psycopg.connect(roles.reader, autocommit=True) as reader:
        refused = 0
        for table, found in columns(roles.owner).items():
            for column in found - NEEDED.get(table, set()):
                statement = sql.SQL("SELECT {} FROM {}").format(
                    sql.Identifier(column), sql.Identifier(*table.split("."))
                )
                with pytest.raises(errors.InsufficientPrivilege):
                    reader.execute(statement)
                refused += 1
    assert refused > 60


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE messages SET status = 'sent'",
        "DELETE FROM messages",
        "INSERT INTO units (name, slug) VALUES ('a', 'a')",
        "TRUNCATE campaigns",
        "CREATE TABLE mine (id int)",
        "CREATE TABLE golive.mine (id int)",
        "SELECT * FROM messages",
        "SELECT content FROM messages",
        "SELECT phone FROM contacts",
    ],
)
def test_writes_are_refused_without_the_fence(roles: RoleUrls, statement: str) -> None:
    """The rights alone refuse, also when the session leaves its read-only default."""
    with psycopg.connect(roles.reader, autocommit=True) as reader:
        reader.execute("SET default_transaction_read_only = off")
        with pytest.raises(errors.InsufficientPrivilege):
            reader.execute(statement.encode())


def test_its_sessions_are_read_only_and_bounded(roles: RoleUrls) -> None:
    """A session begins read-only, with time limits."""
    with psycopg.connect(roles.reader) as reader:
        row = reader.execute(
            "SELECT current_setting('transaction_read_only'), current_setting('statement_timeout'),"
            " current_setting('lock_timeout'), pg_has_role('pg_read_all_stats', 'USAGE')"
        ).fetchone()
    assert row == ("on", "15s", "3s", True)
