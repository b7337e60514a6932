"""Watches: one open one a channel, whoever starts it, however often."""

from __future__ import annotations

import asyncio
from uuid import uuid4

from bot.storage.store import Store
from bot.storage.values import Past
from bot.watch.model import Deployment
from checks.engine.model import Decision
from tests.bot.storage.things import OWNERS, T0, begin, later, point, post, taken


async def test_started_watch_is_returned_as_given(store: Store, watch: Deployment) -> None:
    """What was started is found by its id, with every field."""
    assert await store.watch(watch.id) == watch
    assert (watch.channel, watch.version, watch.deployed_at) == ("C1", "2.4.0", T0)
    assert (watch.started_by, watch.started_at, watch.closed_at) == ("U1", T0, None)


async def test_second_start_returns_the_open_watch(store: Store, watch: Deployment) -> None:
    """A channel that has an open watch gets that one, whatever the version."""
    again = await store.start(
        channel="C1", version="2.5.0", deployed_at=later(5), by="U2", at=later(5)
    )
    assert again == (watch, False)


async def test_of_many_starts_one_makes_the_watch(store: Store) -> None:
    """Twenty people who start at once get one watch."""
    made = await asyncio.gather(
        *(
            store.start(channel="C1", version="1", deployed_at=T0, by=owner, at=T0)
            for owner in OWNERS
        )
    )
    assert len({deployment.id for deployment, _ in made}) == 1
    assert [created for _, created in made].count(True) == 1


async def test_other_channel_has_its_own_watch(store: Store, watch: Deployment) -> None:
    """Two channels can be watched at the same time."""
    other = await begin(store, channel="C2")
    assert other.id != watch.id
    assert await store.open_watches() == tuple(sorted((watch, other), key=lambda d: d.id))
    assert await store.open_watch("C2") == other


async def test_channel_without_a_watch_has_none(store: Store, watch: Deployment) -> None:
    """Neither another channel nor an unknown id answers with somebody else's watch."""
    assert await store.open_watch("C2") is None
    assert await store.watch(uuid4()) is None
    assert watch.channel == "C1"


async def test_of_many_closings_one_succeeds(store: Store, watch: Deployment) -> None:
    """Closing is compared and set: one True, and that one's name stays."""
    closed = await asyncio.gather(
        *(store.close_watch(watch.id, by=owner, at=later(60)) for owner in OWNERS)
    )
    found = await store.watch(watch.id)
    assert closed.count(True) == 1
    assert found is not None
    assert found.closed_by == OWNERS[closed.index(True)]
    assert found.closed_at == later(60)


async def test_posts_of_a_closing_come_with_it_only(store: Store, watch: Deployment) -> None:
    """A closing that is too late says nothing."""
    await store.close_watch(watch.id, by="U1", at=later(60), posts=[post("closed")])
    await store.close_watch(watch.id, by="U2", at=later(61), posts=[post("closed again")])
    assert (await store.backlog(later(62))).depth == 1


async def test_closed_channel_can_be_watched_again(store: Store, watch: Deployment) -> None:
    """A closed watch makes room for the next."""
    await store.close_watch(watch.id, by="golive", at=later(60))
    assert await store.open_watch("C1") is None
    assert (await begin(store)).id != watch.id


async def test_history_has_the_last_decision(store: Store, watch: Deployment) -> None:
    """The history shows of each watch the last point that judged, newest watch first."""
    for minutes, decision in ((0, None), (10, Decision.MONITOR), (20, Decision.GO), (25, None)):
        claim = await store.claim(watch.id, point(minutes), "a")
        assert claim is not None
        await store.record(claim, taken(claim.point, decision), None)
    await store.close_watch(watch.id, by="golive", at=later(60))
    other, _ = await store.start(
        channel="C2", version="3", deployed_at=later(1), by="U1", at=later(1)
    )
    closed = await store.watch(watch.id)
    assert closed is not None
    ours = Past(deployment=closed, last=taken(point(20)))
    assert await store.recent() == (Past(deployment=other), ours)
    assert await store.recent("C1") == (ours,)
    assert await store.recent(n=1) == (Past(deployment=other),)


async def test_any_text_is_kept(store: Store) -> None:
    """A version with NUL and lone surrogates comes back as it was."""
    version = "1\x00\ud800 \\u!é"
    deployment = await begin(store, version=version)
    assert deployment.version == version
    assert await store.watch(deployment.id) == deployment
