"""How a run looks: in which order, what it asks for, and what a crash becomes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from checks.engine import runner
from checks.engine.check import Check
from checks.engine.model import (
    CreatedMessage,
    DatabaseEvidence,
    Decision,
    HealthEvidence,
    Level,
    Observed,
    Problem,
)
from checks.engine.runner import Sources
from tests.engine.runs import (
    ALL,
    BOOK,
    BROKEN,
    DATABASE,
    FINAL,
    HOUR,
    LOG,
    MORE,
    NOW,
    RETRIES,
    UUID,
    from_rows,
    levels,
    rule,
    runbook,
)
from tests.support.fakes import FakeDatabase, FakeLog, FakeProbe, Journal


async def test_secrets_come_first_then_the_log_then_the_rest() -> None:
    """The log is searched for live secrets, and is read before golive's own probe can be in it."""
    journal = Journal()
    log = FakeLog(evidence=LOG, journal=journal)
    database = FakeDatabase(live=("live-secret-of-a-unit",), journal=journal)
    probe = FakeProbe(journal=journal)
    occasion = replace(
        FINAL, secrets=("key-of-golive-itself",), fingerprint_key=b"k", since_offset=7
    )
    await runner.run(ALL, BOOK, Sources(log=log, database=database, health=probe), occasion)
    assert journal.entries[:2] == ["database.secrets", "log.scan"]
    assert sorted(journal.entries[2:]) == ["database.collect", "health.probe"]
    (request,) = log.requests
    assert request.secrets == ("key-of-golive-itself", "live-secret-of-a-unit")
    assert (request.window, request.since_offset, request.fingerprint_key) == (HOUR, 7, b"k")


async def test_all_queries_go_to_the_database_at_once_each_with_its_checks_parameters() -> None:
    """A statement may bind its check's window and numbers, and what the log says was stored."""
    short = Check(id="short", title="Short", checkpoint=3, measure=from_rows, queries=(MORE,))
    settled, fresh = NOW.timestamp() - 61, NOW.timestamp() - 59
    other = "99999999-7a55-4a53-9d0e-2f6f1f3a9b10"
    log = replace(
        LOG,
        created=(
            CreatedMessage(id=UUID, at=settled),
            CreatedMessage(id=UUID.upper(), at=settled),
            CreatedMessage(id="undefined", at=settled),
            CreatedMessage(id=other, at=fresh),
        ),
    )
    database = FakeDatabase()
    book = runbook(
        rule("stored", settle_seconds=60),
        rule("short", window=timedelta(minutes=10)),
        rule("retries"),
    )
    deployed = Observed(deployed_at=NOW - timedelta(minutes=50))
    await runner.run(
        (RETRIES, DATABASE, short),
        book,
        Sources(log=FakeLog(evidence=log), database=database),
        replace(FINAL, observed=deployed),
    )
    assert database.asked["rows"] == {
        "settle_seconds": 60,
        "now": NOW,
        "since": HOUR.since,
        "until": NOW,
        "deployed_at": NOW - timedelta(minutes=50),
        "created_ids": [UUID],
        "moved_campaigns": [],
    }
    assert database.asked["more"]["since"] == NOW - timedelta(minutes=10)
    assert database.asked["more"]["created_ids"] == [UUID, other]


async def test_without_a_watch_the_deploy_is_the_beginning_of_the_window() -> None:
    """A single run knows no T+0."""
    database = FakeDatabase()
    await runner.run((DATABASE,), BOOK, Sources(database=database), FINAL)
    assert database.asked["rows"]["deployed_at"] == HOUR.since


async def test_what_was_not_given_is_unknown_and_says_how_to_give_it() -> None:
    """No log, no database, no URL: each check says which option is missing."""
    report = await runner.run((RETRIES, DATABASE), BOOK, Sources(), FINAL)
    assert set(levels(report).values()) == {Level.UNKNOWN}
    assert report.verdict.decision is Decision.MONITOR
    assert [f.summary for f in report.findings] == [
        "No log was given. Use --log PATH or --loki URL, for the bot GOLIVE_LOG or"
        " GOLIVE_LOKI_URL.",
        "No database was given. Set GOLIVE_DATABASE_URL, or GOLIVE_DATABASE_URL_FILE.",
    ]
    assert report.evidence.health.problem is not None


async def test_a_source_that_no_check_needs_is_not_touched() -> None:
    """`--only` one log check asks neither the database's rows nor the URL."""
    journal = Journal()
    sources = Sources(
        log=FakeLog(evidence=LOG, journal=journal),
        database=FakeDatabase(journal=journal),
        health=FakeProbe(journal=journal),
    )
    await runner.run(ALL, BOOK, sources, replace(FINAL, only=("retries",)))
    assert journal.entries == ["database.secrets", "log.scan"]
    journal.entries.clear()
    await runner.run(ALL, BOOK, sources, replace(FINAL, only=("probed",)))
    assert journal.entries == ["health.probe"]


async def test_a_check_that_crashes_is_unknown_and_the_others_still_run() -> None:
    """The reason names golive as the culprit and the exception's type, never its words."""
    with capture_logs() as logged:
        report = await runner.run(
            (BROKEN, RETRIES), BOOK, Sources(log=FakeLog(evidence=LOG)), FINAL
        )
    assert levels(report) == {"broken": Level.UNKNOWN, "retries": Level.OK}
    assert report.findings[0].summary == (
        "golive's own check broken failed (ZeroDivisionError)."
        " This is a bug in golive: its log has the traceback."
    )
    (entry,) = logged
    assert entry["error"] == "ZeroDivisionError"
    assert "crashing" in entry["traceback"][-1]
    assert "s3cr3t" not in str(logged)
    assert "s3cr3t" not in str(report)


@pytest.mark.parametrize("broken", ["log", "database", "health probe"])
async def test_a_source_that_crashes_takes_no_other_with_it(broken: str) -> None:
    """Its own checks are UNKNOWN; whatever else was seen is still judged."""
    crash = RuntimeError("password=s3cr3t")
    sources = Sources(
        log=FakeLog(evidence=LOG, breaks=crash if broken == "log" else None),
        database=FakeDatabase(
            evidence=DatabaseEvidence(problem=Problem(what="Down.", mend="Start it.")),
            breaks=crash if broken == "database" else None,
        ),
        health=FakeProbe(
            evidence=HealthEvidence(), breaks=crash if broken == "health probe" else None
        ),
    )
    with capture_logs() as logged:
        report = await runner.run(ALL, BOOK, sources, FINAL)
    problems = [
        report.evidence.log.problem,
        report.evidence.database.problem,
        report.evidence.health.problem,
    ]
    said = f"golive's own reading of the {broken} failed (RuntimeError)."
    assert sum(problem is not None and problem.what == said for problem in problems) == 1
    assert len(report.findings) == len(ALL)
    assert "s3cr3t" not in str(report) + str(logged)
