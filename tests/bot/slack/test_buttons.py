"""Presses of buttons and dialogs: also of old messages, by anybody who sees them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest

from bot.actions import ACTIONS, CALLBACKS, PREFIX, Dialog, accept_form, loading
from bot.commands import BY_NAME
from bot.demo.workspace.messages import Message as Said
from bot.demo.workspace.people import GUEST, MEMBER, OPERATOR, OPERATORS, RELEASES, SECOND_OPERATOR
from bot.render.blocks import actions
from bot.render.message import Button, Message
from bot.render.wire import payload, view_payload
from bot.watch import buttons
from tests.bot.slack.hands import MemoryStore
from tests.bot.slack.rig import Rig, connected


@pytest.fixture
async def rig() -> AsyncGenerator[Rig]:
    """A bot that is connected."""
    async with connected(MemoryStore()) as rig:
        yield rig


async def shown(rig: Rig, action: str, value: str = "") -> Said:
    """A message in the channel with one button."""
    button = Button(action=action, label="Press", value=value)
    body = payload(Message(text="A verdict", blocks=tuple(actions([button]))))
    ts = await rig.side.gateway.post(RELEASES, body, post_id="1")
    return rig.workspace.state.messages.find(RELEASES, ts)


async def test_a_press_reaches_the_desk(rig: Rig) -> None:
    """And is answered to the one who pressed; the message stays as it is."""
    message = await shown(rig, "golive.ack", "some-watch")
    assert (await rig.workspace.actor.click(MEMBER, message, "golive.ack")).error is None
    assert await rig.told(MEMBER) == "The desk did ack."
    assert rig.desk.names == ["ack"]
    assert rig.workspace.state.messages.find(RELEASES, message.ts) == message


async def test_a_press_on_an_old_version_still_arrives(rig: Rig) -> None:
    """The desk is asked as ever, and says what is so now."""
    message = await shown(rig, "golive.close")
    await rig.side.gateway.update(RELEASES, message.ts, {"text": "It is over."})
    await rig.workspace.actor.click(OPERATOR, message, "golive.close")
    await rig.told(OPERATOR)
    assert rig.desk.names == ["close"]


async def test_everybody_sees_a_button_and_not_everybody_may_press_it(rig: Rig) -> None:
    """Authorised in the handler."""
    message = await shown(rig, "golive.close")
    for user, why in ((MEMBER, "Only operators"), (GUEST, "full members")):
        await rig.workspace.actor.click(user, message, "golive.close")
        assert why in await rig.told(user)
    assert rig.desk.asked == []


async def test_a_press_that_arrives_twice_is_one(rig: Rig) -> None:
    """Two presses are two."""
    message = await shown(rig, "golive.checkpoint")
    rig.workspace.faults.wire.duplicate = 1
    await rig.workspace.actor.click(OPERATOR, message, "golive.checkpoint")
    await rig.told(OPERATOR)
    await rig.idle()
    assert len(rig.desk.asked) == 1
    await rig.workspace.actor.click(OPERATOR, message, "golive.checkpoint")
    await rig.told(OPERATOR, 2)
    assert len(rig.desk.asked) == 2


async def test_a_press_beyond_the_bound_is_told_that_golive_is_busy() -> None:
    """A press's ack holds no words, so it is said through the response_url."""
    async with connected(MemoryStore(), workers=1, waiting=0) as rig:
        rig.desk.gate = asyncio.Event()
        message = await shown(rig, "golive.ack")
        await rig.workspace.actor.click(MEMBER, message, "golive.ack")
        outcome = await rig.workspace.actor.click(OPERATOR, message, "golive.ack")
        assert outcome.error is None
        assert "golive is busy" in await rig.told(OPERATOR)
        rig.desk.gate.set()
        await rig.told(MEMBER)
        assert rig.desk.names == ["ack"]


async def test_a_button_that_is_gone_is_answered(rig: Rig) -> None:
    """A message of an older version of golive."""
    message = await shown(rig, "golive.forgotten")
    await rig.workspace.actor.click(OPERATOR, message, "golive.forgotten")
    assert "earlier state" in await rig.told(OPERATOR)


async def test_a_button_can_hold_the_rest_of_a_command(rig: Rig) -> None:
    """Read by the same rules as what is typed."""
    message = await shown(rig, "golive.silence", "http_5xx 30m")
    await rig.workspace.actor.click(OPERATOR, message, "golive.silence")
    await rig.told(OPERATOR)
    assert rig.desk.asked[0][2][0] == "http_5xx"


async def test_a_dialog_opens_before_anything_is_asked(rig: Rig) -> None:
    """The trigger lives three seconds: first a loading modal, then its form, by its hash."""
    message = await shown(rig, "golive.accept", "campaigns")
    await rig.workspace.actor.click(OPERATOR, message, "golive.accept")
    await rig.idle()
    names = [call.method for call in rig.workspace.journal.calls()]
    assert names.index("views.open") < names.index("users.info") < names.index("views.update")
    (update,) = rig.workspace.journal.calls("views.update")
    assert update.arguments["hash"]
    view = rig.workspace.state.views.top(OPERATOR)
    assert view is not None
    outcome = await rig.workspace.actor.submit(OPERATOR, view, {"reason": 'p95 <500 ms> "today"'})
    assert (outcome.error, outcome.errors) == (None, {})
    assert await rig.told(OPERATOR) == "The desk did accept."
    assert rig.desk.asked[0][2] == ("campaigns", 'p95 <500 ms> "today"')
    assert rig.workspace.state.views.top(OPERATOR) is None


async def test_a_dialog_refuses_in_its_own_place(rig: Rig) -> None:
    """Who may not, reads why where they look."""
    message = await shown(rig, "golive.accept", "campaigns")
    await rig.workspace.actor.click(MEMBER, message, "golive.accept")
    await rig.idle()
    view = rig.workspace.state.views.top(MEMBER)
    assert view is not None
    assert "Only operators" in str(view.blocks)
    assert not view.payload.get("submit")


async def test_rights_are_asked_again_at_the_submission(rig: Rig) -> None:
    """Who left the operators meanwhile accepts nothing."""
    message = await shown(rig, "golive.accept", "campaigns")
    await rig.workspace.actor.click(OPERATOR, message, "golive.accept")
    await rig.idle()
    group = rig.workspace.state.group(OPERATORS)
    rig.workspace.state.put_group(replace(group, members=(SECOND_OPERATOR,)))
    await rig.time.advance(61)
    view = rig.workspace.state.views.top(OPERATOR)
    assert view is not None
    await rig.workspace.actor.submit(OPERATOR, view, {"reason": "none today"})
    assert "Only operators" in await rig.told(OPERATOR)
    assert rig.desk.asked == []


async def test_what_is_wrong_with_a_dialog_stands_under_its_input(rig: Rig) -> None:
    """In the ack, which keeps the modal open."""
    message = await shown(rig, "golive.accept", "no such/check")
    await rig.workspace.actor.click(OPERATOR, message, "golive.accept")
    await rig.idle()
    view = rig.workspace.state.views.top(OPERATOR)
    assert view is not None
    outcome = await rig.workspace.actor.submit(OPERATOR, view, {"reason": "x"})
    assert set(outcome.errors) == {"reason"}
    assert rig.workspace.state.views.top(OPERATOR) is not None


async def test_a_trigger_that_is_too_old_is_said(rig: Rig) -> None:
    """Instead of nothing at all."""
    rig.workspace.faults.api.error("views.open", "expired_trigger_id")
    message = await shown(rig, "golive.accept", "campaigns")
    await rig.workspace.actor.click(OPERATOR, message, "golive.accept")
    assert "Press the button again" in await rig.told(OPERATOR)


def test_the_table_holds_every_button_that_is_offered() -> None:
    """And each asks for a command that there is."""
    assert buttons.ACK in ACTIONS
    for name, action in ACTIONS.items():
        assert name.startswith(PREFIX)
        assert name.removeprefix(PREFIX) in BY_NAME
        if isinstance(action, Dialog):
            assert CALLBACKS[name] is action


def test_dialogs_keep_within_slack_s_bounds() -> None:
    """24 characters of title, submit and close."""
    for view in (loading(), accept_form("x" * 64)):
        assert all(len(text) <= 24 for text in (view.title, view.submit, view.close))
        assert view_payload(view)["type"] == "modal"
