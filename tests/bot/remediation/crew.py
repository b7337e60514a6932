"""Many operators at once: what each sees, and what only each is told."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from bot.demo.workspace import people
from bot.demo.workspace.messages import Message
from bot.demo.workspace.people import User
from bot.demo.workspace.views import View
from tests.bot.remediation.slack import Bench, all_words, words
from tests.support.slack_bot import CHANNEL

_PATIENCE = 30.0
"""Real seconds after which a test gives up on fifty answers."""


def enlist(table: Bench, number: int) -> tuple[str, ...]:
    """So many operators, all of them in the group and in the channel; their ids."""
    state = table.workspace.state
    crew = tuple(f"U0CREW{n:05d}" for n in range(number))
    for user in crew:
        state.put_user(User(id=user, name=user.lower(), real_name=user))
    group, channel = state.group(people.OPERATORS), state.place(CHANNEL)
    state.put_group(replace(group, members=(*group.members, *crew)))
    state.put_channel(replace(channel, members=channel.members | set(crew)))
    return crew


async def all_open(table: Bench, crew: tuple[str, ...], text: str) -> dict[str, View]:
    """Each types the same command; the preview that each sees."""
    actor = table.workspace.actor
    await asyncio.gather(*(actor.command(user, CHANNEL, text) for user in crew))
    return await _shown(table, crew)


async def all_approve(table: Bench, crew: tuple[str, ...], message: Message) -> dict[str, View]:
    """Each presses the button that asks for a second operator; the preview that each sees."""
    actor = table.workspace.actor
    await asyncio.gather(*(actor.click(user, message, "golive.approve") for user in crew))
    return await _shown(table, crew)


async def all_undo(table: Bench, crew: tuple[str, ...], message: Message) -> list[str]:
    """Each presses Undo at the same moment; what each is told, and nobody else."""
    actor, people = table.workspace.actor, tuple(dict.fromkeys(crew))
    await asyncio.gather(*(actor.click(u, message, "golive.undo", confirm=True) for u in crew))
    await table.workspace.until(
        lambda: sum(len(_told(table, user)) for user in people) >= len(crew), seconds=_PATIENCE
    )
    await table.rest()
    return [text for user in people for text in _told(table, user)]


async def all_submit(table: Bench, views: dict[str, View], reason: str | None) -> dict[str, str]:
    """All submit at the same moment; what the modal of each says then."""
    actor, values = table.workspace.actor, {"reason": reason} if reason is not None else {}
    outcomes = await asyncio.gather(
        *(actor.submit(user, view, dict(values)) for user, view in views.items())
    )
    assert [outcome.error for outcome in outcomes if outcome.error is not None] == []
    return {user: words(view) for user, view in (await _shown(table, tuple(views))).items()}


async def _shown(table: Bench, crew: tuple[str, ...]) -> dict[str, View]:
    """The modal that each sees once it is filled."""
    await table.filled(*crew)
    await table.rest()
    return {user: view for user in crew if (view := table.top(user)) is not None}


def _told(table: Bench, user: str) -> list[str]:
    return [all_words(m) for m in table.workspace.state.messages.ephemerals(user, CHANNEL)]
