"""A finding beside the one of the deployment before: exact tests, and what they may raise."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.engine import runner
from checks.engine.history import Past, compare, fisher, poisson
from checks.engine.model import Finding, Level, Quantity
from checks.engine.runbook.model import HistoryRule
from checks.engine.runner import Sources
from checks.engine.thresholds import Bound, Op, Rule, Threshold
from tests.engine.runbooks import edited, issues
from tests.engine.runs import ALL, BOOK, FINAL, LOG
from tests.support.fakes import FakeLog

COUNT = Rule(
    check="retries",
    thresholds=(Threshold(quantity="value", warning=Bound(op=Op.AT_LEAST, value=6)),),
)
SHARE = Rule(
    check="sends",
    thresholds=(
        Threshold(quantity="success_share", warning=Bound(op=Op.AT_MOST, value=0.9)),
        Threshold(quantity="failed_share", warning=Bound(op=Op.ABOVE, value=0.05)),
    ),
)


def finding(**quantities: Quantity) -> Finding:
    """A finding with these numbers."""
    return Finding(
        check="retries",
        title="Retries",
        level=Level.OK,
        value=None,
        unit="retries",
        summary="",
        threshold=None,
        details={},
        quantities=quantities,
    )


def counted(n: int) -> Finding:
    """A finding that counted so many."""
    return finding(value=Quantity(value=n))


def past(found: Finding, seconds: float = 3600) -> Past:
    """The deployment before, and what it found."""
    return Past(version="v1", finding=found, seconds=seconds)


@given(now=st.integers(0, 60), before=st.integers(0, 60), parts=st.integers(1, 9))
def test_the_poisson_test_is_exact(now: int, before: int, parts: int) -> None:
    """Equal to the binomial tail in fractions, for any split of the time."""
    exposure, n = Fraction(parts, 10), now + before
    exact = sum(comb(n, k) * exposure**k * (1 - exposure) ** (n - k) for k in range(now, n + 1))
    assert poisson(now, before, float(exposure)) == pytest.approx(float(exact), rel=1e-9)


@given(
    now=st.integers(0, 40),
    before=st.integers(0, 40),
    more=st.integers(1, 20),
    parts=st.integers(1, 9),
)
def test_more_now_is_never_less_surprising(now: int, before: int, more: int, parts: int) -> None:
    """The chance falls as the count of now rises, and rises with the count of then."""
    exposure = parts / 10
    assert poisson(now + more, before, exposure) <= poisson(now, before, exposure) + 1e-12
    assert poisson(now, before + more, exposure) + 1e-12 >= poisson(now, before, exposure)


@given(
    bad=st.integers(0, 20),
    sample=st.integers(20, 60),
    other=st.integers(0, 20),
    size=st.integers(20, 60),
)
def test_fishers_test_is_a_probability_that_falls(
    bad: int, sample: int, other: int, size: int
) -> None:
    """In 0–1; one more bad event is never less surprising."""
    p = fisher(bad, sample, other, size)
    assert 0 < p <= 1
    if bad < sample:
        assert fisher(bad + 1, sample, other, size) <= p + 1e-12


def test_a_known_value_of_fishers_test() -> None:
    """The tea-tasting table: 3 of 4 against 1 of 4 has the chance 17/70."""
    assert fisher(3, 4, 1, 4) == pytest.approx(17 / 70)


def test_nothing_before_and_seven_now_is_news() -> None:
    """Zero is a measurement like any other; one alone is no news."""
    news = compare(counted(7), COUNT, past(counted(0)), 3600)
    assert news is not None
    assert news.p == pytest.approx(1 / 128)
    assert news.words == "very likely more than with v1: 0 then, 7 now (chance 0.8%)"
    calm = compare(counted(1), COUNT, past(counted(0)), 3600)
    assert calm is not None
    assert calm.words == "no clear difference to v1: 0 then, 1 now"


def test_thousands_of_events_are_compared() -> None:
    """Beyond what a float can hold as a binomial coefficient."""
    found = compare(counted(5200), COUNT, past(counted(5000)), 3600)
    assert found is not None
    assert 0.01 < found.p < 0.05


def test_windows_of_different_length_are_told_apart() -> None:
    """Ten in an hour are not more than five in half an hour."""
    found = compare(counted(10), COUNT, past(counted(5), seconds=1800), 3600)
    assert found is not None
    assert found.p > 0.3


def test_shares_are_compared_by_what_is_bad() -> None:
    """The number of which more is worse, by its events and not by its percentage."""
    now = finding(failed_share=Quantity(value=0.2, sample=50, bad=10))
    then = finding(failed_share=Quantity(value=0.02, sample=100, bad=2))
    found = compare(now, SHARE, past(then), 3600)
    assert found is not None
    assert found.words.startswith("almost certainly more than with v1: 2 of 100 then, 10 of 50 now")


def test_what_was_not_measured_is_not_compared() -> None:
    """An UNKNOWN then or now says nothing."""
    assert compare(counted(7), COUNT, past(finding()), 3600) is None
    assert compare(finding(), COUNT, past(counted(7)), 3600) is None
    empty = finding(failed_share=Quantity(value=0, sample=0))
    assert compare(empty, SHARE, past(empty), 3600) is None


async def test_it_is_context_unless_the_runbook_raises_it() -> None:
    """The level stays; with the check named in the runbook a clear rise is a WARNING."""
    occasion = replace(FINAL, past={"retries": past(counted(0))})
    log = replace(LOG, signals={**LOG.signals, "retry": replace(LOG.signals["retry"], count=5)})
    book = BOOK
    sources = Sources(log=FakeLog(evidence=log))
    shown = await runner.run(ALL, book, sources, occasion)
    found = next(f for f in shown.findings if f.check == "retries")
    assert (found.level, found.value) == (Level.OK, 5)
    assert "history" in found.details
    raised = replace(book, history=HistoryRule(checks=frozenset({"retries"}), below=0.05))
    report = await runner.run(ALL, raised, sources, occasion)
    found = next(f for f in report.findings if f.check == "retries")
    assert found.level is Level.WARNING
    assert "probably more than with v1: 0 then, 5 now (chance 3.1%)" in found.summary


def test_an_unknown_check_in_the_runbook_is_refused() -> None:
    """A typo would silently raise nothing."""
    found = issues(edited(("  raises: []", "  raises: [retrys]")))
    assert any("retrys" in str(one) or "unknown check" in str(one) for one in found)
