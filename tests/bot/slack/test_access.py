"""Who may do what: by ids, asked from Slack, and refused where Slack does not answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest

from bot.demo.workspace.people import (
    ARCHIVED,
    BOT_USER,
    GUEST,
    MEMBER,
    OPERATOR,
    OPERATORS,
    PRIVATE,
    RELEASES,
    SECOND_OPERATOR,
    SHARED,
    SINGLE_CHANNEL_GUEST,
    STRANGER,
)
from bot.desk import Role
from bot.render.message import Message
from bot.slack.access import KEEP, Wish, resolve_lead
from tests.bot.slack.hands import MemoryStore
from tests.bot.slack.rig import Rig, connected, rigged

CLOSE = Wish(name="close", least=Role.OPERATOR, newest=KEEP)
ACK = Wish(name="ack", least=Role.MEMBER, private=False)
STATUS = Wish(name="status", least=Role.MEMBER, private=False, newest=KEEP)


@pytest.fixture
async def rig() -> AsyncGenerator[Rig]:
    """A side that may be asked; the operators are a user group."""
    async with rigged(MemoryStore()) as rig:
        yield rig


async def refusal(rig: Rig, user: str, channel: str, wish: Wish) -> str | None:
    """Why somebody may not do something; None where they may."""
    said: Message | None = (await rig.side.access.check(user, channel, wish)).refusal
    return None if said is None else said.text


async def test_members_of_a_listed_group_are_operators(rig: Rig) -> None:
    """And nobody else is."""
    assert await refusal(rig, OPERATOR, RELEASES, CLOSE) is None
    assert "Only operators may run" in str(await refusal(rig, MEMBER, RELEASES, CLOSE))
    assert await refusal(rig, MEMBER, RELEASES, ACK) is None


async def test_a_listed_user_is_an_operator_without_any_group() -> None:
    """By the immutable id; no group is asked for."""
    async with rigged(MemoryStore(), operators=[MEMBER]) as rig:
        assert await refusal(rig, MEMBER, RELEASES, CLOSE) is None
        assert await refusal(rig, OPERATOR, RELEASES, CLOSE) is not None
        assert rig.workspace.journal.calls("usergroups.users.list") == ()


async def test_an_empty_list_makes_nobody_an_operator() -> None:
    """It does not make everybody one."""
    async with rigged(MemoryStore(), operators=[]) as rig:
        for user in (OPERATOR, SECOND_OPERATOR, MEMBER):
            assert (await rig.side.access.standing(user)).role is Role.MEMBER
            assert await refusal(rig, user, RELEASES, CLOSE) is not None


@pytest.mark.parametrize("user", [GUEST, SINGLE_CHANNEL_GUEST, STRANGER, BOT_USER])
async def test_guests_strangers_and_bots_may_do_nothing(rig: Rig, user: str) -> None:
    """Not even look, and not even as listed operators."""
    async with rigged(MemoryStore(), workspace=rig.workspace, operators=[user]) as listed:
        for wish in (STATUS, ACK, CLOSE):
            said = await refusal(listed, user, RELEASES, wish)
            assert said is not None
            assert "full members" in said
        assert (await listed.side.access.standing(user)).role is Role.NOBODY


async def test_deleted_foreign_and_unknown_people_may_do_nothing(rig: Rig) -> None:
    """Whatever they were before; of another team, also where Slack calls them no stranger."""
    state = rig.workspace.state
    state.put_user(replace(state.user(OPERATOR), deleted=True))
    state.put_user(replace(state.user(SECOND_OPERATOR), team_id="T0OTHER"))
    for user in (OPERATOR, SECOND_OPERATOR, "U0NOBODY"):
        assert "full members" in str(await refusal(rig, user, RELEASES, STATUS))


async def test_a_channel_with_outsiders_changes_nothing(rig: Rig) -> None:
    """Looking is allowed there to members, changing is not even to operators."""
    assert await refusal(rig, OPERATOR, SHARED, STATUS) is None
    assert "People from outside" in str(await refusal(rig, OPERATOR, SHARED, CLOSE))
    assert await refusal(rig, MEMBER, SHARED, ACK) is None
    for channel in (RELEASES, PRIVATE, rig.workspace.state.direct(OPERATOR).id):
        assert await refusal(rig, OPERATOR, channel, CLOSE) is None


async def test_who_leaves_the_group_loses_its_rights_within_a_minute(rig: Rig) -> None:
    """An answer of Slack's holds for 60 seconds, not longer."""
    assert await refusal(rig, OPERATOR, RELEASES, CLOSE) is None
    group = rig.workspace.state.group(OPERATORS)
    rig.workspace.state.put_group(replace(group, members=(SECOND_OPERATOR,)))
    await rig.time.advance(59)
    assert await refusal(rig, OPERATOR, RELEASES, CLOSE) is None
    assert len(rig.workspace.journal.calls("usergroups.users.list")) == 1
    await rig.time.advance(1)
    assert await refusal(rig, OPERATOR, RELEASES, CLOSE) is not None


@pytest.mark.parametrize("code", ["missing_scope", "paid_teams_only", "no_such_subteam"])
async def test_a_group_that_cannot_be_read_makes_nobody_an_operator(rig: Rig, code: str) -> None:
    """The refusal says that the group is the reason; what failed is not remembered."""
    rig.workspace.faults.api.error("usergroups.users.list", code)
    said = await refusal(rig, OPERATOR, RELEASES, CLOSE)
    assert said is not None
    assert "who is in the operators' group" in said
    assert await refusal(rig, OPERATOR, RELEASES, CLOSE) is None


async def test_one_readable_group_is_enough() -> None:
    """A listed user or another group still counts while one cannot be read."""
    async with rigged(MemoryStore(), operators=["S0GONE", OPERATORS]) as rig:
        assert await refusal(rig, OPERATOR, RELEASES, CLOSE) is None
        assert "operators' group" in str(await refusal(rig, MEMBER, RELEASES, CLOSE))
        assert await refusal(rig, MEMBER, RELEASES, STATUS) is None


async def test_while_slack_does_not_say_who_it_is_nothing_is_done(rig: Rig) -> None:
    """Neither for a member nor for an operator."""
    rig.workspace.faults.api.error("users.info", "fatal_error", times=3)
    refused = rig.side.access.check(OPERATOR, RELEASES, STATUS)
    said: list[str] = []

    async def ask() -> None:
        message = (await refused).refusal
        said.append(message.text if message is not None else "")

    task = asyncio.create_task(ask())
    await rig.settle(task.done)
    assert "who you are" in said[0]


async def test_a_channel_that_cannot_be_checked_changes_nothing(rig: Rig) -> None:
    """Also one that the bot cannot see."""
    rig.workspace.faults.api.error("conversations.info", "missing_scope")
    assert "does not say whether" in str(await refusal(rig, OPERATOR, ARCHIVED, CLOSE))
    assert "does not say whether" in str(await refusal(rig, OPERATOR, "", CLOSE))


async def test_many_at_once_ask_slack_once(rig: Rig) -> None:
    """The first asks; the others wait for its answer."""
    await asyncio.gather(*(refusal(rig, OPERATOR, RELEASES, CLOSE) for _ in range(50)))
    for method in ("auth.test", "users.info", "usergroups.users.list", "conversations.info"):
        assert len(rig.workspace.journal.calls(method)) == 1


async def test_a_refusal_reaches_the_person_and_not_the_desk() -> None:
    """At every command, over the socket, to the one who asked."""
    async with connected(MemoryStore()) as rig:
        for user, text in ((GUEST, "/golive status"), (MEMBER, "/golive close")):
            await rig.workspace.actor.command(user, RELEASES, text)
            await rig.told(user)
        await rig.workspace.actor.command(STRANGER, SHARED, "/golive nonsense")
        assert "full members" in await rig.told(STRANGER)
        await rig.workspace.actor.command(OPERATOR, SHARED, "/golive start v1")
        assert "People from outside" in await rig.told(OPERATOR)
        await rig.idle()
        assert rig.desk.asked == []
        assert rig.posts() == ()


async def test_the_lead_is_resolved_to_what_calls_somebody(rig: Rig) -> None:
    """A user, or a group; a name that calls nobody is found at start."""
    gateway = rig.side.gateway
    assert (await resolve_lead(gateway, OPERATOR)).mention == f"<@{OPERATOR}>"
    assert (await resolve_lead(gateway, OPERATORS)).mention == f"<!subteam^{OPERATORS}>"
    rig.workspace.state.put_group(replace(rig.workspace.state.group(OPERATORS), disabled=True))
    for nobody in (None, "S0GONE", OPERATORS, "U0NOBODY", BOT_USER):
        lead = await resolve_lead(gateway, nobody)
        assert lead.mention is None
        assert "GOLIVE_LEAD" in str(lead.problem)
