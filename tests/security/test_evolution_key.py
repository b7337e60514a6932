"""To whom Evolution's keys go: an address that a row names never gets the environment's."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from psycopg.types.json import Jsonb

from bot.demo.evolution import EvolutionStandIn
from bot.doctor.evolution import Asking, look_at_evolution
from bot.doctor.model import Line, Status
from checks import CHECKS
from checks.diagnosis import Incident, procedure_of
from checks.diagnosis.model import State
from checks.engine.model import Problem
from checks.engine.runbook import RunbookError, parse_runbook, shipped_runbook
from checks.sources.database import PostgresDatabase
from checks.sources.evolution import (
    EvolutionClient,
    Failure,
    Server,
    ServerSettings,
    Transport,
    server_of,
)
from tests.bot.remediation.pair import paired_world
from tests.bot.remediation.planted import T0
from tests.diagnosis.worlds import ENVIRONMENT_KEY, cause, world
from tests.manifests.roles import RoleUrls
from tests.sources.evolution_calls import KEY, QUICK
from tests.support.crm_rows import Rows
from tests.support.hand import HandClock

ENVIRONMENT = ServerSettings(url="https://evolution.example.org:8443/api", key=ENVIRONMENT_KEY)

STRANGE = [
    "https://evolution.example.com:8443/api",
    "https://evolution.example.org:8443.stranger.example/api",
    "https://evolution.example.org:8443@stranger.example/api",
    "https://evolution.example.org/api",
    "https://evolution.example.org:9443/api",
    "http://evolution.example.org:8443/api",
    "https://sub.evolution.example.org:8443/api",
    "https://evolution.example.org.:8443/api",
    "https://203.0.113.7:8443",
    "https://localhost:8443",
]
"""Addresses of another origin than the environment's."""


@dataclass(slots=True)
class Recorder:
    """A server that keeps all that is sent to it."""

    url: str = ""
    seen: list[str] = field(default_factory=list[str])


@asynccontextmanager
async def recorder(*, status: int = 200, location: str = "") -> AsyncGenerator[Recorder]:
    """A server that answers everything alike."""
    found = Recorder()

    async def take(request: web.Request) -> web.Response:
        found.seen.append(f"{request.path} {dict(request.headers)} {await request.text()}")
        headers = {"Location": location} if location else {}
        return web.Response(status=status, text=json.dumps([]), headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", take)
    async with TestServer(app) as server:
        found.url = str(server.make_url("/")).rstrip("/")
        yield found


# --- which key goes where -----------------------------------------------------------------------


@pytest.mark.parametrize("url", STRANGE)
def test_the_environments_key_goes_to_its_own_origin_alone(url: str) -> None:
    """A row with another address and no key cannot be tested, and the sentence says the mend."""
    found = server_of(ServerSettings(url=url), ENVIRONMENT)
    assert isinstance(found, Problem)
    assert "apiKey" in found.mend
    assert ENVIRONMENT_KEY not in repr(found)


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "https://evolution.example.org:8443/api",
        "https://EVOLUTION.example.org:8443/other/",
        "HTTPS://evolution.example.org:8443",
    ],
)
def test_a_row_at_the_environments_origin_gets_its_key(url: str | None) -> None:
    """Scheme, host and port make an origin; a path does not."""
    found = server_of(ServerSettings(url=url), ENVIRONMENT)
    assert isinstance(found, Server)
    assert found.key == ENVIRONMENT_KEY


def test_a_default_port_is_the_same_origin() -> None:
    """443 of https, said or not."""
    environment = replace(ENVIRONMENT, url="https://evolution.example.org")
    found = server_of(ServerSettings(url="https://evolution.example.org:443"), environment)
    assert isinstance(found, Server)
    assert found.key == ENVIRONMENT_KEY


def test_credentials_of_the_environments_address_stay_with_it() -> None:
    """Neither user nor password goes to another address, nor to a row's spelling of its own."""
    environment = replace(ENVIRONMENT, url="https://ops:planted-password-77@evolution.example.org")
    found = server_of(ServerSettings(url="https://other.example.org", key=KEY), environment)
    assert isinstance(found, Server)
    assert (found.user, found.password, found.key) == ("", "", KEY)


@pytest.mark.parametrize(
    ("url", "hosts", "allowed"),
    [
        ("https://own.example.org", (), True),
        ("http://own.example.org", (), False),
        ("http://own.example.org:8080", (), False),
        ("http://localhost.example.org", (), False),
        ("http://127.0.0.1.example.org", (), False),
        ("http://localhost:8080", (), True),
        ("http://127.0.0.1:8080", (), True),
        ("http://127.8.9.10", (), True),
        ("http://[::1]:8080", (), True),
        ("http://evolution.example.org:8080", (), True),
        ("http://own.example.org", ("own.example.org",), True),
        ("http://OWN.example.org:99", ("Own.Example.org",), True),
        ("https://own.example.org", ("own.example.org",), True),
        ("https://other.example.org", ("own.example.org",), False),
        ("https://sub.own.example.org", ("own.example.org",), False),
        ("http://localhost:8080", ("own.example.org",), False),
        ("http://[fd00::7]:8080", ("fd00::7",), True),
        ("https://evolution.example.org:8443", ("own.example.org",), True),
    ],
)
def test_which_addresses_a_row_may_name(url: str, hosts: tuple[str, ...], allowed: bool) -> None:
    """https, loopback, the environment's host or a listed one; with a list, no host beside it."""
    found = server_of(ServerSettings(url=url, key=KEY), replace(ENVIRONMENT, hosts=hosts))
    assert isinstance(found, Server) is allowed, found
    if isinstance(found, Problem):
        assert "evolution.hosts" in found.mend
        assert KEY not in repr(found)


def test_the_environments_own_address_may_be_plain() -> None:
    """Whoever set EVOLUTION_API_URL chose it; a list is about other hosts."""
    environment = ServerSettings(url="http://evolution:8080", key=KEY, hosts=("a.example.org",))
    assert isinstance(server_of(ServerSettings(), environment), Server)
    assert isinstance(server_of(ServerSettings(url="http://evolution:8080"), environment), Server)


# --- nothing leaves, in a diagnosis, a fix and the doctor ---------------------------------------


@pytest.mark.parametrize("incident", [Incident.NOT_CONNECTED, Incident.INBOUND_MISSING])
async def test_a_diagnosis_sends_a_stranger_nothing(crm_database: str, incident: Incident) -> None:
    """A row that names a server of its own, without a key, is not asked about there."""
    async with recorder() as stranger, world(crm_database) as there:
        with there.rows() as rows:
            config = Jsonb({"apiUrl": stranger.url})
            rows.run("UPDATE unit_whatsapp_connections SET provider_config = %(c)s", c=config)
        found = await there.diagnose(procedure_of(incident))
        assert stranger.seen == []
    told = repr(found)
    assert ENVIRONMENT_KEY not in told
    assert "EVOLUTION_API_KEY" in told
    if incident is Incident.NOT_CONNECTED:
        tested = cause(found, "instance_state")
        assert tested.state is State.UNTESTED
        assert "apiKey" in tested.mend


async def test_doctor_sends_a_stranger_nothing(roles: RoleUrls) -> None:
    """It warns of the row instead."""
    async with recorder() as stranger, EvolutionStandIn() as own:
        with Rows(roles.owner) as rows:
            rows.unit(
                "Far",
                created_at=datetime.now(UTC),
                instance_id="far",
                provider_config=Jsonb({"apiUrl": stranger.url}),
            )
        lines = await doctor(ServerSettings(url=own.url, key=own.key), roles.reader)
        assert stranger.seen == []
    (line,) = [line for line in lines if "EVOLUTION_API_KEY" in line.what]
    assert line.status is Status.WARNING
    assert "apiKey" in line.mend


async def doctor(environment: ServerSettings, url: str) -> list[Line]:
    """What doctor says about Evolution."""

    async def no_date(_: str) -> str | None:
        return None

    async with Transport(timeouts=QUICK) as transport, PostgresDatabase(url) as database:
        asking = Asking(
            evolution=EvolutionClient(transport), date=no_date, clock=lambda: datetime.now(UTC)
        )
        return await look_at_evolution(asking, environment, database)


@pytest.mark.parametrize("own_key", [False, True])
async def test_a_fix_says_whom_it_would_tell(roles: RoleUrls, own_key: bool) -> None:
    """Without a key of its own the row's server is told nothing; with one, the preview warns."""
    rules = parse_runbook(
        shipped_runbook().read_bytes(), path=Path("runbook.yaml"), checks=CHECKS
    ).remediation
    assert rules is not None
    async with recorder() as stranger, paired_world(roles, rules, HandClock(T0)) as there:
        config = {"apiUrl": stranger.url, **({"apiKey": KEY} if own_key else {})}
        with Rows(roles.owner) as rows:
            rows.run(
                "UPDATE unit_whatsapp_connections SET provider_config = %(c)s", c=Jsonb(config)
            )
        claim = await there.proposed()
        told = " ".join(stranger.seen)
        assert there.evolution.key not in told
        assert (KEY in told) is own_key
    said = " ".join((*claim.sheet.facts, *claim.sheet.warnings))
    if own_key:
        assert "not the one of EVOLUTION_API_URL" in said
    else:
        assert "cannot be told by golive" in said
        assert "apiKey" in said


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_carries_no_key(status: int) -> None:
    """It is an answer, and not followed."""
    async with recorder() as stranger, recorder(status=status, location=stranger.url) as own:
        async with Transport(timeouts=QUICK) as transport:
            server = server_of(ServerSettings(url=own.url, key=KEY), ServerSettings())
            assert isinstance(server, Server)
            answer = await EvolutionClient(transport).instances(server)
        assert isinstance(answer, Failure)
        assert stranger.seen == []
        assert KEY in " ".join(own.seen)


# --- the list in runbook.yaml -------------------------------------------------------------------


def runbook(hosts: str) -> bytes:
    """The shipped runbook with a list of hosts."""
    return shipped_runbook().read_bytes() + f"\nevolution: {{hosts: {hosts}}}\n".encode()


def test_the_list_stands_in_the_runbook() -> None:
    """Names of hosts; without the list nothing is allowed or refused by it."""
    path = Path("runbook.yaml")
    shipped = parse_runbook(shipped_runbook().read_bytes(), path=path, checks=CHECKS)
    assert shipped.evolution_hosts == ()
    given = parse_runbook(runbook('[Evolution.example.org, evo, "::1"]'), path=path, checks=CHECKS)
    assert given.evolution_hosts == ("evolution.example.org", "evo", "::1")


@pytest.mark.parametrize(
    "hosts", ["[]", "[https://e.example.org]", "['e.example.org:8080']", "['*.example.org']", "7"]
)
def test_what_is_no_name_of_a_host_is_refused(hosts: str) -> None:
    """A list that would match nothing would be believed to protect."""
    with pytest.raises(RunbookError, match=r"evolution\.hosts"):
        parse_runbook(runbook(hosts), path=Path("runbook.yaml"), checks=CHECKS)
