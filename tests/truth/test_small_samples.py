"""Shares of few events: what they prove, what they leave open, and how much more is needed."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.engine import criteria
from checks.engine.model import Criterion, Level, Measurement, Quantity
from checks.engine.runbook import CriterionRule, CriterionSource, load_runbook
from checks.engine.shares import SampleRule, lower_limit
from checks.engine.thresholds import Bound, Op, Rule, Threshold, finding_of, judge, reached
from tests.engine.standins import ALL

RUNBOOK = load_runbook(checks=ALL)
SAMPLE = RUNBOOK.sample
ABOVE_HALF = Bound(op=Op.ABOVE, value=0.5)

samples = st.integers(1, 60).flatmap(
    lambda sample: st.tuples(st.integers(0, sample), st.just(sample))
)
confidences = st.sampled_from((0.9, 0.95, 0.99))
bounds = st.builds(
    Bound,
    op=st.sampled_from((Op.AT_LEAST, Op.ABOVE)),
    value=st.integers(1, 99).map(lambda n: n / 100),
)


def share(bad: int, sample: int) -> Quantity:
    """A share of bad events."""
    return Quantity(value=bad / sample if sample else 0.0, sample=sample, bad=bad)


def success(bad: int, sample: int) -> Quantity:
    """A share of good events, which its bad ones lower."""
    return Quantity(value=(sample - bad) / sample if sample else 0.0, sample=sample, bad=bad)


# --- the limit itself ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "sample", "confidence", "percent"),
    [
        # All bad: the n-th root of 0.05; "the rule of three" turned round.
        (1, 1, 0.95, 5.0),
        (2, 2, 0.95, 22.4),
        (3, 3, 0.95, 36.8),
        (4, 4, 0.95, 47.3),
        (5, 5, 0.95, 54.9),
        (9, 9, 0.95, 71.7),
        # Clopper and Pearson's own chart and later tables, two-sided 95 % (one-sided 97.5 %).
        (1, 10, 0.975, 0.25),
        (5, 10, 0.975, 18.7),
        (10, 10, 0.975, 69.2),
        (4, 20, 0.975, 5.73),
        (10, 100, 0.975, 4.90),
        (50, 100, 0.975, 39.8),
        # Two-sided 90 % (one-sided 95 %).
        (1, 10, 0.95, 0.51),
        (5, 10, 0.95, 22.2),
        (10, 100, 0.95, 5.53),
    ],
)
def test_published_limits(bad: int, sample: int, confidence: float, percent: float) -> None:
    """The limits are those of the tables, to the digits that are printed there."""
    digits = 1 if percent >= 10 else 2
    assert round(100 * lower_limit(bad, sample, confidence), digits) == percent


@given(samples, confidences)
def test_the_limit_is_where_so_many_bad_ones_are_just_plausible(
    seen: tuple[int, int], confidence: float
) -> None:
    """By exact arithmetic: just below the limit they are too rare, just above they are not."""
    bad, sample = seen
    limit = lower_limit(bad, sample, confidence)
    if bad == 0:
        assert limit == 0
        return

    def tail(at: float) -> Fraction:
        p = Fraction(at)
        return sum(
            (comb(sample, k) * p**k * (1 - p) ** (sample - k) for k in range(bad, sample + 1)),
            Fraction(0),
        )

    assert tail(limit * (1 - 1e-9)) < 1 - confidence < tail(min(1.0, limit * (1 + 1e-9)))


@given(samples, confidences)
def test_the_limit_follows_the_evidence(seen: tuple[int, int], confidence: float) -> None:
    """It lies below the share, rises with each bad event, falls with each good one."""
    bad, sample = seen
    limit = lower_limit(bad, sample, confidence)
    assert 0 <= limit <= bad / sample
    assert lower_limit(bad + 1, sample + 1, confidence) > limit
    assert lower_limit(bad, sample + 1, confidence) <= limit
    assert (limit > 0) is (bad > 0)
    assert lower_limit(bad, sample, 0.999) <= limit


@given(st.integers(1, 20), st.integers(1, 20), st.integers(2, 5))
def test_more_of_the_same_share_proves_more(bad: int, good: int, times: int) -> None:
    """The limit approaches the share as the sample grows."""
    small = lower_limit(bad, bad + good, 0.95)
    assert small < lower_limit(times * bad, times * (bad + good), 0.95) < bad / (bad + good)


def test_a_large_sample_is_quick_and_close_to_its_share() -> None:
    """A million events: within a tenth of a per cent of the share, by the normal approximation."""
    assert lower_limit(50_000, 1_000_000, 0.95) == pytest.approx(0.04964, abs=1e-5)


# --- judging ------------------------------------------------------------------------------------


@given(samples, bounds)
def test_a_level_is_reached_by_the_share_or_by_its_limit(
    seen: tuple[int, int], bound: Bound
) -> None:
    """From min_sample on the share; below, three bad and the limit; nothing bad is never worse."""
    bad, sample = seen
    found = reached(share(bad, sample), bound, SAMPLE)
    if sample >= SAMPLE.min_sample:
        assert found is bound.holds(bad / sample)
    elif bad == 0:
        assert found is False
    else:
        proven = bad >= 3 and bound.holds(lower_limit(bad, sample, 0.95))
        assert found is (True if proven else None)


@given(samples, bounds)
def test_a_share_of_good_events_is_judged_as_that_of_its_bad_ones(
    seen: tuple[int, int], bound: Bound
) -> None:
    """The bounds "90 % or less sent" and "10 % or more not sent" are one, as far as floats go."""
    bad, sample = seen
    op = Op.AT_MOST if bound.op is Op.AT_LEAST else Op.BELOW
    mirrored = Bound(op=op, value=1 - bound.value)
    if abs(bad / sample - bound.value) < 1e-9:
        return
    one = reached(share(bad, sample), bound, SAMPLE)
    assert reached(success(bad, sample), mirrored, SAMPLE) is one


@given(samples, bounds)
def test_one_more_bad_event_never_makes_it_better(seen: tuple[int, int], bound: Bound) -> None:
    """What was proven below the sample stays so while everything goes on failing."""
    bad, sample = seen
    if reached(share(bad, sample), bound, SAMPLE):
        assert reached(share(bad + 1, sample + 1), bound, SAMPLE)


@given(samples, bounds)
def test_the_limit_is_never_quicker_than_the_share(seen: tuple[int, int], bound: Bound) -> None:
    """Judged by the limit always: what is worse then is worse by the share as well."""
    bad, sample = seen
    by_limit = RUNBOOK.by_limit().sample
    found = reached(share(bad, sample), bound, by_limit)
    if found:
        assert reached(share(bad, sample), bound, SAMPLE)
    if sample >= SAMPLE.min_sample:
        limit_is_beyond = bad >= 3 and bound.holds(lower_limit(bad, sample, 0.95))
        assert found is limit_is_beyond


@given(st.integers(1, 9).flatmap(lambda n: st.tuples(st.integers(1, n), st.just(n))), bounds)
def test_what_is_needed_is_what_decides(seen: tuple[int, int], bound: Bound) -> None:
    """So many more decide, and not one fewer: bad ones at once, any at the sample."""
    bad, sample = seen
    threshold = Threshold(quantity="share", critical=bound)
    rule = Rule(check="some", thresholds=(threshold,), sample=SAMPLE)

    def level(more_bad: int, more_good: int = 0) -> Level:
        quantity = share(bad + more_bad, sample + more_bad + more_good)
        return judge(_measured(quantity), rule).level

    found = judge(_measured(share(bad, sample)), rule)
    if found.level is not Level.UNKNOWN:
        return
    assert found.unknown is not None
    numbers = [int(word.strip(".")) for word in found.unknown.mend.split() if word[0].isdigit()]
    assert found.unknown.mend.endswith(("needed.", f"otherwise {numbers[-1]}."))
    fewest, at_most = numbers[0], numbers[-1]
    assert level(fewest) is not Level.UNKNOWN
    assert level(fewest - 1) is Level.UNKNOWN
    assert level(0, at_most) is not Level.UNKNOWN
    assert level(0, at_most - 1) is Level.UNKNOWN


def _measured(quantity: Quantity) -> Measurement:
    return Measurement(
        value=quantity.value, unit="", summary="Seen.", quantities={"share": quantity}
    )


@pytest.mark.parametrize(
    ("bad", "sample", "level", "mend"),
    [
        (0, 0, Level.OK, ""),
        (0, 3, Level.OK, ""),
        (0, 9, Level.OK, ""),
        (1, 1, Level.UNKNOWN, "2 more are needed if they go wrong too, otherwise 9."),
        (2, 2, Level.UNKNOWN, "1 more is needed if it goes wrong too, otherwise 8."),
        (3, 3, Level.CRITICAL, ""),
        (9, 9, Level.CRITICAL, ""),
        (1, 9, Level.UNKNOWN, "1 more is needed."),
        (3, 9, Level.WARNING, ""),  # at least 9.8 %: more than 5 %, not surely more than 10 %
        (4, 9, Level.CRITICAL, ""),
        (1, 10, Level.WARNING, ""),
        (2, 10, Level.CRITICAL, ""),
    ],
)
def test_outbound_failures_by_the_shipped_runbook(
    bad: int, sample: int, level: Level, mend: str
) -> None:
    """Nine of nine is a NO-GO, one of nine is nothing yet, three of nine is a warning."""
    rule = RUNBOOK.rule("message_errors", "2")
    assert rule is not None
    found = finding_of("message_errors", "Message errors", _measured(share(bad, sample)), rule)
    assert found.level is level
    assert (found.unknown.mend if found.unknown else "") == mend


def test_the_numbers_are_the_runbooks() -> None:
    """Another confidence, another least number of bad events: another answer."""
    strict = SampleRule(min_sample=10, min_bad=6, confidence=0.95)
    sure = SampleRule(min_sample=10, min_bad=3, confidence=0.99)
    five = share(5, 5)
    assert reached(five, ABOVE_HALF, SAMPLE) is True
    assert reached(five, ABOVE_HALF, strict) is None
    assert reached(five, ABOVE_HALF, sure) is None  # at least 39.8 %


# --- criteria -----------------------------------------------------------------------------------

FAILING = CriterionRule(
    id="messages_failing",
    any_of=(CriterionSource("message_errors", "share", ABOVE_HALF),),
)
ERROR_RATE = CriterionRule(
    id="error_rate",
    any_of=(CriterionSource("message_errors", "share", Bound(op=Op.BELOW, value=0.01)),),
)


def criterion(rule: CriterionRule, quantity: Quantity, *, sample: SampleRule = SAMPLE) -> Criterion:
    """The one criterion, as a rollback or a success criterion by its id."""
    rules = RUNBOOK.rule("message_errors", "2")
    assert rules is not None
    found = [finding_of("message_errors", "Message errors", _measured(quantity), rules)]
    evaluate = criteria.rollback if rule is FAILING else criteria.success
    (only,) = evaluate([rule], found, sample=sample)
    return only


@pytest.mark.parametrize(
    ("bad", "sample", "met"),
    [
        (0, 0, False),
        (0, 9, False),
        (4, 4, None),  # at least 47.3 %
        (5, 5, True),  # at least 54.9 %
        (9, 9, True),
        (7, 9, None),  # at least 45 %
        (8, 9, True),
        (5, 10, False),
        (6, 10, True),
    ],
)
def test_a_rollback_share_is_judged_likewise(bad: int, sample: int, met: bool | None) -> None:
    """Nine of nine roll a release back; four of four leave it open."""
    assert criterion(FAILING, share(bad, sample)).met is met


def test_a_criterion_says_by_what_it_was_judged() -> None:
    """The limit, where the limit decided; what is needed, where nothing can be decided."""
    assert criterion(FAILING, share(9, 9)).why == (
        "Message errors: share 100 % of 9, which is at least 71.7 % with 95 % confidence,"
        " more than 50 %."
    )
    assert criterion(FAILING, share(4, 4)).why == (
        "Message errors: share 100 % of 4 is too small a sample to judge."
        " 1 more is needed if it goes wrong too, otherwise 6."
    )
    by_limit = RUNBOOK.by_limit().sample
    assert criterion(FAILING, share(12, 20), sample=by_limit).why == (
        "Message errors: share 60 % of 20, which is at least 39.4 % with 95 % confidence,"
        " not more than 50 %."
    )


@pytest.mark.parametrize(
    ("bad", "sample", "met"),
    [(0, 0, None), (0, 3, True), (1, 4, None), (3, 4, False), (0, 10, True), (1, 10, False)],
)
def test_a_success_share_is_missed_as_soon_as_that_is_certain(
    bad: int, sample: int, met: bool | None
) -> None:
    """Below 1 %: three bad of four miss it for certain, one of four leaves it open."""
    assert criterion(ERROR_RATE, share(bad, sample)).met is met
