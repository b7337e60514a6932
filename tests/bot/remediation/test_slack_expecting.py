"""`/golive expect inbound`: how long it took, or where it got lost; whoever is left to say it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from bot.demo.workspace import Workspace, people
from bot.storage.store import Store
from tests.bot.remediation.planted import T0
from tests.bot.remediation.slack import all_words, settings
from tests.manifests.roles import RoleUrls
from tests.support.crm_rows import Rows
from tests.support.hand import HandClock
from tests.support.slack_bot import CHANNEL, Stage, staged

CREATED = "[Webhook:no-id] Message created: {}\n"
LINES = (
    "[INFO] [REQ] GET /health { requestId: 'a1', ip: '::1' }\n"
    "[INFO] [RES] GET /health { requestId: 'a1', status: 200, duration: 1 }\n"
) * 20
OUTCOMES = ("arrived", "Nothing", "No row", "is in the")


@dataclass(slots=True, kw_only=True)
class Place:
    """An application with a log, and a workspace in which bots come and go."""

    roles: RoleUrls
    store: str
    log: Path
    clock: HandClock
    workspace: Workspace

    @asynccontextmanager
    async def bot(self, owner: str = "first") -> AsyncGenerator[Stage]:
        """A bot that runs until the block ends."""
        given = settings(self.workspace, self.store, self.roles, log=self.log)
        async with staged(self.workspace, given, self.clock, owner=owner) as stage:
            yield stage

    def says(self, line: str) -> None:
        """The application writes a line."""
        with self.log.open("a") as lines:
            lines.write(line)

    def arrives(self) -> None:
        """A message comes in: a row, and its line."""
        with Rows(self.roles.owner) as rows:
            unit = rows.unit("Norte", created_at=T0)
            talk = rows.conversation(unit, created_at=T0)
            now = self.clock.now()
            key = rows.message(talk, created_at=now, sender="customer", status="received")
        self.says(CREATED.format(key))

    def outcomes(self) -> list[str]:
        """What was posted of waits, oldest first."""
        posts = map(all_words, self.workspace.state.messages.of(CHANNEL))
        return [post for post in posts if any(word in post for word in OUTCOMES)]


@pytest.fixture
async def place(roles: RoleUrls, store_database: str, tmp_path: Path) -> AsyncGenerator[Place]:
    """A log with some lines, and no inbound message ahead."""
    log = tmp_path / "app.log"
    log.write_text(LINES)
    with Rows(roles.owner) as rows:
        rows.run("UPDATE messages SET created_at = created_at - interval '1 hour'")
    clock = HandClock(T0)
    async with Workspace(now=clock.now, rate_limits=False) as workspace:
        yield Place(roles=roles, store=store_database, log=log, clock=clock, workspace=workspace)


async def test_an_inbound_message_is_waited_for(place: Place) -> None:
    """How long it took, in the log and in the database; who asked is told."""
    async with place.bot() as bot:
        await bot.command("/golive expect inbound")
        await bot.timer.advance(timedelta(seconds=10))
        place.arrives()
        await bot.timer.advance(timedelta(seconds=10))
        (said,) = place.outcomes()
        assert f"<@{people.OPERATOR}> An inbound message arrived" in said
        assert "in the log after 12 s, in the database after 12 s." in said
        assert "was not looking" not in said


async def test_it_says_where_an_inbound_message_got_lost(place: Place) -> None:
    """A webhook with a wrong secret; and after two minutes nothing at all."""
    async with place.bot() as bot:
        await bot.command("/golive expect inbound")
        place.says("[Webhook:no-id] Unknown instance: unit_old, provider: evolution\n")
        await bot.timer.advance(timedelta(minutes=3))
        (said,) = place.outcomes()
        assert "Nothing arrived within 120 s" in said
        assert "with a wrong secret" in said
        await bot.command("/golive expect inbound")
        await bot.timer.advance(timedelta(minutes=3))
        assert "no webhook reached the application" in place.outcomes()[1]


async def test_a_row_has_its_time_also_at_the_end(place: Place) -> None:
    """A line in the last seconds is not called lost before the minute that its row may take."""
    async with place.bot() as bot:
        await bot.command("/golive expect inbound")
        await bot.timer.advance(timedelta(seconds=115))
        place.says(CREATED.format("f03457a3-9238-4fea-8f2b-1cb586a9716d"))
        await bot.timer.advance(timedelta(seconds=30))
        assert place.outcomes() == []
        await bot.timer.advance(timedelta(seconds=60))
        (said,) = place.outcomes()
        assert "in the log after 117 s, and in 177 s there was no row" in said


async def test_two_waits_at_once_in_a_channel_are_one(place: Place) -> None:
    """The second person is told who waits, and that this wait is theirs too."""
    async with place.bot() as bot:
        await bot.command("/golive expect inbound")
        await bot.timer.advance(timedelta(seconds=20))
        await bot.command("/golive expect inbound", user=people.SECOND_OPERATOR)
        told = place.workspace.state.messages.ephemerals(people.SECOND_OPERATOR, CHANNEL)
        assert f"<@{people.OPERATOR}> began to wait in this channel 20 s ago" in all_words(told[-1])
        await bot.timer.advance(timedelta(minutes=3))
        assert len(place.outcomes()) == 1


async def test_a_wait_outlives_the_bot_that_began_it(place: Place) -> None:
    """The next one reads the log from the same byte on, and says what it missed."""
    async with place.bot() as first:
        await first.command("/golive expect inbound")
        await first.timer.advance(timedelta(seconds=9))
    place.arrives()
    place.clock.instant += timedelta(seconds=40)
    async with place.bot("second") as second:
        await second.timer.advance(timedelta(seconds=5))
        (said,) = place.outcomes()
        assert "in the log after 52 s, in the database after 52 s." in said
        assert "golive was not looking for 43 s of that time" in said
        await second.command("/golive expect inbound")
        await second.timer.advance(timedelta(minutes=3))
        assert "Nothing arrived within 120 s" in place.outcomes()[1]


async def test_after_its_time_a_wait_ends_with_what_can_be_said(place: Place) -> None:
    """A bot that comes back much later looks once, and says how long nobody looked."""
    async with place.bot() as first:
        await first.command("/golive expect inbound")
    place.clock.instant += timedelta(minutes=10)
    async with place.bot("second") as second:
        await second.timer.advance(timedelta(seconds=5))
        (said,) = place.outcomes()
        assert "Nothing arrived within 603 s: no webhook reached the application" in said
        assert "golive was not looking for 603 s of that time" in said


async def test_another_replica_ends_a_wait_whose_bot_hangs(place: Place) -> None:
    """It finds the wait at its next round; the one that wakes up afterwards says nothing more."""
    async with place.bot() as first, place.bot("second") as second:
        await first.bot.store.begin_wait(CHANNEL, by=people.OPERATOR, at=T0, mark=None)
        place.arrives()
        await second.timer.advance(timedelta(seconds=40))
        assert len(place.outcomes()) == 1
        place.clock.instant = T0
        await first.timer.advance(timedelta(seconds=60))
        assert len(place.outcomes()) == 1


async def test_of_many_who_end_a_wait_one_does(store_database: str) -> None:
    """Whoever is first ends it; whoever begins one meanwhile finds the one that is open."""
    async with Store(store_database) as store, Store(store_database) as other:
        wait, begun = await store.begin_wait("C1", by="U1", at=T0, mark=None)
        assert begun
        assert await other.begin_wait("C1", by="U2", at=T0, mark=None) == (wait, False)
        assert (await other.begin_wait("C2", by="U2", at=T0, mark=None))[1]
        assert await other.end_wait(wait.id, T0, [])
        assert not await store.end_wait(wait.id, T0, [])
        assert await store.open_wait(wait.id) is None
        assert (await other.begin_wait("C1", by="U2", at=T0, mark=None))[1]
        assert len(await store.open_waits()) == 2
        await store.prune(T0 + timedelta(seconds=1))
        assert len(await store.open_waits()) == 2
