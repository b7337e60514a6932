"""Whether the store is still the one that it was."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from bot.storage.store import Store
from bot.storage.values import StoreUnavailable
from bot.watch.continuity import Continuity
from tests.bot.storage.things import rows
from tests.bot.watch.bench import Bench, bench

POSTS = "SELECT key, channel FROM golive.posts ORDER BY seq"


def replace_store(url: str) -> None:
    """Somebody puts an empty database in its place."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA golive CASCADE")


def knowing(bed: Bench) -> Continuity:
    """A replica that has seen nothing of the store yet."""
    return Continuity(bed.store, bed.lookout, bed.clock)


async def test_the_same_store_has_lost_nothing(store_database: str) -> None:
    """Not even a watch that is not in it: that one was never here."""
    async with bench(store_database) as bed:
        watch = await bed.begin()
        continuity = knowing(bed)
        for _ in range(2):
            assert await continuity.lost([watch]) == ()
        assert rows(store_database, POSTS) == []


async def test_a_replaced_store_is_told_once_by_all_replicas(store_database: str) -> None:
    """For each watch in its channel; the key of fingerprints is the new store's from then on."""
    async with bench(store_database) as bed, bench(store_database, owner="second") as other:
        one, two = await bed.begin(), await bed.begin("v3", "C2")
        replicas = knowing(bed), knowing(other)
        for replica in replicas:
            await replica.lost([one, two])
        replace_store(store_database)
        gone = await asyncio.gather(*(replica.lost([one, two]) for replica in replicas))
        assert gone == [(one, two)] * 2
        assert rows(store_database, POSTS) == [
            (f"lost:{one.id}", "C1"),
            (f"lost:{two.id}", "C2"),
        ]
        key = await bed.store.fingerprint_key()
        assert {bed.lookout.fingerprint_key, other.lookout.fingerprint_key} == {key}
        assert await replicas[0].lost([one, two]) == ()
        assert len(rows(store_database, POSTS)) == 2


async def test_a_watch_that_is_in_the_new_store_is_not_gone(store_database: str) -> None:
    """It began there, on another replica."""
    async with bench(store_database) as bed:
        old = await bed.begin()
        continuity = knowing(bed)
        await continuity.lost([old])
        replace_store(store_database)
        await bed.store.open()
        fresh = await bed.begin("v3", "C2")
        assert await continuity.lost([old, fresh]) == (old,)


async def test_with_no_watch_there_is_nothing_to_tell(store_database: str) -> None:
    """The new store is simply the store from then on."""
    async with bench(store_database) as bed:
        continuity = knowing(bed)
        await continuity.lost([])
        replace_store(store_database)
        assert await continuity.lost([]) == ()
        watch = await bed.begin()
        assert await continuity.lost([watch]) == ()


async def test_a_store_that_does_not_answer_is_not_lost(store_database: str) -> None:
    """It cannot be told now; afterwards nothing was."""
    async with bench(store_database) as bed:
        watch = await bed.begin()
        away = Continuity(Store(store_database), bed.lookout, bed.clock)
        with pytest.raises(StoreUnavailable):
            await away.lost([watch])
        replace_store(store_database)
        with pytest.raises(StoreUnavailable):
            await knowing(bed).lost([watch])  # seen for the first time, and without tables
