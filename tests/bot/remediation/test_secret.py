"""Incident 1: a new secret in the database and in Evolution, and what keeps it from being made."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta

import psycopg
import pytest

from bot.demo.evolution import Fault
from bot.remediation import claims
from bot.remediation.database import FixDatabase
from bot.remediation.evolution_writer import EvolutionWriter, Webhook
from bot.remediation.paired import Paired
from bot.remediation.regenerate_secret import RegenerateSecret
from bot.remediation.steps import Step
from bot.remediation.values import Claim, Done, FixState, Over, Refusal, Unsettled, Wish
from checks.engine.runbook import Remediation
from checks.sources.evolution import Failure, Server, ServerSettings, Transport
from tests.bot.remediation.pair import (
    BASE,
    HASTY,
    OLD,
    OLIVIA,
    World,
    nowhere,
    paired_world,
)
from tests.bot.remediation.planted import T0
from tests.manifests.roles import RoleUrls
from tests.support.crm_rows import Rows
from tests.support.hand import HandClock


@pytest.fixture
async def world(roles: RoleUrls, rules: Remediation, clock: HandClock) -> AsyncGenerator[World]:
    """Norte's connection, with the same secret on both sides."""
    async with paired_world(roles, rules, clock) as made:
        yield made


@pytest.fixture
async def hasty(roles: RoleUrls, rules: Remediation, clock: HandClock) -> AsyncGenerator[World]:
    """The same with an Evolution that is not waited for long."""
    async with paired_world(roles, rules, clock, HASTY) as made:
        yield made


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
    "fault", [Fault.UNAUTHORIZED, Fault.NOT_FOUND, Fault.SERVER_ERROR, Fault.HANG]
)
async def test_an_evolution_that_does_not_answer_changes_nothing(
    hasty: World, fault: Fault
) -> None:
    """It is asked before anything is claimed, so the preview can still be confirmed."""
    claim = await hasty.proposed()
    hasty.evolution.fail(fault)
    assert isinstance(await hasty.engine.confirm(hasty.yes(claim)), Refusal)
    hasty.evolution.heal()
    assert (hasty.secret(), hasty.told()) == (OLD, OLD)
    assert isinstance(await hasty.engine.confirm(hasty.yes(claim)), Done)
    assert hasty.agree


async def test_a_timeout_may_have_been_applied(hasty: World) -> None:
    """Nothing answers any more: unsettled, and retried until both agree."""
    claim = await hasty.proposed()

    async def dead() -> None:
        hasty.evolution.fail(Fault.RESET_AFTER, below="/webhook/set", times=1)
        hasty.evolution.fail(Fault.HANG, below="/webhook")

    hasty.steps.at, hasty.steps.then = Step.TELLING, dead
    result = await hasty.engine.confirm(hasty.yes(claim))
    assert isinstance(result, Unsettled)
    assert hasty.secret() == OLD
    still = await hasty.restarted(claim)
    assert (still.state, still.settle_attempts) == (FixState.EXECUTING, 1)
    hasty.evolution.heal()
    settled = await hasty.restarted(claim)
    assert settled.state is FixState.FAILED
    assert (hasty.secret(), hasty.told()) == (OLD, OLD)


async def test_what_settles_hours_later_is_looked_at_again_then(world: World) -> None:
    """Two systems that agree late are a fix that ended late."""
    claim = await world.proposed()

    async def down() -> None:
        world.evolution.fail(Fault.SERVER_ERROR)

    world.steps.at, world.steps.then = Step.COMMITTED, down
    assert isinstance(await world.engine.confirm(world.yes(claim)), Unsettled)
    world.evolution.heal()
    world.clock.instant += timedelta(hours=3)
    settled = await world.restarted(claim)
    assert settled.state is FixState.EXECUTED
    async with world.engine.database.transaction() as connection:
        since = world.clock.now() - timedelta(hours=2)
        assert [c.id for c in await claims.unverified(connection, since)] == [claim.id]


async def test_nothing_is_open_while_evolution_is_looked_at_again(world: World) -> None:
    """Two minutes later Evolution may take its time: the application's database hears nothing."""
    claim = await world.proposed()
    assert isinstance(await world.engine.confirm(world.yes(claim)), Done)
    kind = world.engine.kinds[claim.kind]
    asked = len(world.evolution.journal)
    world.evolution.fail(Fault.HANG)
    looking = asyncio.create_task(kind.outcome(world.engine.database, claim))
    await world.evolution.received(asked + 1)
    with psycopg.connect(world.roles.owner) as owner:
        open_ones = owner.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE application_name = 'golive fixes' AND state LIKE 'idle in transaction%'"
        ).fetchone()
    world.evolution.heal()
    outcome = await looking
    assert open_ones == (0,)
    assert outcome.counts == (("secret renewed", 1),)


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


async def test_who_did_it_is_said_without_asking_evolution(world: World) -> None:
    """A used preview is answered from the claims; Evolution hears nothing of it."""
    claim = await world.proposed()
    assert isinstance(await world.engine.confirm(world.yes(claim)), Done)
    asked = len(world.evolution.journal)
    world.evolution.fail(Fault.HANG)
    over = await world.engine.confirm(world.yes(claim))
    assert isinstance(over, Over)
    assert (over.claim.id, over.claim.executed_by) == (claim.id, OLIVIA)
    assert len(world.evolution.journal) == asked


async def test_a_connection_without_a_secret_gets_one_on_both_sides(world: World) -> None:
    """What never had one is told to Evolution like any other."""
    with Rows(world.roles.owner) as rows:
        rows.run(
            "UPDATE unit_whatsapp_connections SET webhook_secret = NULL WHERE unit_id = %(unit)s",
            unit=world.unit.id,
        )
    assert isinstance(await world.engine.confirm(world.yes(await world.proposed())), Done)
    assert world.agree
    assert world.secret() != OLD


async def test_what_is_made_is_not_called_undone_where_the_database_goes_away(
    world: World, rules: Remediation
) -> None:
    """Behind the commit nothing can be compared or noted: it is done all the same."""
    claim = await world.proposed()
    database = world.engine.database

    async def gone() -> None:
        world.engine.database = FixDatabase(
            "postgresql://golive_fixer@127.0.0.1:1/none",
            lock=rules.lock_timeout,
            statement=rules.statement_timeout,
        )

    world.steps.at, world.steps.then = Step.COMMITTED, gone
    assert isinstance(await world.engine.confirm(world.yes(claim)), Done)
    world.engine.database = database
    assert world.agree


class Slow(EvolutionWriter):
    """Waits before it writes."""

    def __init__(self, transport: Transport) -> None:
        super().__init__(transport)
        self.about, self.go_on = asyncio.Event(), asyncio.Event()

    async def set(self, server: Server, instance: str, webhook: Webhook) -> Failure | None:
        """See `EvolutionWriter.set`."""
        self.about.set()
        await self.go_on.wait()
        return await super().set(server, instance, webhook)


async def test_a_late_owner_and_who_settles_for_it_agree_in_the_end(world: World) -> None:
    """Its claim was taken up as left behind; it ends it well before the other one has written."""
    claim = await world.proposed()
    async with Transport() as transport:
        slow = Slow(transport)
        kind = RegenerateSecret(
            slow,
            environment=ServerSettings(url=world.evolution.url, key=world.evolution.key),
            base_url=BASE,
            fingerprint=lambda secret: secret,
            live=list[str]().append,
            place=nowhere,
        )
        other = Paired(world.engine.database, {kind.name: kind}, world.engine.rules, world.clock)
        settling: list[asyncio.Task[tuple[Claim, ...]]] = []

        async def taken_up() -> None:
            now = world.clock.now() + timedelta(minutes=2)
            settling.append(asyncio.create_task(other.settle(now)))
            await slow.about.wait()

        world.steps.at, world.steps.then = Step.TOLD, taken_up
        assert isinstance(await world.engine.confirm(world.yes(claim)), Done)
        slow.go_on.set()
        assert await settling[0] == ()
    assert world.agree
    assert world.secret() != OLD


async def test_two_who_confirm_at_once_make_one_secret(world: World) -> None:
    """While Evolution is told, and once it was: the second one hears who did it."""
    first, second = await world.proposed(), await world.proposed()
    late: list[object] = []

    async def confirmed() -> None:
        late.append(await world.engine.confirm(world.yes(second)))

    world.steps.at, world.steps.then = Step.TELLING, confirmed
    assert isinstance(await world.engine.confirm(world.yes(first)), Done)
    after = world.secret()
    late.append(await world.engine.confirm(world.yes(second)))
    for over in late:
        assert isinstance(over, Over)
        assert over.winner is not None
        assert (over.winner.id, over.winner.executed_by) == (first.id, OLIVIA)
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
