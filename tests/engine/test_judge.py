"""How a measurement becomes a level, and a finding that explains itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.engine.model import Json, Level, Measurement, Problem, Quantity, Window
from checks.engine.shares import SampleRule
from checks.engine.thresholds import (
    Bound,
    Op,
    Rule,
    Threshold,
    describe,
    finding_of,
    judge,
    needs,
)


def at_least(value: float) -> Bound:
    """`value` or more."""
    return Bound(op=Op.AT_LEAST, value=value)


def above(value: float) -> Bound:
    """More than `value`."""
    return Bound(op=Op.ABOVE, value=value)


def rule(*thresholds: Threshold, min_sample: int = 10) -> Rule:
    """A rule of these thresholds."""
    sample = SampleRule(min_sample=min_sample, min_bad=3, confidence=0.95)
    return Rule(check="some", thresholds=thresholds, sample=sample)


def measured(**quantities: Quantity) -> Measurement:
    """A measurement of these quantities; the first is the headline."""
    first = next(iter(quantities.values()), Quantity(value=0))
    return Measurement(value=first.value, unit="things", summary="Seen.", quantities=quantities)


COUNT = Threshold(quantity="value", warning=at_least(3), critical=at_least(6))
SHARE = Threshold(
    quantity="share", warning=above(0.05), critical=above(0.10), says="failed share of messages"
)


@pytest.mark.parametrize(
    ("op", "holds"),
    [
        (Op.AT_LEAST, [False, True, True]),
        (Op.ABOVE, [False, False, True]),
        (Op.AT_MOST, [True, True, False]),
        (Op.BELOW, [True, False, False]),
    ],
)
def test_bounds(op: Op, holds: list[bool]) -> None:
    """Each comparison says what it says at its value and beside it."""
    assert [Bound(op=op, value=5).holds(value) for value in (4.9, 5, 5.1)] == holds


def test_the_worst_quantity_decides() -> None:
    """The level is the worst of all quantities, whatever their order."""
    quantities = {"value": Quantity(value=4), "share": Quantity(value=0.2, sample=50, bad=10)}
    for thresholds in ((COUNT, SHARE), (SHARE, COUNT)):
        found = judge(measured(**quantities), rule(*thresholds))
        assert (found.level, found.deciding) == (Level.CRITICAL, SHARE)


def test_what_could_not_be_measured_is_unknown() -> None:
    """A measurement that names a problem is UNKNOWN, even where its numbers look bad."""
    problem = Problem(what="No log.", mend="Give one.")
    found = judge(
        Measurement(
            value=None,
            unit="",
            summary="No log.",
            unknown=problem,
            quantities={"value": Quantity(value=9)},
        ),
        rule(COUNT),
    )
    assert (found.level, found.unknown) == (Level.UNKNOWN, problem)


def test_nothing_that_is_bounded_is_unknown() -> None:
    """A measurement without any of the numbers that the runbook bounds is never OK."""
    found = judge(measured(other=Quantity(value=0)), rule(COUNT, SHARE))
    assert found.level is Level.UNKNOWN
    assert found.unknown is not None
    assert found.unknown.what == (
        "The check measured none of what the runbook bounds (value, share)."
    )


def test_a_quantity_without_a_bound_has_no_say() -> None:
    """What the runbook does not bound never makes a finding worse."""
    found = judge(measured(value=Quantity(value=0), sent=Quantity(value=1e9)), rule(COUNT))
    assert found.level is Level.OK


@pytest.mark.parametrize(
    ("sample", "bad", "level", "mend"),
    [
        (0, 0, Level.OK, ""),
        (3, 0, Level.OK, ""),
        (9, 0, Level.OK, ""),
        (4, 1, Level.UNKNOWN, "2 more are needed if they go wrong too, otherwise 6."),
        (9, 1, Level.UNKNOWN, "1 more is needed."),
        (9, 9, Level.CRITICAL, ""),
        (10, 10, Level.CRITICAL, ""),
    ],
)
def test_a_share_needs_a_sample(sample: int, bad: int, level: Level, mend: str) -> None:
    """Below the sample, nothing bad is OK and something bad is UNKNOWN with what is missing."""
    value = bad / sample if sample else 0.0
    found = judge(measured(share=Quantity(value=value, sample=sample, bad=bad)), rule(SHARE))
    assert found.level is level
    assert (found.unknown.mend if found.unknown else "") == mend


def test_the_sample_is_the_runbooks() -> None:
    """How many events are enough is the rule's number, not a fixed one."""
    quantities = {"share": Quantity(value=0.5, sample=4, bad=2)}
    assert judge(measured(**quantities), rule(SHARE, min_sample=4)).level is Level.CRITICAL
    assert judge(measured(**quantities), rule(SHARE, min_sample=5)).level is Level.UNKNOWN


@pytest.mark.parametrize(
    ("count", "level"), [(0, Level.UNKNOWN), (3, Level.WARNING), (6, Level.CRITICAL)]
)
def test_a_small_sample_hides_no_count(count: int, level: Level) -> None:
    """A count needs no sample: what it says outranks a share that cannot be judged yet."""
    quantities = {"share": Quantity(value=0.5, sample=2, bad=1), "value": Quantity(value=count)}
    assert judge(measured(**quantities), rule(SHARE, COUNT)).level is level


levels = [Level.OK, Level.WARNING, Level.CRITICAL]


@given(st.integers(0, 12), st.integers(0, 12))
def test_more_is_never_better(one: int, other: int) -> None:
    """With bounds of one direction, a greater count never has a better level."""
    low, high = sorted((one, other))
    found = [judge(measured(value=Quantity(value=n)), rule(COUNT)).level for n in (low, high)]
    assert levels.index(found[0]) <= levels.index(found[1])


# --- findings -----------------------------------------------------------------------------------


def test_a_finding_keeps_what_was_measured() -> None:
    """Value, unit, window, evidence, details and quantities come through as they are."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    window = Window(since=now - timedelta(hours=1), until=now)
    quantities = {"value": Quantity(value=4)}
    found = finding_of(
        "retries",
        "Retries",
        Measurement(
            value=4,
            unit="retries",
            summary="4 retries.",
            quantities=quantities,
            details={"sent": 9},
            evidence=("a line",),
            window=window,
        ),
        rule(COUNT),
    )
    assert (found.check, found.title, found.level) == ("retries", "Retries", Level.WARNING)
    assert (found.value, found.unit, found.summary) == (4, "retries", "4 retries.")
    assert (found.window, found.evidence, found.quantities) == (window, ("a line",), quantities)
    assert found.details == {"sent": 9}
    assert found.threshold == {"warning": 3, "critical": 6}
    assert found.would_change == "GO needs 2 or fewer retries."


def test_an_unknown_finding_has_no_value() -> None:
    """UNKNOWN has no value; it says what is missing, and what would help."""
    found = finding_of(
        "some", "Some", measured(share=Quantity(value=0.25, sample=4, bad=1)), rule(SHARE)
    )
    assert (found.level, found.value) == (Level.UNKNOWN, None)
    assert found.summary == (
        "Seen. 1 of 4 is too small a sample to judge a share."
        " 2 more are needed if they go wrong too, otherwise 6."
    )
    assert found.would_change == "2 more are needed if they go wrong too, otherwise 6."


def test_an_ok_finding_needs_nothing() -> None:
    """There is nothing to change about OK."""
    found = finding_of("some", "Some", measured(value=Quantity(value=0)), rule(COUNT))
    assert (found.level, found.value, found.would_change) == (Level.OK, 0, "")


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [
        (COUNT, {"warning": 3, "critical": 6}),
        (Threshold(quantity="value", critical=above(50)), {"critical": 51}),
        (Threshold(quantity="value", warning=at_least(1)), {"warning": 1}),
        (SHARE, {"warning": {"above": 0.05}, "critical": {"above": 0.1}}),
        (
            Threshold(quantity="share", warning=Bound(op=Op.AT_MOST, value=0.9)),
            {"warning": {"at_most": 0.9}},
        ),
        (Threshold(quantity="share", warning=at_least(0.05)), {"warning": {"at_least": 0.05}}),
    ],
)
def test_threshold_as_json(threshold: Threshold, expected: dict[str, Json]) -> None:
    """Counts are shown as the smallest value of a level, shares as fractions with a comparison."""
    quantity = Quantity(value=0.0, sample=20)
    found = finding_of("some", "Some", measured(**{threshold.quantity: quantity}), rule(threshold))
    assert found.threshold == expected
    assert "threshold" not in found.details


def test_a_compound_rule_is_a_text() -> None:
    """Several quantities have no single threshold: the rule stands in the details, in words."""
    quantities = {"value": Quantity(value=0), "share": Quantity(value=0, sample=20)}
    found = finding_of("some", "Some", measured(**quantities), rule(COUNT, SHARE))
    assert found.threshold is None
    assert found.details["threshold"] == describe(rule(COUNT, SHARE))


def test_a_rule_in_words() -> None:
    """Bounds read as sentences: any, so many or more, more than a share."""
    some = rule(
        Threshold(
            quantity="value", warning=at_least(1), critical=above(50), says="waiting recipients"
        ),
        SHARE,
        Threshold(quantity="success_share", warning=Bound(op=Op.AT_MOST, value=0.9)),
        Threshold(quantity="missing_rows", warning=at_least(2)),
    )
    assert describe(some) == (
        "CRITICAL: more than 50 waiting recipients; WARNING: any waiting recipients;"
        " CRITICAL: failed share of messages of more than 10 %;"
        " WARNING: failed share of messages of more than 5 %;"
        " WARNING: success share of 90 % or less;"
        " WARNING: 2 or more missing rows"
    )


@pytest.mark.parametrize(
    ("bound", "share", "words"),
    [
        (at_least(6), False, "5 or fewer"),
        (at_least(1), False, "no"),
        (above(50), False, "50 or fewer"),
        (Bound(op=Op.AT_MOST, value=3), False, "more than 3"),
        (Bound(op=Op.BELOW, value=3), False, "3 or more"),
        (above(0.1), True, "10 % or less"),
        (at_least(0.05), True, "less than 5 %"),
        (Bound(op=Op.AT_MOST, value=0.9), True, "more than 90 %"),
        (above(0.07), True, "7 % or less"),
    ],
)
def test_what_a_bound_needs(bound: Bound, *, share: bool, words: str) -> None:
    """What the value would have to be is said as a person says it."""
    assert needs(bound, share=share) == words


def test_what_would_change_names_each_quantity_that_is_bad() -> None:
    """Only what is bad has to change, each by its own name; a GO needs less than a WARNING."""
    some = rule(
        Threshold(quantity="failed", warning=at_least(1), says="failed inbound messages"),
        SHARE,
        Threshold(quantity="fine", warning=at_least(1), says="fine things"),
        Threshold(quantity="value", warning=at_least(3)),
    )
    quantities = {
        "failed": Quantity(value=2),
        "share": Quantity(value=0.2, sample=20, bad=4),
        "fine": Quantity(value=0),
        "value": Quantity(value=7),
    }
    found = finding_of("some", "Some", measured(**quantities), some)
    assert found.would_change == (
        "GO needs no failed inbound messages, a failed share of messages of 5 % or less"
        " and 2 or fewer things."
    )
