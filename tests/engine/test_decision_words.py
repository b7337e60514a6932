"""What a verdict says: its reasons, what is missing, what would change it, what was left out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from checks.engine.decision import Policy
from checks.engine.model import (
    Criterion,
    Decision,
    Json,
    Level,
    Problem,
    Quantity,
)
from tests.engine.verdicts import (
    FINAL,
    MATRIX,
    SUCCESS,
    finding,
    met,
    verdict,
)


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
        (1, "That is WARNING."),
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


def test_a_bound_on_another_number_than_the_headline_is_not_quoted() -> None:
    """A check that counts masked URLs is judged by there being none: "1 or more" would mislead."""
    other = replace(
        finding("secret_masking", Level.CRITICAL, threshold={"critical": 5}),
        value=1276,
        quantities={"unmasked": Quantity(value=1)},
    )
    assert verdict([other]).because[0] == "secret_masking: It was measured. That is CRITICAL."


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
    policy = Policy(matrix=MATRIX, critical=1, matrix_warnings=3)
    found = verdict([finding("http_5xx")], success=success, policy=policy)
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
