"""`log.loki.lag`: optional, a duration, and shorter than the windows that it shortens."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from checks import CHECKS
from checks.engine.runbook import Runbook, RunbookError, lint, shipped_runbook
from checks.engine.runbook.load import parse_runbook

_LAG = "  loki:\n    lag: 30s"


def loaded(lag: str) -> Runbook:
    """The shipped runbook with these lines in place of its own."""
    text = shipped_runbook().read_text("utf-8")
    assert text.count(_LAG) == 1
    return parse_runbook(text.replace(_LAG, lag).encode(), path=Path("r.yaml"), checks=CHECKS)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [(_LAG, 30), ("", 30), ("  loki: {lag: 0s}", 0), ("  loki: {lag: 2m}", 120)],
)
def test_the_lag_is_read(written: str, seconds: int) -> None:
    """Where the runbook says none, it is 30 s."""
    book = loaded(written)
    assert book.log.loki_lag == timedelta(seconds=seconds)
    assert lint(book) == ()


@pytest.mark.parametrize("written", ["  loki: {lag: 30}", "  loki: {}", "  loki: {lag: 5s, x: 1}"])
def test_a_lag_that_is_none(written: str) -> None:
    """A number without a unit, nothing, and unknown keys are refused."""
    with pytest.raises(RunbookError):
        loaded(written)


def test_a_lag_as_long_as_a_window_is_a_contradiction() -> None:
    """Nothing would be left of the last ten minutes."""
    (note,) = lint(loaded("  loki: {lag: 10m}"))
    assert note.where == "log.loki.lag"
    assert "leaves nothing of a window of 600 s" in note.message
