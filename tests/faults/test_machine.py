"""The machine in trouble: the log goes, the clock jumps, a process stands still."""

from __future__ import annotations

from pathlib import Path

from tests.faults.machine import hour_of_machine_trouble
from tests.faults.world import Ground, open_world


async def test_log_clock_and_scheduler_in_trouble_lose_nothing(
    ground: Ground, tmp_path: Path
) -> None:
    """One of two bots stands still for longer than its lease while its post is in Slack."""
    async with open_world(ground, tmp_path) as world:
        verdict = await hour_of_machine_trouble(world, minutes=35)
        assert verdict.wrong == []
        assert verdict.points >= 2 * 5
