"""The decision: its laws by Hypothesis, and its words by example."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.engine.decision import Policy, decide
from checks.engine.model import Criterion, Decision, Finding, Json, Level, Problem, Verdict

MATRIX = ("http_5xx", "auth_errors", "unknown_instances", "retries", "rate_limits")
OTHERS = ("health", "campaigns", "outbound_success", "inbound_flow", "tenant_isolation")
ROLLBACK = ("secret_leak", "tenant_leak", "messages_failing", "service_down")
SUCCESS = ("no_critical", "inbound_processed", "outbound_sent")
FINAL = Policy(matrix=MATRIX, due=SUCCESS)
WORSE = {
    Level.OK: Level.UNKNOWN,
    Level.UNKNOWN: Level.WARNING,
    Level.WARNING: Level.CRITICAL,
}
RANK = {Decision.GO: 0, Decision.MONITOR: 1, Decision.NO_GO: 2}


def finding(
    check: str,
    level: Level = Level.OK,
    *,
    by: str | None = None,
    title: str = "",
    summary: str = "It was measured.",
    threshold: dict[str, Json] | None = None,
    would_change: str = "",
    unknown: Problem | None = None,
) -> Finding:
    """A finding with only what the decision looks at."""
    return Finding(
        check=check,
        title=title or check,
        level=level,
        value=None,
        unit="",
        summary=summary,
        threshold=threshold,
        details={},
        would_change=would_change,
        unknown=unknown,
        accepted_by=by,
    )


def met(*ids: str) -> list[Criterion]:
    """Criteria that are met."""
    return [Criterion(id=i, met=True, why="It is.") for i in ids]


def rollback(*ids: str) -> list[Criterion]:
    """All rollback criteria, of which only these are met."""
    return [Criterion(id=i, met=i in ids, why="Because.") for i in ROLLBACK]


def verdict(
    findings: Sequence[Finding],
    *,
    back: Sequence[Criterion] = (),
    success: Sequence[Criterion] | None = None,
    policy: Policy = FINAL,
) -> Verdict:
    """The verdict on findings, with every success criterion met unless told otherwise."""
    return decide(findings, back, met(*SUCCESS) if success is None else success, policy)


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
    policy = Policy(matrix=MATRIX, due=due)
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


def test_reasons_name_the_number_and_the_bound() -> None:
    """A person in a hurry reads what was measured, what is allowed, and what GO needs."""
    found = verdict(
        [
            finding(
                "rate_limits",
                Level.CRITICAL,
                title="Rate limits",
                summary="31 of 3342 responses were 429.",
                threshold={"warning": 6, "critical": 21},
                would_change="GO needs 5 or fewer rate limits.",
            )
        ]
    )
    assert found.because == (
        "Rate limits: 31 of 3342 responses were 429. More than 20 is CRITICAL.",
    )
    assert found.would_change == ("Rate limits: GO needs 5 or fewer rate limits.",)


@pytest.mark.parametrize(
    ("bound", "words"),
    [
        (1, "1 or more is WARNING."),
        (6, "More than 5 is WARNING."),
        (0.5, "0.5 or more is WARNING."),
        ({"above": 0.05}, "More than 5 % is WARNING."),
        ({"at_most": 0.9}, "90 % or less is WARNING."),
        ({"below": 0.9}, "Less than 90 % is WARNING."),
    ],
)
def test_every_kind_of_bound_has_words(bound: Json, words: str) -> None:
    """Counts, ratios above and ratios below read as sentences."""
    found = verdict([finding("health", Level.WARNING, threshold={"warning": bound})])
    assert found.because[0] == f"health: It was measured. {words}"


def test_a_compound_rule_still_names_its_level() -> None:
    """Where no single bound decides, the sentence does without a number."""
    found = verdict([finding("inbound_flow", Level.CRITICAL)])
    assert found.because[0] == "inbound_flow: It was measured. That is CRITICAL."


def test_unknowns_of_one_cause_are_one_line_that_says_how_to_provide_or_accept_them() -> None:
    """Eleven checks without a log are one thing to mend, not eleven."""
    no_log = Problem(what="No log was given.", mend="Use --log PATH or GOLIVE_LOG.")
    no_url = Problem(what="No base URL was given.", mend="Use --base-url URL.")
    found = verdict(
        [
            finding("http_5xx", Level.UNKNOWN, unknown=no_log),
            finding("retries", Level.UNKNOWN, unknown=no_log),
            finding("health", Level.UNKNOWN, unknown=no_url),
        ]
    )
    assert found.decision is Decision.MONITOR
    assert found.because == ("Not known: http_5xx, retries, health.",)
    assert found.missing == (
        "http_5xx, retries: No log was given. Use --log PATH or GOLIVE_LOG."
        " Or accept it in Slack: /golive accept CHECK REASON",
        "health: No base URL was given. Use --base-url URL."
        " Or accept it in Slack: /golive accept health REASON",
    )
    assert found.would_change == (
        "GO needs these measured or accepted: http_5xx, retries, health.",
    )


def test_criteria_that_are_not_due_do_not_block() -> None:
    """At T+10 nothing has to have been sent: GO so far, and the verdict says what is to come."""
    success = [Criterion(id=i, met=None, why="Not yet.") for i in SUCCESS]
    found = verdict([finding("http_5xx")], success=success, policy=Policy(matrix=MATRIX))
    assert found.decision is Decision.GO
    assert found.because == (
        "GO so far: 1 check OK.",
        "Not due yet: no_critical, inbound_processed, outbound_sent.",
    )


@pytest.mark.parametrize("state", [False, None])
def test_a_due_criterion_that_is_not_met_or_not_verified_blocks_go(state: bool | None) -> None:
    """All checks OK is not enough at T+60."""
    success = [
        *met("no_critical", "inbound_processed"),
        Criterion(id="outbound_sent", met=state, why="None was sent."),
    ]
    found = verdict([finding("http_5xx")], success=success)
    assert found.decision is Decision.MONITOR
    assert found.would_change == ("GO needs these success criteria: outbound_sent.",)
    told = found.because if state is False else found.missing
    assert any("outbound_sent" in line and "None was sent." in line for line in told)


def test_a_due_criterion_that_nobody_evaluated_blocks_go() -> None:
    """A criterion that the run forgot is not taken for met."""
    found = verdict([finding("http_5xx")], success=met("no_critical"))
    assert found.decision is Decision.MONITOR
    assert found.because == ("Not evaluated: inbound_processed, outbound_sent.",)


def test_a_criterion_unverified_because_of_what_was_accepted_is_waived_and_shown() -> None:
    """Who accepts that nothing can be known about inbound has answered for its criterion too."""
    success = [
        *met("no_critical", "outbound_sent"),
        Criterion(id="inbound_processed", met=None, why="?"),
    ]
    findings = [finding("http_5xx"), finding("inbound_flow", Level.UNKNOWN, by="<@U2>")]
    policy = replace(FINAL, waived={"inbound_processed": "<@U2>"})
    found = verdict(findings, success=success, policy=policy)
    assert found.decision is Decision.GO
    assert "Not verified, accepted by <@U2>: inbound_processed." in found.because


def test_a_waiver_does_not_help_a_criterion_that_is_known_not_to_be_met() -> None:
    """Accepting what is unknown never accepts what is known."""
    success = [
        *met("no_critical", "outbound_sent"),
        Criterion(id="inbound_processed", met=False, why="None."),
    ]
    policy = replace(FINAL, waived={"inbound_processed": "<@U2>"})
    assert (
        verdict([finding("http_5xx")], success=success, policy=policy).decision is Decision.MONITOR
    )


@pytest.mark.parametrize("level", list(Level))
def test_every_verdict_names_what_is_switched_off_and_what_alone_was_asked_for(
    level: Level,
) -> None:
    """GO, MONITOR and NO-GO alike say what they leave out."""
    policy = replace(FINAL, switched_off={"campaigns": "No campaigns here."}, only=("http_5xx",))
    found = verdict([finding("http_5xx", level)], policy=policy)
    assert "Switched off: campaigns (No campaigns here)." in found.because
    assert "Only these were looked at: http_5xx." in found.because


def test_no_finding_at_all_is_never_go() -> None:
    """An empty run proves nothing."""
    found = verdict([])
    assert found.decision is Decision.MONITOR
    assert found.because == ("Nothing was found to be OK: a GO needs at least one measurement.",)


def test_a_runbook_may_ask_for_more_criticals_but_one_still_blocks_go() -> None:
    """With `critical: 2`, a single CRITICAL is MONITOR, never GO."""
    policy = replace(FINAL, critical=2)
    one = [finding("health"), finding("campaigns", Level.CRITICAL)]
    assert verdict(one, policy=policy).decision is Decision.MONITOR
    assert (
        verdict([*one, finding("retries", Level.CRITICAL)], policy=policy).decision
        is Decision.NO_GO
    )
