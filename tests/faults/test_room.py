"""Full disks: of the store and the application's log, and of golive's own log."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.room import NoVolumeError, hour_of_full_disk, hour_without_own_log
from tests.faults.world import Ground


async def test_a_full_disk_loses_nothing(ground: Ground, tmp_path: Path) -> None:
    """What could not be recorded is taken when there is room again, once."""
    try:
        verdict = await hour_of_full_disk(ground, tmp_path, minutes=35)
    except NoVolumeError as why:
        pytest.skip(str(why))
    assert verdict.wrong == []
    assert verdict.points >= 2 * 5


async def test_a_bot_whose_own_log_cannot_be_written_goes_on(
    ground: Ground, tmp_path: Path
) -> None:
    """Whatever there is to be logged, as when the store does not answer."""
    verdict = await hour_without_own_log(ground, tmp_path, minutes=60)
    assert verdict.wrong == []
    assert verdict.points >= 2 * 5
