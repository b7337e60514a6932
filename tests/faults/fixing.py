"""Fixes while bots are killed: at random, and between the statement and Evolution's answer."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from psycopg import AsyncConnection

from bot.demo.evolution import Fault, Request
from tests.faults.fix_truth import judge
from tests.faults.fix_world import FixWorld
from tests.faults.handed import Handed
from tests.faults.operator import During, Operator, Press
from tests.faults.truth import Verdict, rows
from tests.faults.world import T0

_SET = "/webhook/set"
_WAITS = """
    SELECT FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'golive fixes'
      AND wait_event_type = 'Lock'
"""
_HOLD = "SELECT FROM messages WHERE id = ANY(%(ids)s) FOR UPDATE"
_SOON = 0.6
"""Real seconds within which a bot is killed after somebody pressed."""

_ENDED = ("executed", "undone", "failed")
"""A rollback whose bot is gone is told as failed: nobody runs it again."""


@dataclass(slots=True, kw_only=True)
class Killing:
    """Ways to kill the bot that makes a fix; each starts another one in its place."""

    fixes: FixWorld
    dice: random.Random
    handed: Handed

    async def soon(self, press: Press) -> None:
        """At a random instant after the press."""
        pressing = asyncio.create_task(press())
        await asyncio.sleep(self.dice.uniform(0, _SOON))
        await self._kill()
        await pressing

    async def before_evolution_is_told(self, press: Press) -> None:
        """The row is changed and not committed, and Evolution has not read what it is sent."""
        evolution = self.fixes.evolution
        before = len(evolution.journal)
        evolution.fail(Fault.HANG, below=_SET, times=1)
        pressing = asyncio.create_task(press())
        await self._within_reach(
            lambda: any(one.path.startswith(_SET) for one in evolution.journal[before:])
        )
        await self._kill()
        evolution.heal()
        await pressing

    async def after_evolution_was_told(self, press: Press) -> None:
        """Evolution has the new secret and has not answered; the row is not committed."""
        reached, released = asyncio.Event(), asyncio.Event()

        async def between(request: Request) -> None:
            if request.path.startswith(_SET):
                reached.set()
                await released.wait()

        self.fixes.evolution.between = between
        pressing = asyncio.create_task(press())
        await self._within_reach(reached.is_set)
        await self._kill()
        self.fixes.evolution.between = None
        released.set()
        await pressing

    def in_the_statement(self, ids: Sequence[UUID]) -> During:
        """While its statement waits for a row that the application holds."""

        async def kill(press: Press) -> None:
            owner = self.fixes.roles.owner
            async with await AsyncConnection.connect(owner) as application:
                await application.execute(_HOLD, {"ids": list(ids)})
                pressing = asyncio.create_task(press())
                await self._within_reach(lambda: bool(rows(owner, _WAITS)))
                await self._kill()
            await pressing

        return kill

    async def while_it_runs(self, press: Press) -> None:
        """After the rollback's command has begun."""
        before = self.fixes.runs
        pressing = asyncio.create_task(press())
        await self._within_reach(lambda: self.fixes.runs > before)
        await self._kill()
        await pressing

    async def _kill(self) -> None:
        world = self.fixes.world
        await world.kill(self.handed.bot or self.dice.choice(world.bots))
        world.start_bot()

    async def _within_reach(self, there: Callable[[], bool]) -> None:
        """Wait for the moment; where the press itself was lost, a kill is as good now."""
        for _ in range(150):
            if there():
                return
            await asyncio.sleep(0.02)


async def hour_of_fixes(
    fixes: FixWorld, *, rounds: int, replicas: int, seed: int, minutes: float = 11
) -> Verdict:
    """Make so many fixes, a bot killed at each; compare when all of them have come to an end."""
    world, dice = fixes.world, random.Random(seed)
    await world.begin(replicas)
    operator, killing = Operator(fixes), Killing(fixes=fixes, dice=dice, handed=Handed(world))
    for number in range(rounds):
        world.workspace.faults.wire.duplicate = number % 2
        await _one(fixes, operator, killing, number)
    await world.until(lambda: _settled(fixes), seconds=90)
    gone = (world.clock.now() - T0).total_seconds() / 60
    verdict = await world.finish(max(minutes, gone))
    await judge(fixes, verdict)
    return verdict


async def _one(fixes: FixWorld, operator: Operator, killing: Killing, number: int) -> None:
    """One fix of each kind after the other, cut off in each way."""
    unit = killing.dice.choice(list(fixes.units))
    reset, renew = f"/golive fix reset_messages {unit}", f"/golive fix regenerate_secret {unit}"
    match number % 7:
        case 0:
            ids = fixes.plant(unit)
            await operator.fix(reset, killing.in_the_statement(ids))
        case 1:
            await operator.fix(renew, killing.before_evolution_is_told)
        case 2:
            fixes.plant(unit)
            claim = await operator.fix(reset, killing.soon)
            await operator.undo(claim, killing.soon)
        case 3:
            await operator.fix(renew, killing.after_evolution_was_told)
        case 4:
            await operator.fix("/golive rollback", killing.soon, last=_ENDED)
        case 5:
            await operator.fix(renew, killing.soon)
        case _:
            await operator.fix("/golive rollback", killing.while_it_runs, last=_ENDED)


def _settled(fixes: FixWorld) -> bool:
    return not any(row["state"] in ("executing", "unsettled") for row in fixes.claims())
