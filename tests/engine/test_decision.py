"""The decision: its laws by Hypothesis, and the table by example."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.engine.decision import Policy, decide
from checks.engine.model import (
    Criterion,
    Decision,
    Finding,
    Level,
)
from tests.engine.verdicts import (
    FINAL,
    MATRIX,
    OTHERS,
    RANK,
    ROLLBACK,
    SUCCESS,
    WORSE,
    finding,
    rollback,
    verdict,
)

levels = st.sampled_from(list(Level))
findings_of = st.lists(
    st.tuples(st.sampled_from((*MATRIX, *OTHERS)), levels, st.sampled_from([None, None, "<@U1>"])),
    max_size=12,
    unique_by=lambda drawn: drawn[0],
).map(lambda drawn: [finding(check, level, by=by) for check, level, by in drawn])
criteria_of = st.tuples(*(st.sampled_from([True, False, None]) for _ in SUCCESS)).map(
    lambda drawn: [
        Criterion(id=i, met=m, why="Because.") for i, m in zip(SUCCESS, drawn, strict=True)
    ]
)
rollbacks_of = st.tuples(*(st.sampled_from([False, False, None, True]) for _ in ROLLBACK)).map(
    lambda drawn: [
        Criterion(id=i, met=m, why="Because.") for i, m in zip(ROLLBACK, drawn, strict=True)
    ]
)


@given(findings_of, rollbacks_of, criteria_of, st.sampled_from([(), SUCCESS]), levels)
def test_one_more_bad_finding_never_improves_a_verdict(
    findings: list[Finding],
    back: list[Criterion],
    success: list[Criterion],
    due: tuple[str, ...],
    level: Level,
) -> None:
    """A finding that is not OK, added to any run, leaves the verdict as it is or worsens it."""
    policy = Policy(matrix=MATRIX, critical=1, matrix_warnings=3, due=due)
    bad = level if level is not Level.OK else Level.UNKNOWN
    before = decide(findings, back, success, policy).decision
    for check in ("retries", "health"):
        after = decide([*findings, finding(check, bad)], back, success, policy).decision
        assert RANK[after] >= RANK[before]


@given(findings_of, rollbacks_of, criteria_of, st.data())
def test_a_finding_that_gets_worse_never_improves_a_verdict(
    findings: list[Finding], back: list[Criterion], success: list[Criterion], data: st.DataObject
) -> None:
    """OK → UNKNOWN → WARNING → CRITICAL, accepted or not, never goes towards GO."""
    able = [i for i, f in enumerate(findings) if f.level in WORSE]
    if not able:
        return
    at = data.draw(st.sampled_from(able))
    worse = list(findings)
    worse[at] = replace(worse[at], level=WORSE[worse[at].level])
    before = decide(findings, back, success, FINAL).decision
    after = decide(worse, back, success, FINAL).decision
    assert RANK[after] >= RANK[before]


@given(findings_of, rollbacks_of, criteria_of)
def test_go_only_when_everything_is_ok_or_accepted_and_every_criterion_met(
    findings: list[Finding], back: list[Criterion], success: list[Criterion]
) -> None:
    """GO has no other way: no open finding, no rollback criterion, all success criteria met."""
    given_go = decide(findings, back, success, FINAL).decision is Decision.GO
    fine = all(
        f.level is Level.OK or (f.accepted_by and f.level is not Level.CRITICAL) for f in findings
    )
    measured = any(f.level is Level.OK for f in findings)
    deserved = fine and measured and not any(c.met for c in back) and all(c.met for c in success)
    assert given_go == deserved


@given(st.lists(st.sampled_from((*MATRIX, *OTHERS)), unique=True), criteria_of)
def test_unknowns_alone_never_add_up_to_no_go(checks: list[str], success: list[Criterion]) -> None:
    """However much could not be looked at: MONITOR."""
    findings = [finding(check, Level.UNKNOWN) for check in checks]
    assert verdict(findings, back=rollback(), success=success).decision is Decision.MONITOR


@given(findings_of, st.sampled_from(ROLLBACK))
def test_a_met_rollback_criterion_is_always_no_go(findings: list[Finding], which: str) -> None:
    """Whatever else was found or accepted."""
    accepted = [replace(f, accepted_by="<@U1>") for f in findings]
    found = verdict(accepted, back=rollback(which))
    assert found.decision is Decision.NO_GO
    assert found.because[0] == f"Rollback criterion {which} is met: Because."


@given(findings_of, rollbacks_of, criteria_of)
def test_whatever_is_no_go_or_monitor_says_why_and_what_would_change_it(
    findings: list[Finding], back: list[Criterion], success: list[Criterion]
) -> None:
    """No verdict stands without a reason."""
    found = decide(findings, back, success, FINAL)
    assert found.because
    assert all(line.strip() == line and line for line in found.because)


@pytest.mark.parametrize(
    ("warnings", "decision"), [(1, Decision.MONITOR), (2, Decision.MONITOR), (3, Decision.NO_GO)]
)
def test_three_matrix_warnings_are_no_go(warnings: int, decision: Decision) -> None:
    """One or two warnings of the five metrics are watched, the third rolls back."""
    findings = [finding("health"), *(finding(c, Level.WARNING) for c in MATRIX[:warnings])]
    assert verdict(findings).decision is decision


def test_warnings_of_other_checks_do_not_add_up() -> None:
    """The matrix has five metrics; five warnings outside it are MONITOR."""
    findings = [finding("http_5xx"), *(finding(c, Level.WARNING) for c in OTHERS)]
    assert verdict(findings).decision is Decision.MONITOR


def test_an_accepted_warning_does_not_count_in_the_matrix_and_is_named() -> None:
    """Acceptance takes a warning out of the count, and the verdict says by whom."""
    findings = [
        finding("health"),
        finding("http_5xx", Level.WARNING),
        finding("retries", Level.WARNING),
        finding("rate_limits", Level.WARNING, by="<@U7>", title="429s"),
    ]
    found = verdict(findings)
    assert found.decision is Decision.MONITOR
    assert "Accepted by <@U7>: 429s (WARNING)." in found.because


def test_a_critical_cannot_be_accepted() -> None:
    """A name on a CRITICAL changes nothing."""
    found = verdict([finding("health"), finding("campaigns", Level.CRITICAL, by="<@U1>")])
    assert found.decision is Decision.NO_GO
