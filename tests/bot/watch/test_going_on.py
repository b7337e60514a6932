"""Watches go on after an error that nobody foresaw, and end with a store that was replaced."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

import psycopg
import pytest

from bot.demo.workspace.server import Workspace
from bot.watch.lookout import Lookout
from tests.support.hand import HandClock
from tests.support.slack_bot import Stage, at, settings_for, staged

T0 = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)
TICK = "tick"


def heads(stage: Stage) -> list[str]:
    """The first line of every message."""
    return [post.text.partition("\n")[0] for post in stage.posts]


@pytest.mark.parametrize("broken", ["watch", "mark", "tick"])
async def test_an_unforeseen_error_ends_no_watch(
    broken: str, tmp_path: Path, store_database: str
) -> None:
    """The error is told; the tick comes again, and the point is taken after all."""
    clock = HandClock(T0)
    (tmp_path / "app.log").write_text("")
    async with Workspace(now=clock.now) as workspace:
        settings = settings_for(workspace, store_database, log=tmp_path / "app.log")
        async with staged(workspace, settings, clock) as stage:
            await stage.command("/golive start v2.4.0")
            with patch.object(Lookout, broken, side_effect=RuntimeError):
                await stage.timer.reach(at(T0, 11))
            assert {type(error) for error in stage.timer.failures} == {RuntimeError}
            await stage.timer.reach(at(T0, 12))
            assert TICK in stage.timer.jobs
            assert any("checkpoint 1 (T+10)" in head for head in heads(stage))


async def test_a_replaced_store_is_told_to_the_channel_and_its_watch_is_let_go(
    tmp_path: Path, store_database: str
) -> None:
    """Nothing of the old watch is said any more; the post says how to begin it again."""
    clock = HandClock(T0)
    (tmp_path / "app.log").write_text("")
    async with Workspace(now=clock.now) as workspace:
        settings = settings_for(workspace, store_database, log=tmp_path / "app.log")
        async with staged(workspace, settings, clock) as stage:
            await stage.command("/golive start v2.4.0")
            await stage.timer.reach(at(T0, 7))
            before = len(stage.posts)
            with psycopg.connect(store_database) as connection:
                connection.execute("DROP SCHEMA golive CASCADE")
            await stage.bot.store.open()
            await stage.timer.reach(at(T0, 31))
            (told,) = stage.posts[before:]
            assert "golive lost its state" in told.text
            assert "/golive start v2.4.0 7m" in str(told.all_blocks()) + told.text
