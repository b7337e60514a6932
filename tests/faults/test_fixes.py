"""Fixes while bots are killed: each is executed once, whoever presses how often."""

from __future__ import annotations

from pathlib import Path

import psycopg

from tests.faults.fix_truth import judge
from tests.faults.fix_world import open_fix_world
from tests.faults.fixing import hour_of_fixes
from tests.faults.truth import Verdict
from tests.faults.world import Ground


async def test_fixes_cut_off_anywhere_are_executed_once(ground: Ground, tmp_path: Path) -> None:
    """A reset, two new secrets, an undo and a rollback; two bots, one killed at each of them."""
    async with open_fix_world(ground, tmp_path) as fixes:
        verdict = await hour_of_fixes(fixes, rounds=5, replicas=2, seed=5, minutes=6)
        assert verdict.wrong == []
        assert verdict.fixes >= 4


async def test_what_was_done_twice_is_found(ground: Ground, tmp_path: Path) -> None:
    """Rows, secrets and runs that no claim stands for."""
    async with open_fix_world(ground, tmp_path) as fixes:
        ids = fixes.plant("Norte")
        with psycopg.connect(fixes.roles.owner) as owner:
            owner.execute("UPDATE messages SET status = 'queued' WHERE id = %s", [ids[0]])
            owner.execute(
                "UPDATE unit_whatsapp_connections SET webhook_secret = 'another' WHERE id = %s",
                [fixes.units["Norte"].connection],
            )
        fixes.ran.write_text("began\nended\n", encoding="ascii")
        verdict = Verdict()
        await judge(fixes, verdict)
        assert verdict.unsafe == [
            "a message was reset 1 times and taken back 0 times; the claims say 0 and 0",
            "Norte got 1 secrets by 0 executed fixes",
            "database and Evolution differ about Norte",
            "Evolution was never told a secret that Norte had",
            "the command ran 1 times for 0 rollbacks, 0 done",
        ]
