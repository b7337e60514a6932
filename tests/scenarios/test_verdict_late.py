"""A watch that begins long after its deploy, and a bot that was away: what the channel is told."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from bot.demo.workspace.server import Workspace
from tests.support.hand import HandClock
from tests.support.logs import exchanges, stamped
from tests.support.replicas import replicas
from tests.support.slack_bot import at, settings_for
from tests.support.typing_people import LEAD, T0, Ground, playing, words_of

MISSED = ("checkpoint 1 (T+10)", "checkpoint 2 (T+20)", "checkpoint 3 (T+30)")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """An empty log of the application."""
    path = tmp_path / "app.log"
    path.write_text("")
    return path


def write(path: Path, lines: Iterable[str]) -> None:
    """Let the application write more."""
    with path.open("a") as log:
        log.writelines(f"{line}\n" for line in lines)


async def test_a_watch_that_begins_late_tells_no_trouble_three_times(ground: Ground) -> None:
    """The log is clean until T+45: the missed checkpoints are no NO-GO, T+50 is, and calls once."""
    async with playing(ground) as play:
        await play.to(45)
        await play.bad(30)
        await play.to(50)
        await play.type("start v3 50m")
        for words in MISSED:
            post = play.one(words)
            assert "NO-GO" not in post.text
            assert "min late" in post.text
        await play.to(51)
        bad = [p for p in play.posts() if "✖ NO-GO" in p.text and p.thread_ts is not None]
        assert ["T+50" in p.text for p in bad] == [True]
        assert len([p for p in play.posts() if LEAD in p.text]) == 1


async def test_a_clean_deploy_of_before_is_quiet(ground: Ground) -> None:
    """Nothing is wrong, and nothing is said to be."""
    async with playing(ground) as play:
        await play.to(50)
        await play.type("start v3 50m")
        await play.to(51)
        assert [p.text for p in play.posts() if "NO-GO" in p.text] == []
        assert [p.text for p in play.posts() if LEAD in p.text] == []


async def test_trouble_while_the_bot_was_away_is_not_that_of_the_missed_checkpoint(
    log: Path, store_database: str
) -> None:
    """Down from T+6 to T+16, bad answers from T+12 on: T+10 knows nothing of them."""
    clock = HandClock(T0)
    async with Workspace(now=clock.now) as workspace:
        settings = settings_for(workspace, store_database, log=log)
        async with replicas(workspace, settings, clock, "first") as bots:
            await bots.command("start v1")
            write(log, stamped(exchanges(1, *([200] * 40)), at(T0, 3)))
            await bots.timer.reach(at(T0, 6))
        write(log, stamped(exchanges(101, *([500] * 20)), at(T0, 12)))
        clock.instant = at(T0, 16)
        async with replicas(workspace, settings, clock, "second") as bots:
            await bots.settle()
            (first,) = bots.headed("checkpoint 1 (T+10)")
            assert "NO-GO" not in first.text
            assert "0 of 40 responses" in words_of(first)
            await bots.timer.reach(at(T0, 21))
            (second,) = bots.headed("checkpoint 2 (T+20)")
            assert "NO-GO" in second.text
