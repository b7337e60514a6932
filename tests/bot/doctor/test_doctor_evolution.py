"""Evolution, as its stand-in answers, beside the instances of a real database."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
from psycopg.types.json import Jsonb

from bot.demo.evolution import EvolutionStandIn, Fault
from bot.doctor.evolution import Asking, asks_date, look_at_evolution
from bot.doctor.model import Line, Status
from checks.sources.database import PostgresDatabase
from checks.sources.evolution import EvolutionClient, ServerSettings, Transport
from tests.bot.doctor.lines import bad, saying
from tests.manifests.roles import RoleUrls
from tests.support.crm_rows import Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """What asks."""

    evolution: EvolutionClient
    http: httpx.AsyncClient


@asynccontextmanager
async def clients() -> AsyncGenerator[Clients]:
    """Both clients, closed at the end."""
    async with Transport() as transport, httpx.AsyncClient() as http:
        yield Clients(evolution=EvolutionClient(transport), http=http)


async def look(
    stand_in: EvolutionStandIn,
    url: str | None = None,
    *,
    key: str | None = None,
    ahead: timedelta = timedelta(),
) -> list[Line]:
    """What is said about the stand-in, with the database at `url` where there is one."""
    environment = ServerSettings(url=stand_in.url, key=key or stand_in.key)
    database = PostgresDatabase(url) if url else None
    async with clients() as ask:
        asking = Asking(
            evolution=ask.evolution,
            date=asks_date(ask.http),
            clock=lambda: datetime.now(UTC) + ahead,
        )
        lines = await look_at_evolution(asking, environment, database)
    if database is not None:
        await database.close()
    return lines


def units(roles: RoleUrls, *instances: str, provider: str = "evolution") -> None:
    """A unit for each instance."""
    with Rows(roles.owner) as rows:
        for name in instances:
            rows.unit(name, created_at=datetime.now(UTC), instance_id=name, provider=provider)


async def test_all_instances_are_there(roles: RoleUrls) -> None:
    """The key is valid, and each of the database's instances is on the server."""
    units(roles, "unit_a", "unit_b")
    units(roles, "cloud", provider="meta")
    async with EvolutionStandIn() as stand_in:
        for name in ("unit_a", "unit_b", "unit_c"):
            stand_in.add(name)
        lines = await look(stand_in, roles.reader)
        tokens = [row.token for row in stand_in.instances.values()]
    assert bad(lines) == []
    assert saying(lines, "takes the key and has 3 instances")
    assert saying(lines, "The database's 2 instances are all there")
    shown = " ".join(line.what + line.mend for line in lines)
    assert not any(token in shown for token in (*tokens, "stand-in-evolution-key"))


async def test_an_instance_that_is_not_there(roles: RoleUrls) -> None:
    """A unit whose instance the server does not have is named."""
    units(roles, "unit_a", "unit_gone")
    async with EvolutionStandIn() as stand_in:
        stand_in.add("unit_a")
        line = saying(await look(stand_in, roles.reader), "1 instance of the database")
    assert line.status is Status.WARNING
    assert "unit_gone" in line.what
    assert "instance_id" in line.mend


async def test_a_server_of_its_own(roles: RoleUrls) -> None:
    """A connection that names its own server and key is looked for there, and nowhere else."""
    units(roles, "unit_a")
    async with EvolutionStandIn() as stand_in, EvolutionStandIn(key="its-own-key-1234") as other:
        stand_in.add("unit_a")
        config = {"apiUrl": other.url, "apiKey": other.key}
        with Rows(roles.owner) as rows:
            rows.unit(
                "Far",
                created_at=datetime.now(UTC),
                instance_id="unit_far",
                provider_config=Jsonb(config),
            )
        lines = await look(stand_in, roles.reader)
        line = saying(lines, "1 instance of the database not at")
        assert other.url in line.what
        other.add("unit_far")
        lines = await look(stand_in, roles.reader)
    assert bad(lines) == []
    assert len([line for line in lines if "takes the key" in line.what]) == 2
    assert "its-own-key" not in " ".join(line.what + line.mend for line in lines)


async def test_a_wrong_key() -> None:
    """A refused key has failed, and is not shown."""
    async with EvolutionStandIn() as stand_in:
        (line, _) = await look(stand_in, key="a-wrong-key-of-some-length")
    assert line.status is Status.FAILED
    assert "refuses the key (401)" in line.what
    assert "a-wrong-key" not in line.what + line.mend


async def test_a_broken_server() -> None:
    """A server that answers 500 has failed."""
    async with EvolutionStandIn() as stand_in:
        stand_in.fail(Fault.SERVER_ERROR)
        (line, _) = await look(stand_in)
    assert line.status is Status.FAILED


async def test_without_a_database() -> None:
    """Without a database nothing is compared, and that is said."""
    async with EvolutionStandIn() as stand_in:
        line = saying(await look(stand_in), "were not compared")
    assert line.status is Status.SKIPPED


async def test_its_clock() -> None:
    """The Date header of its answers tells its clock."""
    async with EvolutionStandIn() as stand_in:
        lines = await look(stand_in, ahead=timedelta(minutes=5))
        assert saying(lines, "Evolution's clock").status is Status.WARNING
        assert saying(await look(stand_in), "Evolution's clock agrees").status is Status.OK
