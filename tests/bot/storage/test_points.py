"""Points: one owner takes each, and what a stale owner brings is refused."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import uuid4

from bot.render.message import Message
from bot.storage.store import Store
from bot.storage.values import StatusContent, WatchState
from bot.watch.model import Deployment
from checks.engine.model import Decision, Level
from tests.bot.storage.things import (
    OWNERS,
    begin,
    claimed,
    finding,
    later,
    point,
    post,
    report,
    rows,
    taken,
)


async def test_of_many_claims_one_succeeds(store: Store, watch: Deployment) -> None:
    """Twenty replicas at one point: exactly one takes it."""
    claims = await asyncio.gather(*(store.claim(watch.id, point(), owner) for owner in OWNERS))
    (won,) = [claim for claim in claims if claim is not None]
    assert won.attempt == 1


async def test_other_points_stay_free(store: Store, watch: Deployment) -> None:
    """A claim is about one point of one watch."""
    other = await begin(store, channel="C2")
    await claimed(store, watch)
    assert await store.claim(watch.id, point(20), "b") is not None
    assert await store.claim(other.id, point(), "b") is not None


async def test_own_claim_can_be_claimed_again(store: Store, watch: Deployment) -> None:
    """An owner that restarted under its name goes on at once, with a higher token."""
    first = await claimed(store, watch)
    assert (await claimed(store, watch)).attempt == first.attempt + 1


async def test_taken_point_cannot_be_claimed(store: Store, watch: Deployment) -> None:
    """Not even by who took it, however long ago its lease ended."""
    claim = await claimed(store, watch)
    assert await store.record(claim, taken(claim.point), report())
    assert await store.claim(watch.id, point(), "a") is None


async def test_closed_watch_has_nothing_to_claim(store: Store, watch: Deployment) -> None:
    """Points of a closed or unknown watch are not taken."""
    await store.close_watch(watch.id, by="U1", at=later(1))
    assert await store.claim(watch.id, point(), "a") is None
    assert await store.claim(uuid4(), point(), "a") is None


async def test_expired_lease_is_taken_over(hasty: Store, store: Store) -> None:
    """Whoever comes after the lease's end gets the point, with a higher token."""
    watch = await begin(hasty)
    first = await claimed(hasty, watch)
    second = await store.claim(watch.id, point(), "b")
    assert second is not None
    assert second.attempt == first.attempt + 1


async def test_renewed_lease_holds(hasty: Store, store: Store) -> None:
    """A lease that was started anew keeps others away."""
    watch = await begin(hasty)
    claim = await claimed(hasty, watch)
    assert await store.renew(claim)
    assert await hasty.claim(watch.id, point(), "b") is None


async def test_released_point_is_free_at_once(store: Store, watch: Deployment) -> None:
    """Nobody has to wait for the lease of an owner that gave up."""
    await store.release(await claimed(store, watch))
    assert await store.claim(watch.id, point(), "b") is not None


async def test_stale_owner_cannot_do_anything(hasty: Store, store: Store) -> None:
    """After a takeover the old claim neither records, renews nor releases."""
    watch = await begin(hasty)
    stale = await claimed(hasty, watch)
    fresh = await store.claim(watch.id, point(), "b")
    assert fresh is not None
    assert not await store.record(
        stale, taken(stale.point), report(), [post()], state=WatchState(memory={"x": 1})
    )
    assert not await store.renew(stale)
    await store.release(stale)
    assert await store.taken(watch.id) == ()
    assert (await store.state(watch.id)).memory == {}
    assert (await store.backlog(later(99))).depth == 0
    assert await store.record(fresh, taken(fresh.point), report())


async def test_late_owner_may_record_if_nobody_took_over(hasty: Store) -> None:
    """A lease's end alone loses nothing that was measured."""
    watch = await begin(hasty)
    claim = await claimed(hasty, watch)
    assert await hasty.record(claim, taken(claim.point), report())


async def test_everything_of_a_point_is_recorded(store: Store, watch: Deployment) -> None:
    """Report, evidence, outline, state and posts come back as they went in."""
    claim = await claimed(store, watch)
    outcome, found = taken(claim.point), report(finding(), finding("auth", Level.OK))
    assert await store.record(
        claim, outcome, found, [post("alarm")], state=WatchState(memory={"x": 1})
    )
    assert await store.taken(watch.id) == (outcome,)
    assert await store.reports(watch.id, ["T+10", "T+20"]) == {"T+10": found}
    assert (await store.state(watch.id)).memory == {"x": 1}
    assert [p.key for p in await store.claim_posts("a", later(10), 9)] == ["alarm"]


async def test_order_of_details_and_rows_is_kept(store: Store, watch: Deployment) -> None:
    """Nothing is sorted on the way, so a stored report reads as it did."""
    claim = await claimed(store, watch)
    await store.record(claim, taken(claim.point), report())
    (found,) = (await store.reports(watch.id, ["T+10"])).values()
    assert list(found.findings[0].details) == ["z", "a"]
    assert list(found.evidence.database.results["q"].rows[0]) == ["z", "a", "n", "ok"]


async def test_recording_again_changes_nothing(store: Store, watch: Deployment) -> None:
    """An owner that did not hear the answer may ask again; the first outcome stays."""
    claim = await claimed(store, watch)
    await store.record(claim, taken(claim.point), report(), [post("alarm")])
    assert await store.record(claim, taken(claim.point, Decision.NO_GO), None, [post("other")])
    assert await store.taken(watch.id) == (taken(claim.point),)
    assert (await store.backlog(later(99))).depth == 1


async def test_baseline_has_no_report(store: Store, watch: Deployment, store_database: str) -> None:
    """A point that judges nothing has an outline, and no report or evidence."""
    claim = await claimed(store, watch, 0)
    await store.record(claim, taken(claim.point, None), None)
    assert await store.taken(watch.id) == (taken(claim.point, None),)
    assert await store.reports(watch.id, ["T+0"]) == {}
    assert rows(store_database, "SELECT evidence FROM golive.checkpoints") == [(None,)]


async def test_points_come_by_when_they_were_due(store: Store, watch: Deployment) -> None:
    """T+10 before T+20, in whatever order they were taken."""
    for minutes in (20, 10):
        claim = await claimed(store, watch, minutes)
        await store.record(claim, taken(claim.point), report())
    assert [t.point.key for t in await store.taken(watch.id)] == ["T+10", "T+20"]


async def test_findings_can_be_compared_in_sql(
    store: Store, watch: Deployment, store_database: str
) -> None:
    """Every check of every point is a row of its own, whatever its number is."""
    claim = await claimed(store, watch)
    findings = (
        finding(),
        replace(finding("share", Level.OK), value=float("nan")),
        replace(finding("gone", Level.UNKNOWN, "a\x00b"), value=None),
    )
    await store.record(claim, taken(claim.point), report(*findings))
    found = rows(store_database, "SELECT check_id, level, value::text FROM golive.findings")
    assert sorted(found) == [
        ("gone", "UNKNOWN", None),
        ("http_5xx", "WARNING", "7"),
        ("share", "OK", "NaN"),
    ]


async def test_status_content_waits_for_the_status_message(store: Store, watch: Deployment) -> None:
    """The status is an update of the message `status`, in the watch's channel."""
    await store.enqueue([post("status", deployment_id=watch.id)])
    claim = await claimed(store, watch)
    status = StatusContent(message=Message(text="GO so far"))
    await store.record(claim, taken(claim.point), report(), status=status)
    (first,) = await store.claim_posts("a", later(10), 9)
    await store.sent(first, "1.1")
    (update,) = await store.claim_posts("a", later(10), 9)
    assert (update.update_ts, update.message.text) == ("1.1", "GO so far")
