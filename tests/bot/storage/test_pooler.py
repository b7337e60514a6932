"""Through a pooler in transaction mode: no operation needs the session of the one before."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from bot.demo.postgres import EmbeddedPostgres
from bot.storage.store import Store
from bot.storage.values import WatchState
from tests.bot.storage.things import OWNERS, begin, later, point, post, report, taken
from tests.bot.storage.transaction_pooler import TransactionPooler


async def test_many_replicas_migrate_through_the_pooler(postgres_server: EmbeddedPostgres) -> None:
    """The lock belongs to the transaction, so it is not left behind in a session."""
    async with TransactionPooler(upstream=postgres_server.create_database()) as pooler:
        stores = [Store(pooler.url) for _ in range(5)]
        await asyncio.gather(*(store.open() for store in stores))
        ids = {await store.store_id() for store in stores}
        await asyncio.gather(*(store.close() for store in stores))
    assert len(ids) == 1


async def test_hour_passes_through_the_pooler(store_database: str) -> None:
    """A start, a race for a point, its record, a tick and a post, each on whatever session."""
    async with (
        TransactionPooler(upstream=store_database) as pooler,
        Store(pooler.url) as store,
    ):
        watch = await begin(store)
        claims = await asyncio.gather(*(store.claim(watch.id, point(), o) for o in OWNERS))
        (claim,) = [claim for claim in claims if claim is not None]
        assert await store.record(
            claim, taken(claim.point), report(), [post()], state=WatchState(memory={"x": 1})
        )
        assert await store.reports(watch.id, ["T+10"]) == {"T+10": report()}
        tick = await store.claim_tick(watch.id, later(11), timedelta(seconds=30))
        assert tick is not None
        assert await store.record_tick(tick)
        (sending,) = await store.claim_posts("a", later(11), 9)
        assert await store.sent(sending, "1.0")
        assert await store.close_watch(watch.id, by="U1", at=later(60))
    assert len(set(pooler.sessions)) > 1
