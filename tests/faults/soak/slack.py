"""The people of the soak: what they type, press and confirm, in a workspace of another process."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import aiohttp

_ROOT = Path(__file__).parents[3]
_REASON = "Evolution is back"


class Slack:
    """Acts in the workspace at an address."""

    def __init__(self, session: aiohttp.ClientSession, base_url: str) -> None:
        self._session = session
        self._base_url = base_url

    @property
    def api_url(self) -> str:
        """What the bot takes as SLACK_API_URL."""
        return f"{self._base_url}/api/"

    async def type(self, user: str, channel: str, text: str) -> None:
        """Type what stands behind `/golive`."""
        await self._acknowledged("command", user=user, channel=channel, text=f"/golive {text}")

    async def open_home(self, user: str) -> None:
        """Open the app's Home."""
        await self._acknowledged("home", user=user)

    async def press(self, user: str, channel: str, action: str) -> bool:
        """Press the newest button of a kind, and confirm where it asks; False if there is none."""
        found = await self._step("messages", channel=channel)
        for message in reversed(found["messages"]):
            for name in _actions(message):
                if name.partition(":")[0] == action:
                    target = {"channel": channel, "ts": message["ts"]}
                    await self._acknowledged(
                        "click", user=user, action_id=name, confirm=True, **target
                    )
                    return True
        return False

    async def confirm(self, user: str) -> bool:
        """Submit the modal that somebody sees; False if there is none, or nothing to submit."""
        view = (await self._step("view", user=user))["view"]
        if view is None or not view.get("submit"):
            return False
        asked = {block["block_id"] for block in view["blocks"] if block["type"] == "input"}
        values = {"reason": _REASON} if "reason" in asked else {}
        await self._acknowledged("submit", user=user, values=values)
        return True

    async def dismiss(self, user: str) -> None:
        """Close the modals that somebody sees."""
        while (await self._step("view", user=user))["view"] is not None:
            await self._step("close", user=user)

    async def sockets(self) -> int:
        """How many sockets the bot has."""
        return int((await self._step("sockets"))["connected"])

    async def connected(self) -> None:
        """Wait until the bot has a socket."""
        await self._step("wait", sockets=1, seconds=30)

    async def _acknowledged(self, name: str, **given: object) -> None:
        outcome = await self._step(name, **given)
        if outcome["error"] is not None or outcome["ack"] is None:
            raise RuntimeError(f"The bot did not take {name} {given}: {outcome['error']}.")

    async def _step(self, name: str, **given: object) -> dict[str, Any]:
        address = f"{self._base_url}/control/{name}"
        async with self._session.post(address, json=given) as answer:
            body: dict[str, Any] = await answer.json()
            if answer.status != 200:
                raise RuntimeError(f"The workspace refuses {name} {given}: {body['error']}.")
        return body


@asynccontextmanager
async def open_slack() -> AsyncGenerator[Slack, None]:
    """A workspace in a process of its own, which ends with the block or with this process."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.faults.soak.workspace"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=_ROOT,
    )
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("The process was started with pipes.")
    try:
        base_url = (await process.stdout.readline()).decode().strip()
        async with aiohttp.ClientSession() as session:
            yield Slack(session, base_url)
    finally:
        process.stdin.close()
        await process.wait()


def _actions(value: object) -> Iterator[str]:
    """The ids of all buttons in a message."""
    if isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        if isinstance(name := fields.get("action_id"), str):
            yield name
        inner: Iterable[object] = fields.values()
    elif isinstance(value, list):
        inner = cast("list[object]", value)
    else:
        return
    for one in inner:
        yield from _actions(one)
