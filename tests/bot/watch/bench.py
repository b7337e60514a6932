"""The parts of a watch, put together by hand: a real store, and an application that is invented."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from bot.storage.store import Store
from bot.storage.values import WatchState
from bot.watch import plan
from bot.watch.lookout import Lookout, Subject
from bot.watch.model import Deployment, Point
from bot.watch.saying import Speech
from bot.watch.taking import Taker
from bot.watch.ticking import Ticker
from checks import CHECKS
from checks.engine.model import HealthEvidence
from checks.engine.runbook import Runbook, load_runbook
from checks.engine.runner import Sources
from checks.sources.http import HealthProbe
from tests.bot.storage.things import rows
from tests.support.evidence import HOUR, leak, log, minute_of, tried
from tests.support.fakes import FakeDatabase, FakeLog, FakeProbe
from tests.support.hand import HandClock

BOOK = load_runbook(checks=CHECKS)
T0 = HOUR.since
CHANNEL = "C1"
LEAD = "U0LEAD"
LEAKING = log({"http_responses": 100, "secret_leak": 1}, leaks=(leak(),))
"""What the log shows of a release that must be rolled back."""


def at(minutes: float) -> datetime:
    """So many minutes after the deploy."""
    return T0 + timedelta(minutes=minutes)


def minute(number: int) -> int:
    """The epoch minute so many minutes after the deploy."""
    return minute_of(at(number))


@dataclass(slots=True, kw_only=True)
class Called:
    """Implements `bot.watch.saying.Called`."""

    mention: str | None = f"<@{LEAD}>"
    problem: str | None = None


@dataclass(slots=True, kw_only=True)
class Application:
    """What there is to be seen, as a test says; everything answers, and nothing is wrong."""

    log: FakeLog = field(default_factory=lambda: FakeLog(evidence=log({"http_responses": 100})))
    database: FakeDatabase = field(default_factory=FakeDatabase)
    probe: HealthProbe = field(default_factory=lambda: answering(200))
    quick: HealthProbe = field(default_factory=lambda: answering(200))


def answering(*statuses: int) -> FakeProbe:
    """A probe whose tries are answered so."""
    return FakeProbe(evidence=tried(*statuses) if statuses else HealthEvidence())


def looking(
    seen: Application, clock: HandClock, *, runbook: Runbook = BOOK, secrets: tuple[str, ...] = ()
) -> Lookout:
    """A lookout over the invented application."""
    return Lookout(
        checks=CHECKS,
        runbook=runbook,
        sources=Sources(log=seen.log, database=seen.database, health=seen.probe),
        quick_probe=seen.quick,
        clock=clock,
        secrets=secrets,
        fingerprint_key=b"the tests' own",
    )


@dataclass(slots=True, kw_only=True)
class Tower:
    """A lookout, and what moves it."""

    clock: HandClock = field(default_factory=lambda: HandClock(T0))
    seen: Application = field(default_factory=Application)

    def lookout(self, *secrets: str) -> Lookout:
        """Over this application."""
        return looking(self.seen, self.clock, secrets=secrets)

    @property
    def windows(self) -> list[tuple[float, float, bool]]:
        """For each scan: its window in minutes after T+0, and whether the log was read on."""
        minutes = timedelta(minutes=1)
        return [
            (
                (request.window.since - T0) / minutes,
                (request.window.until - T0) / minutes,
                state is not None,
            )
            for request, state in zip(self.seen.log.requests, self.seen.log.states, strict=True)
        ]


def watch(version: str = "v2", channel: str = CHANNEL, *, deployed_at: datetime = T0) -> Deployment:
    """A deployment that no store knows."""
    return Deployment(
        id=uuid5(NAMESPACE_URL, version),
        channel=channel,
        version=version,
        deployed_at=deployed_at,
        started_by="U1",
        started_at=deployed_at,
    )


def about(**more: Any) -> Subject:
    """What a look at that deployment is about."""
    values: dict[str, Any] = {"checkpoint": "1", "state": WatchState(), **more}
    return Subject(deployment=watch(), **values)


@dataclass(slots=True, kw_only=True)
class Bench:
    """One replica's parts of a watch."""

    url: str
    store: Store
    clock: HandClock
    seen: Application
    lookout: Lookout
    lead: Called
    speech: Speech
    taker: Taker
    ticker: Ticker

    async def begin(self, version: str = "v2", channel: str = CHANNEL) -> Deployment:
        """Start a watch at T+0."""
        found, _ = await self.store.start(
            channel=channel, version=version, deployed_at=T0, by="U1", at=self.clock.now()
        )
        return found

    async def take(self, deployment: Deployment, key: str) -> bool:
        """Take a point of the hour at its instant; whether it was taken here."""
        point = point_of(deployment, key)
        self.clock.instant = max(self.clock.instant, point.due_at)
        return await self.taker.take(deployment, point) is not None

    def posted(self) -> list[str]:
        """Keys of all posts, in their order, without the updates of the status message."""
        asked = "SELECT key FROM golive.posts WHERE update_of IS NULL ORDER BY seq"
        return [str(key) for (key,) in rows(self.url, asked)]


def point_of(deployment: Deployment, key: str) -> Point:
    """A point of the runbook's hour by its key."""
    return next(one for one in plan.hour(deployment, BOOK) if one.key == key)


def assembled(
    store: Store,
    url: str,
    *,
    seen: Application | None = None,
    clock: HandClock | None = None,
    owner: str = "first",
    runbook: Runbook = BOOK,
) -> Bench:
    """A replica on a store, which may not be open yet."""
    seen, clock, lead = seen or Application(), clock or HandClock(T0), Called()
    lookout = looking(seen, clock, runbook=runbook)
    speech = Speech(runbook=runbook, lookout=lookout, lead=lead)
    return Bench(
        url=url,
        store=store,
        clock=clock,
        seen=seen,
        lookout=lookout,
        lead=lead,
        speech=speech,
        taker=Taker(
            store=store,
            lookout=lookout,
            speech=speech,
            runbook=runbook,
            clock=clock,
            owner=owner,
            started_at=clock.now(),
            audit_head=no_audit,
        ),
        ticker=Ticker(store=store, lookout=lookout, speech=speech, runbook=runbook, clock=clock),
    )


async def no_audit() -> str:
    """There are no fixes, and so no audit of them."""
    return ""


@asynccontextmanager
async def bench(
    url: str,
    *,
    seen: Application | None = None,
    clock: HandClock | None = None,
    owner: str = "first",
    lease: float = 600,
    runbook: Runbook = BOOK,
) -> AsyncGenerator[Bench]:
    """A replica on an open store."""
    async with Store(url, lease=lease) as store:
        yield assembled(store, url, seen=seen, clock=clock, owner=owner, runbook=runbook)
