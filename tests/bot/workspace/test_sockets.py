"""Socket Mode: tickets, several sockets, disconnects, redelivery, and faults on the way."""

# pyright: reportUnusedFunction=false
# Bolt keeps the listeners; nothing else names them.

from __future__ import annotations

import asyncio
from typing import Any, cast

import aiohttp
import pytest
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.workspace import Outcome, Traffic, Workspace
from bot.demo.workspace.people import OPERATOR, RELEASES
from tests.bot.workspace.bolt import Ack, Bot, Client
from tests.bot.workspace.clock import Clock
from tests.bot.workspace.conftest import Connect


class Heard:
    """A bot that notes which commands and events it heard."""

    def __init__(self, app: Bot) -> None:
        self.commands: list[str] = []
        self.retries: list[str | None] = []

        @app.command("/golive")
        async def golive(ack: Ack, command: dict[str, Any]) -> None:
            self.commands.append(command["text"])
            await ack()

        @app.event("app_home_opened")
        async def opened(request: Any) -> None:
            values = request.headers.get("x-slack-retry-num")
            self.retries.append(values[0] if values else None)


@pytest.fixture
def heard(app: Bot) -> Heard:
    """What the app heard."""
    return Heard(app)


def command(workspace: Workspace, text: str) -> asyncio.Task[Outcome]:
    """Type a command, and do not wait for its ack."""
    acting = workspace.actor.command(OPERATOR, RELEASES, f"/golive {text}")
    return asyncio.create_task(acting)


async def test_without_a_socket_nobody_hears(workspace: Workspace) -> None:
    """The person sees that the app did not respond."""
    outcome = await workspace.actor.command(OPERATOR, RELEASES, "/golive")
    assert (outcome.ack, outcome.error) == (None, "dispatch_failed")


async def test_without_an_ack_the_person_sees_a_timeout(
    workspace: Workspace, app: Bot, connect: Connect
) -> None:
    """Nothing is sent again: commands and clicks are not."""
    workspace.actor.patience = 0.05

    @app.command("/golive")
    async def golive() -> None:
        """Hear, and do not ack."""

    await connect(app)
    outcome = await workspace.actor.command(OPERATOR, RELEASES, "/golive")
    assert (outcome.ack, outcome.error) == (None, "operation_timeout")
    assert await workspace.tick() == 0
    assert len(workspace.journal.entries(Traffic.ENVELOPE)) == 1


async def test_ticket_serves_once_and_only_for_a_while(
    workspace: Workspace, client: Client, session: aiohttp.ClientSession, clock: Clock
) -> None:
    """A used and an expired one are refused before the handshake."""
    app_token = workspace.credentials.app_token
    url = (await client.apps_connections_open(app_token=app_token))["url"]
    async with session.ws_connect(url) as ws:
        hello = await ws.receive_json()
    assert (hello["type"], hello["connection_info"]["app_id"]) == ("hello", "A0GOLIVE001")
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await session.ws_connect(url)
    url = (await client.apps_connections_open(app_token=app_token))["url"]
    clock.move(seconds=30)
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await session.ws_connect(url)


async def test_each_payload_goes_to_one_of_several_sockets(
    workspace: Workspace, app: Bot, heard: Heard, connect: Connect
) -> None:
    """No socket hears what another heard; which one it is can be chosen."""
    await connect(app)
    await connect(app)
    for number in range(4):
        await workspace.actor.command(OPERATOR, RELEASES, f"/golive {number}")
    assert heard.commands == ["0", "1", "2", "3"]
    assert [len(s.acked) for s in workspace.sockets.connected] == [2, 2]
    workspace.sockets.choose = lambda sockets: sockets[0]
    await workspace.actor.command(OPERATOR, RELEASES, "/golive 4")
    assert [len(s.acked) for s in workspace.sockets.connected] == [3, 2]


async def test_pings_are_answered(workspace: Workspace, app: Bot, connect: Connect) -> None:
    """In both directions: the client pings as soon as it is connected."""
    await connect(app)
    await workspace.sockets.ping()
    await workspace.until(
        lambda: "pong" in [entry.name for entry in workspace.journal.entries(Traffic.SOCKET)]
    )


@pytest.mark.parametrize("reason", ["warning", "refresh_requested"])
async def test_disconnect_brings_a_new_socket(
    workspace: Workspace, app: Bot, heard: Heard, connect: Connect, reason: str
) -> None:
    """The client takes a new ticket by itself."""
    await connect(app)
    first = workspace.sockets.connected[0].number
    await workspace.sockets.disconnect(reason)
    await workspace.until(
        lambda: [s.number for s in workspace.sockets.connected] not in ([], [first])
    )
    await workspace.actor.command(OPERATOR, RELEASES, "/golive again")
    assert heard.commands == ["again"]


async def test_dropped_sockets_come_back(
    workspace: Workspace, app: Bot, heard: Heard, connect: Connect
) -> None:
    """Cut without a word; the client connects anew."""
    handler = await connect(app)
    assert workspace.sockets.drop() == 1
    assert workspace.sockets.connected == ()
    await cast("Any", handler.client).connect_to_new_endpoint(force=True)
    await workspace.connected()
    await workspace.actor.command(OPERATOR, RELEASES, "/golive back")
    assert heard.commands == ["back"]


async def test_refused_socket(
    workspace: Workspace, client: Client, session: aiohttp.ClientSession
) -> None:
    """The handshake fails so many times."""
    workspace.faults.wire.refuse_sockets = 1
    for expected in (503, 101):
        opened = await client.apps_connections_open(app_token=workspace.credentials.app_token)
        try:
            async with session.ws_connect(opened["url"]):
                status = 101
        except aiohttp.WSServerHandshakeError as error:
            status = error.status
        assert status == expected


async def test_an_envelope_can_come_twice(
    workspace: Workspace, app: Bot, heard: Heard, connect: Connect
) -> None:
    """The same id: Bolt runs the listener twice."""
    await connect(app)
    workspace.faults.wire.duplicate = 1
    await workspace.actor.command(OPERATOR, RELEASES, "/golive twice")
    await workspace.until(lambda: len(workspace.journal.entries(Traffic.ACK)) == 2)
    assert heard.commands == ["twice", "twice"]
    assert len({e.ref for e in workspace.journal.entries(Traffic.ENVELOPE)}) == 1


async def test_envelopes_can_be_held_and_come_in_another_order(
    workspace: Workspace, app: Bot, heard: Heard, connect: Connect
) -> None:
    """Held, then released from the last to the first."""
    await connect(app)
    workspace.faults.wire.hold = 2
    acting = [command(workspace, "first"), command(workspace, "second")]
    await workspace.until(lambda: len(workspace.journal.entries(Traffic.WITHHELD)) == 2)
    assert workspace.faults.wire.held == 2
    assert heard.commands == []
    await workspace.faults.wire.release(reverse=True)
    outcomes = await asyncio.gather(*acting)
    assert heard.commands == ["second", "first"]
    assert all(outcome.ack for outcome in outcomes)


async def test_an_unacked_event_comes_again_three_times(
    workspace: Workspace, app: Bot, heard: Heard, connect: Connect, clock: Clock
) -> None:
    """At once, after a minute, after five; each says which attempt it is."""
    workspace.actor.patience = 0.05
    workspace.faults.wire.lose = 3
    await connect(app)
    outcome = await workspace.actor.open_home(OPERATOR)
    assert outcome.error == "operation_timeout"
    assert await workspace.tick() == 0
    for seconds in (3, 57, 240):
        clock.move(seconds=seconds)
        assert await workspace.tick() == 1
    await workspace.until(lambda: bool(workspace.journal.entries(Traffic.ACK)))
    assert heard.retries == ["3"]
    clock.move(hours=1)
    assert await workspace.tick() == 0


async def test_an_event_waits_for_a_bot_that_is_away(
    workspace: Workspace, app: Bot, heard: Heard, connect: Connect, clock: Clock
) -> None:
    """And is not sent again once it is acked."""
    assert (await workspace.actor.open_home(OPERATOR)).error == "dispatch_failed"
    await connect(app)
    clock.move(minutes=1)
    await workspace.tick()
    await workspace.until(lambda: bool(workspace.journal.entries(Traffic.ACK)))
    assert heard.retries == ["1"]
    clock.move(minutes=5)
    assert await workspace.tick() == 0


async def test_the_sdk_takes_any_base_url(workspace: Workspace) -> None:
    """A client without a session of its own works as well."""
    client = AsyncWebClient(token=workspace.credentials.bot_token, base_url=workspace.api_url)
    app = AsyncApp(client=client, signing_secret="unused")
    assert app.client.base_url == workspace.api_url
