"""Slack in trouble: nothing is lost, nothing is said twice, the order in a channel is kept."""

from __future__ import annotations

from pathlib import Path

from tests.faults.opening import open_world
from tests.faults.slack import disordered_envelopes, ended_while_people_type, hour_of_slack_trouble
from tests.faults.world import Ground


async def test_limits_errors_and_broken_connections_lose_nothing(
    ground: Ground, tmp_path: Path
) -> None:
    """429, 500, resets before and after applying, sockets cut, look-ups that fail."""
    async with open_world(ground, tmp_path) as world:
        verdict = await hour_of_slack_trouble(world, minutes=35, hangs=False)
        assert verdict.wrong == []
        assert verdict.points >= 2 * 5


async def test_envelopes_doubled_and_in_disorder_are_done_once(
    ground: Ground, tmp_path: Path
) -> None:
    """Two bots, each with a socket: a copy may come to the other one."""
    async with open_world(ground, tmp_path, quiet=True) as world:
        assert (await disordered_envelopes(world)).wrong == []


async def test_what_was_acknowledged_before_sigterm_is_done(ground: Ground, tmp_path: Path) -> None:
    """And the next bot takes up the watches."""
    async with open_world(ground, tmp_path, quiet=True) as world:
        assert (await ended_while_people_type(world)).wrong == []
