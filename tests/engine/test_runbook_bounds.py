"""Which pairs of bounds make sense: either every level can occur, or the pair is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.engine.model import Level, Measurement, Quantity
from checks.engine.runbook.reach import unreachable, wrong_value
from checks.engine.thresholds import Bound, Op, Rule, Threshold, judge
from tests.engine.runbooks import edited, issues, load

W3 = "        warning: 3  # runbook 1: warning 3–5\n"
C6 = "        critical: 6  # runbook 1: critical > 5\n"
COUNT, SHARE, SECONDS = "value", "failed_share", "latency_seconds"

ops = st.sampled_from(Op)
counts = st.builds(Bound, op=ops, value=st.integers(-1, 8).map(float))
shares = st.builds(Bound, op=ops, value=st.integers(-1, 5).map(lambda n: n / 4))
spans = st.builds(Bound, op=ops, value=st.integers(-1, 8).map(lambda n: n / 2))
pairs = st.one_of(
    st.tuples(st.just(COUNT), st.none() | counts, st.none() | counts),
    st.tuples(st.just(SHARE), st.none() | shares, st.none() | shares),
    st.tuples(st.just(SECONDS), st.none() | spans, st.none() | spans),
).filter(lambda pair: pair[1] is not None or pair[2] is not None)


def _values(quantity: str) -> list[float]:
    """Values of a quantity so close together that each range between two bounds holds one."""
    if quantity == COUNT:
        return [float(n) for n in range(12)]
    if quantity == SHARE:
        return [n / 8 for n in range(9)]
    return [n / 4 for n in range(40)]


def _levels(quantity: str, warning: Bound | None, critical: Bound | None) -> set[Level]:
    threshold = Threshold(quantity=quantity, warning=warning, critical=critical)
    rule = Rule(check="any", thresholds=(threshold,))
    found: set[Level] = set()
    for value in _values(quantity):
        quantities = {quantity: Quantity(value=value)}
        measured = Measurement(value=value, unit="x", summary="", quantities=quantities)
        found.add(judge(measured, rule).level)
    return found


@given(pairs)
def test_accepted_exactly_when_every_level_occurs(
    pair: tuple[str, Bound | None, Bound | None],
) -> None:
    """Two bounds in one direction are accepted if and only if each level has a value."""
    quantity, warning, critical = pair
    bounds = {Level.WARNING: warning, Level.CRITICAL: critical}
    given_levels = {level for level, bound in bounds.items() if bound is not None}
    found = [wrong_value(bound, quantity) for bound in (warning, critical) if bound is not None]
    refused = any(found) or unreachable(warning, critical, quantity) != ""
    directions = {
        bound.op in (Op.AT_LEAST, Op.ABOVE) for bound in bounds.values() if bound is not None
    }
    all_occur = _levels(quantity, warning, critical) == {Level.OK, *given_levels}
    if not refused:
        assert all_occur
    elif not any(found) and len(directions) == 1:
        assert not all_occur


@given(warning=counts, critical=counts)
def test_loading_accepts_what_is_reachable(warning: Bound, critical: Bound) -> None:
    """The file says the same as the rule: refused, or loaded with exactly these bounds."""
    text = edited(
        (W3, f"        warning: {{{warning.op}: {warning.value:g}}}\n"),
        (C6, f"        critical: {{{critical.op}: {critical.value:g}}}\n"),
    )
    wrong = [wrong_value(warning, COUNT), wrong_value(critical, COUNT)]
    refused = any(wrong) or unreachable(warning, critical, COUNT) != ""
    assert bool(issues(text)) is refused
    if not refused:
        rule = load(text).rule("http_5xx", "1")
        assert rule is not None
        (threshold,) = rule.thresholds
        assert (threshold.warning, threshold.critical) == (warning, critical)


@pytest.mark.parametrize(
    ("quantity", "value", "why"),
    [
        (SHARE, 1.0, ""),
        (SHARE, 0.0, ""),
        (
            SHARE,
            10.0,
            "10 is no share: a share lies between 0 and 1; 10 % is 0.1",
        ),
        (SHARE, 250.0, "250 is no share: a share lies between 0 and 1"),
        (COUNT, 250.0, ""),
        (COUNT, 0.5, "0.5 is not a whole number, and value is counted"),
        (SECONDS, 0.5, ""),
        (SECONDS, -0.5, "-0.5 can never be reached: latency_seconds is never negative"),
    ],
)
def test_values_that_fit_the_quantity(quantity: str, value: float, why: str) -> None:
    """A share lies in 0–1, a count is whole, seconds are any number; none is negative."""
    assert wrong_value(Bound(op=Op.AT_LEAST, value=value), quantity) == why


def test_a_duration_in_seconds_has_values_between_whole_numbers() -> None:
    """Above 5 and at least 6 leave a WARNING for seconds, but none for a count."""
    warning, critical = Bound(op=Op.ABOVE, value=5), Bound(op=Op.AT_LEAST, value=6)
    assert unreachable(warning, critical, SECONDS) == ""
    assert unreachable(warning, critical, COUNT) != ""
