"""Incident 1: each cause made to hold alone, in a world that is healthy otherwise."""

from __future__ import annotations

import dataclasses

import pytest

from bot.demo.evolution import Fault
from checks.diagnosis.application import HttpApplication
from checks.diagnosis.facts import BaseFacts
from checks.diagnosis.model import FixKind, State, conclude
from checks.diagnosis.not_connected import PROCEDURE
from checks.diagnosis.runner import look
from checks.engine.plan import Occasion
from checks.sources.http import HttpHealthProbe
from tests.diagnosis.worlds import BUSY, QUICK, SECRET, World, cause, nothing, only, states
from tests.support.evidence import HOUR, NOW, log


async def test_a_healthy_world_has_no_cause(world: World) -> None:
    """Everything was tested, and nothing holds."""
    diagnosis = await world.diagnose(PROCEDURE)
    nothing(diagnosis)
    assert diagnosis.headline == "None of the 8 known causes holds."
    assert diagnosis.probe_name == ""


async def test_base_url_does_not_answer(world: World) -> None:
    """A port at which nothing listens is no application."""
    dead = "http://127.0.0.1:1"
    world.without(health=HttpHealthProbe(dead, tries=1, timeouts=QUICK))
    world.log = log({"webhooks": 20, "http_responses": {30: 50}})
    found = only(await world.diagnose(PROCEDURE), "base_url")
    assert found.why == f"{dead}/health cannot be reached: connection refused."
    assert found.fix is not None
    assert found.fix.kind is FixKind.MANUAL
    assert "Update BASE_URL" in found.fix.step


async def test_base_url_answers_something_else(world: World) -> None:
    """Another application answers 404."""
    world.application.health = 404
    assert "answers 404 and not 200" in only(await world.diagnose(PROCEDURE), "base_url").why


async def test_base_url_is_out_of_golives_own_reach(world: World) -> None:
    """While the log shows answers, a probe that fails says nothing about the application."""
    world.without(health=HttpHealthProbe("http://127.0.0.1:1", tries=1, timeouts=QUICK))
    found = cause(await world.diagnose(PROCEDURE), "base_url")
    assert found.state is State.UNTESTED
    assert "But the application's log shows that it answers others." in found.why


async def test_base_url_is_not_https(world: World) -> None:
    """A public http address is wrong even if it answers."""
    occasion = Occasion(checkpoint="final", window=HOUR, now=NOW)
    facts = await look(PROCEDURE, world.sources, occasion, world.runbook, log=world.log)
    base = BaseFacts(shown="http://crm.example.org", https=False, loopback=False)
    found = only(conclude(PROCEDURE, dataclasses.replace(facts, base=base)), "base_url")
    assert found.why == "http://crm.example.org is not https."


async def test_the_webhook_leads_elsewhere(world: World) -> None:
    """Another host is named, and the path is shown without its secret."""
    world.webhook.url = f"https://old.example.org/webhooks/whatsapp/evolution/{SECRET}"
    found = only(await world.diagnose(PROCEDURE), "webhook_elsewhere")
    assert found.evidence == ("Alfa: https://old.example.org/webhooks/whatsapp/evolution/[MASKED]",)
    assert found.fix is not None
    assert [target.name for target in found.fix.targets] == ["Alfa"]


async def test_the_secret_does_not_match(world: World) -> None:
    """The fix is to regenerate it, for the unit that it is about."""
    world.webhook.url = world.webhook.url.replace(SECRET, "planted-old-secret-dddd4444")
    diagnosis = await world.diagnose(PROCEDURE)
    found = only(diagnosis, "webhook_secret")
    assert found.fix is not None
    assert found.fix.kind is FixKind.REGENERATE_SECRET
    assert [target.id for target in found.fix.targets] == [str(world.unit.id)]
    assert found.evidence[0].endswith(
        "/webhooks/whatsapp/evolution/[MASKED]: the secret does not match"
    )
    assert "planted" not in repr(diagnosis)


async def test_the_database_has_no_secret(world: World) -> None:
    """Without a secret nothing can match."""
    with world.rows() as rows:
        rows.run("UPDATE unit_whatsapp_connections SET webhook_secret = NULL")
    assert "has no secret" in only(await world.diagnose(PROCEDURE), "webhook_secret").evidence[0]


async def test_no_webhook_is_set(world: World) -> None:
    """A null row is a finding and no trouble."""
    world.instance.webhook = None
    found = only(await world.diagnose(PROCEDURE), "webhook_settings")
    assert found.evidence == ("Alfa: no webhook is set",)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("enabled", False, "the webhook is switched off"),
        ("events", ["MESSAGES_UPSERT"], "does not send CONNECTION_UPDATE, QRCODE_UPDATED"),
        ("by_events", True, "byEvents appends the event to the path"),
    ],
)
async def test_the_webhook_is_set_wrongly(
    world: World, field: str, value: object, said: str
) -> None:
    """Switched off, without the events of a connection, or to a path that does not exist."""
    setattr(world.webhook, field, value)
    assert said in only(await world.diagnose(PROCEDURE), "webhook_settings").evidence[0]


async def test_no_event_named_means_all(world: World) -> None:
    """An empty list sends everything."""
    world.webhook.events = []
    nothing(await world.diagnose(PROCEDURE))


async def test_evolution_has_another_name_for_it(world: World) -> None:
    """An unknown instance has neither webhook nor state."""
    world.evolution.instances["unit_b"] = world.evolution.instances.pop("unit_a")
    found = only(
        await world.diagnose(PROCEDURE),
        "instance_mismatch",
        untested=(
            "webhook_elsewhere",
            "webhook_secret",
            "webhook_settings",
            "instance_state",
            "missed_update",
        ),
    )
    assert found.evidence == ("Alfa: Evolution has no instance unit_a",)


async def test_the_instance_is_not_linked(world: World) -> None:
    """Evolution itself says that nobody scanned the code."""
    world.instance.state = "connecting"
    with world.rows() as rows:
        rows.run("UPDATE unit_whatsapp_connections SET status = 'qr'")
    found = only(await world.diagnose(PROCEDURE), "instance_state")
    assert found.evidence == ("Alfa: connecting in Evolution, qr here",)


async def test_the_state_is_absent(world: World) -> None:
    """An answer without a state proves nothing."""
    world.instance.state = None
    found = states(await world.diagnose(PROCEDURE))
    assert found["instance_state"] is State.UNTESTED
    assert found["missed_update"] is State.UNTESTED


async def test_the_event_did_not_arrive(world: World) -> None:
    """Linked in Evolution and not connected here: the webhook was lost."""
    with world.rows() as rows:
        rows.run("UPDATE unit_whatsapp_connections SET status = 'connecting'")
    found = only(await world.diagnose(PROCEDURE), "missed_update")
    assert "The log shows 20 webhooks." in found.why


async def test_webhooks_are_refused(world: World) -> None:
    """Golive's own probes in the log are left out."""
    world.log = log({**BUSY, "unknown_instance": 3})
    world.own_probes = {"unknown_instance": 1}
    found = only(await world.diagnose(PROCEDURE), "webhooks_rejected")
    assert found.why.startswith("2 webhooks refused")
    world.own_probes = {"unknown_instance": 3}
    nothing(await world.diagnose(PROCEDURE))


async def test_no_webhook_in_the_log_proves_nothing(world: World) -> None:
    """Nothing came, or nothing happened."""
    world.log = log({"http_responses": 50})
    found = cause(await world.diagnose(PROCEDURE), "webhooks_rejected")
    assert found.state is State.UNTESTED


@pytest.mark.parametrize("fault", [Fault.HANG, Fault.SERVER_ERROR, Fault.RESET_BEFORE])
async def test_evolution_in_trouble_clears_nothing(world: World, fault: Fault) -> None:
    """What Evolution cannot be asked could not be tested; the rest still is."""
    world.evolution.fail(fault)
    found = states(await world.diagnose(PROCEDURE))
    assert {name for name, state in found.items() if state is State.UNTESTED} == {
        "webhook_elsewhere",
        "webhook_secret",
        "webhook_settings",
        "instance_mismatch",
        "instance_state",
        "missed_update",
    }
    assert State.HOLDS not in found.values()


async def test_without_a_base_url_the_secret_is_still_compared(world: World) -> None:
    """The address cannot be judged, the secret can."""
    world.without(application=HttpApplication(None), health=None)
    found = states(await world.diagnose(PROCEDURE))
    assert {name for name, state in found.items() if state is State.UNTESTED} == {
        "base_url",
        "webhook_elsewhere",
    }
