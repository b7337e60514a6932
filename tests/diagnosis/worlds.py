"""A healthy world to make one thing wrong in: an application, Evolution, a database and a log."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from psycopg.types.json import Jsonb

from bot.demo.evolution import EvolutionStandIn, InstanceRow, WebhookRow
from checks.diagnosis.application import HttpApplication
from checks.diagnosis.model import Cause, Diagnosis, Procedure, State
from checks.diagnosis.runner import Limits, Sources, diagnose
from checks.engine.model import LogEvidence, Observed
from checks.engine.plan import Occasion
from checks.engine.runbook import Runbook
from checks.sources.database import PostgresDatabase
from checks.sources.evolution import EvolutionClient, ServerSettings, Transport
from checks.sources.http import HttpHealthProbe, Timeouts
from tests.support.crm_rows import Rows, Unit
from tests.support.database_runs import RUNBOOK
from tests.support.evidence import HOUR, NOW, log
from tests.support.fakes import FakeLog

KEY = "planted-evolution-key-aaaa1111"
ENVIRONMENT_KEY = "planted-environment-key-bbbb2222"
SECRET = "planted-webhook-secret-cccc3333"
LONG_AGO = NOW - timedelta(days=30)
QUICK = Timeouts(connect=0.5, write=0.5, read=0.3, whole=0.6)
BUSY = {"webhooks": 20, "inbound_created": 5, "http_responses": 50, "send_ok": 5}
"""The signals of a log in which everything works."""


@dataclass(kw_only=True)
class Application:
    """The application's two routes; `received` are the test events."""

    health: int = 200
    webhook: int = 200
    received: list[tuple[str, dict[str, Any]]] = field(
        default_factory=list[tuple[str, dict[str, Any]]]
    )

    async def answer_health(self, _: web.Request) -> web.Response:
        """GET /health."""
        return web.Response(status=self.health)

    async def answer_webhook(self, request: web.Request) -> web.Response:
        """POST /webhooks/whatsapp/evolution/{secret}."""
        self.received.append((request.path, await request.json()))
        return web.Response(status=self.webhook)

    def server(self) -> TestServer:
        """A server of it."""
        app = web.Application()
        app.router.add_get("/health", self.answer_health)
        app.router.add_post("/webhooks/whatsapp/evolution/{secret}", self.answer_webhook)
        return TestServer(app)


@dataclass(kw_only=True)
class World:
    """Everything that a diagnosis looks at; what a test changes is what is wrong."""

    database_url: str
    base_url: str | None
    application: Application
    evolution: EvolutionStandIn
    unit: Unit
    sources: Sources
    cleanup: AsyncExitStack
    log: LogEvidence = field(default_factory=lambda: log(BUSY))
    observed: Observed | None = None
    own_probes: Mapping[str, int] = field(default_factory=dict[str, int])
    runbook: Runbook = RUNBOOK

    @property
    def instance(self) -> InstanceRow:
        """The unit's instance in Evolution."""
        return self.evolution.instances["unit_a"]

    @property
    def webhook(self) -> WebhookRow:
        """The instance's webhook."""
        assert self.instance.webhook is not None
        return self.instance.webhook

    def rows(self) -> Rows:
        """Rows of the application's database."""
        return Rows(self.database_url)

    def without(self, **changes: Any) -> None:
        """Replace some of the sources."""
        self.sources = dataclasses.replace(self.sources, **changes)

    async def diagnose(self, procedure: Procedure, **options: Any) -> Diagnosis:
        """Diagnose the incident now."""
        occasion = Occasion(
            checkpoint="final",
            window=HOUR,
            now=NOW,
            observed=self.observed,
            own_probes=self.own_probes,
        )
        options.setdefault("log", self.log if self.sources.log is not None else None)
        return await diagnose(procedure, self.sources, occasion, self.runbook, **options)


@asynccontextmanager
async def world(database_url: str) -> AsyncGenerator[World]:
    """A world in which nothing is wrong."""
    async with AsyncExitStack() as stack:
        application = Application()
        server = await stack.enter_async_context(application.server())
        base_url = str(server.make_url("/")).rstrip("/")
        evolution = await stack.enter_async_context(EvolutionStandIn(key=KEY))
        evolution.add("unit_a", webhook_url=f"{base_url}/webhooks/whatsapp/evolution/{SECRET}")
        database = await stack.enter_async_context(PostgresDatabase(database_url))
        transport = await stack.enter_async_context(Transport(timeouts=QUICK))
        with Rows(database_url) as rows:
            unit = rows.unit(
                "Alfa",
                created_at=LONG_AGO,
                instance_id="unit_a",
                webhook_secret=SECRET,
                provider_config=Jsonb({"apiUrl": evolution.url, "apiKey": KEY}),
            )
        yield World(
            database_url=database_url,
            base_url=base_url,
            application=application,
            evolution=evolution,
            unit=unit,
            cleanup=stack,
            sources=Sources(
                log=FakeLog(evidence=log(BUSY)),
                database=database,
                health=HttpHealthProbe(base_url, tries=1, timeouts=QUICK),
                application=HttpApplication(base_url, timeouts=QUICK, nonce=lambda: "0badcafe"),
                evolution=EvolutionClient(transport),
                environment=ServerSettings(url=evolution.url, key=ENVIRONMENT_KEY),
            ),
        )


def states(diagnosis: Diagnosis) -> dict[str, State]:
    """Each cause's state."""
    return {cause.id: cause.state for cause in diagnosis.causes}


def cause(diagnosis: Diagnosis, wanted: str) -> Cause:
    """One cause."""
    (found,) = (cause for cause in diagnosis.causes if cause.id == wanted)
    return found


def only(diagnosis: Diagnosis, wanted: str, *, untested: tuple[str, ...] = ()) -> Cause:
    """The cause that must be the only one to hold and the headline; the others are clear."""
    expected = dict.fromkeys(states(diagnosis), State.CLEAR)
    expected.update(dict.fromkeys(untested, State.UNTESTED))
    expected[wanted] = State.HOLDS
    assert states(diagnosis) == expected, diagnosis.causes
    found = cause(diagnosis, wanted)
    assert diagnosis.cause == wanted
    assert diagnosis.headline == f"{found.title}: {found.why}"
    assert diagnosis.fix is not None
    assert diagnosis.fix == found.fix
    for tested in diagnosis.causes:
        assert tested.why
        assert bool(tested.mend) is (tested.state is State.UNTESTED)
    return found


def nothing(diagnosis: Diagnosis) -> None:
    """Every cause was tested and none holds."""
    assert set(states(diagnosis).values()) == {State.CLEAR}, diagnosis.causes
    assert (diagnosis.cause, diagnosis.fix) == (None, None)


__all__ = ["Limits", "World", "cause", "nothing", "only", "states", "world"]
