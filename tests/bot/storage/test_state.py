"""What a watch remembers, and that one replica ticks it at a time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from bot.storage.store import Store
from bot.storage.values import WatchState
from bot.watch.model import Deployment
from checks.engine.model import Observed
from tests.bot.storage.things import OWNERS, T0, begin, claimed, later, post, report, taken

GAP = timedelta(seconds=30)
SEEN = Observed(
    deployed_at=T0,
    inserted=100,
    connected_at_start=frozenset({"u1", "u2"}),
    drops={"u1": 1},
    progress={"c1": later(3)},
    probes={29400000: True},
)


async def remember(store: Store, watch: Deployment, state: WatchState, minutes: int = 10) -> None:
    """Take a point of the watch that changes what it remembers."""
    claim = await claimed(store, watch, minutes)
    assert await store.record(claim, taken(claim.point), report(), state=state)


async def test_new_watch_remembers_nothing(store: Store, watch: Deployment) -> None:
    """An empty state, not an error."""
    assert await store.state(watch.id) == WatchState()


async def test_state_comes_back_as_given(store: Store, watch: Deployment) -> None:
    """With every type: sets, instants, minutes as numbers."""
    state = WatchState(observed=SEEN, memory={"units": {"u1": True, "u2": None}, "n": [1, 2.5]})
    await remember(store, watch, state)
    assert await store.state(watch.id) == state


async def test_changes_of_two_replicas_are_merged(store: Store, watch: Deployment) -> None:
    """The first baseline, the most drops, the latest progress, any answer; names side by side."""
    await remember(store, watch, WatchState(observed=SEEN, memory={"a": 1, "b": 1}))
    other = replace(
        SEEN,
        inserted=7,
        drops={"u1": 0, "u2": 2},
        progress={"c1": later(2), "c2": later(4)},
        inbound_expected="A test message.",
        probes={29400000: False, 29400001: False},
    )
    await remember(store, watch, WatchState(observed=other, memory={"b": 2}), minutes=20)
    found = await store.state(watch.id)
    assert found.memory == {"a": 1, "b": 2}
    assert found.observed == replace(
        SEEN,
        drops={"u1": 1, "u2": 2},
        progress={"c1": later(3), "c2": later(4)},
        inbound_expected="A test message.",
        probes={29400000: True, 29400001: False},
    )


def test_what_was_so_at_the_start_is_kept_by_a_look_that_does_not_know_it() -> None:
    """A replica that looks without the baseline takes nothing of it away."""
    baseline = Observed(
        deployed_at=T0,
        inserted=12,
        connected_at_start=frozenset({"u1"}),
        failed_at_start={"c1": 3},
        began=later(0),
    )
    merged = WatchState(observed=baseline).merged(
        WatchState(observed=Observed(deployed_at=T0, began=later(5)))
    )
    assert merged.observed == baseline


async def test_changes_at_the_same_time_lose_nothing(store: Store, watch: Deployment) -> None:
    """Twenty replicas that remember something each: all of it is there."""
    await asyncio.gather(
        *(
            remember(store, watch, WatchState(memory={owner: 1}), minutes)
            for minutes, owner in enumerate(OWNERS)
        )
    )
    assert set((await store.state(watch.id)).memory) == set(OWNERS)


async def test_of_many_ticks_one_is_claimed(store: Store, watch: Deployment) -> None:
    """Twenty timers go off, one tick is done."""
    claims = await asyncio.gather(*(store.claim_tick(watch.id, later(1), GAP) for _ in OWNERS))
    assert len([claim for claim in claims if claim is not None]) == 1


async def test_tick_is_done_and_the_next_waits_for_the_gap(store: Store, watch: Deployment) -> None:
    """By the given clock: 29 s later is too early, 30 s later is not."""
    claim = await store.claim_tick(watch.id, later(1), GAP)
    assert claim is not None
    assert await store.record_tick(claim, WatchState(memory={"x": 1}), [post("drop")])
    assert await store.claim_tick(watch.id, later(1) + timedelta(seconds=29), GAP) is None
    after = await store.claim_tick(watch.id, later(1) + GAP, GAP)
    assert after is not None
    assert after.state == WatchState(memory={"x": 1}, ticked_at=later(1))
    assert (await store.backlog(later(9))).depth == 1


async def test_ticks_go_on_after_the_clock_was_set_back(store: Store, watch: Deployment) -> None:
    """From the instant that it shows now; rollback criteria do not wait until it is then again."""
    ahead = await store.claim_tick(watch.id, later(60), GAP)
    assert ahead is not None
    assert await store.record_tick(ahead)
    assert await store.claim_tick(watch.id, later(60) - GAP, GAP) is None  # no more than a skew
    behind = await store.claim_tick(watch.id, later(10), GAP)
    assert behind is not None
    assert await store.record_tick(behind)
    assert await store.claim_tick(watch.id, later(10), GAP) is None
    assert await store.claim_tick(watch.id, later(10) + GAP, GAP) is not None


async def test_tick_that_was_not_ended_is_taken_over(hasty: Store, store: Store) -> None:
    """After the lease, without waiting for the gap; the old one is refused then."""
    watch = await begin(hasty)
    stale = await hasty.claim_tick(watch.id, later(1), GAP)
    fresh = await store.claim_tick(watch.id, later(1), GAP)
    assert stale is not None
    assert fresh is not None
    assert not await hasty.record_tick(stale, WatchState(memory={"x": 1}), [post()])
    assert (await store.state(watch.id)).memory == {}
    assert (await store.backlog(later(9))).depth == 0
    assert await store.record_tick(fresh)


async def test_tick_is_ended_once(store: Store, watch: Deployment) -> None:
    """A second answer to the same claim is refused."""
    claim = await store.claim_tick(watch.id, later(1), GAP)
    assert claim is not None
    assert await store.record_tick(claim, at=later(2))
    assert not await store.record_tick(claim)
    assert (await store.state(watch.id)).ticked_at == later(2)


async def test_closed_watch_does_not_tick(store: Store, watch: Deployment) -> None:
    """Nothing is sampled after the end."""
    await store.close_watch(watch.id, by="U1", at=later(1))
    assert await store.claim_tick(watch.id, later(2), GAP) is None
