"""What Slack does to the bots: limits, errors, silence, cut connections, envelopes in disorder."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from bot.demo.workspace import people
from tests.faults.held import hold
from tests.faults.truth import Verdict, rows
from tests.faults.world import World

_NOTES = "SELECT reason FROM golive.notes"
_SILENCES = "SELECT until - at AS lasts FROM golive.notes WHERE kind = 'silence'"
_SPREAD = 5


async def hour_of_slack_trouble(
    world: World, *, replicas: int = 1, minutes: float = 66, hangs: bool = True
) -> Verdict:
    """Each kind of trouble just before something is to be posted."""
    api = world.workspace.faults.api
    await world.begin(replicas)
    await world.reach(minutes * 0.1)
    api.rate_limit("*", times=8, retry_after=2)
    await world.reach(minutes * 0.2)
    api.server_error("chat.postMessage", times=3)
    api.error("chat.update", "internal_error", times=2)
    await world.reach(minutes * 0.3)
    world.workspace.sockets.drop()
    api.reset("chat.postMessage", applied=True)
    api.reset("chat.update", applied=True)
    api.server_error("conversations.replies", times=2)
    await world.reach(minutes * 0.5)
    api.reset("chat.postMessage", applied=False, times=2)
    api.rate_limit("chat.postMessage", times=4, retry_after=30)
    await world.reach(minutes * 0.7)
    if hangs:
        await _never_answers(world)
    await world.connected(replicas)
    return await world.finish(minutes)


async def _never_answers(world: World) -> None:
    """Slack takes a post and says nothing until the bot has given up on the answer."""
    gate = await hold(world)
    asked = _looked_up(world)
    await world.until(lambda: _looked_up(world) > asked, seconds=60)
    gate.release()


def _looked_up(world: World) -> int:
    """How often a bot looked whether a post is there, in a thread or in a channel."""
    calls = world.workspace.journal.calls
    return len(calls("conversations.replies")) + len(calls("conversations.history"))


async def disordered_envelopes(world: World) -> Verdict:
    """Commands doubled over two bots' sockets, then held back and sent the other way round."""
    wire = world.workspace.faults.wire
    await world.begin(2)
    await world.until(lambda: len(world.said("Watch started")) == 2)
    wire.duplicate = _SPREAD
    wanted = {f"twice {n}" for n in range(_SPREAD)}
    await asyncio.gather(*(_accept(world, reason) for reason in sorted(wanted)))
    wire.hold = _SPREAD
    late = [f"late {n}" for n in range(_SPREAD)]
    typing = [asyncio.create_task(_accept(world, reason)) for reason in late]
    await world.until(lambda: wire.held == _SPREAD)
    await wire.release(reverse=True)
    outcomes = await asyncio.gather(*typing)
    wanted |= set(late)
    await world.until(lambda: len(_reasons(world)) >= len(wanted))
    await world.reach(12)
    found = _reasons(world)
    wrong = [f"{reason} was not done" for reason in wanted - set(found)]
    wrong += [f"{one} was done {found.count(one)} times" for one in wanted if found.count(one) > 1]
    wrong += [f"a held command ended with {error}" for error in outcomes if error]
    return await _finish(world, 12, wrong)


async def _accept(world: World, reason: str) -> str | None:
    outcome = await world.command(f"/golive accept inbound_flow {reason}")
    return outcome.error


def _reasons(world: World) -> list[str]:
    return [row["reason"] for row in rows(world.store, _NOTES)]


async def ended_while_people_type(world: World, *, commands: int = 12) -> Verdict:
    """SIGTERM in the middle of commands: what was acknowledged is done, and no command twice."""
    await world.begin(1)
    await world.until(lambda: len(world.said("Watch started")) == 2)
    typing: list[asyncio.Task[tuple[timedelta, bool]]] = []
    ending: asyncio.Task[int] | None = None
    for number in range(commands):
        typing.append(asyncio.create_task(_silence(world, number)))
        await asyncio.sleep(0)
        if number == commands // 2:
            ending = asyncio.create_task(world.bots[0].terminate())
        await asyncio.sleep(0.02)
    typed = await asyncio.gather(*typing)
    code = 1 if ending is None else await ending
    world.bots.clear()
    done = [row["lasts"] for row in rows(world.store, _SILENCES)]
    wrong = [
        f"{lasts} was acknowledged and not done" for lasts, ok in typed if ok and lasts not in done
    ]
    wrong += [
        f"{lasts} was done {done.count(lasts)} times" for lasts in done if done.count(lasts) > 1
    ]
    if code != 0:
        wrong.append(f"the bot ended with {code}: {world.written()}")
    world.start_bot()
    await world.connected()
    return await _finish(world, 6, wrong)


async def _silence(world: World, number: int) -> tuple[timedelta, bool]:
    """Type a silence of its own length; its length, and whether it was acknowledged."""
    minutes = number + 5
    outcome = await world.command(
        f"/golive silence retries {minutes}m", user=people.SECOND_OPERATOR
    )
    return timedelta(minutes=minutes), outcome.error is None


async def _finish(world: World, minutes: float, wrong: list[str]) -> Verdict:
    verdict = await world.finish(minutes)
    verdict.lost += wrong
    return verdict
