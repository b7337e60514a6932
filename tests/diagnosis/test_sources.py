"""What is missing, late, broken or too much could not be tested; it never clears a cause."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from bot.demo.evolution import Fault
from checks import CHECKS
from checks.diagnosis import INCIDENT_OF_CHECK, PROCEDURES, Incident, Procedure, procedure_of
from checks.diagnosis.application import HttpApplication
from checks.diagnosis.model import State
from checks.diagnosis.runner import Limits, Sources
from checks.engine.model import DatabaseEvidence, Problem, QueryResult
from checks.engine.profiles import SIGNALS
from checks.sources.database import LiveSecrets, PostgresDatabase
from checks.sources.evolution import ServerSettings
from tests.diagnosis.worlds import BUSY, LONG_AGO, World, cause, nothing, states
from tests.support.evidence import log
from tests.support.fakes import FakeDatabase, FakeLog

_each = pytest.mark.parametrize("procedure", PROCEDURES, ids=lambda p: p.incident.name.lower())
_ON_EVOLUTION = {
    "webhook_elsewhere",
    "webhook_secret",
    "webhook_settings",
    "instance_mismatch",
    "instance_state",
    "missed_update",
    "evolution_down",
    "key_invalid",
    "network",
}
_ON_THE_LOG = {"webhooks_rejected", "processing_failed", "dropped"}
_ON_THE_DATABASE = _ON_EVOLUTION | {
    "failed",
    "stranded",
    "worker_dead",
    "database_lock",
    "rate_limit",
    "not_connected",
}
_ON_BASE_URL = {"base_url", "certificate", "route", "webhook_elsewhere"}


@_each
async def test_without_any_source_nothing_is_known(world: World, procedure: Procedure) -> None:
    """Every cause could not be tested, each with its mend, and the headline says so."""
    world.sources = Sources()
    diagnosis = await world.diagnose(procedure, log=None)
    assert set(states(diagnosis).values()) == {State.UNTESTED}
    assert all(found.mend for found in diagnosis.causes)
    assert (diagnosis.cause, diagnosis.fix) == (None, None)
    assert f"{len(diagnosis.causes)} of {len(diagnosis.causes)} could not be" in diagnosis.headline


@_each
@pytest.mark.parametrize(
    ("without", "untested"),
    [
        ({"log": None}, _ON_THE_LOG),
        ({"database": None}, _ON_THE_DATABASE),
        ({"evolution": None}, _ON_EVOLUTION),
        ({"application": HttpApplication(None), "health": None}, _ON_BASE_URL),
    ],
    ids=["log", "database", "evolution", "base_url"],
)
async def test_without_one_source(
    world: World, procedure: Procedure, without: dict[str, Any], untested: set[str]
) -> None:
    """Exactly what needs the source is untested; the rest is tested and clear."""
    world.without(**without)
    found = states(await world.diagnose(procedure))
    assert {name for name, state in found.items() if state is State.UNTESTED} == (
        untested & found.keys()
    )
    assert State.HOLDS not in found.values()


@_each
async def test_a_broken_source_is_told_with_its_mend(world: World, procedure: Procedure) -> None:
    """A database that cannot be reached and a log that cannot be read are named as such."""
    trouble = Problem(what="The disk is gone.", mend="Bring it back.")
    world.log = log(BUSY, problem=trouble)
    async with PostgresDatabase("postgresql://u:planted@127.0.0.1:1/crm") as database:
        world.without(database=database)
        diagnosis = await world.diagnose(procedure)
    assert State.HOLDS not in states(diagnosis).values()
    for found in diagnosis.causes:
        if found.id in _ON_THE_LOG:
            assert (found.why, found.mend) == (trouble.what, trouble.mend)
        elif found.id in _ON_THE_DATABASE:
            assert found.state is State.UNTESTED
            assert "Nothing listens at 127.0.0.1:1/crm" in found.why
    assert "planted" not in repr(diagnosis)


async def test_a_missing_grant_is_told(world: World) -> None:
    """The query's own problem is the reason."""
    denied = Problem(what="The role r may not read units.", mend="GRANT SELECT ON units TO r;")
    answers = {
        query.name: QueryResult(problem=denied)
        for procedure in PROCEDURES
        for query in procedure.queries
    }
    answers["diagnosis_connections"] = QueryResult(problem=denied)
    world.without(database=FakeDatabase(evidence=DatabaseEvidence(results=answers)))
    for procedure in PROCEDURES:
        for found in (await world.diagnose(procedure)).causes:
            if found.id in _ON_THE_DATABASE:
                assert (found.state, found.mend) == (State.UNTESTED, denied.mend)


class _Never:
    """A database and a log that never answer."""

    async def secrets(self) -> LiveSecrets:
        return LiveSecrets()

    async def collect(self, work: object) -> DatabaseEvidence:
        del work
        await asyncio.Event().wait()
        return DatabaseEvidence()

    async def scan(self, *_: object, **__: object) -> Any:
        await asyncio.Event().wait()


@_each
async def test_what_never_answers_is_late(world: World, procedure: Procedure) -> None:
    """A diagnosis ends in its time, whatever hangs."""
    world.evolution.fail(Fault.HANG)
    world.without(log=_Never(), database=_Never())
    quick = Limits(reading=0.05, probes=0.2)
    diagnosis = await world.diagnose(procedure, log=None, limits=quick)
    said = {found.why for found in diagnosis.causes if found.state is State.UNTESTED}
    assert said & {
        "The database did not answer in the time that a diagnosis has.",
        "The log did not answer in the time that a diagnosis has.",
    }


async def test_the_limits_keep_a_diagnosis_within_ten_seconds() -> None:
    """Reading and probing come one after the other."""
    limits = Limits()
    assert limits.reading + limits.probes < 10


@pytest.mark.parametrize("incident", [1, 2, 3])
async def test_many_units_on_a_server_that_hangs(world: World, incident: int) -> None:
    """The key is asked for once; a server that does not answer is not asked about its units."""
    with world.rows() as rows:
        for number in range(30):
            rows.unit(
                f"Unit {number}",
                created_at=LONG_AGO,
                instance_id=f"unit_{number}",
                provider_config=Jsonb(
                    {"apiUrl": world.evolution.url, "apiKey": world.evolution.key}
                ),
            )
    world.evolution.fail(Fault.HANG)
    await world.diagnose(procedure_of(Incident(incident)))
    assert [request.path for request in world.evolution.journal] == ["/instance/fetchInstances"]


async def test_only_the_first_units_are_asked_about(world: World) -> None:
    """Those not connected come first; the sentence says that it was not all of them."""
    with world.rows() as rows:
        for number in range(25):
            rows.unit(
                f"Unit {number}",
                created_at=LONG_AGO,
                instance_id=f"gone_{number}",
                status="disconnected",
                provider_config=Jsonb(
                    {"apiUrl": world.evolution.url, "apiKey": world.evolution.key}
                ),
            )
    diagnosis = await world.diagnose(procedure_of(Incident.NOT_CONNECTED))
    found = cause(diagnosis, "instance_mismatch")
    assert found.why.startswith("20 units name an instance that Evolution does not have.")
    assert found.why.endswith("(the first 20 of 26 units were looked at)")
    assert len(found.evidence) == 5
    assert len(world.evolution.journal) == 1 + 20 * 2


async def test_late_answers_about_units_are_no_answers(world: World) -> None:
    """A server that takes the key and then hangs leaves its units untested."""
    world.evolution.fail(Fault.HANG, below="/instance/connectionState")
    world.evolution.fail(Fault.HANG, below="/webhook")
    limits = Limits(probes=0.2)
    diagnosis = await world.diagnose(procedure_of(Incident.NOT_CONNECTED), limits=limits)
    found = cause(diagnosis, "instance_state")
    assert found.state is State.UNTESTED
    assert "did not answer everything in the time there was" in found.why


async def test_the_environment_serves_connections_without_settings(world: World) -> None:
    """EVOLUTION_API_URL and its key are used where provider_config names none."""
    with world.rows() as rows:
        rows.run("UPDATE unit_whatsapp_connections SET provider_config = NULL")
    world.without(environment=ServerSettings(url=world.evolution.url, key=world.evolution.key))
    nothing(await world.diagnose(procedure_of(Incident.NOT_CONNECTED)))
    world.without(environment=ServerSettings())
    found = cause(await world.diagnose(procedure_of(Incident.OUTBOUND_FAILING)), "evolution_down")
    assert (found.state, found.why) == (State.UNTESTED, "No Evolution server was given.")


@pytest.mark.parametrize("config", [[], "text", 7, {"apiUrl": 7, "apiKey": None}])
async def test_a_strange_provider_config_is_no_crash(world: World, config: object) -> None:
    """What is no object, or holds no text, names no server that can be asked."""
    with world.rows() as rows:
        rows.run("UPDATE unit_whatsapp_connections SET provider_config = %(c)s", c=Jsonb(config))
    diagnosis = await world.diagnose(procedure_of(Incident.OUTBOUND_FAILING))
    assert diagnosis.causes


async def test_the_log_is_scanned_where_nobody_gave_it(world: World) -> None:
    """The scan is asked for the occasion's window, and its counts are used."""
    fake = FakeLog(evidence=log({**BUSY, "unknown_instance": 2}))
    world.without(log=fake)
    diagnosis = await world.diagnose(procedure_of(Incident.NOT_CONNECTED), log=None)
    assert diagnosis.cause == "webhooks_rejected"
    assert len(fake.requests) == 1


def test_every_red_check_leads_to_an_incident_that_exists() -> None:
    """The checks are real, and each incident is reached from at least one."""
    assert INCIDENT_OF_CHECK.keys() <= {check.id for check in CHECKS}
    assert set(INCIDENT_OF_CHECK.values()) == set(Incident)
    assert [procedure.incident for procedure in PROCEDURES] == [1, 2, 3, 4]


@_each
def test_a_procedure_is_described(procedure: Procedure) -> None:
    """Its causes have names of their own and say what is examined; its signals exist."""
    ids = [suspect.id for suspect in procedure.suspects]
    assert len(ids) == len(set(ids))
    assert all(suspect.about.endswith(".") and suspect.title for suspect in procedure.suspects)
    assert set(procedure.signals) <= set(SIGNALS)
    assert all(query.reads for query in procedure.queries)
