"""Incident 3: each cause made to hold alone, in a world that is healthy otherwise."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from psycopg.types.json import Jsonb

from bot.demo.evolution import Fault
from checks.diagnosis.model import FixKind, State
from checks.diagnosis.outbound_failing import PROCEDURE
from checks.sources.evolution import EvolutionClient, Transport
from tests.diagnosis.worlds import LONG_AGO, SECRET, World, cause, nothing, only, states
from tests.support.evidence import NOW

_INSTANCES = ("instance_mismatch", "instance_state")


def _message(world: World, *, minutes: float = 10, **values: object) -> None:
    with world.rows() as rows:
        contact = rows.insert("contacts", phone=uuid4().hex, created_at=LONG_AGO)
        conversation = rows.conversation(world.unit, created_at=LONG_AGO, contact_id=contact)
        rows.message(conversation, created_at=NOW - timedelta(minutes=minutes), **values)


async def test_a_healthy_world_has_no_cause(world: World) -> None:
    """A message that went out leaves nothing to hold."""
    _message(world)
    diagnosis = await world.diagnose(PROCEDURE)
    nothing(diagnosis)
    assert cause(diagnosis, "key_invalid").why == "Evolution takes the key."


@pytest.mark.parametrize("fault", [Fault.HANG, Fault.SERVER_ERROR])
async def test_evolution_is_down(world: World, fault: Fault) -> None:
    """It hangs or fails: neither key nor instances can be tested then, the way there can."""
    world.evolution.fail(fault)
    found = only(
        await world.diagnose(PROCEDURE), "evolution_down", untested=("key_invalid", *_INSTANCES)
    )
    assert found.fix is not None
    assert "Check the Evolution container" in found.fix.step


async def test_evolution_is_not_there(world: World) -> None:
    """A refusal came back: the host is there, Evolution is not."""
    with world.rows() as rows:
        rows.run(
            "UPDATE unit_whatsapp_connections SET provider_config = %(c)s",
            c=Jsonb({"apiUrl": "http://127.0.0.1:1", "apiKey": "x"}),
        )
    only(await world.diagnose(PROCEDURE), "evolution_down", untested=("key_invalid", *_INSTANCES))


async def test_the_key_is_not_valid(world: World) -> None:
    """A key that fetchInstances refuses, though an unknown instance would answer 404."""
    with world.rows() as rows:
        rows.run(
            "UPDATE unit_whatsapp_connections SET provider_config = %(c)s",
            c=Jsonb({"apiUrl": world.evolution.url}),
        )
    found = only(await world.diagnose(PROCEDURE), "key_invalid", untested=_INSTANCES)
    assert "refuses the key (401)" in found.why


@pytest.mark.parametrize(
    ("raised", "down"),
    [(httpx.ConnectTimeout("…"), State.UNTESTED), (httpx.ConnectError("…"), State.UNTESTED)],
)
async def test_there_is_no_way_to_evolution(world: World, raised: Exception, down: State) -> None:
    """Nothing comes back: a firewall, or a dead host. Which of them cannot be told."""

    def handle(_: httpx.Request) -> httpx.Response:
        raise raised

    async with Transport(transport=httpx.MockTransport(handle)) as transport:
        world.without(evolution=EvolutionClient(transport))
        diagnosis = await world.diagnose(PROCEDURE)
    only(diagnosis, "network", untested=("evolution_down", "key_invalid", *_INSTANCES))
    assert cause(diagnosis, "evolution_down").state is down
    assert "cannot be told from here" in cause(diagnosis, "evolution_down").why


async def test_only_golive_cannot_reach_evolution(world: World) -> None:
    """Messages went out a minute ago: the application reaches what golive does not."""
    _message(world, minutes=1)
    world.evolution.fail(Fault.HANG)
    diagnosis = await world.diagnose(PROCEDURE)
    assert cause(diagnosis, "evolution_down").state is State.UNTESTED
    assert "golive cannot reach Evolution" in cause(diagnosis, "evolution_down").why
    assert diagnosis.cause is None


async def test_an_instance_is_not_linked(world: World) -> None:
    """Close in Evolution: nothing can be sent."""
    world.instance.state = "close"
    found = only(await world.diagnose(PROCEDURE), "instance_state")
    assert found.evidence == ("Alfa: close in Evolution, connected here",)


async def test_an_instance_is_unknown(world: World) -> None:
    """Without the instance there is no state."""
    del world.evolution.instances["unit_a"]
    only(await world.diagnose(PROCEDURE), "instance_mismatch", untested=("instance_state",))


async def test_failures_are_grouped_by_error(world: World) -> None:
    """Errors that differ in a number are one; phones and keys do not appear; old ones are past."""
    for number in ("5511912345678", "5511987654321"):
        _message(
            world,
            status="failed",
            external_id=None,
            retry_count=3,
            error_details=f"number {number} refused, apikey: '{SECRET}'",
        )
    _message(world, external_id="", error_details="socket hang up", retry_count=1)
    _message(world, status="failed", error_details="old", minutes=61)
    diagnosis = await world.diagnose(PROCEDURE)
    found = only(diagnosis, "failed")
    assert found.why == (
        "3 of 3 outbound messages of the last hour did not go out, 1 of them marked as sent "
        "without the provider's id."
    )
    assert found.evidence == (
        "2 × number … refused, apikey: '[MASKED]', up to 3 retries",
        "1 × socket hang up, up to 1 retry",
    )
    assert found.fix is not None
    assert found.fix.kind is FixKind.RESET_MESSAGES
    assert "nothing sends queued messages by itself" in found.fix.step


async def test_messages_are_stranded(world: World) -> None:
    """Queued for more than a minute: nothing will send them. A younger one is on its way."""
    _message(world, status="queued", external_id=None, minutes=0.5)
    nothing(await world.diagnose(PROCEDURE))
    _message(world, status="queued", external_id=None, minutes=20)
    found = only(await world.diagnose(PROCEDURE), "stranded")
    assert "1 message of the last hour stranded in queued, the oldest since 11:40:00 UTC" in (
        found.why
    )


async def test_a_cause_outranks_its_symptoms(world: World) -> None:
    """Failures with Evolution down: the headline is the cause that stands first."""
    _message(world, status="failed", error_details="timeout of 15000ms exceeded")
    world.evolution.fail(Fault.SERVER_ERROR)
    diagnosis = await world.diagnose(PROCEDURE)
    assert diagnosis.cause == "evolution_down"
    assert states(diagnosis)["failed"] is State.HOLDS


async def test_two_servers(world: World) -> None:
    """Each connection is asked about on its own server; one that is down is named."""
    with world.rows() as rows:
        rows.unit(
            "Beta",
            created_at=LONG_AGO,
            instance_id="unit_b",
            provider_config=Jsonb({"apiUrl": "http://127.0.0.1:1", "apiKey": "another"}),
        )
    diagnosis = await world.diagnose(PROCEDURE)
    found = cause(diagnosis, "evolution_down")
    assert found.evidence == ("http://127.0.0.1:1: down, used by 1 unit",)
    assert dataclasses.asdict(found)["state"] is State.HOLDS


async def test_no_unit_has_a_connection(world: World) -> None:
    """Without a connection there is nothing to ask about."""
    with world.rows() as rows:
        rows.run("UPDATE unit_whatsapp_connections SET provider = 'zapi'")
    found = cause(await world.diagnose(PROCEDURE), "evolution_down")
    assert (found.state, found.why) == (State.UNTESTED, "No unit has an Evolution connection.")
