"""Between two points: samples, rollback criteria, and the call that nobody answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.storage.values import WatchState
from bot.watch.model import Deployment, Note, NoteKind
from checks.engine.model import HealthEvidence
from tests.bot.storage.things import rows
from tests.bot.watch.bench import BOOK, LEAKING, Bench, Called, answering, at, bench, minute
from tests.support.evidence import log
from tests.support.evidence import rows as answers
from tests.support.fakes import FakeProbe

ALARM = "alarm:start:rollback:secret_leak"
WAIT = BOOK.remind_after
EVERY = BOOK.between.every


@pytest.fixture
async def bed(store_database: str) -> AsyncGenerator[Bench]:
    """One replica at T+0."""
    async with bench(store_database) as bed:
        yield bed


async def begun(bed: Bench) -> Deployment:
    """A watch with its baseline, one minute on."""
    deployment = await bed.begin()
    assert await bed.take(deployment, "T+0")
    bed.clock.instant = at(1)
    bed.seen.log.requests.clear()
    return deployment


async def ticks(bed: Bench, deployment: Deployment, number: int) -> None:
    """Tick so often, half a minute apart."""
    for _ in range(number):
        assert await bed.ticker.tick(deployment)
        bed.clock.instant += EVERY


async def remembered(bed: Bench, deployment: Deployment) -> WatchState:
    """What the watch remembers."""
    return await bed.store.state(deployment.id)


# --- whose turn it is ---------------------------------------------------------------------------


async def test_before_the_baseline_a_tick_looks_at_nothing(bed: Bench) -> None:
    """There is nothing to hold a sample against; it is done all the same."""
    deployment = await bed.begin()
    assert await bed.ticker.tick(deployment)
    assert bed.seen.log.requests == []
    state = await remembered(bed, deployment)
    assert (state.observed, state.ticked_at) == (None, at(0))


async def test_of_two_replicas_one_ticks(store_database: str, bed: Bench) -> None:
    """And nobody does so sooner than it is due."""
    async with bench(store_database, owner="second", clock=bed.clock) as other:
        deployment = await begun(bed)
        one, two = bed.ticker.tick(deployment), other.ticker.tick(deployment)
        assert sorted(await asyncio.gather(one, two)) == [False, True]
        bed.clock.instant += timedelta(seconds=24)
        assert not await bed.ticker.tick(deployment)
        bed.clock.instant += timedelta(seconds=1)
        assert await other.ticker.tick(deployment)


async def test_a_watch_that_was_closed_does_not_tick(bed: Bench) -> None:
    """Neither before the look nor after it."""
    deployment = await begun(bed)

    class Closing(FakeProbe):
        async def probe(self) -> HealthEvidence:
            await bed.store.close_watch(deployment.id, by="U1", at=at(1))
            return await super().probe()

    bed.seen.log.evidence = LEAKING
    closing = Closing(evidence=answering(200).evidence)
    async with bench(bed.url, clock=bed.clock, seen=replace(bed.seen, quick=closing)) as other:
        assert not await other.ticker.tick(deployment)
        assert bed.posted() == ["status", "point:T+0"]
        assert not await other.ticker.tick(deployment)


# --- samples ------------------------------------------------------------------------------------


async def test_a_tick_samples_what_only_a_watch_can_see(bed: Bench) -> None:
    """A unit that was lost, a campaign that moved, a probe that failed; merged into what was."""
    up, down = {"unit_id": "a", "status": "connected"}, {"unit_id": "a", "status": "close"}
    bed.seen.database.evidence = answers(
        unit_connections=up, campaigns_processing={"id": "c", "pending": 3}
    )
    deployment = await begun(bed)
    bed.seen.database.evidence = answers(
        unit_connections=down, campaigns_processing={"id": "c", "pending": 2}
    )
    seen = replace(bed.seen, quick=answering(503))
    async with bench(bed.url, clock=bed.clock, seen=seen) as other:
        assert await other.ticker.tick(deployment)
    observed = (await remembered(bed, deployment)).observed
    assert observed is not None
    assert dict(observed.drops) == {"a": 1}
    assert dict(observed.progress) == {"c": at(1)}
    assert dict(observed.probes) == {minute(0): True, minute(1): False}
    assert observed.connected_at_start == {"a"}


async def test_a_tick_asks_only_for_what_it_needs(bed: Bench) -> None:
    """The samples, and the checks behind the rollback criteria; not all sixteen."""
    deployment = await begun(bed)
    bed.seen.database.asked.clear()
    assert await bed.ticker.tick(deployment)
    asked = set(bed.seen.database.asked)
    assert {"unit_connections", "campaigns_processing", "outbound_outcomes"} <= asked
    assert "messages_inserted" not in asked


async def test_a_check_that_is_switched_off_is_not_sampled(store_database: str) -> None:
    """Whatever a criterion would like to see of it."""
    off = replace(BOOK, switched_off={"campaigns": "There are none."})
    async with bench(store_database, runbook=off) as bed:
        deployment = await begun(bed)
        bed.seen.database.asked.clear()
        assert await bed.ticker.tick(deployment)
        assert "campaigns_processing" not in bed.seen.database.asked


# --- calls --------------------------------------------------------------------------------------


async def test_a_rollback_criterion_calls_at_once_and_once(bed: Bench) -> None:
    """Between two points, without waiting for the next; neither it nor the next point repeats."""
    deployment = await begun(bed)
    await ticks(bed, deployment, 1)
    assert bed.posted() == ["status", "point:T+0"]
    bed.seen.log.evidence = LEAKING
    await ticks(bed, deployment, 3)
    assert bed.posted() == ["status", "point:T+0", ALARM]
    assert await bed.take(deployment, "T+10")
    assert [key for key in bed.posted() if key.startswith("alarm")] == [ALARM]


async def test_a_call_that_nobody_answers_is_repeated_once(bed: Bench) -> None:
    """After the runbook's five minutes; then golive has said what it can."""
    deployment = await begun(bed)
    bed.seen.log.evidence = LEAKING
    await ticks(bed, deployment, int(WAIT / EVERY))
    assert bed.posted()[-1] == ALARM
    await ticks(bed, deployment, 1)
    assert bed.posted()[-1] == f"{ALARM}:reminder"
    await ticks(bed, deployment, int(WAIT / EVERY) + 2)
    assert bed.posted().count(f"{ALARM}:reminder") == 1


async def test_a_call_that_somebody_answered_is_not_repeated(bed: Bench) -> None:
    """On any replica: the note is in the store."""
    deployment = await begun(bed)
    bed.seen.log.evidence = LEAKING
    await ticks(bed, deployment, 1)
    note = Note(kind=NoteKind.ACK, by="U1", at=at(2))
    await bed.store.add_note(deployment.id, note)
    await ticks(bed, deployment, int(WAIT / EVERY) + 2)
    assert bed.posted()[-1] == ALARM


async def test_two_criticals_at_once_call_between_points_too(bed: Bench) -> None:
    """At once; the next point does not call again."""
    deployment = await begun(bed)
    bed.seen.log.evidence = log({"http_responses": 999, "http_5xx": 99, "http_401": 300})
    await ticks(bed, deployment, 1)
    assert bed.posted() == ["status", "point:T+0", "alarm:start:critical"]
    assert await bed.take(deployment, "T+10")
    assert [key for key in bed.posted() if key.startswith("alarm")] == ["alarm:start:critical"]


async def test_the_call_says_who_is_called(store_database: str) -> None:
    """Or that nobody is; the reminder too."""
    for mention, said in (("<@U0LEAD>", "<@U0LEAD>"), (None, "Nobody is called")):
        async with bench(store_database) as bed:
            bed.lead.mention = Called(mention=mention).mention
            deployment = await bed.begin(f"v-{mention}", channel=str(mention))
            assert await bed.take(deployment, "T+0")
            bed.seen.log.evidence = LEAKING
            bed.clock.instant = at(1)
            await ticks(bed, deployment, int(WAIT / EVERY) + 1)
            asked = f"""
                SELECT message::text FROM golive.posts
                WHERE deployment_id = '{deployment.id}' AND key LIKE 'alarm%'
            """
            texts = [str(text) for (text,) in rows(bed.url, asked)]
            assert len(texts) == 2
            assert [said in text for text in texts] == [True, True], texts
