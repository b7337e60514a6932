"""A new webhook secret is committed only once Evolution is seen to have it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import timedelta

import psycopg
import pytest

from bot.demo.evolution import Fault
from bot.remediation.steps import Step
from bot.remediation.values import Done, FixState, Refusal, Unsettled
from checks import CHECKS
from checks.engine.runbook import load_runbook
from tests.bot.remediation.pair import OLD, World, paired_world
from tests.bot.remediation.planted import T0
from tests.manifests.roles import RoleUrls
from tests.support.hand import HandClock


@pytest.fixture
async def world(roles: RoleUrls) -> AsyncGenerator[World]:
    """A unit, its instance in Evolution, and an engine between them."""
    rules = load_runbook(checks=CHECKS).remediation
    assert rules is not None
    async with paired_world(roles, rules, HandClock(T0)) as made:
        yield made


def at_telling(world: World, then: Callable[[], None]) -> None:
    """Do something between the first look at Evolution and the call that writes there."""

    async def act() -> None:
        then()

    awaited: Callable[[], Awaitable[None]] = act
    world.steps.at, world.steps.then = Step.TELLING, awaited


@pytest.mark.parametrize("ignored", [1, None])
async def test_an_answer_without_an_effect_commits_nothing(
    world: World, ignored: int | None
) -> None:
    """Evolution answers 201 and keeps the old address, once or always: inbound goes on."""
    claim = await world.proposed()
    at_telling(
        world, lambda: world.evolution.fail(Fault.IGNORED, below="/webhook/set", times=ignored)
    )
    result = await world.engine.confirm(world.yes(claim))
    assert isinstance(result, Refusal)
    assert "still has the old one" in result.why
    assert "The database keeps the old secret." in result.why
    assert (world.secret(), world.told()) == (OLD, OLD)
    settled = await world.restarted(claim)
    assert settled.state is FixState.FAILED
    assert (world.secret(), world.told()) == (OLD, OLD)
    world.evolution.heal()
    again = await world.proposed()
    assert isinstance(await world.engine.confirm(world.yes(again)), Done)
    assert world.agree
    assert world.secret() != OLD


async def test_the_database_is_still_uncommitted_while_evolution_is_looked_at(
    world: World,
) -> None:
    """Whoever reads the row at that moment sees the old secret."""
    claim = await world.proposed()
    seen: list[tuple[str, str]] = []

    async def between(request: object) -> None:
        del request
        seen.append((world.secret(), world.told()))

    world.evolution.between = between
    assert isinstance(await world.engine.confirm(world.yes(claim)), Done)
    new = world.told()
    assert seen[:3] == [(OLD, OLD), (OLD, new), (OLD, new)]
    assert seen[-1] == (new, new)


async def test_an_evolution_that_cannot_be_looked_at_commits_nothing(world: World) -> None:
    """It answers 201, and then nothing more: unsettled, until both are seen to agree."""
    claim = await world.proposed()
    at_telling(
        world,
        lambda: world.evolution.fail(Fault.SERVER_ERROR, below="/webhook/find"),
    )
    result = await world.engine.confirm(world.yes(claim))
    assert isinstance(result, Unsettled)
    assert world.secret() == OLD
    world.evolution.heal()
    settled = await world.restarted(claim)
    assert settled.state is FixState.FAILED
    assert (world.secret(), world.told()) == (OLD, OLD)


async def test_an_address_is_put_back_only_where_it_is_seen_there(world: World) -> None:
    """The commit fails and Evolution ignores the old address too: that is not called settled."""
    claim = await world.proposed()

    async def dead() -> None:
        world.evolution.fail(Fault.IGNORED, below="/webhook/set")
        with psycopg.connect(world.roles.owner, autocommit=True) as owner:
            owner.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE usename = 'golive_fixer' AND pid <> pg_backend_pid()"
            )

    world.steps.at, world.steps.then = Step.COMMITTING, dead
    result = await world.engine.confirm(world.yes(claim))
    assert isinstance(result, Unsettled)
    assert (world.secret(), world.told() != OLD) == (OLD, True)
    world.evolution.heal()
    world.clock.instant += timedelta(minutes=1)
    settled = await world.restarted(claim)
    assert settled.state is FixState.FAILED
    assert (world.secret(), world.told()) == (OLD, OLD)
