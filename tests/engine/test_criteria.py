"""Rollback and success criteria: when they are met, when not, and when nobody can say."""

from __future__ import annotations

import pytest

from checks.engine import criteria
from checks.engine.model import Criterion, Finding, Level, Problem, Quantity
from checks.engine.runbook import CriterionRule, CriterionSource
from checks.engine.thresholds import Bound, Op
from tests.support.evidence import SAMPLE

LEAK = CriterionRule(
    id="secret_leak",
    any_of=(CriterionSource("secret_leaks", "proven", Bound(op=Op.AT_LEAST, value=1)),),
)
FAILING = CriterionRule(
    id="messages_failing",
    any_of=(
        CriterionSource("outbound_success", "failed_share", Bound(op=Op.ABOVE, value=0.5)),
        CriterionSource("message_errors", "outbound_failed_share", Bound(op=Op.ABOVE, value=0.5)),
    ),
)
ERROR_RATE = CriterionRule(
    id="error_rate",
    any_of=(CriterionSource("http_5xx", "error_share", Bound(op=Op.BELOW, value=0.01)),),
)
NO_CRITICAL = CriterionRule(id="no_critical")


def finding(
    check: str,
    level: Level = Level.OK,
    *,
    by: str | None = None,
    unknown: Problem | None = None,
    **quantities: Quantity,
) -> Finding:
    """A finding with only what criteria look at."""
    return Finding(
        check=check,
        title=check.replace("_", " ").capitalize(),
        level=level,
        value=None,
        unit="",
        summary="",
        threshold=None,
        details={},
        quantities=quantities,
        unknown=unknown,
        accepted_by=by,
    )


def share(value: float, sample: int) -> Quantity:
    """A share of so many events, of which that part was bad."""
    return Quantity(value=value, sample=sample, bad=round(value * sample))


def back(rule: CriterionRule, *findings: Finding) -> Criterion:
    """The one rollback criterion, evaluated."""
    (found,) = criteria.rollback([rule], findings, sample=SAMPLE)
    return found


def success(rule: CriterionRule, *findings: Finding) -> Criterion:
    """The one success criterion, evaluated."""
    (found,) = criteria.success([rule], findings, sample=SAMPLE)
    return found


@pytest.mark.parametrize(
    ("proven", "met", "why"),
    [
        (0, False, "Secret leaks: proven 0, not at least 1."),
        (1, True, "Secret leaks: proven 1, at least 1."),
    ],
)
def test_a_count_is_met_from_its_bound_on(proven: int, met: bool, why: str) -> None:
    """Counts need no sample, and the sentence carries number and bound."""
    found = back(LEAK, finding("secret_leaks", proven=Quantity(value=proven)))
    assert (found.met, found.why) == (met, why)


def test_a_check_that_was_not_run_or_could_not_look_leaves_it_unverified() -> None:
    """Not verified is neither met nor not met, and says what was missing."""
    assert back(LEAK).met is None
    assert back(LEAK).why == "The check secret_leaks was not run."
    blind = finding(
        "secret_leaks",
        Level.UNKNOWN,
        unknown=Problem(what="No log was given.", mend="Use --log PATH."),
    )
    assert back(LEAK, blind).met is None
    assert back(LEAK, blind).why == "Secret leaks: No log was given. Use --log PATH."


def test_an_unknown_level_does_not_hide_a_quantity_that_was_measured() -> None:
    """A share with too small a sample makes the finding UNKNOWN; what was counted still counts."""
    rule = CriterionRule(
        id="outbound_sent",
        any_of=(CriterionSource("outbound_success", "sent", Bound(op=Op.AT_LEAST, value=1)),),
    )
    found = success(rule, finding("outbound_success", Level.UNKNOWN, sent=Quantity(value=4)))
    assert found.met is True


@pytest.mark.parametrize(
    ("value", "sample", "met"),
    [(0.5, 10, False), (0.6, 10, True), (1.0, 4, None), (1.0, 9, True), (1.0, 10, True)],
)
def test_a_rollback_share_needs_evidence(value: float, sample: int, met: bool | None) -> None:
    """Four failures of four prove no majority; nine of nine do, and more than half of ten."""
    found = back(FAILING, finding("outbound_success", failed_share=share(value, sample)))
    assert found.met is met


def test_any_source_may_meet_a_criterion() -> None:
    """The database says fine, the log says three of four failed: met, by the log."""
    found = back(
        FAILING,
        finding("outbound_success", failed_share=share(0.1, 100)),
        finding("message_errors", outbound_failed_share=share(0.75, 100)),
    )
    assert found.met is True
    assert found.why == "Message errors: outbound failed share 75 % of 100, more than 50 %."


def test_a_source_that_looked_decides_for_one_that_could_not() -> None:
    """Without a database the log still says that messages are not failing."""
    found = back(
        FAILING,
        finding("outbound_success", Level.UNKNOWN),
        finding("message_errors", outbound_failed_share=share(0.1, 100)),
    )
    assert found.met is False


@pytest.mark.parametrize(
    ("value", "sample", "met"),
    [
        (0.0, 1, True),  # few, but nothing was bad
        (0.25, 4, None),  # too few to say
        (0.0, 0, None),  # nothing at all
        (0.009, 1000, True),
        (0.01, 1000, False),
    ],
)
def test_an_error_rate_needs_responses(value: float, sample: int, met: bool | None) -> None:
    """Below 1 % is met; no response proves nothing; a bad one among few is not verified."""
    assert success(ERROR_RATE, finding("http_5xx", error_share=share(value, sample))).met is met


def test_a_small_sample_says_how_many_are_needed() -> None:
    """The reader learns what would settle it."""
    found = success(ERROR_RATE, finding("http_5xx", error_share=share(0.25, 4)))
    assert found.why == (
        "Http 5xx: error share 25 % of 4 is too small a sample to judge."
        " 2 more are needed if they go wrong too, otherwise 6."
    )


def test_no_critical_is_about_this_run() -> None:
    """A CRITICAL is named; without one the criterion is met, even where something was unknown."""
    assert success(NO_CRITICAL, finding("a"), finding("b", Level.WARNING)).met is True
    some = success(NO_CRITICAL, finding("a"), finding("b", Level.UNKNOWN))
    assert (some.met, some.why) == (True, "No check is CRITICAL, but 1 could not be looked at.")
    bad = success(NO_CRITICAL, finding("a"), finding("b", Level.CRITICAL))
    assert (bad.met, bad.why) == (False, "CRITICAL now: B.")


def test_no_critical_is_not_verified_when_nothing_was_measured() -> None:
    """All UNKNOWN is not a clean hour."""
    assert success(NO_CRITICAL, finding("a", Level.UNKNOWN)).met is None
    assert success(NO_CRITICAL).met is None


def test_no_critical_remembers_the_earlier_checkpoints_of_a_watch() -> None:
    """A CRITICAL at T+20 that recovered still fails the hour."""
    (found,) = criteria.success(
        [NO_CRITICAL], [finding("a")], sample=SAMPLE, earlier={"retries": "2", "health": "final"}
    )
    assert (found.met, found.why) == (
        False,
        "CRITICAL before: retries at checkpoint 2, health at the final review.",
    )


def test_no_critical_looks_at_the_findings_that_the_checkpoint_shows() -> None:
    """What was measured only for a rollback criterion is not judged by it."""
    (found,) = criteria.success(
        [NO_CRITICAL],
        [finding("a"), finding("b", Level.CRITICAL)],
        sample=SAMPLE,
        judged=[finding("a")],
    )
    assert found.met is True


def test_what_cannot_be_verified_is_waived_by_who_accepted_it() -> None:
    """All its sources UNKNOWN and accepted, or switched off: then it does not block."""
    accepted = finding("secret_leaks", Level.UNKNOWN, by="<@U1>")
    unverified = [Criterion(id="secret_leak", met=None, why="?")]
    assert criteria.waived([LEAK], unverified, [accepted]) == {"secret_leak": "<@U1>"}
    assert criteria.waived([LEAK], unverified, [finding("secret_leaks", Level.UNKNOWN)]) == {}
    off = criteria.waived([LEAK], unverified, [], ["secret_leaks"])
    assert off == {"secret_leak": "the runbook, which switches its check off"}


def test_what_is_known_is_never_waived() -> None:
    """Acceptance is for what nobody can know."""
    accepted = finding("secret_leaks", Level.UNKNOWN, by="<@U1>")
    known = [Criterion(id="secret_leak", met=False, why="No.")]
    assert criteria.waived([LEAK], known, [accepted]) == {}


def test_every_source_must_be_accepted_for_a_waiver() -> None:
    """One accepted source does not answer for another that is merely missing."""
    unverified = [Criterion(id="messages_failing", met=None, why="?")]
    one = [
        finding("outbound_success", Level.UNKNOWN, by="<@U1>"),
        finding("message_errors", Level.UNKNOWN),
    ]
    assert criteria.waived([FAILING], unverified, one) == {}
