"""Holding rows against Slack: what is lost, doubled or out of date is found."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from tests.faults.opening import open_world
from tests.faults.truth import compare
from tests.faults.world import CHANNELS, T0, Ground


async def test_what_is_lost_or_doubled_is_found(ground: Ground, tmp_path: Path) -> None:
    """A message that is there twice, and one that is gone."""
    async with open_world(ground, tmp_path, quiet=True) as world:
        await world.begin()
        assert (await world.finish(6)).wrong == []
        shown = world.messages
        (said,) = [one for one in shown if one.channel == CHANNELS[0] and "T+5" in one.text]
        again = replace(said, ts=f"{float(said.ts) + 1:.6f}")
        until = T0 + timedelta(minutes=6)
        doubled = compare(world.store, [*shown, again], world.runbook, until=until)
        assert any("is there 2 times" in sentence for sentence in doubled.doubled)
        fewer = [one for one in shown if one is not said]
        lost = compare(world.store, fewer, world.runbook, until=until)
        assert [sentence for sentence in lost.lost if "0 times in Slack" in sentence] != []
