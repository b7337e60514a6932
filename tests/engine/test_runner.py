"""One run: the order of looking, what checks and queries are given, and what a crash becomes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from checks.engine import runner
from checks.engine.check import Check, Query, View, unknown
from checks.engine.model import (
    CreatedMessage,
    DatabaseEvidence,
    Decision,
    HealthEvidence,
    Level,
    LogEvidence,
    Measurement,
    Observed,
    Problem,
    Quantity,
    Report,
    SignalEvidence,
    Window,
)
from checks.engine.runbook import (
    CHECKPOINTS,
    CriterionRule,
    CriterionSource,
    DecisionRule,
    LogRule,
    Runbook,
)
from checks.engine.runbook.source import YamlSource
from checks.engine.runner import Occasion, Sources
from checks.engine.thresholds import Bound, Op, Rule, Threshold
from tests.support.fakes import FakeDatabase, FakeLog, FakeProbe, Journal

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOUR = Window(since=NOW - timedelta(hours=1), until=NOW)
FINAL = Occasion(checkpoint="final", window=HOUR, now=NOW)
ROWS = Query(name="rows", sql="SELECT 1", reads={"messages": ("id",)})
MORE = Query(name="more", sql="SELECT 2", reads={"messages": ("id",)})
LOG = LogEvidence(
    source="app.log",
    profile="crm-console",
    timed=True,
    carries=frozenset({"retry"}),
    signals={"retry": SignalEvidence(count=3)},
)
UUID = "3f2b0c1e-7a55-4a53-9d0e-2f6f1f3a9b10"


def counted(view: View) -> Measurement:
    """Retries, as the log shows them."""
    problem = view.log_unknown("retry")
    if problem is not None:
        return unknown("retries", problem)
    value = view.count("retry")
    return Measurement(
        value=value,
        unit="retries",
        summary=f"{value} retries.",
        quantities={"value": Quantity(value=value)},
    )


def crashing(view: View) -> Measurement:
    """Crashes with a secret in its message."""
    raise ZeroDivisionError(f"apikey: s3cr3t-of-{view.rule.check}")


def from_rows(view: View) -> Measurement:
    """Unknown without a database, else nothing bad."""
    result = view.rows(ROWS)
    if result.problem is not None:
        return unknown("rows", result.problem)
    return Measurement(
        value=0, unit="rows", summary="No rows.", quantities={"value": Quantity(value=0)}
    )


RETRIES = Check(id="retries", title="Retries", checkpoint=2, measure=counted, signals=("retry",))
BROKEN = Check(id="broken", title="Broken", checkpoint=1, measure=crashing)
DATABASE = Check(
    id="stored",
    title="Stored",
    checkpoint=3,
    measure=from_rows,
    queries=(ROWS,),
    params=("settle_seconds",),
)
PROBED = Check(
    id="probed",
    title="Probed",
    checkpoint=0,
    measure=lambda _view: Measurement(value=0, unit="failed", summary="Fine."),
    probes=True,
)
ALL = (PROBED, RETRIES, DATABASE)


def rule(
    check: str, *, window: timedelta | None = None, critical: float = 20, **params: float
) -> Rule:
    """A rule that warns from 6 on."""
    threshold = Threshold(
        quantity="value",
        warning=Bound(op=Op.AT_LEAST, value=6),
        critical=Bound(op=Op.AT_LEAST, value=critical),
    )
    return Rule(check=check, thresholds=(threshold,), window=window, params=params)


def runbook(
    *rules: Rule,
    off: dict[str, str] | None = None,
    rollback: tuple[CriterionRule, ...] = (),
    success: tuple[CriterionRule, ...] = (),
) -> Runbook:
    """A runbook of these rules, the same at every checkpoint."""
    return Runbook(
        rules={(r.check, checkpoint): r for r in rules for checkpoint in CHECKPOINTS},
        switched_off=off or {},
        matrix=("retries",),
        decision=DecisionRule(critical=1, matrix_warnings=3),
        escalation=2,
        rollback_criteria=rollback,
        success_criteria=success,
        schedule=(),
        follow_up={},
        log=LogRule(timezone="UTC", profiles={}),
        default_window=timedelta(hours=1),
        min_sample=10,
        source=YamlSource(path=Path("runbook.yaml"), data=None, lines={}),
    )


BOOK = runbook(rule("retries"), rule("stored", settle_seconds=60), rule("probed"), rule("broken"))


def levels(report: Report) -> dict[str, Level]:
    """Check id → level, in the report's order."""
    return {finding.check: finding.level for finding in report.findings}


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
        "No log was given. Use --log PATH or GOLIVE_LOG.",
        "No database was given. Use --database URL or GOLIVE_DATABASE_URL.",
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


async def test_a_checkpoint_shows_its_own_checks_first_and_leaves_out_later_ones() -> None:
    """At T+20 the second checkpoint's check leads, and the third's is not there yet."""
    book = runbook(rule("retries"), rule("stored", settle_seconds=60), rule("probed"))
    occasion = replace(FINAL, checkpoint="2")
    report = await runner.run(ALL, book, Sources(log=FakeLog(evidence=LOG)), occasion)
    assert list(levels(report)) == ["retries", "probed"]
    final = await runner.run(ALL, book, Sources(log=FakeLog(evidence=LOG)), FINAL)
    assert list(levels(final)) == ["probed", "retries", "stored"]


RETRYING = CriterionRule(
    id="retrying",
    any_of=(CriterionSource("retries", "value", Bound(op=Op.AT_LEAST, value=3)),),
)


async def test_rollback_criteria_are_measured_before_their_check_is_due() -> None:
    """A rollback criterion is evaluated all the time, and its proof is then shown."""
    occasion = replace(FINAL, checkpoint="1")
    sources = Sources(log=FakeLog(evidence=LOG))
    met = await runner.run(
        ALL, runbook(*BOOK.rules.values(), rollback=(RETRYING,)), sources, occasion
    )
    assert met.verdict.decision is Decision.NO_GO
    assert list(levels(met)) == ["probed", "retries"]
    calm = replace(
        RETRYING, any_of=(CriterionSource("retries", "value", Bound(op=Op.AT_LEAST, value=9)),)
    )
    fine = await runner.run(ALL, runbook(*BOOK.rules.values(), rollback=(calm,)), sources, occasion)
    assert [c.met for c in fine.rollback_criteria] == [False]
    assert list(levels(fine)) == ["probed"]


@pytest.mark.parametrize(
    ("checkpoint", "decision"), [("3", Decision.GO), ("final", Decision.MONITOR)]
)
async def test_success_criteria_are_due_at_the_end(checkpoint: str, decision: Decision) -> None:
    """The same run is GO so far at T+30 and not yet GO at T+60."""
    never = replace(
        RETRYING, any_of=(CriterionSource("retries", "value", Bound(op=Op.AT_LEAST, value=9)),)
    )
    book = runbook(*BOOK.rules.values(), success=(never,))
    occasion = replace(FINAL, checkpoint=checkpoint)
    report = await runner.run((RETRIES,), book, Sources(log=FakeLog(evidence=LOG)), occasion)
    assert [c.met for c in report.success_criteria] == [False]
    assert report.verdict.decision is decision


async def test_of_a_chosen_few_checks_only_their_own_criteria_are_due() -> None:
    """`--only` can end in GO, and the verdict says that it looked at nothing else."""
    elsewhere = CriterionRule(
        id="elsewhere",
        any_of=(CriterionSource("stored", "value", Bound(op=Op.AT_LEAST, value=1)),),
    )
    book = runbook(
        *BOOK.rules.values(), success=(CriterionRule(id="no_critical"), RETRYING, elsewhere)
    )
    report = await runner.run(
        ALL, book, Sources(log=FakeLog(evidence=LOG)), replace(FINAL, only=("retries",))
    )
    assert report.verdict.decision is Decision.GO
    assert "Only these were looked at: retries." in report.verdict.because
    assert {c.id: c.met for c in report.success_criteria} == {
        "no_critical": True,
        "retrying": True,
        "elsewhere": None,
    }


async def test_a_switched_off_check_is_not_measured_and_named() -> None:
    """`enabled: false` takes a check out, its criterion is waived, and the verdict says so."""
    stored = CriterionRule(
        id="is_stored",
        any_of=(CriterionSource("stored", "value", Bound(op=Op.AT_LEAST, value=1)),),
    )
    book = runbook(rule("retries"), off={"stored": "No database here."}, success=(stored,))
    report = await runner.run((RETRIES, DATABASE), book, Sources(log=FakeLog(evidence=LOG)), FINAL)
    assert list(levels(report)) == ["retries"]
    assert report.verdict.decision is Decision.GO
    assert "Switched off: stored (No database here)." in report.verdict.because


async def test_acceptance_names_the_person_and_never_touches_a_critical() -> None:
    """An accepted UNKNOWN carries the name; a CRITICAL stays without."""
    sources = Sources(log=FakeLog(evidence=LOG))
    accepted = replace(FINAL, accepted={"stored": "<@U1>", "retries": "<@U1>"})
    critical = runbook(rule("retries", critical=3), rule("stored", settle_seconds=60))
    report = await runner.run((RETRIES, DATABASE), critical, sources, accepted)
    assert [(f.level, f.accepted_by) for f in report.findings] == [
        (Level.CRITICAL, None),
        (Level.UNKNOWN, "<@U1>"),
    ]


async def test_the_window_is_null_where_the_log_carries_no_times() -> None:
    """Numbers that no clock bounds are not given a window."""
    untimed = replace(LOG, timed=False)
    with_times = await runner.run((RETRIES,), BOOK, Sources(log=FakeLog(evidence=LOG)), FINAL)
    without = await runner.run((RETRIES,), BOOK, Sources(log=FakeLog(evidence=untimed)), FINAL)
    assert (with_times.window, without.window) == (HOUR, None)


async def test_the_same_evidence_gives_the_same_report_again() -> None:
    """A verdict can be replayed from its evidence."""
    log = FakeLog(evidence=LOG)
    report = await runner.run(ALL, BOOK, Sources(log=log), FINAL)
    assert runner.assess(ALL, BOOK, report.evidence, FINAL) == report


async def test_the_state_of_a_scan_goes_in_and_comes_back() -> None:
    """A watch hands the log what it remembered, and gets what to remember next."""
    log = FakeLog(evidence=LOG)
    told: list[tuple[int, int]] = []

    def note(done: int, total: int) -> None:
        told.append((done, total))

    _, first = await runner.collect(ALL, BOOK, Sources(log=log), FINAL, progress=note)
    assert first is not None
    await runner.collect(ALL, BOOK, Sources(log=log), FINAL, state=first)
    assert log.states == [None, first]
    assert told == [(0, 0)]
