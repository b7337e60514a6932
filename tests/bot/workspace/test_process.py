"""The workspace as a process of its own, driven through /control."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias, cast

import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.workspace.people import OPERATOR, OPERATORS, RELEASES
from bot.demo.workspace.server import standard_credentials
from tests.bot.workspace.blocks import button
from tests.bot.workspace.bolt import Ack, Bot, Client

Step: TypeAlias = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Where the process writes its traffic."""
    return tmp_path / "journal.jsonl"


@pytest.fixture
async def address(journal: Path) -> AsyncIterator[str]:
    """The api_url of a workspace in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot.demo.workspace",
        "--journal",
        str(journal),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    yield (await process.stdout.readline()).decode().strip()
    process.terminate()
    assert await process.wait() == 0


@pytest.fixture
def step(address: str, session: aiohttp.ClientSession) -> Step:
    """Takes a step under /control."""

    async def take(name: str, /, **given: Any) -> dict[str, Any]:
        url = f"{address.removesuffix('/api/')}/control/{name}"
        async with session.post(url, json=given) as answer:
            return {"status": answer.status, **(await answer.json())}

    return take


async def test_another_process_acts_looks_and_makes_things_go_wrong(
    address: str, session: aiohttp.ClientSession, step: Step, journal: Path
) -> None:
    """A command, a post whose answer is held, a click, and the journal in a file."""
    credentials = standard_credentials()
    web = AsyncWebClient(token=credentials.bot_token, base_url=address, session=session)
    app = cast("Bot", AsyncApp(client=web, signing_secret=credentials.signing_secret))

    @app.command("/golive")
    async def golive(ack: Ack, client: Client) -> None:  # pyright: ignore[reportUnusedFunction]
        await ack()
        row = {"type": "actions", "elements": [button("ok")]}
        await client.chat_postMessage(channel=RELEASES, text="Posted", blocks=[row])

    @app.action("ok")
    async def ok(ack: Ack) -> None:  # pyright: ignore[reportUnusedFunction]
        await ack()

    handler = AsyncSocketModeHandler(cast("AsyncApp", app), credentials.app_token)
    try:
        await handler.connect_async()
        assert (await step("wait", sockets=1))["status"] == 200
        gate = (await step("fault", kind="hang", method="chat.postMessage", applied=True))["gate"]
        outcome = await step("command", user=OPERATOR, channel=RELEASES, text="/golive")
        assert outcome["ack"]["payload"] is None
        assert (await step("wait", gate=gate))["status"] == 200
        posted = (await step("messages", channel=RELEASES))["messages"]
        assert [message["text"] for message in posted] == ["Posted"]
        assert (await step("journal", kind="answer", name="chat.postMessage"))["entries"] == []
        await step("release", gate=gate)
        assert (await step("wait", calls="chat.postMessage"))["status"] == 200
        clicked = await step(
            "click", user=OPERATOR, channel=RELEASES, ts=posted[0]["ts"], action_id="ok"
        )
        assert clicked["error"] is None
    finally:
        await handler.close_async()
    entries = [json.loads(line) for line in journal.read_text().splitlines()]
    assert {"call", "answer", "socket", "envelope", "ack"} <= {e["kind"] for e in entries}
    assert credentials.bot_token not in journal.read_text()


async def test_a_wrong_step_is_told_why(step: Step) -> None:
    """Unknown steps, missing fields and impossible actions."""
    assert (await step("dance"))["status"] == 404
    assert (await step("command", user=OPERATOR))["status"] == 400
    assert (await step("fault", kind="flood"))["error"] == "no_such_fault"
    assert (await step("group", group=OPERATORS, members=[OPERATOR]))["status"] == 200
    assert (await step("group", group="S0", members=[]))["error"] == "no_such_subteam"
    refused = await step("submit", user=OPERATOR, values={})
    assert refused["error"] == "No modal is open."
