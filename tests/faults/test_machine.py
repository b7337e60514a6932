"""The machine in trouble: the log goes, the clock jumps, a process stands still."""

from __future__ import annotations

from pathlib import Path

from tests.faults.machine import hour_of_blocked_loops, hour_of_machine_trouble
from tests.faults.opening import open_world
from tests.faults.world import Ground


async def test_log_clock_and_scheduler_in_trouble_lose_nothing(
    ground: Ground, tmp_path: Path
) -> None:
    """One of two bots stands still for longer than its lease while its post is in Slack."""
    async with open_world(ground, tmp_path) as world:
        verdict = await hour_of_machine_trouble(world, minutes=35)
        assert verdict.wrong == []
        assert verdict.points >= 2 * 5


async def test_what_a_blocked_bot_holds_is_taken_over(ground: Ground, tmp_path: Path) -> None:
    """Its event loop blocks while its post is in Slack, until the other bot has settled that."""
    async with open_world(ground, tmp_path) as world:
        verdict = await hour_of_blocked_loops(world, times=1, minutes=25)
        assert verdict.wrong == []
        assert verdict.points >= 2 * 4
