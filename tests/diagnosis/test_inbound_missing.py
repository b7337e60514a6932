"""Incident 2: each cause made to hold alone, in a world that is healthy otherwise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from checks.diagnosis.application import HttpApplication
from checks.diagnosis.inbound_missing import PROCEDURE
from checks.diagnosis.model import FixKind, State
from tests.diagnosis.worlds import BUSY, QUICK, SECRET, World, cause, nothing, only, states
from tests.sources.certificates import certificate
from tests.support.evidence import NOW, log


async def test_a_healthy_world_has_no_cause(world: World) -> None:
    """Everything was tested; the test event carried nothing but its own name."""
    diagnosis = await world.diagnose(PROCEDURE)
    nothing(diagnosis)
    assert world.application.received == [
        (
            "/webhooks/whatsapp/evolution/golive-probe-0badcafe",
            {"event": "test", "instance": "golive-probe-0badcafe"},
        )
    ]
    assert diagnosis.probe_name == "golive-probe-0badcafe"


async def test_the_webhook_lacks_an_event(world: World) -> None:
    """Each of the four events is needed for messages to arrive and to be followed."""
    world.webhook.events = ["MESSAGES_UPSERT", "CONNECTION_UPDATE", "QRCODE_UPDATED"]
    found = only(await world.diagnose(PROCEDURE), "webhook_settings")
    assert found.evidence == ("Alfa: does not send MESSAGES_UPDATE",)


async def test_the_secret_does_not_match(world: World) -> None:
    """The route answers all the same: a 200 proves no secret."""
    world.webhook.url = world.webhook.url.replace(SECRET, "planted-old-secret-dddd4444")
    found = only(await world.diagnose(PROCEDURE), "webhook_secret")
    assert found.fix is not None
    assert found.fix.kind is FixKind.REGENERATE_SECRET


async def test_the_webhook_leads_elsewhere(world: World) -> None:
    """Another host gets the messages."""
    world.webhook.url = world.webhook.url.replace("127.0.0.1", "old.example.org")
    only(await world.diagnose(PROCEDURE), "webhook_elsewhere")


async def test_the_instance_has_another_name(world: World) -> None:
    """Without an instance there is no webhook to judge."""
    with world.rows() as rows:
        rows.run("UPDATE unit_whatsapp_connections SET instance_id = 'unit_old'")
    only(
        await world.diagnose(PROCEDURE),
        "instance_mismatch",
        untested=("webhook_settings", "webhook_elsewhere", "webhook_secret"),
    )


@pytest.mark.parametrize("instance", ["", None])
async def test_the_database_names_no_instance(world: World, instance: str | None) -> None:
    """A connection without instance_id can receive nothing."""
    with world.rows() as rows:
        rows.run("UPDATE unit_whatsapp_connections SET instance_id = %(i)s", i=instance)
    found = cause(await world.diagnose(PROCEDURE), "instance_mismatch")
    assert found.evidence == ("Alfa: the database has no instance_id",)


@pytest.mark.parametrize("status", [301, 401, 403, 404, 500, 502])
async def test_the_route_does_not_answer(world: World, status: int) -> None:
    """Anything but 200 is a routing issue."""
    world.application.webhook = status
    diagnosis = await world.diagnose(PROCEDURE)
    found = only(diagnosis, "route")
    assert found.why == f"the test event was answered with {status}, not 200."


async def test_a_limited_route_proves_nothing(world: World) -> None:
    """429 is the application's answer to too many webhooks, from whomever."""
    world.application.webhook = 429
    assert cause(await world.diagnose(PROCEDURE), "route").state is State.UNTESTED


async def test_nothing_listens(world: World) -> None:
    """A refusal is an answer, unless the log shows webhooks: then only golive is refused."""
    world.webhook.url = f"http://127.0.0.1:1/webhooks/whatsapp/evolution/{SECRET}"
    world.without(application=HttpApplication("http://127.0.0.1:1", timeouts=QUICK))
    assert cause(await world.diagnose(PROCEDURE), "route").state is State.UNTESTED
    world.log = log({**BUSY, "webhooks": {30: 20}})
    found = only(await world.diagnose(PROCEDURE), "route")
    assert found.why == "nothing listens at http://127.0.0.1:1: the connection was refused."


async def test_every_message_fails(world: World) -> None:
    """A release that loses every message behind HTTP 200 is rolled back."""
    world.log = log({"webhooks": 20, "inbound_failed": 20})
    found = only(await world.diagnose(PROCEDURE), "processing_failed")
    assert found.fix is not None
    assert found.fix.kind is FixKind.ROLLBACK
    assert found.evidence


async def test_some_messages_fail(world: World) -> None:
    """Some are looked up by hand."""
    world.log = log({**BUSY, "inbound_failed": 2})
    found = only(await world.diagnose(PROCEDURE), "processing_failed")
    assert found.why.startswith("2 of 7 inbound messages failed")
    assert found.fix is not None
    assert found.fix.kind is FixKind.MANUAL


async def test_messages_are_dropped(world: World) -> None:
    """Many dropped, none stored, nothing sent: those are no echoes."""
    world.log = log({"webhooks": 20, "inbound_dropped": 11})
    only(await world.diagnose(PROCEDURE), "dropped")
    world.log = log({"webhooks": 20, "inbound_dropped": 11, "send_ok": 9})
    nothing(await world.diagnose(PROCEDURE))


async def test_webhooks_are_refused(world: World) -> None:
    """A wrong secret shows in the log."""
    world.log = log({**BUSY, "unknown_instance": 2})
    only(await world.diagnose(PROCEDURE), "webhooks_rejected")


# --- the certificate ----------------------------------------------------------------------------


async def _with_certificate(
    world: World, folder: Path, until: datetime, *, trusted: bool = True, name: str = "127.0.0.1"
) -> None:
    """Put TLS in front of the application."""
    made = certificate(folder, until=until, names=(name,))
    server = world.application.server()
    await server.start_server(ssl=made.server())
    base = str(server.make_url("/")).rstrip("/").replace("http://", "https://")
    world.webhook.url = f"{base}/webhooks/whatsapp/evolution/{SECRET}"
    world.without(
        application=HttpApplication(
            base, timeouts=QUICK, tls=made.trusted() if trusted else None, nonce=lambda: "0badcafe"
        )
    )
    world.cleanup.push_async_callback(server.close)


def _in(days: float) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


async def test_a_valid_certificate(world: World, tmp_path: Path) -> None:
    """Its days left are counted from the instant of the diagnosis."""
    ends = _in(40)
    await _with_certificate(world, tmp_path, ends)
    diagnosis = await world.diagnose(PROCEDURE)
    nothing(diagnosis)
    days = (ends - NOW).days
    said = cause(diagnosis, "certificate").why
    assert said in (f"The certificate is valid for {n} more days." for n in (days, days - 1))


@pytest.mark.parametrize(
    ("days", "trusted", "name", "said"),
    [
        (-1, True, "127.0.0.1", "certificate has expired"),
        (30, False, "127.0.0.1", "self-signed certificate"),
        (30, True, "elsewhere.example.org", "IP address mismatch"),
    ],
)
async def test_a_certificate_that_is_not_valid(
    world: World, tmp_path: Path, days: int, trusted: bool, name: str, said: str
) -> None:
    """Expired, self-signed, for another name: the TLS library's own reason is shown.

    The test event cannot be sent then, so the route stays untested.
    """
    await _with_certificate(world, tmp_path, _in(days), trusted=trusted, name=name)
    diagnosis = await world.diagnose(PROCEDURE)
    assert said in only(diagnosis, "certificate", untested=("route",)).why


async def test_a_port_without_tls(world: World) -> None:
    """What is no TLS says nothing about a certificate."""
    base = str(world.base_url).replace("http://", "https://")
    world.without(application=HttpApplication(base, timeouts=QUICK))
    found = states(await world.diagnose(PROCEDURE))
    assert found["certificate"] is State.UNTESTED
    assert found["route"] is State.UNTESTED
