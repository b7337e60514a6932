"""A webhook secret that the database and Evolution share, and an engine between the two."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import psycopg

from bot.demo.evolution import EvolutionStandIn
from bot.remediation.database import FixDatabase
from bot.remediation.engine import Confirmation
from bot.remediation.evolution_writer import EvolutionWriter
from bot.remediation.paired import Paired
from bot.remediation.regenerate_secret import RegenerateSecret
from bot.remediation.steps import Step
from bot.remediation.values import Claim, Wish
from checks.engine.model import Json
from checks.engine.runbook import Remediation
from checks.sources.evolution import ServerSettings, Transport
from checks.sources.http import Timeouts
from tests.bot.remediation.planted import T0
from tests.manifests.roles import RoleUrls
from tests.support.crm_rows import Rows, Unit
from tests.support.hand import HandClock

BASE = "https://crm.example.org"
ROUTE = f"{BASE}/webhooks/whatsapp/evolution"
OLD = "planted-webhook-secret-of-norte-01"
OLIVIA = "U0OLIVIA001"
PATIENT = Timeouts(connect=10.0, write=10.0, read=10.0, whole=20.0)
HASTY = Timeouts(connect=10.0, write=10.0, read=1.0, whole=20.0)
"""For what does not answer at all: nothing else takes so long."""


class Crash(BaseException):
    """The process is gone: nothing behind it is run."""


@dataclass(slots=True, kw_only=True)
class Crashing:
    """`Steps` that ends the process at one of them, or does something there."""

    at: Step | None = None
    then: Callable[[], Awaitable[None]] | None = None
    seen: list[Step] = field(default_factory=list[Step])

    async def reached(self, step: Step) -> None:
        """Go on, or not."""
        self.seen.append(step)
        if step is self.at:
            if self.then is not None:
                await self.then()
                return
            raise Crash


@dataclass(slots=True, kw_only=True)
class World:
    """A unit, its instance in Evolution, and an engine between them."""

    roles: RoleUrls
    evolution: EvolutionStandIn
    engine: Paired
    steps: Crashing
    clock: HandClock
    unit: Unit
    instance: str

    def secret(self) -> str:
        """What the database has."""
        with psycopg.connect(self.roles.owner) as owner:
            row = owner.execute(
                "SELECT webhook_secret FROM unit_whatsapp_connections WHERE unit_id = %s",
                [self.unit.id],
            ).fetchone()
        assert row is not None
        return str(row[0])

    def told(self) -> str:
        """The secret that Evolution sends to."""
        webhook = self.evolution.instances[self.instance].webhook
        assert webhook is not None
        front, _, secret = webhook.url.rpartition("/")
        assert front == ROUTE
        return secret

    @property
    def agree(self) -> bool:
        """Whether database and Evolution have the same secret."""
        return self.secret() == self.told()

    async def proposed(self) -> Claim:
        """A preview."""
        now = self.clock.now()
        wish = Wish(kind="regenerate_secret", target="Norte", by=OLIVIA, channel="C1", at=now)
        claim = await self.engine.propose(wish)
        assert isinstance(claim, Claim), claim
        return claim

    def yes(self, claim: Claim) -> Confirmation:
        """A confirmation."""
        return Confirmation(claim=claim.id, by=OLIVIA, at=self.clock.now(), reason="mismatch")

    async def restarted(self, claim: Claim) -> Claim:
        """Two minutes later another process settles; the claim then."""
        self.steps.at = None
        self.clock.instant += timedelta(minutes=2)
        await self.engine.settle(self.clock.now())
        found = await self.engine.find(claim.id)
        assert found is not None
        return found


async def nowhere() -> dict[str, Json]:
    """There is no log."""
    return {}


@asynccontextmanager
async def paired_world(
    roles: RoleUrls, rules: Remediation, clock: HandClock, timeouts: Timeouts = PATIENT
) -> AsyncGenerator[World]:
    """Norte's connection, with the same secret on both sides."""
    with Rows(roles.owner) as rows:
        unit = rows.unit(
            "Norte",
            created_at=T0,
            instance_id="unit_norte",
            webhook_secret=OLD,
            provider="evolution",
        )
    steps = Crashing()
    known: list[str] = []
    database = FixDatabase(roles.fixer, lock=rules.lock_timeout, statement=rules.statement_timeout)
    async with EvolutionStandIn() as evolution, Transport(timeouts=timeouts) as transport:
        evolution.add("unit_norte", webhook_url=f"{ROUTE}/{OLD}")
        kind = RegenerateSecret(
            EvolutionWriter(transport),
            environment=ServerSettings(url=evolution.url, key=evolution.key),
            base_url=BASE,
            fingerprint=lambda secret: f"fp-{len(secret)}-{hash(secret)}",
            live=known.append,
            place=nowhere,
        )
        engine = Paired(database, {kind.name: kind}, rules, clock, steps)
        yield World(
            roles=roles,
            evolution=evolution,
            engine=engine,
            steps=steps,
            clock=clock,
            unit=unit,
            instance="unit_norte",
        )
        await database.close()
