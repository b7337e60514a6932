"""response_url: five uses in thirty minutes, for one reader or for all."""

from __future__ import annotations

from typing import Any

import aiohttp

from bot.demo.workspace import Message, Workspace
from bot.demo.workspace.people import OPERATOR, RELEASES
from tests.bot.workspace.blocks import button
from tests.bot.workspace.bolt import Client
from tests.bot.workspace.clock import Clock


async def send(session: aiohttp.ClientSession, url: str, **body: Any) -> tuple[int, str]:
    """One use of an address."""
    async with session.post(url, json=body) as answer:
        return answer.status, await answer.text()


async def clicked(workspace: Workspace, client: Client) -> tuple[Message, str]:
    """A message with a button, and the address that its click brought."""
    row = {"type": "actions", "elements": [button("ok")]}
    posted = await client.chat_postMessage(channel=RELEASES, text="Press", blocks=[row])
    message = workspace.state.messages.find(RELEASES, posted["ts"])
    outcome = await workspace.actor.click(OPERATOR, message, "ok")
    return message, outcome.response_url


async def test_five_uses_and_no_sixth(workspace: Workspace, session: aiohttp.ClientSession) -> None:
    """A refused use does not count."""
    outcome = await workspace.actor.command(OPERATOR, RELEASES, "/golive")
    url = outcome.response_url
    status, body = await send(session, url, text="x" * 40_001)
    assert (status, "msg_too_long" in body) == (400, True)
    for number in range(5):
        assert await send(session, url, text=str(number)) == (200, "ok")
    status, body = await send(session, url, text="5")
    assert (status, "used_url" in body) == (404, True)
    assert [m.text for m in workspace.state.messages.ephemerals(OPERATOR)] == list("01234")


async def test_it_ends_after_thirty_minutes(
    workspace: Workspace, session: aiohttp.ClientSession, clock: Clock
) -> None:
    """To the second."""
    url = (await workspace.actor.command(OPERATOR, RELEASES, "/golive")).response_url
    clock.move(minutes=29, seconds=59)
    assert (await send(session, url, text="a"))[0] == 200
    clock.move(seconds=1)
    status, body = await send(session, url, text="b")
    assert (status, "expired_url" in body) == (404, True)


async def test_replace_delete_and_in_channel(
    workspace: Workspace, session: aiohttp.ClientSession, client: Client
) -> None:
    """The original is the message of the click."""
    message, url = await clicked(workspace, client)
    book = workspace.state.messages
    await send(session, url, text="For all", response_type="in_channel")
    await send(session, url, text="Pressed", replace_original=True)
    assert [m.text for m in book.of(RELEASES)] == ["Pressed", "For all"]
    assert book.find(RELEASES, message.ts).blocks == ()
    await send(session, url, delete_original=True)
    assert [m.text for m in book.of(RELEASES)] == ["For all"]
    assert [entry.name for entry in workspace.journal.entries()].count(url.rpartition("/")[2]) == 6


async def test_an_ephemeral_original_can_be_replaced(
    workspace: Workspace, session: aiohttp.ClientSession, client: Client
) -> None:
    """By its address only; the payload of its click has no message."""
    row = {"type": "actions", "elements": [button("ok")]}
    await client.chat_postEphemeral(channel=RELEASES, user=OPERATOR, text="A", blocks=[row])
    note = workspace.state.messages.ephemerals(OPERATOR)[0]
    outcome = await workspace.actor.click(OPERATOR, note, "ok")
    await send(session, outcome.response_url, text="B", replace_original=True)
    assert [m.text for m in workspace.state.messages.ephemerals(OPERATOR)] == ["B"]
