"""The deployment before, beside the one of now, through two whole watches of one channel."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bot.demo.workspace.server import Workspace
from bot.watch.replaying import Moved, find, replay
from checks import CHECKS
from checks.engine.model import Decision, Level
from checks.engine.runbook import load_runbook
from checks.engine.runbook.model import HistoryRule
from tests.support.hand import HandClock
from tests.support.logs import exchanges, retry, stamped
from tests.support.slack_bot import Stage, at, settings_for, staged
from tests.support.typing_people import T0, words_of

BOOK = load_runbook(checks=CHECKS)
RAISING = replace(BOOK, history=HistoryRule(checks=frozenset({"retries"}), below=0.05))
"""The shipped runbook, with a clear rise of retries as a WARNING."""


def write(log: Path, minutes: float, lines: list[str]) -> None:
    """Let the application write more, so many minutes after the first deploy."""
    with log.open("a") as file:
        file.writelines(f"{line}\n" for line in stamped(lines, at(T0, minutes)))


async def second_checkpoint(stage: Stage, version: str, begin: float) -> str:
    """Watch a version from T+20 to T+21, and close; the words of its second checkpoint."""
    await stage.timer.reach(at(T0, begin + 20))
    await stage.command(f"/golive start {version} 20m")
    await stage.timer.reach(at(T0, begin + 21))
    await stage.command("/golive close")
    await stage.timer.advance(at(T0, 1) - T0)
    (post,) = [
        one
        for one in stage.posts
        if f"`{version}` · checkpoint 2 (T+20)" in one.text.split("\n")[0]
    ]
    return words_of(post)


async def test_nothing_before_and_five_now_is_told_and_replayed(
    tmp_path: Path, store_database: str
) -> None:
    """As context beside the runbook's own OK; with history in the runbook it would be a WARNING."""
    clock, log = HandClock(at(T0, 20)), tmp_path / "app.log"
    write(log, 1, exchanges(1, *([200] * 40)))
    async with Workspace(now=clock.now) as workspace:
        settings = settings_for(workspace, store_database, log=log)
        async with staged(workspace, settings, clock) as stage:
            first = await second_checkpoint(stage, "v1", 0)
            assert "than with" not in first
            write(log, 22, [*exchanges(101, *([200] * 40)), *(retry(n) for n in range(1, 6))])
            second = await second_checkpoint(stage, "v2", 3)
            assert "probably more than with v1: 0 then, 5 now (chance 3.1%)" in second
            store = stage.bot.store
            for version, moved in (("v1", ()), ("v2", ("retries",))):
                watch = await find(store, version)
                assert watch is not None
                again = await replay(store, watch, CHECKS, BOOK)
                assert [one.taken.point.key for one in again] == ["T+5", "T+10", "T+20"]
                assert [one.taken.point.key for one in again if not one.same] == []
                raised = await replay(store, watch, CHECKS, RAISING)
                assert {one.check for point in raised for one in point.moved} == set(moved)
            assert raised[-1].moved == (Moved(check="retries", before=Level.OK, now=Level.WARNING),)
            assert raised[-1].report.verdict.decision is Decision.MONITOR


async def test_points_that_were_missed_are_replayed_as_they_were_taken(
    tmp_path: Path, store_database: str
) -> None:
    """All at one instant, in their order: a CRITICAL of the first counts for those after it."""
    clock, log = HandClock(T0), tmp_path / "app.log"
    write(log, 1, exchanges(1, *([200] * 40), *([500] * 20)))
    clock.instant = at(T0, 61)
    async with Workspace(now=clock.now) as workspace:
        settings = settings_for(workspace, store_database, log=log)
        async with staged(workspace, settings, clock) as stage:
            await stage.command("/golive start v1 61m")
            await stage.timer.reach(at(T0, 62))
            watch = await find(stage.bot.store, "last")
            assert watch is not None
            again = await replay(stage.bot.store, watch, CHECKS, BOOK)
            assert again[-1].taken.point.run == "final"
            assert [one.taken.point.key for one in again if not one.same] == []
