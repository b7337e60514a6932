"""Evolution: reachable, the key valid, and the database's instances there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final, TypeAlias

import httpx

from bot.doctor.clocks import Span, clock_line, date_header
from bot.doctor.database import rows
from bot.doctor.model import Line, failed, ok, skipped, warning
from checks.engine.check import Query
from checks.engine.masking import harmless, mask
from checks.engine.wording import plural
from checks.sources.database import Database
from checks.sources.evolution import Evolution, Failure, LinkState, Server

_SHOWN: Final = 5

INSTANCES: Final = Query(
    name="doctor_instances",
    sql="""
        SELECT DISTINCT instance_id AS name
        FROM unit_whatsapp_connections
        WHERE instance_id <> '' AND provider = 'evolution'
        ORDER BY 1
    """,
    reads={"unit_whatsapp_connections": ("instance_id", "provider")},
)

AskDate: TypeAlias = Callable[[str], Awaitable[str | None]]
"""An address → the Date header of its answer, whatever its status; None where none came."""


async def look_at_evolution(
    evolution: Evolution,
    server: Server,
    database: Database | None,
    ask_date: AskDate,
    clock: Callable[[], datetime],
) -> list[Line]:
    """Ask for all instances, which tests the key, and compare them with the database's.

    Args:
        evolution: asks, read-only.
        server: where, with which key.
        database: the application's; None where there is none.
        ask_date: for the server's clock.
        clock: this machine's time.
    """
    found = await evolution.instances(server)
    if isinstance(found, Failure):
        return [failed(found.problem.what, found.problem.mend)]
    there = {instance.name: instance.state for instance in found}
    lines = [
        ok(f"Evolution at {server.base} takes the key and has {plural(len(there), 'instance')}.")
    ]
    lines += await _instances(there, server, database)
    before = clock()
    date = date_header(await ask_date(f"{server.base}/instance/fetchInstances"))
    if date is not None:
        here = Span(before=before, after=clock())
        lines.append(clock_line("Evolution's", date, here, exact=False))
    return lines


async def _instances(
    there: dict[str, LinkState], server: Server, database: Database | None
) -> list[Line]:
    if database is None:
        return [
            skipped(
                "The database's instances were not compared with Evolution's.",
                "With GOLIVE_DATABASE_URL a unit without an instance is found.",
            )
        ]
    evidence = await database.collect([(INSTANCES, {})])
    result = evidence.results.get(INSTANCES.name)
    problem = evidence.problem or (result.problem if result is not None else None)
    if problem is not None:
        return [warning(f"The instances were not compared. {problem.what}", problem.mend)]
    names = [str(row["name"]) for row in rows(evidence, INSTANCES)]
    gone = [name for name in names if name not in there]
    if not gone:
        return [ok(f"All {len(names)} instances of the database are there.")]
    shown = ", ".join(harmless(mask(name, server.secrets), 60) for name in gone[:_SHOWN])
    more = f" and {len(gone) - _SHOWN} more" if gone[_SHOWN:] else ""
    return [
        warning(
            f"{plural(len(gone), 'instance')} of the database not on this server: {shown}{more}.",
            "Check instance_id in unit_whatsapp_connections, unless their provider_config names"
            " another server.",
        )
    ]


def asks_date(client: httpx.AsyncClient) -> AskDate:
    """Asks without a key: also a refusal carries the time."""

    async def ask(url: str) -> str | None:
        try:
            async with client.stream("GET", url) as response:
                return response.headers.get("date")
        except (httpx.HTTPError, httpx.InvalidURL, OSError):
            return None

    return ask
