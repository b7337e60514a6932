"""Opening the store at the start, as often as it takes, and taking up its watches."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from structlog.testing import capture_logs

from bot.storage.store import Store
from bot.storage.values import StoreUnavailable
from bot.watch.model import Deployment
from bot.watch.opening import AGAIN, Opening
from bot.watch.running import Running
from tests.bot.watch.bench import BOOK, T0, Bench, assembled, bench
from tests.support.hand import HandClock, HandTimer
from tests.support.pg_proxy import Proxy

STORE, TICK = "store", "tick"


@dataclass(slots=True, kw_only=True)
class Start:
    """A replica that begins."""

    bed: Bench
    timer: HandTimer
    running: Running
    opening: Opening
    ticks: list[bool] = field(default_factory=list[bool])


def starting(store: Store, url: str) -> Start:
    """Everything but the store is there."""
    bed = assembled(store, url, clock=HandClock(T0))
    timer = HandTimer(clock=bed.clock)
    ticks: list[bool] = []
    running = Running(
        store=store,
        taker=bed.taker,
        ticker=bed.ticker,
        lookout=bed.lookout,
        speech=bed.speech,
        runbook=BOOK,
        clock=bed.clock,
        timer=timer,
        wake=_nothing,
        changed=_nothing,
        ticked=ticks.append,
        shared=not_shared,
    )
    opening = Opening(store, bed.lookout, running, bed.clock, timer)
    return Start(bed=bed, timer=timer, running=running, opening=opening, ticks=ticks)


def _nothing() -> None: ...


async def not_shared(_channel: str) -> bool:
    """Nobody from outside is anywhere."""
    return False


@pytest.fixture
async def proxy(store_database: str) -> AsyncGenerator[Proxy]:
    """A way to the store that can be closed."""
    async with Proxy(upstream=store_database) as proxy:
        yield proxy


@pytest.fixture
async def watch(store_database: str) -> Deployment:
    """A watch that was begun before."""
    async with bench(store_database) as bed:
        return await bed.begin()


@pytest.fixture
async def start(proxy: Proxy) -> AsyncGenerator[Start]:
    """A replica whose way to the store is the proxy."""
    store = Store(proxy.url)
    start = starting(store, proxy.url)
    yield start
    await start.opening.end()
    await start.running.end()
    await store.close()


async def test_a_store_that_answers_is_opened_and_its_watches_are_taken_up(
    start: Start, watch: Deployment
) -> None:
    """With the key by which all replicas name a leaked secret."""
    own = start.bed.lookout.fingerprint_key
    await start.opening.begin()
    assert f"watch:{watch.id}" in start.timer.jobs
    assert TICK in start.timer.jobs
    assert start.ticks == [True]
    key = await start.bed.store.fingerprint_key()
    assert start.bed.lookout.fingerprint_key == key != own


async def test_a_store_that_is_away_is_tried_again_until_it_is_there(
    start: Start, proxy: Proxy, watch: Deployment
) -> None:
    """Every five seconds; nothing ticks meanwhile, and golive's log says why."""
    proxy.go_away()
    with capture_logs() as told:
        await start.opening.begin()
        for _ in range(2):
            assert set(start.timer.jobs) == {STORE}
            assert start.timer.jobs[STORE].instant == start.bed.clock.now() + AGAIN
            start.timer.fire(STORE)
            await start.timer.rest()
    assert [entry["event"] for entry in told] == ["the store does not answer"] * 3
    assert start.ticks == []
    proxy.refuses = False
    start.timer.fire(STORE)
    await start.timer.rest()
    assert STORE not in start.timer.jobs
    assert f"watch:{watch.id}" in start.timer.jobs
    assert start.timer.failures == []


async def test_a_store_that_cannot_be_used_ends_the_start(store_database: str) -> None:
    """A wrong password mends itself by no waiting."""
    wrong = urlsplit(store_database)._replace(netloc="golive:planted-pw@").geturl()
    start = starting(Store(wrong), wrong)
    with pytest.raises(StoreUnavailable) as caught:
        await start.opening.begin()
    assert "planted-pw" not in str(caught.value)
    assert start.timer.jobs == {}


async def test_after_the_end_it_is_opened_no_more(start: Start, proxy: Proxy) -> None:
    """Neither by a timer that was set, nor by one that fires just then."""
    proxy.go_away()
    await start.opening.begin()
    late = start.timer.jobs[STORE].run
    await start.opening.end()
    assert start.timer.jobs == {}
    proxy.refuses = False
    await late()
    assert start.timer.jobs == {}
    assert start.ticks == []


async def test_the_end_waits_for_an_opening_that_is_under_way(start: Start, proxy: Proxy) -> None:
    """Whoever closes the store behind it closes all of it."""
    reached = asyncio.Event()
    proxy.before[b"golive.migrations"] = reached.set
    beginning = asyncio.create_task(start.opening.begin())
    await asyncio.wait_for(reached.wait(), 30)
    await start.opening.end()
    assert await start.bed.store.open_watches() == ()  # else it would not be open yet
    await beginning
