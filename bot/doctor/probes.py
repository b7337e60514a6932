"""Which probes a configuration calls for, with the clients that they share."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import httpx
from pydantic import SecretStr

from bot import arguments
from bot.arguments import UsageError
from bot.doctor import fixes, store
from bot.doctor.application import look_at_application
from bot.doctor.database import in_plain_text, look_at_database
from bot.doctor.environment import look_at_environment, look_at_runbook
from bot.doctor.evolution import Asking, asks_date, look_at_evolution
from bot.doctor.examine import Probe, Test, examine
from bot.doctor.fixes import look_at_fixes
from bot.doctor.hooks import look_at_hooks
from bot.doctor.log import look_at_log
from bot.doctor.loki import look_at_loki
from bot.doctor.model import Examination, Line, failed, skipped
from bot.doctor.slack import SlackSettings, look_at_slack
from bot.doctor.slack_calls import SlackCalls
from bot.doctor.store import look_at_store
from bot.loki import loki_log, loki_stream
from bot.settings import Settings
from bot.slack.web import METHODS
from bot.sources import evolution_server, file_log
from bot.storage.migrate import migrations
from checks.diagnosis import PROCEDURES, Procedure
from checks.diagnosis.application import HttpApplication
from checks.diagnosis.model import Probe as Needed
from checks.diagnosis.units import CONNECTIONS
from checks.engine.check import Check, Query
from checks.engine.model import Problem
from checks.engine.runbook import Runbook
from checks.engine.runbook.model import DatabaseRule
from checks.sources.database import PostgresDatabase
from checks.sources.evolution import EvolutionClient, Transport
from checks.sources.http import HttpHealthProbe
from checks.sources.http_client import NO_CLIENT, new_client
from checks.sources.loki.transport import Transport as LokiTransport

_SECONDS: Final = 10.0
SCOPES: Final = tuple(
    dict.fromkeys((("commands",), *(spec.scopes for spec in METHODS.values() if spec.scopes)))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is examined.

    notes: what the runbook's lint says; where: where that runbook is
    """

    settings: Settings
    runbook: Runbook
    notes: tuple[str, ...]
    where: str
    checks: Sequence[Check]
    clock: Callable[[], datetime]


async def examine_all(subject: Subject) -> Examination:
    """Test everything that is configured."""
    async with open_probes(subject) as probes:
        return await examine(probes, secrets=subject.settings.literals)


@asynccontextmanager
async def open_probes(subject: Subject) -> AsyncGenerator[list[Probe]]:
    """All probes in the order in which they are shown; their connections close at the end."""
    settings = subject.settings
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(_http_client())
        rule = subject.runbook.database
        database = await _database(stack, settings.database_url, rule)
        tests: dict[str, Test] = {
            "Environment": _at_once(look_at_environment(settings)),
            "Runbook": _at_once(look_at_runbook(subject.notes, subject.where)),
            "Log": await _log(subject, stack),
            "Database": _reader(subject, database),
            "Store": _store(subject, await _database(stack, settings.store_url, rule)),
            "Fixes": _fixes(
                subject, await _database(stack, settings.remediation_database_url, rule), database
            ),
            "Application": _application(subject),
            "Slack": _slack(subject, client),
            "Evolution": await _evolution(subject, stack, database, client),
        }
        yield [Probe(area=area, test=test) for area, test in tests.items()]


def _http_client() -> httpx.AsyncClient:
    client = new_client(timeout=httpx.Timeout(_SECONDS))
    if client is None:
        raise UsageError(str(NO_CLIENT))
    return client


def _at_once(lines: Sequence[Line]) -> Test:
    async def test() -> Sequence[Line]:
        return lines

    return test


async def _database(
    stack: AsyncExitStack, url: SecretStr | None, rule: DatabaseRule
) -> PostgresDatabase | None:
    if url is None:
        return None
    return await stack.enter_async_context(PostgresDatabase(url.get_secret_value(), rule=rule))


async def _log(subject: Subject, stack: AsyncExitStack) -> Test:
    loki = loki_stream(subject.settings)
    if isinstance(loki, Problem):
        return _at_once([failed(loki.what, loki.mend)])
    if loki is not None:
        transport = await stack.enter_async_context(LokiTransport(loki))
        stream = loki_log(transport, subject.runbook, subject.clock)

        async def ask() -> Sequence[Line]:
            return await look_at_loki(stream, loki, subject.runbook.log.loki_lag, subject.clock())

        return ask
    path = subject.settings.log
    if path is None:
        return _at_once(
            [
                skipped(
                    "Neither GOLIVE_LOG nor GOLIVE_LOKI_URL is set.",
                    "It brings the HTTP, secret, retry and message checks.",
                )
            ]
        )
    log = file_log([path], subject.runbook, subject.clock)

    async def test() -> Sequence[Line]:
        return await look_at_log(log, path, subject.clock())

    return test


def _reader(subject: Subject, database: PostgresDatabase | None) -> Test:
    url = subject.settings.database_url
    if database is None or url is None:
        return _at_once(
            [
                skipped(
                    "GOLIVE_DATABASE_URL is not set.",
                    "It brings the checks of messages, campaigns, connections and tenants.",
                )
            ]
        )
    needs = needs_of(subject.checks)

    async def test() -> Sequence[Line]:
        text = url.get_secret_value()
        found = await look_at_database(database, text, needs, subject.clock)
        return [*found, *in_plain_text(text, "GOLIVE_DATABASE_URL")]

    return test


def needs_of(checks: Sequence[Check]) -> dict[str, tuple[Query, ...]]:
    """What needs the read-only role, with the queries that it needs it for."""
    return {
        **{check.id: tuple(check.queries) for check in checks if check.queries},
        **{f"diagnosis {p.incident.value}": _queries(p) for p in PROCEDURES},
    }


def _queries(procedure: Procedure) -> tuple[Query, ...]:
    asks = Needed.EVOLUTION in procedure.probes
    return (*procedure.queries, *((CONNECTIONS,) if asks else ()))


def _store(subject: Subject, database: PostgresDatabase | None) -> Test:
    url = subject.settings.store_url
    if database is None or url is None:
        return _at_once(
            [
                skipped(
                    "GOLIVE_STORE_URL is not set.",
                    "golive run needs it: it keeps watches, verdicts and the history.",
                )
            ]
        )
    newest = max((step.version for step in migrations()), default=0)

    async def test() -> Sequence[Line]:
        found = await look_at_store(database, newest, subject.clock)
        return [*found, *in_plain_text(url.get_secret_value(), store.SETTING)]

    return test


def _fixes(
    subject: Subject, database: PostgresDatabase | None, reader: PostgresDatabase | None
) -> Test:
    url = subject.settings.remediation_database_url
    if database is None or url is None:
        return _at_once(
            [
                skipped(
                    "GOLIVE_REMEDIATION_DATABASE_URL is not set.",
                    "It brings the confirmed fixes; manifests/roles.sql makes its role.",
                )
            ]
        )

    async def test() -> Sequence[Line]:
        hooks = look_at_hooks(subject.runbook.remediation, subject.settings, os.environ)
        found = await look_at_fixes(database, reader)
        return [*found, *in_plain_text(url.get_secret_value(), fixes.SETTING), *hooks]

    return test


def _application(subject: Subject) -> Test:
    given = subject.settings.base_url
    if given is None:
        return _at_once(
            [
                skipped(
                    "BASE_URL is not set.",
                    "It brings the health check and the diagnosis of webhooks.",
                )
            ]
        )
    url = arguments.base_url(given)

    async def test() -> Sequence[Line]:
        health = HttpHealthProbe(url, tries=1)
        return await look_at_application(HttpApplication(url), health, subject.clock())

    return test


def _slack(subject: Subject, client: httpx.AsyncClient) -> Test:
    settings = subject.settings
    token, app = settings.slack_bot_token, settings.slack_app_token
    if token is None:
        return _at_once(
            [skipped("SLACK_BOT_TOKEN is not set.", "It brings the bot: golive run and /golive.")]
        )
    about = SlackSettings(
        bot_token=token.get_secret_value(),
        app_token=app.get_secret_value() if app else None,
        mode=settings.slack_mode,
        channel=settings.channel,
        lead=settings.lead,
        operators=settings.operators,
        scopes=SCOPES,
    )
    api = SlackCalls(client, settings.slack_api_url)

    async def test() -> Sequence[Line]:
        return await look_at_slack(api, about, subject.clock)

    return test


async def _evolution(
    subject: Subject,
    stack: AsyncExitStack,
    database: PostgresDatabase | None,
    client: httpx.AsyncClient,
) -> Test:
    settings = subject.settings
    if settings.evolution_api_url is None and settings.evolution_api_key is None:
        return _at_once(
            [
                skipped(
                    "EVOLUTION_API_URL and EVOLUTION_API_KEY are not set.",
                    "They bring the diagnosis of connections, and new webhook secrets.",
                )
            ]
        )
    environment = evolution_server(settings, subject.runbook)
    asking = Asking(
        evolution=EvolutionClient(await stack.enter_async_context(Transport())),
        date=asks_date(client),
        clock=subject.clock,
    )

    async def test() -> Sequence[Line]:
        return await look_at_evolution(asking, environment, database)

    return test
