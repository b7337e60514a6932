"""A place in the log: what is behind it later, whatever became of the file."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.sources import file_log
from bot.watch.log_place import end_of, read_from
from checks import CHECKS
from checks.engine.runbook import load_runbook

T0 = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)
OLD = "[Webhook:no-id] Message created: f03457a3-9238-4fea-8f2b-1cb586a9716d\n" * 20
NEW = "[Webhook:no-id] Message created: undefined\n"


def grown(path: Path) -> None:
    """More was written."""
    with path.open("a") as lines:
        lines.write(NEW)


def rotated(path: Path) -> None:
    """It was renamed, and another one begun."""
    path.rename(path.with_suffix(".log.1"))
    path.write_text(NEW)


def cut(path: Path) -> None:
    """It was copied away, and cut."""
    path.write_text(NEW)


@pytest.mark.parametrize("change", [grown, rotated, cut])
async def test_what_is_behind_it(tmp_path: Path, change: Callable[[Path], None]) -> None:
    """What was written since is seen, and nothing from before."""
    path = tmp_path / "app.log"
    path.write_text(OLD)
    log = file_log((path,), load_runbook(checks=CHECKS), lambda: T0)
    place = await end_of(log)
    change(path)
    seen, _ = await log.scan(await read_from(log, place, T0, T0 + timedelta(minutes=1)))
    assert {name: found.count for name, found in seen.signals.items() if found.count} == {
        "inbound_dropped": 1
    }


async def test_a_file_that_was_not_there_is_read_from_its_start(tmp_path: Path) -> None:
    """All of it was written since; before that there is nothing to read."""
    path = tmp_path / "app.log"
    log = file_log((path,), load_runbook(checks=CHECKS), lambda: T0)
    assert await end_of(log) is None
    assert await end_of(None) is None
    assert (await read_from(log, None, T0, T0)).since_offset is None
    path.write_text(OLD)
    assert (await read_from(log, None, T0, T0)).since_offset == 0
