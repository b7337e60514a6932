"""Taking a point: claimed once, recorded with all that it says, let go where it failed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from bot.operations.metrics import Unmeasured
from bot.watch.taking import Taker
from checks.engine.model import DatabaseEvidence, Decision, Evidence, HealthEvidence, Level
from checks.engine.runbook.model import HistoryRule
from tests.bot.storage.things import rows
from tests.bot.watch.bench import (
    BOOK,
    LEAKING,
    Application,
    Bench,
    answering,
    at,
    bench,
    no_audit,
    point_of,
)
from tests.support.evidence import log
from tests.support.evidence import rows as answers
from tests.support.fakes import FakeProbe
from tests.support.hand import HandClock

POSTS = """
    SELECT key, thread_of IS NOT NULL, broadcast FROM golive.posts WHERE update_of IS NULL
    ORDER BY seq
"""
LEASE = "SELECT lease_until FROM golive.checkpoints"


@pytest.fixture
async def bed(store_database: str) -> AsyncGenerator[Bench]:
    """One replica at T+0."""
    async with bench(store_database) as bed:
        yield bed


@dataclass(kw_only=True)
class Held(FakeProbe):
    """A probe that is not answered until a test says so."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    answer: asyncio.Event = field(default_factory=asyncio.Event)

    async def probe(self) -> HealthEvidence:
        """Wait."""
        self.asked.set()
        await self.answer.wait()
        return await super().probe()


async def test_a_point_is_recorded_with_all_that_it_says(bed: Bench) -> None:
    """The status message first, then the reply in its thread, in one transaction."""
    deployment = await bed.begin()
    assert await bed.take(deployment, "T+0")
    assert await bed.take(deployment, "T+5")
    bed.seen.log.evidence = log({"http_responses": 100, "http_5xx": 4})
    assert await bed.take(deployment, "T+10")
    updates = "SELECT count(*) FROM golive.posts WHERE key = 'status:update'"
    assert rows(bed.url, updates) == [(1,)]
    assert rows(bed.url, POSTS) == [
        ("status", False, False),
        ("point:T+0", True, False),
        ("point:T+5", True, False),
        ("point:T+10", True, True),  # worse than nothing said before
    ]
    baseline, health, first = await bed.store.taken(deployment.id)
    assert (baseline.decision, dict(baseline.levels)) == (None, {})
    assert (health.decision, set(health.levels)) == (Decision.GO, {"health"})
    assert first.decision is Decision.MONITOR
    assert first.levels["http_5xx"] is Level.WARNING


async def test_the_first_report_is_already_held_against_the_baseline(bed: Bench) -> None:
    """What is counted at T+0 is no growth since T+0."""
    bed.seen.database.evidence = answers(messages_inserted={"inserted": 7})
    deployment = await bed.begin()
    assert await bed.take(deployment, "T+0")
    report = (await bed.store.reports(deployment.id, ["T+0"]))["T+0"]
    assert report.evidence.observed is not None
    assert report.evidence.observed.inserted == 7
    state = await bed.store.state(deployment.id)
    assert state.observed is not None
    assert state.observed.inserted == 7


async def test_each_point_is_taken_once(store_database: str, bed: Bench) -> None:
    """By whichever replica claims it first; the other one looks at nothing."""
    async with bench(store_database, owner="second", clock=bed.clock) as other:
        deployment = await bed.begin()
        taken = await asyncio.gather(bed.take(deployment, "T+0"), other.take(deployment, "T+0"))
        assert sorted(taken) == [False, True]
        assert not await bed.take(deployment, "T+0")
        assert sorted([len(bed.seen.log.requests), len(other.seen.log.requests)]) == [0, 2]
        assert bed.posted() == ["status", "point:T+0"]


@pytest.mark.parametrize("error", [RuntimeError(), asyncio.CancelledError()])
async def test_a_look_that_broke_off_lets_the_point_go(
    store_database: str, bed: Bench, error: BaseException
) -> None:
    """At once, for another replica; nothing is recorded of it."""
    held = Held(evidence=answering(200).evidence)
    async with bench(
        store_database, owner="second", clock=bed.clock, seen=Application(probe=held)
    ) as other:
        deployment = await bed.begin()
        taking = asyncio.create_task(other.take(deployment, "T+0"))
        await held.asked.wait()
        assert not await bed.take(deployment, "T+0")  # its lease holds
        if isinstance(error, asyncio.CancelledError):
            taking.cancel()
        else:
            other.lookout.adjust = broken
            held.answer.set()
        with pytest.raises(type(error)):
            await taking
        assert bed.posted() == []
        assert await bed.take(deployment, "T+0")


async def broken(evidence: Evidence, checkpoint: str) -> Evidence:
    """A part of golive's own that nobody foresaw to fail."""
    raise RuntimeError(f"{checkpoint} at {evidence.now}")


async def test_a_watch_that_is_closed_meanwhile_says_nothing_more(bed: Bench) -> None:
    """The look was in vain; golive's own log says so."""
    held = Held(evidence=answering(200).evidence)
    deployment = await bed.begin()
    assert await bed.take(deployment, "T+0")
    slow = _with_probe(bed, held)
    taking = asyncio.create_task(slow.take(deployment, point_of(deployment, "T+10")))
    await held.asked.wait()
    await bed.store.close_watch(deployment.id, by="U1", at=at(10))
    held.answer.set()
    with capture_logs() as told:
        assert await taking is None
    assert [entry["event"] for entry in told] == ["claim lost"]
    assert bed.posted() == ["status", "point:T+0"]


async def test_a_slow_look_keeps_its_lease(store_database: str, bed: Bench) -> None:
    """Else another replica would take the point a second time."""
    held = Held(evidence=answering(200).evidence)
    async with bench(
        store_database, owner="slow", clock=bed.clock, seen=Application(probe=held), lease=2
    ) as slow:
        deployment = await bed.begin()
        taking = asyncio.create_task(slow.take(deployment, "T+0"))
        await held.asked.wait()
        first = rows(bed.url, LEASE)
        async with asyncio.timeout(30):
            while rows(bed.url, LEASE) == first:  # noqa: ASYNC110 - the database tells nobody
                await asyncio.sleep(0.05)
        assert not await bed.take(deployment, "T+0")
        held.answer.set()
        assert await taking


async def test_an_alarm_calls_once_and_is_remembered(bed: Bench) -> None:
    """The checkpoint that found it calls in a post of its own; the next one is quiet."""
    deployment = await bed.begin()
    assert await bed.take(deployment, "T+0")
    bed.seen.log.evidence = LEAKING
    assert await bed.take(deployment, "T+10")
    assert await bed.take(deployment, "T+20")
    alarms = [key for key in bed.posted() if key.startswith("alarm:")]
    assert alarms == ["alarm:start:rollback:secret_leak"]
    memory = (await bed.store.state(deployment.id)).memory
    assert [key for key in memory if key.startswith("called:")] == [
        "called:start rollback:secret_leak"
    ]


async def test_a_health_check_calls_nobody(bed: Bench) -> None:
    """It looked at nothing else; the next point does."""
    deployment = await bed.begin()
    assert await bed.take(deployment, "T+0")
    bed.seen.log.evidence = LEAKING
    assert await bed.take(deployment, "T+5")
    assert not [key for key in bed.posted() if key.startswith("alarm:")]


@pytest.mark.parametrize(("minutes", "restarted"), [(12, True), (3, False)])
async def test_what_was_due_before_golive_began_is_taken_after_a_restart(
    store_database: str, bed: Bench, minutes: int, restarted: bool
) -> None:
    """The post says so; a point that was only late does not."""
    deployment = await bed.begin()
    assert await bed.take(deployment, "T+0")
    async with bench(store_database, owner="second", clock=HandClock(at(minutes))) as other:
        other.clock.instant = at(13)
        assert await other.take(deployment, "T+10")
    told = "SELECT message::text FROM golive.posts WHERE key = 'point:T+10'"
    assert ("restart" in str(rows(bed.url, told))) == restarted


async def test_a_deploy_of_before_is_no_restart(store_database: str) -> None:
    """`start v2 12m`: what was due before the watch began was nobody's fault."""
    async with bench(store_database, clock=HandClock(at(12))) as bed:
        deployment = await bed.begin()
        assert await bed.take(deployment, "T+0")
        assert await bed.take(deployment, "T+10")
    told = "SELECT message::text FROM golive.posts WHERE key = 'point:T+10'"
    assert "restart" not in str(rows(bed.url, told))


async def test_a_point_is_held_against_the_deployment_before(store_database: str) -> None:
    """0 retries then, 5 now: as context, and as a WARNING where the runbook wants that."""
    raising = replace(BOOK, history=HistoryRule(checks=frozenset({"retries"}), below=0.05))
    for book, level in ((BOOK, Level.OK), (raising, Level.WARNING)):
        async with bench(store_database, runbook=book) as bed:
            bed.seen.log.evidence = log({"http_responses": 500})
            before = await bed.begin(f"v1-{level}", channel=level)
            for key in ("T+0", "T+20"):
                assert await bed.take(before, key)
            await bed.store.close_watch(before.id, by="U1", at=at(30))
            bed.clock.instant = at(30)
            deployment, _ = await bed.store.start(
                channel=level, version="v2", deployed_at=at(30), by="U1", at=at(30)
            )
            bed.seen.log.evidence = log({"http_responses": 500, "retry": {15: 5}})
            for key in ("T+0", "T+20"):
                assert await bed.take(deployment, key)
            report = (await bed.store.reports(deployment.id, ["T+20"]))["T+20"]
            found = next(one for one in report.findings if one.check == "retries")
            assert (found.value, found.level) == (5, level)
            assert "0 then, 5 now" in str(found.details["history"])


@dataclass(slots=True)
class Counting(Unmeasured):
    """Remembers how late points were."""

    late: list[timedelta] = field(default_factory=list[timedelta])

    def taken(self, late: timedelta) -> None:
        """A point."""
        self.late.append(late)


async def test_lateness_is_counted_for_what_was_recorded(bed: Bench) -> None:
    """Not for a point that somebody else took."""
    metrics = Counting()
    deployment = await bed.begin()
    taker = Taker(
        store=bed.store,
        lookout=bed.lookout,
        speech=bed.speech,
        runbook=BOOK,
        clock=bed.clock,
        owner="first",
        started_at=bed.clock.now(),
        audit_head=no_audit,
        metrics=metrics,
    )
    bed.clock.instant = at(1.5)
    for _ in range(2):
        await taker.take(deployment, point_of(deployment, "T+0"))
    assert metrics.late == [timedelta(seconds=90)]


def _with_probe(bed: Bench, probe: FakeProbe) -> Taker:
    """The same replica before an application that does not answer yet."""
    bed.lookout.sources = replace(bed.lookout.sources, health=probe)
    return bed.taker


async def test_a_database_that_is_away_takes_no_point_away(bed: Bench) -> None:
    """Its checks are UNKNOWN; what was known before stays known."""
    bed.seen.database.evidence = answers(messages_inserted={"inserted": 7})
    deployment = await bed.begin()
    assert await bed.take(deployment, "T+0")
    bed.seen.database.evidence = DatabaseEvidence()
    assert await bed.take(deployment, "T+20")
    *_, last = await bed.store.taken(deployment.id)
    assert last.levels["database_activity"] is Level.UNKNOWN
    state = await bed.store.state(deployment.id)
    assert state.observed is not None
    assert state.observed.inserted == 7
