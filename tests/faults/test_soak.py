"""What the bot holds on to stays flat over watches that come and go, and a leak would be seen."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from bot.demo.databases import make_databases
from tests.faults.soak.day import open_soak
from tests.faults.soak.figures import Figures
from tests.faults.soak.flat import grown
from tests.faults.world import Ground


async def test_what_the_bot_holds_stays_flat(ground: Ground, tmp_path: Path) -> None:
    """Short watches in three channels, the machine asleep between them.

    `python -m tests.faults.soak` plays a day.
    """
    figures: list[Figures] = []
    async with open_soak(make_databases(ground.server), tmp_path) as soak:
        rounds = soak.rounds(
            ["quiet-hour"] * 12, length=timedelta(minutes=6), pause=timedelta(minutes=40)
        )
        figures += [one async for one in rounds]
    print(*figures, sep="\n")
    assert grown(figures, cycle=1) == []
