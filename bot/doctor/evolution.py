"""Evolution: every server reachable, its key valid, and the database's instances on it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

import httpx

from bot.doctor.clocks import Span, clock_line, date_header
from bot.doctor.database import rows
from bot.doctor.model import Line, failed, ok, skipped, warning
from checks.diagnosis.units import CONNECTIONS, connections
from checks.engine.masking import harmless, mask
from checks.engine.model import Problem
from checks.engine.wording import plural
from checks.sources.database import Database
from checks.sources.evolution import Evolution, Failure, Server, ServerSettings, server_of

_SHOWN: Final = 5
_MOST_UNITS: Final = 500

AskDate: TypeAlias = Callable[[str], Awaitable[str | None]]
"""An address → the Date header of its answer, whatever its status; None where none came."""

Units: TypeAlias = Mapping[Server, tuple[str, ...]]
"""Server → the instances that the database expects on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What asks, and the clock that the servers' are compared with."""

    evolution: Evolution
    date: AskDate
    clock: Callable[[], datetime]


async def look_at_evolution(
    asking: Asking, environment: ServerSettings, database: Database | None
) -> list[Line]:
    """Ask each server for all of its instances, which tests the key, and compare them.

    Args:
        asking: what asks, read-only.
        environment: the address and key of the environment, and which hosts rows may name.
        database: the application's, whose connections may name servers of their own.
    """
    server = server_of(ServerSettings(), environment)
    if isinstance(server, Problem):
        return [failed(server.what, server.mend)]
    units, lines = await _units(server, environment, database)
    found = await asyncio.gather(
        *(_server(asking, each, units.get(each)) for each in dict.fromkeys((server, *units)))
    )
    return [*(line for part in found for line in part), *lines]


async def _server(asking: Asking, server: Server, expected: tuple[str, ...] | None) -> list[Line]:
    found = await asking.evolution.instances(server)
    if isinstance(found, Failure):
        return [failed(found.problem.what, found.problem.mend)]
    there = {instance.name for instance in found}
    lines = [
        ok(f"Evolution at {server.base} takes the key and has {plural(len(there), 'instance')}.")
    ]
    if server.in_plain_text:
        lines.append(
            warning(
                f"Evolution at {server.base} is asked over http://: its key crosses the network in"
                " plain text.",
                "Give Evolution a certificate, and write https:// in its address.",
            )
        )
    if expected is not None:
        lines.append(_compared(server, there, expected))
    before = asking.clock()
    date = date_header(await asking.date(f"{server.base}/instance/fetchInstances"))
    if date is not None:
        here = Span(before=before, after=asking.clock())
        lines.append(clock_line("Evolution's", date, here, exact=False))
    return lines


def _compared(server: Server, there: set[str], expected: tuple[str, ...]) -> Line:
    gone = [name for name in expected if name not in there]
    if not gone:
        return ok(f"The database's {plural(len(expected), 'instance')} are all there.")
    shown = ", ".join(harmless(mask(name, server.secrets), 60) for name in gone[:_SHOWN])
    more = f" and {len(gone) - _SHOWN} more" if gone[_SHOWN:] else ""
    return warning(
        f"{plural(len(gone), 'instance')} of the database not at {server.base}: {shown}{more}.",
        "Compare instance_id in unit_whatsapp_connections with the instances of that server.",
    )


async def _units(
    server: Server, environment: ServerSettings, database: Database | None
) -> tuple[Units, list[Line]]:
    """The instances that each server should have, and what is to be said about the others."""
    if database is None:
        return {}, [
            skipped(
                "The database's instances were not compared with Evolution's.",
                "With GOLIVE_DATABASE_URL a unit without an instance is found.",
            )
        ]
    evidence = await database.collect([(CONNECTIONS, {"most_units": _MOST_UNITS})])
    result = evidence.results.get(CONNECTIONS.name)
    problem = evidence.problem or (result.problem if result is not None else None)
    if problem is not None:
        return {}, [warning(f"The instances were not compared. {problem.what}", problem.mend)]
    units: dict[Server, list[str]] = {server: []}
    lines: list[Line] = []
    for connection in connections(rows(evidence, CONNECTIONS), environment):
        if isinstance(connection.server, Problem):
            lines.append(warning(connection.server.what, connection.server.mend))
        elif connection.instance:
            units.setdefault(connection.server, []).append(connection.instance)
    return {each: tuple(names) for each, names in units.items()}, list(dict.fromkeys(lines))


def asks_date(client: httpx.AsyncClient) -> AskDate:
    """Asks without a key: also a refusal carries the time."""

    async def ask(url: str) -> str | None:
        try:
            async with client.stream("GET", url) as response:
                return response.headers.get("date")
        except (httpx.HTTPError, httpx.InvalidURL, OSError):
            return None

    return ask
