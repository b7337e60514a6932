"""Two whole bots on one store and in one channel: each thing is done once, by either of them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from bot.demo.workspace import people
from bot.demo.workspace.server import Workspace
from bot.storage.store import Store
from tests.support.hand import HandClock
from tests.support.logs import exchanges, stamped
from tests.support.replicas import Replicas, replicas
from tests.support.slack_bot import LEAD, at, settings_for
from tests.support.typing_people import T0

MENTION = f"<!subteam^{LEAD}>"


@dataclass(slots=True, kw_only=True)
class Pair:
    """Both bots, their log, and their store."""

    both: Replicas
    log: Path
    store: str
    _next: int = 1

    def write(self, instant: datetime, *statuses: int) -> None:
        """Let the application answer so."""
        lines = exchanges(self._next, *statuses)
        self._next += len(statuses)
        with self.log.open("a") as log:
            log.writelines(f"{line}\n" for line in stamped(lines, instant))

    async def to(self, minutes: float) -> None:
        """Let time pass, with a little traffic on the way."""
        self.write(self.both.timer.clock.now(), *([200] * 20))
        await self.both.timer.reach(at(T0, minutes))


@pytest.fixture
async def pair(tmp_path: Path, store_database: str) -> AsyncGenerator[Pair]:
    """Both run nine minutes after the deploy, and nothing is watched yet."""
    clock, log = HandClock(at(T0, 9)), tmp_path / "app.log"
    log.touch()
    async with Workspace(now=clock.now) as workspace:
        settings = settings_for(workspace, store_database, log=log)
        async with replicas(workspace, settings, clock, "first", "second") as both:
            yield Pair(both=both, log=log, store=store_database)


def shown_at_home(pair: Pair) -> str:
    """What a member's App Home shows."""
    home = pair.both.workspace.state.views.home(people.MEMBER)
    return "" if home is None else str(home.blocks)


async def test_two_do_the_work_of_one_and_one_that_is_left_does_it_all(pair: Pair) -> None:
    """Commands on any; each point once; when one ends, the other goes on with everything."""
    both = pair.both
    await both.workspace.actor.open_home(people.MEMBER)
    for _ in range(2):  # on either of them
        await both.command("start v1 9m")
    await pair.to(11)
    for command in ("status", "status", "silence retries 10m"):
        assert (await both.command(command)).error is None
    status = both.headed("Watch started")[0].thread_ts
    # Each call of status is answered once, beside the message that is kept up to date.
    assert len([post for post in both.headed("T+11 ·") if post.ts != status]) == 2
    assert "v1" in shown_at_home(pair)
    await both.end("first")
    assert len(both.workspace.sockets.connected) == 1
    await pair.to(21)
    assert (await both.command("checkpoint")).error is None
    assert len(both.headed("T+21:")) == 1
    for head in ("Watch started", "Health not known", "checkpoint 1 (T+10)", "checkpoint 2 (T+20)"):
        assert len(both.headed(head)) == 1, head
    assert "T+21" in next(post.text for post in both.posts if post.ts == status)
    assert (await both.command("close")).error is None
    assert len(both.headed("Watch closed")) == 1
    assert (await both.command("close")).error is None
    assert (
        "No watch is running" in both.workspace.state.messages.ephemerals(people.OPERATOR)[-1].text
    )
    async with Store(pair.store) as store:
        assert await store.open_watches() == ()


async def test_two_call_the_lead_once(pair: Pair) -> None:
    """At the point, once more after five minutes, and by neither after somebody answered."""
    both = pair.both
    await both.command("start v1 9m")
    pair.write(at(T0, 9), *([500] * 20), *([401] * 60))
    await pair.to(11)
    assert len([post for post in both.posts if MENTION in post.text]) == 1
    await pair.to(16)
    assert len([post for post in both.posts if MENTION in post.text]) == 2
    assert (await both.command("ack", user=people.MEMBER)).error is None
    assert len(both.headed("is on it")) == 1
    assert (await both.command("ack")).error is None
    assert len(both.headed("is on it")) == 1
    assert len([post for post in both.posts if MENTION in post.text]) == 2


async def test_a_point_of_one_that_ends_while_it_takes_it_is_taken_once(pair: Pair) -> None:
    """It finishes what it began, and the other one does not take it again."""
    both = pair.both
    await both.command("start v1 9m")
    await pair.to(9.9)
    (due,) = [key for key in both.timer.jobs if key.startswith("watch:") and "first" in key]
    both.timer.fire(due)
    await both.end("first")
    await pair.to(11)
    assert len(both.headed("checkpoint 1 (T+10)")) == 1
