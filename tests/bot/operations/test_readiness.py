"""What the whole bot says of itself while its store or its socket is away, and how it fails."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr
from structlog.testing import capture_logs

from bot.demo.workspace import people
from bot.demo.workspace.server import Workspace
from tests.bot.operations.telling import T0
from tests.bot.operations.test_whole_bot import free_port, get, running
from tests.support.hand import HandClock
from tests.support.pg_proxy import Proxy
from tests.support.slack_bot import Stage, settings_for, staged

TICK = "tick"
_WITHIN = 30.0
"""Real seconds after which a test gives up."""


@dataclass(slots=True, kw_only=True)
class Switch:
    """A dead man's switch that counts how often it was told."""

    url: str = ""
    told: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def hear(self, _request: web.Request) -> web.Response:
        """Once more."""
        self.told += 1
        self.changed.set()
        return web.Response()

    async def until(self, number: int) -> None:
        """Wait until it was told so often."""
        async with asyncio.timeout(_WITHIN):
            while self.told < number:
                self.changed.clear()
                await self.changed.wait()


@asynccontextmanager
async def switched() -> AsyncGenerator[Switch]:
    """A switch that listens."""
    switch = Switch()
    app = web.Application()
    app.router.add_get("/ping", switch.hear)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    switch.url = f"http://127.0.0.1:{runner.addresses[0][1]}/ping"
    yield switch
    await runner.cleanup()


async def ready(port: int, status: int, broken: Collection[str] = ()) -> dict[str, str]:
    """Ask until it is so, for these parts; the reason of each part that does not work."""
    async with asyncio.timeout(_WITHIN):
        while True:
            found, body = await get(f"http://127.0.0.1:{port}/readyz")
            parts: dict[str, Any] = json.loads(body)["parts"] if body else {}
            why: dict[str, str] = {
                name: part["why"] for name, part in parts.items() if not part["ok"]
            }
            if found == status and set(why) == set(broken):
                return why
            await asyncio.sleep(0.05)


async def tick(stage: Stage) -> None:
    """Let the bot look around, whatever comes of it."""
    stage.timer.fire(TICK)
    await stage.timer.rest()


@pytest.fixture
async def proxy(store_database: str) -> AsyncGenerator[Proxy]:
    """A way to the store that can be closed."""
    async with Proxy(upstream=store_database) as proxy:
        yield proxy


async def seen(stage: Stage, *, connected: bool) -> None:
    """Let the socket's watchdog look until it sees the socket so."""
    async with asyncio.timeout(_WITHIN):
        while stage.bot.slack.connected is not connected:
            for key in [key for key in stage.timer.jobs if key.startswith("slack:")]:
                stage.timer.fire(key)
            await asyncio.sleep(0.05)


async def test_it_is_ready_and_told_to_live_only_while_all_works(proxy: Proxy) -> None:
    """No socket and no store are each a reason; the switch hears of successful ticks alone."""
    clock, port = HandClock(T0), free_port()
    async with Workspace(now=clock.now) as workspace, switched() as switch:
        settings = settings_for(workspace, proxy.url).model_copy(
            update={
                "metrics_port": port,
                "metrics_host": "127.0.0.1",
                "ping_url": SecretStr(switch.url),
            }
        )
        async with staged(workspace, settings, clock) as stage:
            stage.timer.quiet = None  # without a store nobody can say whether a post is due
            await seen(stage, connected=True)
            await ready(port, 200)
            await switch.until(1)  # the first look around, at the start
            await tick(stage)
            await switch.until(2)
            workspace.faults.wire.refuse_sockets = 10_000
            workspace.sockets.drop()
            await seen(stage, connected=False)
            assert await ready(port, 503, {"slack"}) == {"slack": "Slack does not reach the bot."}
            proxy.go_away()
            _, why = await asyncio.gather(tick(stage), ready(port, 503, {"slack", "store"}))
            assert why["store"]
            assert switch.told == 2
            assert (await get(f"http://127.0.0.1:{port}/healthz"))[0] == 200
            proxy.refuses = False
            await tick(stage)
            await switch.until(3)
            await ready(port, 503, {"slack"})


@pytest.mark.parametrize(
    ("channel", "code", "said"),
    [
        (people.RELEASES, "token_revoked", "Install the app again. Slack says: token_revoked."),
        (people.RELEASES, "invalid_auth", "Check SLACK_BOT_TOKEN. Slack says: invalid_auth."),
        (people.WITHOUT_BOT, "", f"{people.WITHOUT_BOT}: The bot is not in the channel."),
        (people.ARCHIVED, "", f"{people.ARCHIVED}: The channel is archived."),
        ("C0NOWHERE00", "", "C0NOWHERE00: Slack knows no such channel"),
    ],
)
async def test_it_is_not_ready_where_slack_lets_it_say_nothing(
    store_database: str, channel: str, code: str, said: str
) -> None:
    """The log says at the start where GOLIVE_CHANNEL cannot be posted into."""
    clock, port = HandClock(T0), free_port()
    async with Workspace(now=clock.now) as workspace:
        settings = settings_for(workspace, store_database).model_copy(
            update={"metrics_port": port, "metrics_host": "127.0.0.1", "channel": channel}
        )
        with capture_logs() as logs:
            async with staged(workspace, settings, clock) as stage:
                await seen(stage, connected=True)
                if code:
                    workspace.faults.api.error("auth.test", code)
                why = await ready(port, 503, {"slack"})
    assert said in why["slack"]
    told = [one for one in logs if one["event"] == "nothing can be posted into GOLIVE_CHANNEL"]
    assert [(one["channel"], one["why"] in why["slack"]) for one in told] == (
        [] if code else [(channel, True)]
    )


async def test_one_channel_of_its_own_is_enough_to_be_ready(store_database: str) -> None:
    """A watch elsewhere goes on where GOLIVE_CHANNEL is wrong."""
    clock, port = HandClock(T0), free_port()
    async with Workspace(now=clock.now) as workspace:
        settings = settings_for(workspace, store_database).model_copy(
            update={
                "metrics_port": port,
                "metrics_host": "127.0.0.1",
                "channel": people.WITHOUT_BOT,
            }
        )
        async with staged(workspace, settings, clock) as stage:
            await stage.command("/golive start v1")
            await seen(stage, connected=True)
            await ready(port, 200)


async def test_a_port_that_somebody_has_ends_the_start(tmp_path: Path, store_database: str) -> None:
    """With one line that names the setting, and the exit code of a wrong configuration."""
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))  # noqa: S104 - it takes the port from everybody
        taken.listen()
        port = str(taken.getsockname()[1])
        async with Workspace() as workspace:
            further = {
                "SLACK_APP_TOKEN": "",
                "SLACK_SIGNING_SECRET": workspace.credentials.signing_secret,
                "PORT": port,
            }
            async with running(workspace, store_database, tmp_path, **further) as bot:
                assert await asyncio.wait_for(bot.process.wait(), _WITHIN) == 64
                said = bot.written.read_text("utf-8")
    assert f"PORT: nobody can listen on all addresses, port {port}" in said
    assert "Traceback" not in said
