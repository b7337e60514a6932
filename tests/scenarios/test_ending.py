"""A bot ends and another one begins: what came is done, what was said is sent, nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest

from bot.demo.workspace import people
from bot.demo.workspace.server import Workspace
from bot.slack.lead import AGAIN
from bot.storage.store import Store
from tests.support.hand import HandClock
from tests.support.logs import exchanges, stamped
from tests.support.replicas import replicas
from tests.support.slack_bot import CHANNEL, at, settings_for
from tests.support.typing_people import T0, words_of


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """The application's log, empty."""
    path = tmp_path / "app.log"
    path.touch()
    return path


def write(path: Path, lines: Iterable[str]) -> None:
    """Let the application write more."""
    with path.open("a") as log:
        log.writelines(f"{line}\n" for line in lines)


async def test_an_end_takes_nothing_more_and_sends_what_was_said(
    log: Path, store_database: str
) -> None:
    """A command that comes now is not heard; a post that was begun is in Slack, once."""
    clock = HandClock(T0)
    async with Workspace(now=clock.now) as workspace:
        settings = settings_for(workspace, store_database, log=log)
        async with replicas(workspace, settings, clock, "first") as bots:
            await bots.command("start v1")
            gate = workspace.faults.api.hang("chat.postMessage")
            clock.instant = at(T0, 5)
            bots.timer.fire(next(key for key in bots.timer.jobs if key.startswith("watch:")))
            await asyncio.wait_for(gate.reached.wait(), 30)
            ending = asyncio.create_task(bots.end("first"))
            await workspace.until(lambda: not workspace.sockets.connected)
            late = await workspace.actor.command(people.OPERATOR, CHANNEL, "/golive close")
            assert late.error == "dispatch_failed"
            assert not ending.done()
            gate.release()
            await ending
            assert len(bots.headed("Health not known")) == 1
            assert bots.timer.jobs == {}
        async with Store(store_database) as store:
            assert (await store.backlog(clock.now())).depth == 0
            assert [watch.version for watch in await store.open_watches()] == ["v1"]


async def test_marks_are_read_back_by_the_next_bot(log: Path, store_database: str) -> None:
    """A log without times: what stood there before the deploy is history also after a restart."""
    clock = HandClock(T0)
    async with Workspace(now=clock.now) as workspace:
        settings = settings_for(workspace, store_database, log=log)
        write(log, exchanges(1, *([500] * 30)))
        async with replicas(workspace, settings, clock, "first") as bots:
            await bots.command("start v1")
            write(log, exchanges(101, *([200] * 40)))
            await bots.timer.reach(at(T0, 4))
        async with replicas(workspace, settings, clock, "second") as bots:
            write(log, exchanges(201, *([200] * 40), *([500] * 4)))
            await bots.timer.reach(at(T0, 11))
            (first,) = bots.headed("checkpoint 1 (T+10)")
            assert "4 of 84 responses" in words_of(first)
            assert "restart" not in words_of(first)


async def test_what_was_missed_is_taken_late_and_says_so(log: Path, store_database: str) -> None:
    """Nobody ran at T+10; whoever begins at T+14 takes it at once."""
    clock = HandClock(T0)
    async with Workspace(now=clock.now) as workspace:
        settings = settings_for(workspace, store_database, log=log)
        async with replicas(workspace, settings, clock, "first") as bots:
            await bots.command("start v1")
            await bots.timer.reach(at(T0, 6))
        write(log, stamped(exchanges(1, *([200] * 40)), at(T0, 7)))
        clock.instant = at(T0, 14)
        async with replicas(workspace, settings, clock, "second") as bots:
            await bots.settle()
            (first,) = bots.headed("checkpoint 1 (T+10)")
            assert "4 min late" in first.text
            assert "restart" in words_of(first)


async def test_the_lead_is_found_later_and_called_then(log: Path, store_database: str) -> None:
    """Slack does not say at the start who it is; the first post tells, and the call comes."""
    clock = HandClock(T0)
    async with Workspace(now=clock.now) as workspace:
        workspace.faults.api.error("users.info", "missing_scope")
        settings = settings_for(workspace, store_database, log=log, lead=people.MEMBER)
        async with replicas(workspace, settings, clock, "first") as bots:
            await bots.command("start v1")
            (started,) = bots.headed("Watch started")
            assert "nobody is called on escalation" in started.text
            assert f"GOLIVE_LEAD, {people.MEMBER}, cannot be found in Slack" in words_of(started)
            await bots.timer.advance(AGAIN + timedelta(seconds=1))
            write(log, stamped(exchanges(1, *([500] * 20)), at(T0, 5)))
            await bots.timer.reach(at(T0, 11))
            (first,) = bots.headed("between checkpoints")
            assert f"<@{people.MEMBER}>" in first.text
