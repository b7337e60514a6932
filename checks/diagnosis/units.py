"""What Evolution says about each unit's connection, asked side by side and within a deadline.

Keys and secrets come from the database and go to their server or into a comparison, nowhere else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from checks.diagnosis.facts import Reach, ServerFacts, UnitFacts, WebhookFacts
from checks.diagnosis.webhooks import compare
from checks.engine.check import Query
from checks.engine.known_secrets import know
from checks.engine.masking import harmless, mask
from checks.engine.model import Problem, Row
from checks.sources.evolution import (
    NO_ANSWER,
    Evolution,
    Failure,
    FailureKind,
    Instance,
    LinkState,
    Server,
    ServerSettings,
    Webhook,
    server_of,
)
from checks.sources.evolution.failures import not_configured, out_of_time

CONNECTIONS = Query(
    name="diagnosis_connections",
    sql="""
        SELECT
            w.unit_id,
            u.name AS unit,
            w.instance_id,
            w.status::text AS status,
            w.webhook_secret::text AS webhook_secret,
            w.provider_config ->> 'apiUrl' AS api_url,
            w.provider_config ->> 'apiKey' AS api_key,
            count(*) OVER () AS total
        FROM unit_whatsapp_connections AS w
        JOIN units AS u ON u.id = w.unit_id
        WHERE w.provider::text = 'evolution'
        ORDER BY w.status::text = 'connected', w.updated_at DESC, w.unit_id
        LIMIT %(most_units)s
    """,
    reads={
        "unit_whatsapp_connections": (
            "unit_id",
            "provider",
            "instance_id",
            "status",
            "webhook_secret",
            "provider_config",
            "updated_at",
        ),
        "units": ("id", "name"),
    },
)
"""A row for each Evolution connection, those not connected first. Holds secrets: never kept."""

_AT_ONCE = 8
_REACH = {
    FailureKind.NOT_CONFIGURED: Reach.NOT_CONFIGURED,
    FailureKind.NOT_EVOLUTION: Reach.NOT_CONFIGURED,
    FailureKind.CONNECT_TIMEOUT: Reach.NO_WAY,
    FailureKind.TLS: Reach.NO_WAY,
    FailureKind.UNREACHABLE: Reach.NO_WAY,
    FailureKind.WRONG_KEY: Reach.WRONG_KEY,
}
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One unit's connection with what it takes to ask about it."""

    unit: UnitFacts
    instance: str = field(repr=False)
    secret: str = field(repr=False)
    server: Server | Problem


def connections(rows: Sequence[Row], environment: ServerSettings) -> tuple[Connection, ...]:
    """The connections that the database has; nothing shows their secrets and keys from now on."""
    know(_text(row[name]) for row in rows for name in ("webhook_secret", "api_key"))
    return tuple(_connection(row, environment) for row in rows)


def _connection(row: Row, environment: ServerSettings) -> Connection:
    own = ServerSettings(url=_text(row["api_url"]), key=_text(row["api_key"]))
    secret, instance = _text(row["webhook_secret"]), _text(row["instance_id"])
    hidden = [word for word in (secret, own.key, environment.key) if word]
    return Connection(
        unit=UnitFacts(
            id=str(row["unit_id"]),
            name=harmless(mask(_text(row["unit"]), hidden), 80),
            instance=harmless(mask(instance, hidden), 80),
            status=harmless(_text(row["status"]), 40),
            has_secret=bool(secret),
        ),
        instance=instance,
        secret=secret,
        server=server_of(own, environment),
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


async def ask(
    evolution: Evolution,
    found: Sequence[Connection],
    *,
    base_url: str | None,
    seconds: float,
) -> tuple[tuple[UnitFacts, ...], tuple[ServerFacts, ...]]:
    """Test each server's key first, then ask about the units of those that answered.

    Args:
        evolution: what asks.
        found: the connections to ask about.
        base_url: the application's address, to compare webhooks with.
        seconds: how long everything may take; what is late counts as unanswered.
    """
    asking = _Asking(
        evolution=evolution,
        base_url=base_url,
        deadline=asyncio.get_running_loop().time() + seconds,
    )
    servers = list(dict.fromkeys(c.server for c in found if isinstance(c.server, Server)))
    keys = await asyncio.gather(*(asking.key(server) for server in servers))
    tested = dict(zip(servers, keys, strict=True))
    units = await asyncio.gather(*(asking.unit(connection, tested) for connection in found))
    answers = [_server_facts(server, tested[server], found) for server in servers]
    return tuple(units), (*answers, *_not_configured(found))


@dataclass(slots=True, kw_only=True)
class _Asking:
    evolution: Evolution
    base_url: str | None
    deadline: float
    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def key(self, server: Server) -> tuple[Instance, ...] | Failure:
        return await self._within(server, lambda: self.evolution.instances(server))

    async def unit(
        self, connection: Connection, tested: dict[Server, tuple[Instance, ...] | Failure]
    ) -> UnitFacts:
        unit, server = connection.unit, connection.server
        if isinstance(server, Problem):
            return replace(unit, problem=server)
        answer = tested[server]
        if isinstance(answer, Failure) and answer.kind in NO_ANSWER | {FailureKind.NOT_EVOLUTION}:
            return replace(unit, problem=answer.problem)
        if not connection.instance:
            return replace(unit, exists=False)
        name = connection.instance
        state, webhook = await asyncio.gather(
            self._within(server, lambda: self.evolution.state(server, name)),
            self._within(server, lambda: self.evolution.webhook(server, name)),
        )
        return self._seen(connection, state, webhook)

    def _seen(
        self,
        connection: Connection,
        state: LinkState | Failure,
        webhook: Webhook | Failure | None,
    ) -> UnitFacts:
        unit = connection.unit
        if isinstance(state, Failure):
            unknown = state.kind is FailureKind.UNKNOWN_INSTANCE
            return replace(
                unit,
                exists=False if unknown else None,
                problem=None if unknown else state.problem,
            )
        unit = replace(unit, exists=True, link=state.value)
        if isinstance(webhook, Failure):
            return replace(unit, webhook_problem=webhook.problem)
        return replace(unit, webhook=self._compared(connection, webhook) if webhook else None)

    def _compared(self, connection: Connection, webhook: Webhook) -> WebhookFacts:
        return compare(
            webhook.url,
            base_url=self.base_url,
            secret=connection.secret,
            enabled=webhook.enabled,
            events=webhook.events,
            by_events=webhook.by_events,
        )

    async def _within(self, server: Server, work: Callable[[], Awaitable[_T]]) -> _T | Failure:
        try:
            async with asyncio.timeout_at(self.deadline), self.room:
                return await work()
        except TimeoutError:
            return out_of_time(server)


def _server_facts(
    server: Server, answer: tuple[Instance, ...] | Failure, found: Sequence[Connection]
) -> ServerFacts:
    units = sum(connection.server == server for connection in found)
    if isinstance(answer, Failure):
        return ServerFacts(
            address=server.base,
            reach=_REACH.get(answer.kind, Reach.DOWN),
            problem=answer.problem,
            units=units,
        )
    return ServerFacts(address=server.base, reach=Reach.ANSWERS, instances=len(answer), units=units)


def _not_configured(found: Sequence[Connection]) -> tuple[ServerFacts, ...]:
    problems = [c.server for c in found if isinstance(c.server, Problem)]
    return tuple(
        ServerFacts(
            address="no server",
            reach=_REACH[not_configured(problem).kind],
            problem=problem,
            units=problems.count(problem),
        )
        for problem in dict.fromkeys(problems)
    )
