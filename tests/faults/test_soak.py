"""What the bot holds on to stays flat over watches that come and go."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.faults.soak.day import grown, soak
from tests.faults.world import Ground


async def test_memory_tasks_and_connections_stay_flat(ground: Ground, tmp_path: Path) -> None:
    """Rounds of short watches in three channels; `python -m tests.faults.soak` plays a day."""
    store = ground.server.create_database(template=ground.store)
    crm = ground.server.create_database(template=ground.crm)
    figures = await soak((store, crm), tmp_path, hours=0.25, length=timedelta(minutes=6))
    print(*figures, sep="\n")
    assert len(figures) >= 2
    assert grown(figures) == []
