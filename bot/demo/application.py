"""The invented application, alive: it writes its log and rows, and takes webhooks and hooks.

What it does by itself is written down in the hour. What reaches it from outside is real: Evolution
delivers each customer's message over HTTP to the webhook that it was given, and the application
takes it only on a secret that its database holds.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Final, Self, cast

from aiohttp import web
from psycopg import AsyncConnection

from bot.clock import Clock
from bot.demo import tables
from bot.demo.cast import Cast
from bot.demo.events import Campaign, Event, Inbound, UnknownInstance
from bot.demo.evolution import EvolutionStandIn
from bot.demo.hour import Hour
from bot.demo.scenarios import Scenario
from bot.demo.script import Script
from bot.demo.stage import Stage
from bot.demo.tables import Change
from bot.demo.world import Dice, Unit
from checks.engine.model import Json

WEBHOOKS: Final = "/webhooks/whatsapp/evolution"
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_OWNER = "SELECT 1 FROM unit_whatsapp_connections WHERE webhook_secret = %s"
_UNSENT = """
SELECT m.id::text, c.unit_id::text FROM messages m JOIN conversations c ON c.id = m.conversation_id
WHERE m.id = ANY(%s::uuid[]) AND m.sender = 'agent' AND m.external_id IS NULL"""
_WAITING = """
SELECT c.id::text, c.unit_id::text, c.name, r.id::text FROM campaigns c
JOIN campaign_recipients r ON r.campaign_id = c.id AND r.status = 'pending'
WHERE c.id = ANY(%s::uuid[]) ORDER BY r.id"""


class Application:
    """The application on 127.0.0.1: `async with Application(…) as application`.

    Args:
        scenario: what is wrong with it.
        hour: what happens by itself.
        clock: gives the instant of what comes from outside.
        evolution: delivers its webhooks.
        stage: writes log and rows.
        asking: a connection of its own to its database, in autocommit mode.
        token: what its internal hooks ask for.
        port: where it answers; 0 finds a free one.
    """

    def __init__(
        self,
        scenario: Scenario,
        hour: Hour,
        *,
        clock: Clock,
        evolution: EvolutionStandIn,
        stage: Stage,
        asking: AsyncConnection,
        token: str,
        port: int = 0,
    ) -> None:
        self._scenario = scenario
        self._world = hour.world
        self._clock = clock
        self._evolution = evolution
        self._stage = stage
        self._asking = asking
        self.token = token
        self._port = port
        self._dice = Dice(7)
        arrivals = [event for event in hour.events if isinstance(event, Inbound)]
        self._arrivals = deque(arrivals)
        self._expected = {event.external_id: event for event in arrivals}
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/health", self._health)
        app.router.add_post(f"{WEBHOOKS}/{{secret}}", self._webhook)
        app.router.add_post("/internal/resend", self._resend)
        app.router.add_post("/internal/dispatch", self._dispatch)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        for unit in self._world.active:
            url = f"{self.base_url}{WEBHOOKS}/{unit.secret}"
            self._evolution.add(unit.instance, webhook_url=url)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def base_url(self) -> str:
        """Where it answers.

        Raises:
            RuntimeError: it is not started.
        """
        if self._runner is None:
            raise RuntimeError("The application is not started: use it with `async with`.")
        return f"http://127.0.0.1:{self.port}"

    @property
    def port(self) -> int:
        """On which it answers; the wanted one, until it is started."""
        return self._port if self._runner is None else int(self._runner.addresses[0][1])

    async def advance(self, until: datetime) -> None:
        """Let everything happen that begins before an instant."""
        self._break_webhook(until)
        while self._arrivals and self._arrivals[0].http.at < until:
            await self._deliver(self._arrivals.popleft())
        await self._stage.advance(until)

    def _break_webhook(self, now: datetime) -> None:
        """Evolution comes back from an old backup, with a secret that is not valid any more."""
        minute = self._scenario.webhook_breaks
        if minute is None or now <= self._world.deployed_at + timedelta(minutes=minute):
            return
        self._scenario = replace(self._scenario, webhook_breaks=None)
        row = self._evolution.instances[self._world.active[1].instance].webhook
        if row is not None:
            row.url = f"{self.base_url}{WEBHOOKS}/{self._dice.hex(64)}"

    async def _deliver(self, event: Inbound) -> None:
        unit, talk = event.conversation.unit, event.conversation
        key: Json = {"id": event.external_id, "remoteJid": f"{talk.phone}@s.whatsapp.net"}
        said: Json = {"key": key, "message": {"conversation": event.text}}
        await self._evolution.deliver(unit.instance, "MESSAGES_UPSERT", said)

    # --- what comes from outside ----------------------------------------------------------------

    async def _health(self, _request: web.Request) -> web.Response:
        minute = (self._clock.now() - self._world.deployed_at) // timedelta(minutes=1)
        down = minute in self._scenario.down
        return web.json_response({"status": "down" if down else "ok"}, status=503 if down else 200)

    async def _webhook(self, request: web.Request) -> web.Response:
        """Answers 200 whatever it makes of it, as the application does."""
        body = _fields(await request.json())
        given = str(_fields(_fields(body.get("data")).get("key")).get("id", ""))
        event = self._expected.pop(given, None)
        cursor = await self._asking.execute(_OWNER, (request.match_info["secret"],))
        if await cursor.fetchone() is not None:
            if event is not None:
                self._stage.add((event,))
            return web.json_response({"success": True})
        self._stage.add((self._unknown(event, str(body.get("instance", ""))),))
        return web.json_response({"success": False})

    def _unknown(self, event: Inbound | None, instance: str) -> UnknownInstance:
        cast_ = self._cast()
        http = (
            cast_.webhook(self._clock.now(), self._world.active[0]) if event is None else event.http
        )
        stale = f"{WEBHOOKS}/{self._dice.hex(64)}"
        return UnknownInstance(http=replace(http, raw=stale), instance=instance)

    async def _resend(self, request: web.Request) -> web.Response:
        """Sends messages that were not sent: every id in the body."""
        if not self._allowed(request):
            return web.json_response({"error": "unauthorized"}, status=401)
        cursor = await self._asking.execute(_UNSENT, (_ids(await request.text()),))
        found = [(str(message), str(unit)) for message, unit in await cursor.fetchall()]
        for message, unit in found:
            script = Script(self._cast())
            sent = script.outbound(self._clock.now(), self._unit(unit))
            values = {"id": message, "external": sent.external_id, "retries": 0, "retried": None}
            change = Change(at=sent.attempts[-1].at, sql=tables.SENT, values=values)
            self._stage.add(script.events, (change,))
        return web.json_response({"success": True, "sent": len(found)})

    async def _dispatch(self, request: web.Request) -> web.Response:
        """Starts a worker for the pending recipients of a campaign: the id in the body."""
        if not self._allowed(request):
            return web.json_response({"error": "unauthorized"}, status=401)
        cursor = await self._asking.execute(_WAITING, (_ids(await request.text()),))
        rows = [tuple(map(str, row)) for row in await cursor.fetchall()]
        if rows:
            self._stage.add(self._worker(rows))
        return web.json_response({"success": True, "recipients": len(rows)})

    def _worker(self, rows: list[tuple[str, ...]]) -> list[Event]:
        campaign, unit, name, _ = rows[0]
        script = Script(self._cast())
        place = self._unit(unit)
        talk = script.cast.talk(place)
        recipients = tuple((recipient, talk) for *_, recipient in rows)
        what = Campaign(id=campaign, unit=place, name=name, recipients=recipients)
        user = script.cast.user(place)
        script.dispatch(self._clock.now(), user, what, (None,) * len(rows))
        return script.events

    def _allowed(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == f"Bearer {self.token}"

    def _cast(self) -> Cast:
        return Cast(self._dice, self._world)

    def _unit(self, identity: str) -> Unit:
        return next((u for u in self._world.units if u.id == identity), self._world.active[0])


def _ids(text: str) -> list[str]:
    return list(dict.fromkeys(_UUID.findall(text.lower())))


def _fields(body: object) -> dict[str, object]:
    return cast("dict[str, object]", body) if isinstance(body, dict) else {}


def scripted(hour: Hour) -> Hour:
    """The hour without what Evolution has to deliver."""
    return replace(hour, events=tuple(e for e in hour.events if not isinstance(e, Inbound)))


def other_log(path: Path, now: datetime) -> None:
    """One more minute of another program's log."""
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{now:%Y-%m-%d %H:%M:%S} backup[77]: 12 tables written, 0 failed\n")
