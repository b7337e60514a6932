"""A wait for an inbound message ends, whatever a look runs into."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.storage.store import Store
from bot.watch.expecting import Expecting
from tests.bot.watch.bench import CHANNEL, T0, Tower
from tests.support.hand import HandTimer


async def waiting(store: Store, tower: Tower) -> HandTimer:
    """Somebody waits, and a process looks after that."""
    timer = HandTimer(clock=tower.clock)
    await store.begin_wait(CHANNEL, by="U1", at=T0, mark=None)

    async def not_shared(_channel: str) -> bool:
        return False

    expecting = Expecting(
        store, tower.lookout(), tower.clock, timer, lambda: None, shared=not_shared
    )
    await expecting.begin()
    await timer.advance(timedelta(seconds=4))
    return timer


async def test_a_look_that_breaks_is_not_the_last_one(store_database: str) -> None:
    """The channel could wait for nothing else as long as this wait is open."""
    async with Store(store_database) as store:
        tower = Tower()
        tower.seen.log.breaks = LookupError()
        timer = await waiting(store, tower)
        assert [type(error) for error in timer.failures] == [LookupError]
        tower.seen.log.breaks = None
        await timer.advance(timedelta(minutes=2))
        assert await store.open_waits() == ()


async def test_a_log_that_stays_behind_is_not_waited_for_for_ever(store_database: str) -> None:
    """What it says of the two minutes is not known a minute later either."""
    async with Store(store_database) as store:
        tower = Tower()
        tower.seen.log.evidence = replace(tower.seen.log.evidence, until=T0)
        timer = await waiting(store, tower)
        await timer.advance(timedelta(seconds=170))
        assert len(await store.open_waits()) == 1
        await timer.advance(timedelta(seconds=10))
        assert await store.open_waits() == ()
