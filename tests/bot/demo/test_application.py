"""The invented application mends when what golive's fixes do is done to it."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import LiteralString

import aiohttp
from psycopg import AsyncConnection

from bot.demo.application import WEBHOOKS
from bot.demo.postgres import EmbeddedPostgres
from bot.demo.show import Show
from bot.demo.workspace.values import Json
from checks.engine.model import Decision
from tests.support.shows import ByHand, by_hand, decision_of

RESET: LiteralString = """
UPDATE messages SET status = 'queued', retry_count = 0, error_details = NULL
WHERE status = 'failed' AND created_at >= %s AND error_details NOT LIKE '%%status code 400%%'
RETURNING id::text"""
STUCK: LiteralString = """
UPDATE campaigns SET status = 'draft' WHERE status = 'processing' RETURNING id::text"""


class Mender:
    """Does to database, Evolution and application what the fixes do."""

    def __init__(self, show: Show, database: AsyncConnection, web: aiohttp.ClientSession) -> None:
        self._show = show
        self._database = database
        self._web = web
        self._unit = show.hour.world.active[1]

    async def new_secret(self) -> None:
        """A new secret in the database, and told to Evolution."""
        fresh = secrets.token_hex(16)
        await self._database.execute(
            "UPDATE unit_whatsapp_connections SET webhook_secret = %s WHERE unit_id = %s",
            (fresh, self._unit.id),
        )
        url = f"{self._show.application.base_url}{WEBHOOKS}/{fresh}"
        webhook: Json = {"enabled": True, "url": url, "events": []}
        path = f"{self._show.evolution.url}/webhook/set/{self._unit.instance}"
        headers = {"apikey": self._show.evolution.key}
        async with self._web.post(path, json={"webhook": webhook}, headers=headers) as answer:
            assert answer.status == 201

    async def resend(self) -> int:
        """Reset what failed, and have it sent again; how many were."""
        cursor = await self._database.execute(RESET, (self._show.hour.world.deployed_at,))
        ids = [row[0] for row in await cursor.fetchall()]
        return (await self.hook("resend", {"messages": ids}))["sent"]

    async def redispatch(self) -> int:
        """Reset the campaign that stands still, and dispatch it; to how many."""
        row = await (await self._database.execute(STUCK)).fetchone()
        assert row is not None
        return (await self.hook("dispatch", {"campaign": row[0]}))["recipients"]

    async def hook(self, name: str, body: Json, *, token: str | None = None) -> Json:
        """One of the application's internal hooks."""
        headers = {"Authorization": f"Bearer {token or self._show.application.token}"}
        path = f"{self._show.application.base_url}/internal/{name}"
        async with self._web.post(path, json=body, headers=headers) as answer:
            found: Json = await answer.json()
            return found | {"status": answer.status}


@asynccontextmanager
async def mending(played: ByHand) -> AsyncGenerator[Mender, None]:
    """Somebody who mends."""
    show = played.show
    async with (
        await AsyncConnection.connect(show.databases.owner, autocommit=True) as database,
        aiohttp.ClientSession() as web,
    ):
        yield Mender(show, database, web)


async def numbers(played: ByHand) -> dict[str, int]:
    """The figures of the side panel."""
    return {figure.label: figure.value for figure in played.show.figures}


async def test_mended_in_time_the_hour_ends_in_monitor(
    postgres_server: EmbeddedPostgres, tmp_path: Path
) -> None:
    """Webhooks flow after the new secret, failed messages and the campaign are sent: no NO-GO."""
    async with by_hand("incident", postgres_server, tmp_path) as played:
        show = played.show
        await played.reach(31)
        assert (await numbers(played))["Failed"] == 5
        async with mending(played) as mender:
            await mender.new_secret()
            assert await mender.resend() == 4
            await played.reach(41)
            assert (await numbers(played))["Failed"] == 1
            assert (await numbers(played))["Campaign pending"] == 55
            assert await mender.redispatch() == 55
            await played.reach(61)
        assert (await numbers(played))["Campaign pending"] == 0
        assert show.final is not None
        assert decision_of(show.final) is Decision.MONITOR
        tail = show.watched_log.read_text(encoding="utf-8")
        unknown = [line for line in tail.splitlines() if "[Webhook:no-id] Unknown" in line]
        assert len(unknown) == 3


async def test_the_hooks_ask_for_their_token(
    postgres_server: EmbeddedPostgres, tmp_path: Path
) -> None:
    """Another token is refused, and nothing is sent."""
    async with (
        by_hand("quiet-hour", postgres_server, tmp_path) as played,
        mending(played) as mender,
    ):
        assert (await mender.hook("resend", {}, token="another"))["status"] == 401
        assert (await mender.hook("dispatch", {}, token="another"))["status"] == 401


async def test_a_test_event_is_answered_and_changes_nothing(
    postgres_server: EmbeddedPostgres, tmp_path: Path
) -> None:
    """A webhook with a secret that is none is logged as unknown, and answered with 200."""
    async with by_hand("quiet-hour", postgres_server, tmp_path) as played:
        before = await numbers(played)
        url = f"{played.show.application.base_url}{WEBHOOKS}/no-secret"
        body = {"event": "test", "instance": "nobody"}
        async with aiohttp.ClientSession() as web, web.post(url, json=body) as answer:
            assert answer.status == 200
        await played.reach(1)
        assert "Unknown instance: nobody" in played.show.watched_log.read_text(encoding="utf-8")
        assert await numbers(played) == before
