"""`kill -9` for bots at random instants: whatever was under way, each checkpoint is posted once."""

from __future__ import annotations

from pathlib import Path

from tests.faults.killing import hour_of_kills
from tests.faults.opening import open_world
from tests.faults.world import Ground


async def test_one_bot_killed_again_and_again_loses_and_doubles_nothing(
    ground: Ground, tmp_path: Path
) -> None:
    """Half of the kills fall between Slack's answer and the bot's row."""
    async with open_world(ground, tmp_path) as world:
        verdict = await hour_of_kills(world, kills=8, replicas=1, seed=1, minutes=40)
        assert verdict.wrong == []
        assert verdict.points >= 2 * 5


async def test_of_two_bots_one_at_a_time_is_killed(ground: Ground, tmp_path: Path) -> None:
    """The other one takes over what was claimed, once the lease has ended."""
    async with open_world(ground, tmp_path) as world:
        verdict = await hour_of_kills(world, kills=6, replicas=2, seed=2, minutes=35)
        assert verdict.wrong == []
        assert verdict.points >= 2 * 5
