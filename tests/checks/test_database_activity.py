"""database_activity on a real PostgreSQL, judged by the shipped runbook."""

from __future__ import annotations

import psycopg
import pytest

from checks.database_activity import CHECK, INSERTED
from checks.engine.model import Level, Problem
from tests.support.crm_rows import Rows
from tests.support.database_runs import found, minutes_ago
from tests.support.evidence import log, watched

BEFORE = minutes_ago(90)


def messages(url: str, count: int, *, minutes: float = 5) -> None:
    """So many messages of so many minutes ago."""
    with Rows(url) as rows:
        conversation = rows.conversation(rows.unit("Alfa", created_at=BEFORE), created_at=BEFORE)
        for _ in range(count):
            rows.message(conversation, created_at=minutes_ago(minutes))


def inserted(url: str) -> int:
    """PostgreSQL's own count of inserts into messages."""
    with psycopg.connect(url) as connection:
        row = connection.execute(INSERTED.sql).fetchone()
    assert row is not None
    return int(row[0])


async def test_rows_since_the_baseline(crm_database: str) -> None:
    """A watch counts what the insert counter grew by since T+0."""
    messages(crm_database, 4, minutes=80)
    baseline = inserted(crm_database)
    with Rows(crm_database) as rows:
        rows.run(
            "INSERT INTO messages (conversation_id, sender, status, created_at)"
            " SELECT conversation_id, sender, status, created_at FROM messages LIMIT 3"
        )
    finding = await found(
        crm_database,
        CHECK,
        observed=watched(inserted=baseline),
        log=log({"inbound_created": 2, "send_ok": 1}),
    )
    assert (finding.level, finding.value) == (Level.OK, 3)
    assert finding.details["counted_by"] == "counter"
    assert finding.summary == "3 rows inserted into messages; the log shows 3 messages."


async def test_updates_are_no_inserts(crm_database: str) -> None:
    """A rolled-back preview of an update raises another counter: the database stays silent."""
    messages(crm_database, 4, minutes=80)
    baseline = inserted(crm_database)
    with Rows(crm_database) as rows:
        rows.run("UPDATE messages SET status = 'queued'")
    seen = log({"send_ok": 1})
    finding = await found(crm_database, CHECK, observed=watched(inserted=baseline), log=seen)
    assert finding.level is Level.CRITICAL


@pytest.mark.parametrize("watching", [True, False])
async def test_silent(crm_database: str, watching: bool) -> None:
    """Messages in the log and no row at all: the application writes somewhere else."""
    finding = await found(
        crm_database,
        CHECK,
        observed=watched(inserted=0) if watching else None,
        log=log({"inbound_created": 3}),
    )
    assert (finding.level, finding.value) == (Level.CRITICAL, 0)
    assert finding.evidence[0] == "inbound_created 1"


@pytest.mark.parametrize("watching", [True, False])
async def test_no_traffic(crm_database: str, watching: bool) -> None:
    """Nothing in the log and nothing in the database is a quiet hour."""
    observed = watched(inserted=0) if watching else None
    finding = await found(crm_database, CHECK, observed=observed, log=log())
    assert finding.level is Level.OK
    assert finding.summary == "No traffic: nothing inserted, and the log shows no message."


async def test_a_reset_counter(crm_database: str) -> None:
    """A counter that fell says nothing about what came since: UNKNOWN, with the reason."""
    messages(crm_database, 4)
    seen = log({"send_ok": 4})
    finding = await found(crm_database, CHECK, observed=watched(inserted=1000), log=seen)
    assert finding.level is Level.UNKNOWN
    assert "fell from 1000 to 4" in finding.summary


async def test_a_counter_that_is_not_kept(crm_database: str) -> None:
    """With track_counts off the counter stands still; the rows' own times show that it lies."""
    with Rows(crm_database) as rows:
        rows.run("SET track_counts = off")
        conversation = rows.conversation(rows.unit("Alfa", created_at=BEFORE), created_at=BEFORE)
        rows.message(conversation, created_at=minutes_ago(5))
    seen = log({"send_ok": 1})
    finding = await found(crm_database, CHECK, observed=watched(inserted=0), log=seen)
    assert (finding.level, finding.value) == (Level.OK, 1)
    assert finding.details["counted_by"] == "created_at"


async def test_a_single_run_counts_the_window(crm_database: str) -> None:
    """Without a baseline, rows created in the window count; older ones do not."""
    messages(crm_database, 4, minutes=80)
    seen = log({"send_ok": 1})
    assert (await found(crm_database, CHECK, log=seen)).level is Level.CRITICAL
    with Rows(crm_database) as rows:
        rows.run("UPDATE messages SET created_at = %(at)s", at=minutes_ago(10))
    finding = await found(crm_database, CHECK, log=seen)
    assert (finding.level, finding.value) == (Level.OK, 4)


async def test_rows_without_a_log(crm_database: str) -> None:
    """Rows are proof by themselves; the log is only compared."""
    messages(crm_database, 4)
    finding = await found(crm_database, CHECK)
    assert finding.level is Level.OK
    assert finding.summary == "4 rows inserted into messages; the log could not be compared."


async def test_no_rows_and_no_log(crm_database: str) -> None:
    """Nothing inserted and no log to tell whether there was traffic: UNKNOWN with both reasons."""
    seen = log(problem=Problem(what="The log is empty.", mend="Check the path."))
    finding = await found(crm_database, CHECK, log=seen)
    assert finding.level is Level.UNKNOWN
    assert "No row was inserted" in finding.summary
    assert "The log is empty." in finding.summary
