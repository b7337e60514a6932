"""The store in trouble: nothing is lost while it is the same store, and a lost one is told."""

from __future__ import annotations

from pathlib import Path

from tests.faults.store import hour_of_store_trouble, open_store_world, replaced_store
from tests.faults.world import Ground


async def test_a_store_in_every_kind_of_trouble_loses_nothing(
    ground: Ground, tmp_path: Path
) -> None:
    """It crashes, stops and comes back, becomes slow, and runs out of connections."""
    async with open_store_world(ground, tmp_path) as (world, server, proxy):
        verdict = await hour_of_store_trouble(world, server, proxy, minutes=35)
        assert verdict.wrong == []
        assert verdict.points >= 2 * 5


async def test_a_store_replaced_by_an_empty_one_is_told_and_nothing_is_done_by_itself(
    ground: Ground, tmp_path: Path
) -> None:
    """Each channel hears of it once, also from two bots; `status` answers, and a start works."""
    async with open_store_world(ground, tmp_path) as (world, server, proxy):
        assert (await replaced_store(world, server, proxy)).wrong == []
