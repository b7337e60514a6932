"""Faults of the Web API: refused, late, cut before and after the call was applied."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from bot.demo.workspace import Workspace
from bot.demo.workspace.people import RELEASES
from tests.bot.workspace.bolt import Client, web_client
from tests.bot.workspace.calls import refused
from tests.bot.workspace.clock import Clock

POST = "chat.postMessage"


def post(client: Client, text: str = "x") -> asyncio.Task[Any]:
    """Post, and do not wait for the answer."""

    async def call() -> Any:
        return await client.chat_postMessage(channel=RELEASES, text=text)

    return asyncio.create_task(call())


def texts(workspace: Workspace) -> list[str]:
    """What stands in the channel."""
    return [message.text for message in workspace.state.messages.of(RELEASES)]


async def test_429_and_500_answer_in_place_of_the_call(
    workspace: Workspace, client: Client
) -> None:
    """So many times, and nothing is posted by them."""
    api = workspace.faults.api
    api.rate_limit(POST, retry_after=7)
    api.server_error(POST, status=503)
    api.error(POST, "fatal_error")
    limited = await refused(client.chat_postMessage(channel=RELEASES, text="x"))
    assert (limited.status_code, limited["error"]) == (429, "ratelimited")
    assert limited.headers["Retry-After"] == "7"
    with pytest.raises(Exception, match="503"):
        await client.chat_postMessage(channel=RELEASES, text="x")
    assert (await refused(client.chat_postMessage(channel=RELEASES, text="x")))["error"] == (
        "fatal_error"
    )
    assert texts(workspace) == []
    await client.chat_postMessage(channel=RELEASES, text="x")
    assert texts(workspace) == ["x"]
    assert [call.status for call in workspace.journal.calls(POST)] == [429, 503, 200, 200]


@pytest.mark.parametrize("applied", [False, True])
async def test_a_cut_connection_says_nothing_about_the_message(
    workspace: Workspace, client: Client, *, applied: bool
) -> None:
    """The client sees the same error whether the message is there or not."""
    workspace.faults.api.reset(POST, applied=applied)
    with pytest.raises(aiohttp.ClientConnectionError):
        await client.chat_postMessage(channel=RELEASES, text="x")
    assert texts(workspace) == (["x"] if applied else [])
    (call,) = workspace.journal.calls(POST)
    assert (call.answer, call.ok) == (None, False)


@pytest.mark.parametrize("applied", [False, True])
async def test_a_call_can_hang_until_it_is_released(
    workspace: Workspace, client: Client, *, applied: bool
) -> None:
    """It is applied before or after the wait, and answered in the end."""
    gate = workspace.faults.api.hang(POST, applied=applied)
    calling = post(client)
    await gate.reached.wait()
    assert texts(workspace) == (["x"] if applied else [])
    assert not calling.done()
    gate.release()
    assert (await calling)["ok"]
    assert texts(workspace) == ["x"]


async def test_a_client_that_gives_up_does_not_take_its_message_back(
    workspace: Workspace, client: Client
) -> None:
    """It was applied; the answer goes nowhere."""
    gate = workspace.faults.api.hang(POST, applied=True)
    calling = post(client)
    await gate.reached.wait()
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    gate.release()
    assert texts(workspace) == ["x"]


async def test_a_hook_runs_between_applying_and_answering(
    workspace: Workspace, client: Client
) -> None:
    """A test can end a process exactly there."""
    seen: list[tuple[str, Any, list[str]]] = []

    async def hook(method: str, answer: dict[str, Any]) -> None:
        seen.append((method, answer["ts"], texts(workspace)))

    workspace.faults.api.between(POST, hook)
    posted = await client.chat_postMessage(channel=RELEASES, text="x")
    assert seen == [(POST, posted["ts"], ["x"])]
    await client.chat_postMessage(channel=RELEASES, text="y")
    assert len(seen) == 1


async def test_a_fault_can_strike_any_method_and_be_called_off(
    workspace: Workspace, client: Client
) -> None:
    """`*` is every method."""
    workspace.faults.api.error("*", "internal_error", times=2)
    assert (await refused(client.auth_test()))["error"] == "internal_error"
    workspace.faults.api.clear()
    assert (await client.auth_test())["ok"]


async def test_a_closed_door_and_an_open_one(
    workspace: Workspace, client: Client, session: aiohttp.ClientSession
) -> None:
    """New connections are refused; afterwards the same address answers again."""
    address = workspace.api_url
    await workspace.refuse()
    with pytest.raises(aiohttp.ClientConnectorError):
        await client.auth_test()
    await workspace.accept()
    assert workspace.api_url == address
    assert (await web_client(workspace, session).auth_test())["ok"]


async def test_posts_are_limited_by_channel_and_refill_with_the_clock(
    workspace: Workspace, client: Client, clock: Clock
) -> None:
    """A burst, then one a second; another channel has a bucket of its own."""
    for _ in range(5):
        await client.chat_postMessage(channel=RELEASES, text="x")
    limited = await refused(client.chat_postMessage(channel=RELEASES, text="x"))
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "1")
    await client.chat_postMessage(channel="C0INCIDENT2", text="x")
    clock.move(seconds=1)
    await client.chat_postMessage(channel=RELEASES, text="x")
    workspace.rates.enabled = False
    await client.chat_postMessage(channel=RELEASES, text="x")
    assert len(texts(workspace)) == 7


@pytest.mark.parametrize(
    ("method", "arguments", "limit"),
    [
        ("chat.update", {"channel": RELEASES, "ts": "1.0", "text": "x"}, 50),
        ("conversations.list", {}, 20),
        ("usergroups.list", {}, 20),
        ("views.publish", {"user_id": "U0OLIVIA001"}, 100),
        ("files.info", {"file": "F1"}, 100),
    ],
)
async def test_calls_a_minute_are_limited_by_method(
    workspace: Workspace,
    client: Client,
    clock: Clock,
    method: str,
    arguments: dict[str, Any],
    limit: int,
) -> None:
    """The next one waits until the oldest is a minute old."""
    for number in range(limit):
        assert workspace.rates.retry_after(method, arguments) is None
        if number == 0:
            clock.move(seconds=10)
    limited = await refused(client.api_call(method, json=arguments))
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "50")
    clock.move(seconds=50)
    assert workspace.rates.retry_after(method, arguments) is None
