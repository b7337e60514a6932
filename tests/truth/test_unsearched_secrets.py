"""Live secrets that could not be searched in the log: "none leaked" is then not known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import LiteralString
from uuid import uuid4

import psycopg
import pytest

from checks import CHECKS
from checks.engine.model import Level, Problem, Report, Window
from checks.engine.plan import Occasion
from checks.engine.runbook import load_runbook
from checks.engine.runner import Sources, run
from checks.sources.database import Database, LiveSecrets, PostgresDatabase
from checks.sources.database.snapshot import Limits
from tests.manifests.roles import RoleUrls, install
from tests.support.crm_rows import Rows
from tests.support.fakes import FakeDatabase
from tests.support.logs import exchanges, log_of

RUNBOOK = load_runbook(checks=CHECKS)
SECRET = str(uuid4())
QUICK = Limits(lock=0.2, connect=2)
LEAKED = "  apikey: 'evo-planted-4f0c1b7a9d2e4c55'"
"""A line of an error dump that quotes a key."""


@pytest.fixture
def roles(crm_database: str) -> RoleUrls:
    """One unit with a webhook secret, and the roles."""
    now = datetime.now(UTC)
    with Rows(crm_database) as rows:
        rows.unit("Alfa", created_at=now - timedelta(days=30), webhook_secret=SECRET)
    return install(crm_database)


async def reported(folder: Path, database: Database | None, *more: str) -> Report:
    """What the final review says of a log that works, with these lines at its end."""
    path = folder / "app.log"
    path.write_text("\n".join((*exchanges(1, *([200] * 40)), *more, "")))
    now = datetime.now(UTC)
    occasion = Occasion(
        checkpoint="final",
        window=Window(since=now - timedelta(hours=1), until=now),
        now=now,
        since_offset=0,
        only=("secret_leaks",),
    )
    return await run(CHECKS, RUNBOOK, Sources(log=log_of(path), database=database), occasion)


def not_leaked(report: Report) -> bool | None:
    """Whether the success criterion holds that no secret leaked."""
    (met,) = (c.met for c in report.success_criteria if c.id == "no_secret_leaked")
    return met


UNNAMED: dict[str, tuple[LiteralString, str]] = {
    "the grant is revoked": (
        "REVOKE SELECT (webhook_secret) ON unit_whatsapp_connections FROM golive_reader",
        "may not read unit_whatsapp_connections",
    ),
    "the column is gone": (
        "ALTER TABLE unit_whatsapp_connections DROP COLUMN webhook_secret",
        "webhook_secret does not exist",
    ),
    "the table is gone": ("DROP TABLE unit_whatsapp_connections CASCADE", "does not exist"),
    "rows are hidden": (
        "ALTER TABLE unit_whatsapp_connections ENABLE ROW LEVEL SECURITY",
        "hides every row of unit_whatsapp_connections",
    ),
    "a secret is too short": (
        "UPDATE unit_whatsapp_connections SET webhook_secret = 'short-one'",
        "1 webhook secret shorter than 16 characters",
    ),
}


@pytest.mark.parametrize("case", UNNAMED)
async def test_not_knowing_the_secrets_is_unknown(
    roles: RoleUrls, tmp_path: Path, case: str
) -> None:
    """UNKNOWN, with the reason and the mend, and the criterion is not verified."""
    statement, words = UNNAMED[case]
    with psycopg.connect(roles.owner, autocommit=True) as owner:
        owner.execute(statement)
    async with PostgresDatabase(roles.reader, limits=QUICK) as database:
        report = await reported(tmp_path, database)
        leaking = await reported(tmp_path, database, *([LEAKED] * 2))
    (finding,) = report.findings
    assert finding.level is Level.UNKNOWN
    assert finding.unknown is not None
    assert "was not searched for all live webhook secrets" in finding.unknown.what
    assert words in finding.unknown.what
    assert finding.unknown.mend
    assert not_leaked(report) is None
    assert "short-one" not in str(report)
    # What was found is a leak all the same.
    assert leaking.findings[0].level is Level.CRITICAL
    assert not_leaked(leaking) is False


async def test_bytes_that_are_no_text_are_unknown(roles: RoleUrls, tmp_path: Path) -> None:
    """A column that is encrypted shows no secret that a log could hold."""
    with psycopg.connect(roles.owner, autocommit=True) as owner:
        owner.execute(
            "ALTER TABLE unit_whatsapp_connections"
            " ALTER webhook_secret TYPE bytea USING decode('ff00fe' || repeat('80', 30), 'hex')"
        )
    async with PostgresDatabase(roles.reader, limits=QUICK) as database:
        report = await reported(tmp_path, database)
    assert report.findings[0].level is Level.UNKNOWN
    assert "1 webhook secret is no text" in report.findings[0].summary
    assert not_leaked(report) is None


async def test_a_locked_table(roles: RoleUrls, tmp_path: Path) -> None:
    """A migration holds the table for longer than golive waits."""
    with psycopg.connect(roles.owner) as owner:
        owner.execute("LOCK TABLE unit_whatsapp_connections IN ACCESS EXCLUSIVE MODE")
        async with PostgresDatabase(roles.reader, limits=QUICK) as database:
            report = await reported(tmp_path, database)
    assert report.findings[0].level is Level.UNKNOWN
    assert "waited for a lock" in report.findings[0].summary
    assert not_leaked(report) is None


@pytest.mark.parametrize(
    "database",
    [
        PostgresDatabase("postgresql://u:pw@127.0.0.1:1/x"),
        FakeDatabase(breaks_secrets=RuntimeError("a bug")),
        FakeDatabase(problem=Problem(what="It is away.", mend="Start it.")),
    ],
)
async def test_a_database_that_does_not_answer(tmp_path: Path, database: Database) -> None:
    """However it fails."""
    report = await reported(tmp_path, database)
    assert report.findings[0].level is Level.UNKNOWN
    assert not_leaked(report) is None


@pytest.mark.parametrize(
    ("kind", "cast"),
    [
        *(
            (kind, f"webhook_secret::{kind}")
            for kind in ("text", "varchar(80)", "char(80)", "uuid")
        ),
        *((kind, f"to_{kind}(webhook_secret)") for kind in ("json", "jsonb")),
        ("bytea", "convert_to(webhook_secret, 'UTF8')"),
    ],
)
async def test_a_secret_of_any_type_is_searched(
    roles: RoleUrls, tmp_path: Path, kind: str, cast: str
) -> None:
    """As it is written in a log, whatever the column's text form adds to it."""
    statement = f"""
        ALTER TABLE unit_whatsapp_connections ALTER webhook_secret TYPE {kind} USING {cast}
    """
    with psycopg.connect(roles.owner, autocommit=True) as owner:
        owner.execute(statement.encode())
    async with PostgresDatabase(roles.reader) as database:
        assert await database.secrets() == LiveSecrets(values=(SECRET,))
        clean = await reported(tmp_path, database)
        leaking = await reported(tmp_path, database, f"[INFO] token is {SECRET}")
    assert (clean.findings[0].level, not_leaked(clean)) == (Level.OK, True)
    assert (leaking.findings[0].level, not_leaked(leaking)) == (Level.CRITICAL, False)


async def test_without_a_database_nothing_is_missed(tmp_path: Path) -> None:
    """Where none was given, the shapes are searched, and that is known to be all."""
    report = await reported(tmp_path, None)
    assert (report.findings[0].level, not_leaked(report)) == (Level.OK, True)
