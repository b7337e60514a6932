"""Incident 1, whatever Evolution answers and wherever it is cut off: both agree at the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress

import pytest

from bot.demo.evolution import Fault
from bot.demo.evolution.model import Request
from bot.remediation.steps import Step
from bot.remediation.values import Claim, Done, FixState, Refusal
from checks.engine.runbook import Remediation
from tests.bot.remediation.pair import HASTY, OLD, Crash, World, paired_world
from tests.manifests.roles import RoleUrls
from tests.support.hand import HandClock

SET = "/webhook/set"
STEPS = (
    Step.CONFIRMED,
    Step.BEGUN,
    Step.CHANGED,
    Step.TELLING,
    Step.TOLD,
    Step.COMMITTING,
    Step.COMMITTED,
    Step.COMPARED,
)
"""All steps of a fix of two systems, in their order."""


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


async def settled(world: World, claim: Claim, state: FixState) -> None:
    """At the end both agree, and nothing is under way any more."""
    found = await world.restarted(claim)
    assert world.agree
    assert found.state is state
    if state is not FixState.EXECUTED:
        assert world.secret() == OLD


async def test_success(world: World) -> None:
    """Every step is walked, in its order, and both have the new secret."""
    claim = await world.proposed()
    assert isinstance(await world.engine.confirm(world.yes(claim)), Done)
    assert tuple(world.steps.seen) == STEPS
    assert world.secret() != OLD
    await settled(world, claim, FixState.EXECUTED)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault.UNAUTHORIZED, "refuses the key (401)"),
        (Fault.NOT_FOUND, "404"),
        (Fault.SERVER_ERROR, "500"),
        (Fault.RESET_BEFORE, "connection"),
        (Fault.RESET_AFTER, "connection"),
    ],
)
async def test_what_evolution_answers_instead(world: World, fault: Fault, said: str) -> None:
    """The database keeps the old secret and Evolution the old address, or gets it back."""
    claim = await world.proposed()
    world.evolution.fail(fault, below=SET, times=1)
    result = await world.engine.confirm(world.yes(claim))
    assert isinstance(result, Refusal)
    assert said in result.why
    assert "The database keeps the old secret." in result.why
    assert (world.secret(), world.told()) == (OLD, OLD)
    await settled(world, claim, FixState.FAILED)


async def test_a_timeout_after_the_write(hasty: World) -> None:
    """It was applied, and no answer came in time: the old address is put back."""
    claim = await hasty.proposed()
    answers = asyncio.Event()
    posted = 0

    async def between(request: Request) -> None:
        nonlocal posted
        posted += request.path.startswith(SET)
        if request.path.startswith(SET) and posted == 1:
            assert hasty.told() != OLD
            await answers.wait()

    hasty.evolution.between = between
    result = await hasty.engine.confirm(hasty.yes(claim))
    answers.set()
    assert isinstance(result, Refusal)
    assert (hasty.secret(), hasty.told(), posted) == (OLD, OLD, 2)
    await settled(hasty, claim, FixState.FAILED)


async def test_a_timeout_before_the_write(hasty: World) -> None:
    """It is applied late, when it was seen not to be: that is looked at again, and put right."""
    claim = await hasty.proposed()
    hasty.evolution.fail(Fault.HANG, below=SET, times=1)
    result = await hasty.engine.confirm(hasty.yes(claim))
    assert isinstance(result, Refusal)
    assert "connected, but no answer in time" in result.why
    assert "The database keeps the old secret." in result.why
    assert (hasty.secret(), hasty.told()) == (OLD, OLD)
    assert "Whether Evolution acts on it late is looked at again" in result.why
    acted = asyncio.Event()

    async def between(request: Request) -> None:
        if request.path.startswith(SET):
            acted.set()

    hasty.evolution.between = between
    hasty.evolution.heal()
    await acted.wait()
    assert hasty.told() != OLD
    await settled(hasty, claim, FixState.FAILED)


@pytest.mark.parametrize("fault", [None, Fault.SERVER_ERROR, Fault.RESET_AFTER])
async def test_a_crash_at_each_step(world: World, fault: Fault | None) -> None:
    """Also while Evolution fails: what was committed stays, what was not is gone."""
    for step in STEPS:
        claim = await world.proposed()
        before = world.secret()
        world.steps.at = step
        if fault is not None:
            world.evolution.fail(fault, below=SET, times=1)
        crashed = True
        try:
            await world.engine.confirm(world.yes(claim))
            crashed = False
        except Crash:
            world.evolution.heal()
        assert crashed == (fault is None or step in STEPS[:4])
        found = await world.restarted(claim)
        assert world.agree, step
        committed = crashed and step in {Step.COMMITTED, Step.COMPARED}
        assert (world.secret() != before) == committed, step
        begun = FixState.EXECUTED if committed else FixState.FAILED
        assert found.state is (FixState.PROPOSED if step is Step.CONFIRMED else begun), step


@pytest.mark.parametrize("fault", [None, Fault.RESET_AFTER])
async def test_cut_off_at_each_request(world: World, fault: Fault | None) -> None:
    """The process is gone while Evolution is asked or told, and Evolution has acted on it."""
    requests = 5 if fault is not None else 4
    for number in range(1, requests + 2):
        claim = await world.proposed()
        cut = await _cut_off(world, claim, number, fault)
        assert cut == (number <= requests)
        found = await world.restarted(claim)
        assert world.agree, number
        assert found.state is not FixState.EXECUTING


async def _cut_off(world: World, claim: Claim, number: int, fault: Fault | None) -> bool:
    """Confirm, and end the process behind that request; whether there were so many."""
    reached = asyncio.Event()
    seen = 0

    async def between(_: Request) -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            reached.set()

    world.evolution.between = between
    if fault is not None:
        world.evolution.fail(fault, below=SET, times=1)
    confirming = asyncio.create_task(world.engine.confirm(world.yes(claim)))
    reaching = asyncio.create_task(reached.wait())
    await asyncio.wait({confirming, reaching}, return_when=asyncio.FIRST_COMPLETED)
    cut = reached.is_set()
    confirming.cancel()
    reaching.cancel()
    with suppress(asyncio.CancelledError):
        await confirming
    world.evolution.between = None
    world.evolution.heal()
    return cut
