"""The Evolution stand-in delivers webhooks to an application, as often as Evolution does."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.demo.evolution import EvolutionStandIn

_URL = "https://crm.example.com/webhooks/whatsapp/evolution/SECRET-1"


async def _no_pause(_: float) -> None:
    """Wait for nothing."""


@pytest.fixture
async def evolution() -> AsyncGenerator[EvolutionStandIn]:
    """A running stand-in with one instance."""
    async with EvolutionStandIn(sleep=_no_pause) as running:
        running.add("unit_a")
        yield running


class _Application:
    """Takes webhooks and answers each with the next of its statuses, the last one for ever."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.received: list[tuple[str, Any]] = []

    async def take(self, request: web.Request) -> web.Response:
        self.received.append((request.path, await request.json()))
        status = self.statuses[0] if len(self.statuses) == 1 else self.statuses.pop(0)
        return web.Response(status=status)

    def server(self) -> TestServer:
        app = web.Application()
        app.router.add_post("/{path:.*}", self.take)
        return TestServer(app)


async def test_a_webhook_is_delivered(evolution: EvolutionStandIn) -> None:
    """The event goes to the webhook's path in Evolution's form; once is enough."""
    application = _Application(200)
    async with application.server() as server:
        evolution.add("unit_b", webhook_url=str(server.make_url("/webhooks/x")))
        done = await evolution.deliver("unit_b", "CONNECTION_UPDATE", {"state": "open"})
    assert done is not None
    assert (done.arrived, done.tries) == (True, 1)
    ((path, body),) = application.received
    assert path == "/webhooks/x"
    assert (body["event"], body["instance"], body["data"]) == (
        "connection.update",
        "unit_b",
        {"state": "open"},
    )


async def test_by_events_appends_the_event_to_the_path(evolution: EvolutionStandIn) -> None:
    """The path gets the event's name; the application has no such route."""
    application = _Application(404)
    async with application.server() as server:
        row = evolution.add("unit_b", webhook_url=str(server.make_url("/webhooks/x"))).webhook
        assert row is not None
        row.by_events = True
        done = await evolution.deliver("unit_b", "MESSAGES_UPSERT")
    assert application.received[0][0] == "/webhooks/x/messages-upsert"
    assert done is not None
    assert (done.status, done.tries) == (404, 1)


async def test_a_delivery_is_tried_ten_times(evolution: EvolutionStandIn) -> None:
    """A 500 is tried again, up to ten times; no answer too."""
    application = _Application(500, 503, 200)
    async with application.server() as server:
        evolution.add("unit_b", webhook_url=str(server.make_url("/x")))
        done = await evolution.deliver("unit_b", "MESSAGES_UPSERT")
    assert done is not None
    assert (done.status, done.tries) == (200, 3)
    gone = await evolution.deliver("unit_b", "MESSAGES_UPSERT")
    assert gone is not None
    assert (gone.status, gone.tries) == (None, 10)


async def test_nothing_is_delivered_without_a_webhook_for_it(evolution: EvolutionStandIn) -> None:
    """No row, a disabled one, and one without the event all send nothing."""
    assert await evolution.deliver("unit_a", "MESSAGES_UPSERT") is None
    row = evolution.add("unit_b", webhook_url=_URL).webhook
    assert row is not None
    row.events = ["CONNECTION_UPDATE"]
    assert await evolution.deliver("unit_b", "MESSAGES_UPSERT") is None
    row.enabled = False
    assert await evolution.deliver("unit_b", "CONNECTION_UPDATE") is None
