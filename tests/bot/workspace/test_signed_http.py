"""HTTP mode: Bolt checks the signature and answers as over a socket."""

# pyright: reportUnusedFunction=false
# Bolt keeps the listeners; nothing else names them.

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.app.async_app import AsyncApp

from bot.demo.workspace import Traffic, Workspace
from bot.demo.workspace.people import OPERATOR, RELEASES
from tests.bot.workspace.blocks import modal, section, text_input
from tests.bot.workspace.bolt import Ack, Bot, Client
from tests.bot.workspace.clock import Clock


@pytest.fixture
async def url(app: Bot) -> AsyncIterator[str]:
    """Where the app listens."""

    async def handle(request: web.Request) -> web.Response:
        answer = await cast("AsyncApp", app).async_dispatch(await to_bolt_request(request))
        return await to_aiohttp_response(answer)

    server = web.Application()
    server.router.add_post("/slack/events", handle)
    runner = web.AppRunner(server, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    await runner.cleanup()


async def test_commands_clicks_and_submissions_over_http(
    workspace: Workspace, app: Bot, url: str
) -> None:
    """A form with a signature; the answer is the ack."""

    @app.command("/golive")
    async def golive(ack: Ack, body: dict[str, Any], client: Client) -> None:
        await ack("Opening.")
        view = modal("why", [text_input("why", "reason")], submit="Go")
        await client.views_open(trigger_id=body["trigger_id"], view=view)

    @app.view("why")
    async def why(ack: Ack) -> None:
        await ack(response_action="update", view=modal("done", [section("Done")]))

    assert await workspace.deliver_to(url).verify()
    outcome = await workspace.actor.command(OPERATOR, RELEASES, "/golive fix & go")
    assert outcome.ack is not None
    assert outcome.ack.payload == {"text": "Opening."}
    await workspace.until(lambda: workspace.state.views.top(OPERATOR) is not None)
    view = workspace.state.views.top(OPERATOR)
    assert view is not None
    submitted = await workspace.actor.submit(OPERATOR, view, {"reason": "because"})
    assert submitted.view is not None
    assert submitted.view.callback_id == "done"


async def test_an_event_comes_again_with_its_number(
    workspace: Workspace, app: Bot, url: str, clock: Clock
) -> None:
    """The first is lost on the way."""
    numbers: list[str | None] = []

    @app.event("app_home_opened")
    async def opened(request: Any) -> None:
        values = request.headers.get("x-slack-retry-num")
        numbers.append(values[0] if values else None)

    workspace.actor.patience = 0.05
    workspace.deliver_to(url)
    workspace.faults.wire.lose = 1
    assert (await workspace.actor.open_home(OPERATOR)).ack is None
    clock.move(seconds=3)
    assert await workspace.tick() == 1
    await workspace.until(lambda: bool(workspace.journal.entries(Traffic.ACK)))
    assert numbers == ["1"]


async def test_an_event_that_the_bot_refuses_comes_again(
    workspace: Workspace, url: str, clock: Clock
) -> None:
    """Without a listener Bolt answers 404."""
    workspace.deliver_to(url)
    assert (await workspace.actor.open_home(OPERATOR)).error == "dispatch_failed"
    clock.move(seconds=3)
    assert await workspace.tick() == 1


async def test_a_stale_signature_is_refused_by_the_bot(
    workspace: Workspace, app: Bot, url: str, clock: Clock
) -> None:
    """Bolt takes five minutes either way of its machine's clock."""

    @app.command("/golive")
    async def golive(ack: Ack) -> None:
        await ack()

    http = workspace.deliver_to(url, stamp=clock.now)
    assert not await http.verify()
    outcome = await workspace.actor.command(OPERATOR, RELEASES, "/golive")
    assert (outcome.ack, outcome.error) == (None, "dispatch_failed")
    (entry,) = workspace.journal.entries(Traffic.ACK)
    assert entry.status == 401


async def test_nobody_at_the_url(workspace: Workspace) -> None:
    """The person sees that the app did not respond."""
    workspace.deliver_to("http://127.0.0.1:9/slack/events")
    outcome = await workspace.actor.command(OPERATOR, RELEASES, "/golive")
    assert outcome.error == "dispatch_failed"
