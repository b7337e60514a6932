"""A runbook written for an earlier version goes on holding; what it cannot know is completed."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from checks import CHECKS
from checks.engine.runbook import CHECKPOINTS, RunbookError, lint, load_runbook, parse_runbook
from checks.engine.runbook.load import LATER

PATH = Path("before.yaml")
BEFORE = gzip.decompress(
    (Path(__file__).parents[1] / "fixtures" / "runbook-0.1.0.yaml.gz").read_bytes()
)
SHIPPED = load_runbook(checks=CHECKS)


def test_it_loads_with_what_is_shipped() -> None:
    """Shares, params and times between checkpoints are those of the shipped runbook."""
    book = parse_runbook(BEFORE, path=PATH, checks=CHECKS)
    assert book.sample == SHIPPED.sample
    assert (book.between, book.database) == (SHIPPED.between, SHIPPED.database)
    for check in CHECKS:
        for checkpoint in CHECKPOINTS:
            mine, shipped = book.rule(check.id, checkpoint), SHIPPED.rule(check.id, checkpoint)
            assert mine is not None
            assert shipped is not None
            assert mine.params == shipped.params


def test_lint_names_what_was_completed() -> None:
    """Each number, with its place in the file."""
    notes = [str(note) for note in lint(parse_runbook(BEFORE, path=PATH, checks=CHECKS))]
    assert len(notes) == len(LATER)
    for place in LATER:
        assert sum(f"{place[-1]} is missing, so what the shipped" in note for note in notes) == 1


def test_only_what_it_cannot_know_is_completed() -> None:
    """A number that the earlier version asked for is still an error, and so is a misspelt one."""
    without = BEFORE.replace(b"min_sample: 10", b"", 1)
    misspelt = BEFORE.replace(b"grace_seconds: 120", b"grace_second: 120", 1)
    assert without != BEFORE != misspelt
    for raw in (without, misspelt):
        with pytest.raises(RunbookError):
            parse_runbook(raw, path=PATH, checks=CHECKS)


def test_a_check_that_is_switched_off_needs_nothing() -> None:
    """Nothing is completed, and nothing is asked for."""
    start = BEFORE.index(b"  campaigns:\n")
    end = re.compile(rb"^  \w", re.MULTILINE).search(BEFORE, start + 3)
    assert end is not None
    switched = b"  campaigns: {enabled: false, reason: none are sent}\n"
    off = BEFORE[:start] + switched + BEFORE[end.start() :]
    book = parse_runbook(off, path=PATH, checks=CHECKS)
    assert book.switched_off == {"campaigns": "none are sent"}
    assert not any("overdue_seconds" in str(note) for note in lint(book))
