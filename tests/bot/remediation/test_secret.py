"""Incident 1: a new secret in the database and in Evolution; both agree, whatever is cut off."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

import psycopg
import pytest

from bot.demo.evolution import EvolutionStandIn, Fault
from bot.remediation.database import FixDatabase
from bot.remediation.engine import Confirmation
from bot.remediation.evolution_writer import EvolutionWriter
from bot.remediation.paired import Paired
from bot.remediation.regenerate_secret import RegenerateSecret
from bot.remediation.steps import Step
from bot.remediation.values import Claim, Done, FixState, Over, Refusal, Unsettled, Wish
from checks.engine.runbook import Remediation
from checks.sources.evolution import ServerSettings, Transport
from checks.sources.http import Timeouts
from tests.bot.remediation.planted import T0
from tests.manifests.roles import RoleUrls
from tests.support.crm_rows import Rows, Unit
from tests.support.hand import HandClock
from tests.support.secrecy.planted import Kind, plant

BASE = "https://crm.example.org"
ROUTE = f"{BASE}/webhooks/whatsapp/evolution"
OLD = plant(Kind.WEBHOOK, "0ld5ecret-of-the-unit-0123456789")
OLIVIA = "U0OLIVIA001"
QUICK = Timeouts(connect=2.0, write=2.0, read=0.4, whole=0.6)


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
        wish = Wish(kind="regenerate_secret", target="Norte", by=OLIVIA, channel="C1", at=T0)
        claim = await self.engine.propose(wish)
        assert isinstance(claim, Claim), claim
        return claim

    def yes(self, claim: Claim) -> Confirmation:
        """A confirmation."""
        return Confirmation(claim=claim.id, by=OLIVIA, at=self.clock.now(), reason="mismatch")

    async def restarted(self) -> Claim:
        """Two minutes later another process settles; the claim then."""
        self.steps.at = None
        self.clock.instant += timedelta(minutes=2)
        await self.engine.settle(self.clock.now())
        with psycopg.connect(self.roles.owner) as owner:
            row = owner.execute("SELECT id FROM golive.fix_claims").fetchone()
        assert row is not None
        found = await self.engine.find(row[0])
        assert found is not None
        return found


@pytest.fixture
async def world(roles: RoleUrls, rules: Remediation, clock: HandClock) -> AsyncGenerator[World]:
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
    database = FixDatabase(roles.fixer, lock=rules.lock_timeout, statement=rules.statement_timeout)
    async with EvolutionStandIn() as evolution, Transport(timeouts=QUICK) as transport:
        evolution.add("unit_norte", webhook_url=f"{ROUTE}/{OLD}")
        kind = RegenerateSecret(
            EvolutionWriter(transport),
            environment=ServerSettings(url=evolution.url, key=evolution.key),
            base_url=BASE,
            fingerprint=lambda secret: f"fp-{len(secret)}-{hash(secret)}",
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


async def test_both_get_the_new_secret(world: World) -> None:
    """Events and base64 stay as they were, and the host is named before."""
    webhook = world.evolution.instances["unit_norte"].webhook
    assert webhook is not None
    webhook.base64, webhook.events = True, ["MESSAGES_UPSERT", "CONNECTION_UPDATE"]
    claim = await world.proposed()
    assert claim.sheet.facts == ("Evolution at 127.0.0.1 is told the new address.",)
    assert "Messages that arrive during the switch are lost" in claim.sheet.warnings[0]
    assert world.secret() == OLD
    assert isinstance(await world.engine.confirm(world.yes(claim)), Done)
    assert world.agree
    assert world.secret() != OLD
    assert (webhook.base64, webhook.events) == (True, ["MESSAGES_UPSERT", "CONNECTION_UPDATE"])
    assert isinstance(await world.engine.confirm(world.yes(claim)), Over)


@pytest.mark.parametrize(
    "fault",
    [
        Fault.UNAUTHORIZED,
        Fault.NOT_FOUND,
        Fault.SERVER_ERROR,
        Fault.RESET_BEFORE,
        Fault.RESET_AFTER,
    ],
)
async def test_where_evolution_refuses_the_database_keeps_the_old_secret(
    world: World, fault: Fault
) -> None:
    """Also where the answer is lost after the write: the old address is put back."""
    claim = await world.proposed()
    world.evolution.fail(fault, below="/webhook/set", times=1)
    result = await world.engine.confirm(world.yes(claim))
    assert isinstance(result, Refusal)
    assert "The database keeps the old secret." in result.why
    assert (world.secret(), world.told()) == (OLD, OLD)


@pytest.mark.parametrize(
    "fault", [Fault.UNAUTHORIZED, Fault.NOT_FOUND, Fault.SERVER_ERROR, Fault.HANG]
)
async def test_an_evolution_that_does_not_answer_changes_nothing(
    world: World, fault: Fault
) -> None:
    """It is asked before anything is claimed, so the preview can still be confirmed."""
    claim = await world.proposed()
    world.evolution.fail(fault)
    assert isinstance(await world.engine.confirm(world.yes(claim)), Refusal)
    world.evolution.heal()
    assert (world.secret(), world.told()) == (OLD, OLD)
    assert isinstance(await world.engine.confirm(world.yes(claim)), Done)
    assert world.agree


async def test_a_timeout_may_have_been_applied(world: World) -> None:
    """Nothing answers any more: unsettled, and retried until both agree."""
    claim = await world.proposed()

    async def dead() -> None:
        world.evolution.fail(Fault.RESET_AFTER, below="/webhook/set", times=1)
        world.evolution.fail(Fault.HANG, below="/webhook")

    world.steps.at, world.steps.then = Step.TELLING, dead
    result = await world.engine.confirm(world.yes(claim))
    assert isinstance(result, Unsettled)
    assert world.secret() == OLD
    still = await world.restarted()
    assert (still.state, still.settle_attempts) == (FixState.EXECUTING, 1)
    world.evolution.heal()
    settled = await world.restarted()
    assert settled.state is FixState.FAILED
    assert (world.secret(), world.told()) == (OLD, OLD)


@pytest.mark.parametrize("step", [s for s in Step if s not in {Step.RUNNING, Step.RAN}])
async def test_a_crash_at_any_step_ends_in_agreement(world: World, step: Step) -> None:
    """What was committed stays, what was not is gone; Evolution is told what the database has."""
    claim = await world.proposed()
    world.steps.at = step
    with pytest.raises(Crash):
        await world.engine.confirm(world.yes(claim))
    settled = await world.restarted()
    assert world.agree
    committed = step in {Step.COMMITTED, Step.COMPARED}
    assert (world.secret() != OLD) == committed
    expected = FixState.PROPOSED if step is Step.CONFIRMED else FixState.FAILED
    assert settled.state is (FixState.EXECUTED if committed else expected)


async def test_every_step_is_walked(world: World) -> None:
    """So that no crash point is left out of the test above."""
    await world.engine.confirm(world.yes(await world.proposed()))
    assert world.steps.seen == [s for s in Step if s not in {Step.RUNNING, Step.RAN}]


async def test_a_commit_that_fails_puts_the_old_address_back(world: World) -> None:
    """The connection is cut between the POST and the commit."""
    claim = await world.proposed()

    async def cut() -> None:
        with psycopg.connect(world.roles.owner, autocommit=True) as owner:
            owner.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'golive fixes' AND state = 'idle in transaction'"
            )

    world.steps.at, world.steps.then = Step.COMMITTING, cut
    result = await world.engine.confirm(world.yes(claim))
    assert isinstance(result, Refusal)
    assert (world.secret(), world.told()) == (OLD, OLD)


async def test_two_who_confirm_at_once_make_one_secret(world: World) -> None:
    """The second one hears who did it."""
    first, second = await world.proposed(), await world.proposed()
    assert isinstance(await world.engine.confirm(world.yes(first)), Done)
    after = world.secret()
    over = await world.engine.confirm(world.yes(second))
    assert isinstance(over, Over)
    assert over.winner is not None
    assert (world.secret(), world.agree) == (after, True)


async def test_no_secret_is_kept_anywhere(world: World) -> None:
    """Neither the old nor the new one stands in claims, images or audit."""
    await world.engine.confirm(world.yes(await world.proposed()))
    with psycopg.connect(world.roles.owner) as owner:
        kept = [
            str(row)
            for table in ("fix_claims", "fix_before_images", "fix_audit")
            for row in owner.execute(f"SELECT t::text FROM golive.{table} AS t".encode())
        ]
    assert kept
    for secret in (OLD, world.secret(), world.evolution.key):
        assert not [row for row in kept if secret in row]


async def test_another_provider_and_an_unknown_evolution(world: World, roles: RoleUrls) -> None:
    """Only evolution can be told; without a server the SELECT is given to run by hand."""
    with Rows(roles.owner) as rows:
        rows.unit("Sul", created_at=T0, provider="zapi")
        rows.run(
            'UPDATE unit_whatsapp_connections SET provider_config = \'{"apiUrl": "nowhere"}\''
            " WHERE unit_id = %(unit)s",
            unit=world.unit.id,
        )
    wish = Wish(kind="regenerate_secret", target="Sul", by=OLIVIA, channel="C1", at=T0)
    refused = await world.engine.propose(wish)
    assert isinstance(refused, Refusal)
    assert "Sul is served by zapi" in refused.why
    claim = await world.proposed()
    assert "SELECT webhook_secret FROM unit_whatsapp_connections" in claim.sheet.steps[0]
