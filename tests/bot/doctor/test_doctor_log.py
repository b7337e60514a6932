"""The log: there, understood, alive."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.doctor.log import look_at_log
from bot.doctor.model import Line, Status
from bot.sources import file_log
from checks import CHECKS
from checks.engine.runbook import Runbook, load_runbook
from tests.bot.crm_log import retries, text, timed, traffic
from tests.bot.doctor.lines import bad, saying

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
RUNBOOK = load_runbook(checks=CHECKS)
LINES = [*traffic(200, 200, 503), *retries(2)]


def written(path: Path, lines: list[str], age: timedelta = timedelta(seconds=3)) -> Path:
    """A log whose last line was written so long ago."""
    path.write_text(text(lines), encoding="utf-8")
    then = (NOW - age).timestamp()
    os.utime(path, (then, then))
    return path


async def look(path: Path, runbook: Runbook = RUNBOOK) -> list[Line]:
    """What is said about a log."""
    return await look_at_log(file_log([path], runbook, lambda: NOW), path, NOW)


async def test_a_living_log(tmp_path: Path) -> None:
    """A log of the application is fine; what it has shown and what not is told apart."""
    lines = await look(written(tmp_path / "app.log", LINES))
    assert bad(lines) == []
    assert saying(lines, "in the format crm-console (")
    assert saying(lines, "carries no times")
    assert saying(lines, "last written 3 seconds ago")
    assert saying(lines, "Signals seen: http_responses, http_5xx, retry.")
    assert "unknown_instance" in saying(lines, "Quiet").what


async def test_a_log_with_times(tmp_path: Path) -> None:
    """The platform's times are found in the prefix."""
    lines = await look(written(tmp_path / "app.log", timed(LINES)))
    assert saying(lines, "times stand in the platform's prefix")


async def test_no_log(tmp_path: Path) -> None:
    """A file that is not there is one line."""
    (line,) = await look(tmp_path / "nothing.log")
    assert line.status is Status.FAILED
    assert line.mend


async def test_an_empty_log(tmp_path: Path) -> None:
    """An empty file has no format."""
    (line,) = await look(written(tmp_path / "app.log", []))
    assert "is empty" in line.what


async def test_another_programs_log(tmp_path: Path) -> None:
    """A format that no profile knows has failed."""
    (line,) = await look(written(tmp_path / "app.log", ["water", "under", "the", "bridge"] * 9))
    assert line.status is Status.FAILED
    assert "was not recognised" in line.what


async def test_a_mixture(tmp_path: Path) -> None:
    """Where half of a log is something else, that is a warning."""
    noise = [f"water under the bridge {n}" for n in range(9)]
    lines = await look(written(tmp_path / "app.log", [*LINES, *noise]))
    assert saying(lines, "is little").status is Status.WARNING


async def test_a_log_that_does_not_grow(tmp_path: Path) -> None:
    """A file that nobody has written to for hours is perhaps the wrong one."""
    lines = await look(written(tmp_path / "app.log", LINES, timedelta(hours=5)))
    assert saying(lines, "was last written 5 hours ago").status is Status.WARNING


async def test_no_responses(tmp_path: Path) -> None:
    """Without one response there is no evidence for any HTTP check."""
    lines = await look(written(tmp_path / "app.log", retries(20)))
    assert saying(lines, "No response was recognised").status is Status.FAILED


async def test_a_dead_pattern(tmp_path: Path) -> None:
    """A pattern that no longer matches its own example has failed."""
    profile = RUNBOOK.log.profiles["crm-console"]
    spec = profile.signals["unknown_instance"].model_copy(update={"example": "something else"})
    signals = {**profile.signals, "unknown_instance": spec}
    broken = profile.model_copy(update={"signals": signals})
    log = replace(RUNBOOK.log, profiles={**RUNBOOK.log.profiles, "crm-console": broken})
    runbook = replace(RUNBOOK, log=log)
    lines = await look(written(tmp_path / "app.log", LINES), runbook)
    line = saying(lines, "pattern of unknown_instance")
    assert line.status is Status.FAILED
    assert "unknown_instance" not in saying(lines, "Quiet").what


async def test_an_access_log(tmp_path: Path) -> None:
    """A format that shows less says what it does not carry."""
    access = [
        f'203.0.113.7 - - [05/Mar/2026:11:59:{n:02d} +0000] "GET /leads HTTP/1.1" 200 12 "-" "x"'
        for n in range(20)
    ]
    lines = await look(written(tmp_path / "access.log", access))
    line = saying(lines, "does not carry")
    assert line.status is Status.WARNING
    assert re.search(r"\bretry\b", line.what)
