"""What a run makes of its evidence: the checks shown, the criteria due, and what was accepted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from checks.engine import runner
from checks.engine.model import (
    Decision,
    Level,
    Window,
)
from checks.engine.runbook import (
    CriterionRule,
    CriterionSource,
)
from checks.engine.runner import Sources
from checks.engine.thresholds import Bound, Op
from tests.engine.runs import (
    ALL,
    BOOK,
    DATABASE,
    FINAL,
    HOUR,
    LOG,
    NOW,
    RETRIES,
    levels,
    rule,
    runbook,
)
from tests.support.fakes import FakeLog


async def test_a_checkpoint_shows_its_own_checks_first_and_leaves_out_later_ones() -> None:
    """At T+20 the second checkpoint's check leads, and the third's is not there yet."""
    book = runbook(rule("retries"), rule("stored", settle_seconds=60), rule("probed"))
    occasion = replace(FINAL, checkpoint="2")
    report = await runner.run(ALL, book, Sources(log=FakeLog(evidence=LOG)), occasion)
    assert list(levels(report)) == ["retries", "probed"]
    final = await runner.run(ALL, book, Sources(log=FakeLog(evidence=LOG)), FINAL)
    assert list(levels(final)) == ["probed", "retries", "stored"]


@pytest.mark.parametrize(("ends", "shown"), [(-5, -5), (0, 0), (5, 0), (-90, -90), (None, 0)])
async def test_a_report_s_window_ends_where_its_log_does(ends: int | None, shown: int) -> None:
    """What may not have arrived in the log yet is not said to have been looked at."""
    until = None if ends is None else NOW + timedelta(minutes=ends)
    log = FakeLog(evidence=replace(LOG, until=until))
    report = await runner.run((RETRIES,), BOOK, Sources(log=log), FINAL)
    end = NOW + timedelta(minutes=shown)
    assert report.window == Window(since=min(HOUR.since, end), until=end)


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


async def test_a_silenced_check_is_unknown_and_shows_what_it_would_be() -> None:
    """It never counts as OK, and the reader sees who silenced it and what was measured."""
    occasion = replace(FINAL, silenced={"retries": "Silenced by Ana until 22:00 UTC."})
    report = await runner.run(ALL, BOOK, Sources(log=FakeLog(evidence=LOG)), occasion)
    found = next(f for f in report.findings if f.check == "retries")
    assert (found.level, found.value) == (Level.UNKNOWN, None)
    assert found.summary.startswith("Silenced by Ana until 22:00 UTC. It would be ")
    assert found.details["silenced"] is True
    assert report.verdict.decision is not Decision.GO


async def test_a_silenced_check_still_meets_its_rollback_criterion() -> None:
    """Silencing never hides what rolls a release back."""
    book = runbook(*BOOK.rules.values(), rollback=(RETRYING,))
    occasion = replace(FINAL, silenced={"retries": "Silenced by Ana."})
    report = await runner.run(ALL, book, Sources(log=FakeLog(evidence=LOG)), occasion)
    assert [c.met for c in report.rollback_criteria] == [True]
    assert report.verdict.decision is Decision.NO_GO
