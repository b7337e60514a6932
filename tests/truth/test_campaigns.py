"""Campaigns that fail or never start are seen, whatever tells that they were at work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from bot.doctor.database import look_at_database
from bot.doctor.model import Status
from bot.remediation.database import FixDatabase
from bot.remediation.kinds import Seen
from bot.remediation.reset_campaign import ResetCampaign
from bot.remediation.reset_messages import ResetMessages
from bot.remediation.values import RESTARTED, Wish
from bot.watch import observing
from checks import CHECKS
from checks.campaigns import ACTIVE, CHECK, OVERDUE, PROCESSING
from checks.diagnosis import PROCEDURES
from checks.engine.check import View
from checks.engine.model import Finding, Level, Quantity
from checks.engine.plan import Occasion
from checks.engine.runner import Sources, collect, run
from checks.sources.database import PostgresDatabase
from tests.diagnosis.worlds import world
from tests.manifests.roles import all_queries, install
from tests.support.crm_rows import TABLES, Rows, Unit
from tests.support.database_runs import RUNBOOK, found, minutes_ago
from tests.support.evidence import HOUR, NOW, log, watched
from tests.support.hand import HandClock

LONG_AGO = minutes_ago(60 * 24 * 30)


def unit_of(rows: Rows) -> Unit:
    """A unit that has existed for long."""
    return rows.unit("Alfa", created_at=LONG_AGO)


def recipients(failed: int, sent: int = 0, pending: int = 0) -> tuple[str, ...]:
    """So many recipients of each kind."""
    return ("failed",) * failed + ("sent",) * sent + ("pending",) * pending


def campaigns(url: str, *several: dict[str, Any]) -> list[UUID]:
    """Campaigns of one unit."""
    with Rows(url) as rows:
        unit = unit_of(rows)
        return [rows.campaign(unit, **values) for values in several]


def campaign(url: str, **values: Any) -> UUID:
    """One campaign."""
    (only,) = campaigns(url, values)
    return only


# --- which campaigns were at work since the deploy --------------------------------------------

AT_WORK: dict[str, dict[str, Any]] = {
    "in processing": {"status": "processing", "created_at": LONG_AGO},
    "completed since": {
        "status": "completed",
        "created_at": LONG_AGO,
        "completed_at": minutes_ago(20),
    },
    "made since": {"status": "completed", "created_at": minutes_ago(50)},
    "due since": {
        "status": "completed",
        "created_at": LONG_AGO,
        "scheduled_at": minutes_ago(50),
    },
    "sent since": {
        "status": "completed",
        "created_at": LONG_AGO,
        "sent_at": minutes_ago(40),
    },
    "given up since": {"status": "failed", "created_at": minutes_ago(50)},
}
HISTORY: dict[str, dict[str, Any]] = {
    "completed before": {
        "status": "completed",
        "created_at": LONG_AGO,
        "completed_at": minutes_ago(61),
    },
    "sent before": {"status": "completed", "created_at": LONG_AGO, "sent_at": minutes_ago(70)},
    "given up before": {"status": "failed", "created_at": minutes_ago(61)},
    "a draft": {"status": "draft", "created_at": minutes_ago(50)},
    "after the window": {"status": "processing", "created_at": NOW + timedelta(minutes=1)},
}


@pytest.mark.parametrize("name", AT_WORK)
async def test_failed_recipients_of_a_campaign_at_work_are_judged(
    name: str, crm_database: str
) -> None:
    """Each sign by itself makes the campaign one of this release, in a run and in a watch."""
    values = {"sent_at": LONG_AGO, **AT_WORK[name]}
    campaign(crm_database, recipients=recipients(55, 1), **values)
    finding = await found(crm_database, CHECK)
    assert finding.level is Level.CRITICAL
    assert finding.quantities["failed_share"] == Quantity(value=55 / 56, sample=56, bad=55)
    assert "55 of 56 recipients failed (98.2 %)" in finding.summary
    assert (await found(crm_database, CHECK, observed=watched())).level is Level.CRITICAL


@pytest.mark.parametrize("name", HISTORY)
async def test_what_failed_before_the_deploy_is_history(name: str, crm_database: str) -> None:
    """An old campaign moves nothing, however badly it went."""
    campaign(crm_database, recipients=recipients(55, 1), **HISTORY[name])
    assert (await found(crm_database, CHECK)).level is Level.OK


@pytest.mark.parametrize("status", ["completed", "failed"])
async def test_log_and_watch_tell_of_a_campaign_without_times(
    status: str, crm_database: str
) -> None:
    """An old campaign of which the log has a line, or that the watch saw move, was at work."""
    moved = campaign(crm_database, status=status, created_at=LONG_AGO, recipients=recipients(20))
    assert (await found(crm_database, CHECK)).level is Level.OK
    seen = log(campaigns={str(moved): minutes_ago(3).timestamp()})
    assert (await found(crm_database, CHECK, log=seen)).level is Level.CRITICAL
    observed = watched(progress={str(moved): minutes_ago(30)})
    assert (await found(crm_database, CHECK, observed=observed)).level is Level.CRITICAL


# --- bounds -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failed", "sent", "level"),
    [
        (0, 100, Level.OK),
        (4, 96, Level.OK),
        (5, 95, Level.WARNING),
        (10, 90, Level.WARNING),
        (11, 89, Level.CRITICAL),
        # Too few for a share: by the limit, and else not known.
        (3, 0, Level.CRITICAL),
        (1, 3, Level.UNKNOWN),
    ],
)
async def test_the_bounds_are_those_of_messages(
    failed: int, sent: int, level: Level, crm_database: str
) -> None:
    """Fewer than 5 % is fine, more than 10 % critical; who is still pending is in no share."""
    campaign(
        crm_database,
        created_at=minutes_ago(5),
        recipients=recipients(failed, sent, 40),
        sent_at=minutes_ago(1),
    )
    finding = await found(crm_database, CHECK)
    assert finding.level is level
    assert finding.quantities["failed_share"].sample == failed + sent


async def test_the_share_is_of_all_campaigns_together(crm_database: str) -> None:
    """Five of five of one and none of 95 of another are 5 % of the recipients."""
    small: dict[str, Any] = {"created_at": minutes_ago(9), "sent_at": minutes_ago(1)}
    campaigns(
        crm_database,
        {"name": "A", "recipients": recipients(5), **small},
        {"name": "B", "recipients": recipients(0, 95), **small},
    )
    finding = await found(crm_database, CHECK)
    assert finding.quantities["failed_share"] == Quantity(value=0.05, sample=100, bad=5)
    assert finding.evidence == ("A (Alfa): 5 of 5 recipients failed",)


async def test_the_evidence_names_campaign_and_error(crm_database: str) -> None:
    """The line has the most frequent error, with nothing secret in it."""
    which = campaign(crm_database, status="failed", created_at=minutes_ago(9),
                     recipients=recipients(7))  # fmt: skip
    with Rows(crm_database) as rows:
        rows.run(
            "UPDATE campaign_recipients SET error_message ="
            " 'Request failed with status code 401, apikey: evoGlobal7Key24002596570ccf63ca2b'"
            " WHERE campaign_id = %(id)s",
            id=which,
        )
    finding = await found(crm_database, CHECK)
    (line,) = finding.evidence
    assert line.startswith(
        "Promo (Alfa): failed, 7 of 7 recipients failed: Request failed with status code 401"
    )
    assert "evoGlobal7Key" not in line


@pytest.mark.parametrize(
    ("number", "level"), [(1, Level.WARNING), (2, Level.CRITICAL), (3, Level.CRITICAL)]
)
async def test_campaigns_that_failed(number: int, level: Level, crm_database: str) -> None:
    """One may have a cause of its own; two are no chance. No recipient needs to be there."""
    failed = {"status": "failed", "created_at": minutes_ago(30)}
    campaigns(crm_database, *[failed] * number)
    finding = await found(crm_database, CHECK)
    assert (finding.level, finding.value) == (level, number)
    assert finding.summary == f"{number} campaign{'s' if number > 1 else ''} failed."


# --- campaigns that never start -----------------------------------------------------------------


def scheduled(url: str, *, due: float, made: float = 60 * 24, number: int = 1) -> None:
    """Campaigns that are scheduled, and were due so many minutes ago."""
    values = {
        "status": "scheduled",
        "created_at": minutes_ago(made),
        "scheduled_at": minutes_ago(due),
        "recipients": recipients(0, 0, 5),
    }
    campaigns(url, *[values] * number)


@pytest.mark.parametrize(
    ("due", "level"),
    [
        (-30, Level.OK),  # its time is still to come
        (9.9, Level.OK),
        (10, Level.WARNING),
        (69.9, Level.WARNING),  # due before the deploy, overdue since
        (70, Level.OK),  # overdue at the deploy already: history
    ],
)
async def test_overdue_by_ten_minutes(due: float, level: Level, crm_database: str) -> None:
    """A scheduled campaign whose time came and went, since the deploy."""
    scheduled(crm_database, due=due)
    assert (await found(crm_database, CHECK)).level is level


async def test_several_that_never_start_are_the_scheduler(crm_database: str) -> None:
    """Seven that were due 50 minutes ago."""
    scheduled(crm_database, due=50, number=7)
    finding = await found(crm_database, CHECK)
    assert (finding.level, finding.value) == (Level.CRITICAL, 7)
    assert finding.summary == "7 scheduled campaigns did not start."
    assert finding.evidence[0] == (
        "Promo (Alfa): due 2026-03-05 11:10:00 UTC, 50 min ago, and still scheduled"
    )


async def test_a_campaign_is_not_due_before_it_was_made(crm_database: str) -> None:
    """Scheduled for a time that had passed: due from when it was written down."""
    scheduled(crm_database, due=50, made=5)
    assert (await found(crm_database, CHECK)).level is Level.OK


# --- what a watch knows -------------------------------------------------------------------------


async def test_what_had_failed_at_the_deploy_is_not_the_releases(crm_database: str) -> None:
    """A campaign under way at T+0: only what fails and is sent afterwards counts."""
    which = campaign(
        crm_database,
        created_at=minutes_ago(90),
        recipients=recipients(60, 40, 100),
        sent_at=minutes_ago(61),
    )
    state = await _baseline(crm_database)
    assert state.observed is not None
    assert state.observed.failed_at_start == {str(which): 60}
    observed = replace(state.observed, deployed_at=HOUR.since, progress={str(which): NOW})
    finding = await found(crm_database, CHECK, observed=observed)
    assert finding.quantities["failed_share"] == Quantity(value=0.0, sample=0, bad=0)
    assert finding.level is Level.OK
    with Rows(crm_database) as rows:
        rows.run(
            "UPDATE campaign_recipients SET status = 'failed' WHERE id IN"
            " (SELECT id FROM campaign_recipients WHERE status = 'pending' LIMIT 20)"
        )
    finding = await found(crm_database, CHECK, observed=observed)
    assert finding.quantities["failed_share"] == Quantity(value=1.0, sample=20, bad=20)
    assert finding.level is Level.CRITICAL


async def _baseline(url: str) -> observing.WatchState:
    occasion = Occasion(checkpoint="final", window=HOUR, now=NOW, only=("campaigns",))
    async with PostgresDatabase(url) as database:
        evidence, _ = await collect(CHECKS, RUNBOOK, Sources(database=database), occasion)
    return observing.baseline(evidence, HOUR.since)


async def test_evidence_of_an_older_version_is_still_judged(crm_database: str) -> None:
    """What was stored before the check asked more: judged by what was asked."""
    campaign(crm_database, created_at=minutes_ago(30), recipients=recipients(20, 1, 5))
    occasion = Occasion(checkpoint="final", window=HOUR, now=NOW, only=("campaigns",))
    async with PostgresDatabase(crm_database) as database:
        evidence, _ = await collect(CHECKS, RUNBOOK, Sources(database=database), occasion)
    kept = {
        name: result
        for name, result in evidence.database.results.items()
        if name not in (ACTIVE.name, OVERDUE.name)
    }
    older = replace(evidence, database=replace(evidence.database, results=kept))
    rule = RUNBOOK.rule("campaigns", "final")
    assert rule is not None
    measured = CHECK.measure(View(evidence=older, rule=rule))
    assert (measured.unknown, measured.value) == (None, 1)
    assert set(measured.quantities) == {"sums_off", "looks_stuck"}


# --- other schemas ------------------------------------------------------------------------------


def views(url: str) -> None:
    """Every table is renamed, and a view stands in its place."""
    with psycopg.connect(url, autocommit=True) as connection:
        for table in TABLES:
            names = {"table": sql.Identifier(table), "base": sql.Identifier(f"{table}_base")}
            for statement in (
                "ALTER TABLE {table} RENAME TO {base}",
                "CREATE VIEW {table} AS SELECT * FROM {base}",
            ):
                connection.execute(sql.SQL(_literal(statement)).format(**names))


def without_schedule(url: str) -> None:
    """The application's version has no campaigns.scheduled_at."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER TABLE campaigns DROP COLUMN scheduled_at")


def _literal(text: LiteralString) -> LiteralString:
    return text


SCHEMAS: Mapping[str, Callable[[str], None]] = {
    "views in place of tables": views,
    "no scheduled_at": without_schedule,
}


def answers(findings: tuple[Finding, ...]) -> dict[str, tuple[Level, object, str]]:
    """Check id → what it found."""
    return {f.check: (f.level, f.value, f.summary) for f in findings}


@pytest.mark.parametrize("schema", SCHEMAS)
async def test_every_check_says_the_same_of_another_schema(
    schema: str, crm_fixture_database: str
) -> None:
    """The recorded rows, before and after: by the owner and by the role that roles.sql makes."""
    until = datetime.fromisoformat("2026-11-23T22:05:00Z")
    window = replace(HOUR, since=until - timedelta(minutes=15), until=until)
    occasion = Occasion(checkpoint="final", window=window, now=until)

    async def judged(url: str) -> dict[str, tuple[Level, object, str]]:
        async with PostgresDatabase(url) as database:
            report = await run(CHECKS, RUNBOOK, Sources(database=database), occasion)
        results = report.evidence.database.results
        assert {name: r.problem for name, r in results.items() if r.problem} == {}
        return answers(report.findings)

    before = await judged(crm_fixture_database)
    SCHEMAS[schema](crm_fixture_database)
    assert await judged(crm_fixture_database) == before
    assert await judged(install(crm_fixture_database).reader) == before


@pytest.mark.parametrize("schema", SCHEMAS)
async def test_every_query_of_checks_and_diagnosis_runs(schema: str, crm_database: str) -> None:
    """No statement leans on a primary key or on a column that not every version has."""
    SCHEMAS[schema](crm_database)
    values: dict[str, object] = {
        "now": NOW,
        "since": HOUR.since,
        "until": NOW,
        "deployed_at": HOUR.since,
        "created_ids": [],
        "moved_campaigns": [],
        "most_units": 20,
    }
    for procedure in PROCEDURES:
        values.update(procedure.params)
    for check in CHECKS:
        rule = RUNBOOK.rule(check.id, "final")
        values.update(rule.params if rule else {})
        values[f"{check.id}_since"] = HOUR.since
    async with PostgresDatabase(crm_database) as database:
        evidence = await database.collect([(query, values) for query in all_queries()])
    assert {name: r.problem for name, r in evidence.results.items() if r.problem} == {}
    assert PROCESSING.name in evidence.results


@pytest.mark.parametrize("schema", SCHEMAS)
async def test_fixes_read_and_write_as_before(schema: str, crm_database: str) -> None:
    """Which rows a reset of messages and of a campaign would change, by the fixing role."""
    with Rows(crm_database) as rows:
        unit = unit_of(rows)
        talk = rows.conversation(unit, created_at=minutes_ago(30))
        failed = rows.message(
            talk, created_at=minutes_ago(9), status="failed", external_id=None, retry_count=3
        )
        which = rows.campaign(unit, created_at=minutes_ago(50), recipients=recipients(2, 0, 3))
    SCHEMAS[schema](crm_database)
    url = install(crm_database).fixer
    rules = RUNBOOK.remediation
    assert rules is not None
    messages = ResetMessages(
        rules.reset_messages,
        most=rules.max_rows,
        waiting=timedelta(seconds=60),
        secrets=_nothing,
        sent=_nothing,
    )
    stuck = ResetCampaign(rules.reset_campaign, progress=_unseen, clock=HandClock(NOW))
    wish = Wish(kind="", target="all", by="U1", channel="C1", at=NOW, stated=frozenset({RESTARTED}))
    database = FixDatabase(url, lock=rules.lock_timeout, statement=rules.statement_timeout)
    async with database.transaction(keep=False) as connection:
        assert [row["failed"] for row in await messages.units(connection, wish)] == [1]
        aim = await messages.aim(connection, wish, Seen())
        assert (await messages.facts(connection, aim))["failed"] == 1
        assert [change.row_id for change in await messages.change(connection, aim, Seen())] == [
            failed
        ]
        aim = await stuck.aim(connection, replace(wish, target="Promo"), Seen())
        (change,) = await stuck.change(connection, aim, Seen())
        assert (change.row_id, change.seen["pending"]) == (which, 3)
    await database.close()


async def _nothing() -> tuple[str, ...]:
    return ()


async def _unseen() -> dict[str, datetime]:
    return {}


async def test_doctor_misses_no_column_that_need_not_be_there(crm_database: str) -> None:
    """Without scheduled_at everything that the checks read is there."""
    without_schedule(crm_database)
    url = install(crm_database).reader
    needs = {check.id: check.queries for check in CHECKS if check.queries}
    async with PostgresDatabase(url) as database:
        lines = await look_at_database(database, url, needs, lambda: NOW)
    assert [line.what for line in lines if line.status is Status.FAILED] == []
    assert any("tables that the checks read are there" in line.what for line in lines)


async def test_a_column_that_is_there_and_may_not_be_read_is_named(crm_database: str) -> None:
    """Not granted is not the same as not there: the check is UNKNOWN, with the grant to make."""
    url = install(crm_database).reader
    with psycopg.connect(crm_database, autocommit=True) as owner:
        owner.execute("REVOKE SELECT (scheduled_at) ON campaigns FROM golive_reader")
    finding = await found(url, CHECK)
    assert finding.level is Level.UNKNOWN
    assert "The role golive_reader may not read campaigns." in finding.summary


async def test_a_writer_behind_a_view_is_seen(crm_database: str) -> None:
    """The application writes to the table, golive reads the view: the lock is on the table."""
    views(crm_database)
    (stuck,) = [p for p in PROCEDURES if p.incident == 4]
    async with world(crm_database) as here:
        with psycopg.connect(crm_database) as writer:
            writer.execute("UPDATE campaigns_base SET name = name")
            eager = replace(stuck, params={"blocked_seconds": 0.0, "long_seconds": 0.0})
            found = await here.diagnose(eager)
            writer.rollback()
    (lock,) = [cause for cause in found.causes if cause.id == "database_lock"]
    assert "long in a transaction that writes to campaigns_base" in lock.why
