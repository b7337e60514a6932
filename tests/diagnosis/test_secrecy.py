"""No secret in any output: planted ones are searched in diagnoses, facts, logs and requests."""

from __future__ import annotations

import logging

import pytest
from psycopg.types.json import Jsonb

from bot.demo.evolution import Fault
from checks.diagnosis import PROCEDURES
from checks.diagnosis.runner import look
from checks.diagnosis.webhooks import ROUTE, compare
from checks.engine.plan import Occasion
from tests.diagnosis.worlds import ENVIRONMENT_KEY, KEY, LONG_AGO, SECRET, World
from tests.support.evidence import HOUR, NOW

_OTHER = "planted-other-secret-ffff6666"
_PHONE = "5511912345678"
_BASE = "https://crm.example.org"


@pytest.mark.parametrize("fault", [None, Fault.UNAUTHORIZED, Fault.SERVER_ERROR, Fault.RESET_AFTER])
async def test_no_secret_leaves(
    world: World, fault: Fault | None, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither in a diagnosis nor in facts nor in a log record, whatever Evolution answers."""
    caplog.set_level(logging.DEBUG)
    world.webhook.url = f"https://u:{_OTHER}@old.example.org{ROUTE}/{_OTHER}?token={_OTHER}"
    with world.rows() as rows:
        rows.run("UPDATE units SET name = %(n)s", n="Alfa <!channel>\n[INFO] forged")
        rows.unit(
            SECRET,
            created_at=LONG_AGO,
            instance_id=KEY,
            webhook_secret=SECRET,
            provider_config=Jsonb({"apiUrl": f"http://u:{_OTHER}@127.0.0.1:1", "apiKey": KEY}),
        )
        conversation = rows.conversation(world.unit, created_at=LONG_AGO)
        rows.message(
            conversation,
            created_at=NOW,
            status="failed",
            error_details=f"apikey: '{KEY}' {ROUTE}/{SECRET} to {_PHONE}",
        )
        rows.campaign(world.unit, created_at=LONG_AGO, recipients=("pending",), name=_PHONE)
    if fault is not None:
        world.evolution.fail(fault)
    occasion = Occasion(checkpoint="final", window=HOUR, now=NOW)
    diagnosed = [await world.diagnose(procedure) for procedure in PROCEDURES]
    seen = [
        await look(procedure, world.sources, occasion, world.runbook, log=world.log)
        for procedure in PROCEDURES
    ]
    told = repr(diagnosed) + repr(seen) + caplog.text
    for secret in (SECRET, KEY, ENVIRONMENT_KEY, _OTHER, world.instance.token):
        at = told.find(secret)
        assert at < 0, told[max(0, at - 200) : at + 100]
    for unwanted in (_PHONE, "<!channel>", "\\n[INFO]"):
        assert unwanted not in repr(diagnosed)


async def test_evolution_hears_nothing_but_its_key(world: World) -> None:
    """Only reading calls, and in them no secret of the database."""
    for procedure in PROCEDURES:
        await world.diagnose(procedure)
    assert world.evolution.journal
    for request in world.evolution.journal:
        assert request.method == "GET"
        assert SECRET not in repr(request)
        assert [name.lower() for name, v in request.headers.items() if KEY in v] == ["apikey"]
        assert KEY not in request.target + request.body


async def test_the_application_hears_no_secret(world: World) -> None:
    """The test event carries neither secret nor key."""
    for procedure in PROCEDURES:
        await world.diagnose(procedure)
    assert len(world.application.received) == 1
    for secret in (SECRET, KEY):
        assert secret not in repr(world.application.received)


# --- the comparison -----------------------------------------------------------------------------


def _compare(url: str, base: str | None = _BASE, secret: str = SECRET) -> tuple[object, ...]:
    found = compare(url, base_url=base, secret=secret, enabled=True, events=(), by_events=False)
    assert SECRET not in repr(found)
    return found.leads_here, found.secret_matches


@pytest.mark.parametrize(
    ("url", "base", "leads_here", "matches"),
    [
        (f"{_BASE}{ROUTE}/{SECRET}", _BASE, True, True),
        (f"{_BASE}:443{ROUTE}/{SECRET}", _BASE, True, True),
        (f"https://CRM.example.org{ROUTE}/{SECRET}", f"{_BASE}/", True, True),
        (f"{_BASE}/crm{ROUTE}/{SECRET}", f"{_BASE}/crm", True, True),
        (f"{_BASE}{ROUTE}/{SECRET.replace('-', '%2D')}", _BASE, True, True),
        (f"{_BASE}{ROUTE}/{SECRET}", None, None, True),
        (f"{_BASE}/crm{ROUTE}/{SECRET}", _BASE, False, True),
        (f"http://crm.example.org{ROUTE}/{SECRET}", _BASE, False, True),
        (f"{_BASE}:8443{ROUTE}/{SECRET}", _BASE, False, True),
        (f"{_BASE}{ROUTE}/{SECRET}x", _BASE, True, False),
        (f"{_BASE}{ROUTE}/{SECRET.upper()}", _BASE, True, False),
        (f"{_BASE}{ROUTE}/", _BASE, True, None),
        (f"{_BASE}{ROUTE}/{SECRET}/", _BASE, False, None),
        (f"{_BASE}/Webhooks/whatsapp/evolution/{SECRET}", _BASE, False, None),
        (f"{_BASE}/hooks/{SECRET}", _BASE, False, None),
        ("http://[::1", _BASE, False, None),
        ("", _BASE, False, None),
    ],
)
def test_an_address_is_compared(
    url: str, base: str | None, leads_here: bool | None, matches: bool | None
) -> None:
    """Scheme, host, port and path must be BASE_URL's; the secret is compared apart."""
    assert _compare(url, base) == (leads_here, matches)


def test_no_secret_matches_nothing() -> None:
    """An empty secret in the database matches no address."""
    assert _compare(f"{_BASE}{ROUTE}/x", secret="") == (True, False)
    assert _compare(f"{_BASE}{ROUTE}/ü", secret="ü") == (True, True)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"{_BASE}{ROUTE}/{SECRET}", f"{_BASE}{ROUTE}/[MASKED]"),
        (f"{_BASE}{ROUTE}/evolution", f"{_BASE}{ROUTE}/[MASKED]"),
        (f"{_BASE}/hooks/{SECRET}/x", f"{_BASE}/[MASKED]/[MASKED]/[MASKED]"),
        (f"https://u:{SECRET}@h.example.org:8/?t={SECRET}", "https://h.example.org:8/?[MASKED]"),
        (f"http://[::1]{ROUTE}/{SECRET}", f"http://[::1]{ROUTE}/[MASKED]"),
        ("nothing", "an address that cannot be read"),
    ],
)
def test_an_address_is_shown_without_what_may_be_secret(url: str, shown: str) -> None:
    """Host and known words stay; every other part of the path is masked."""
    found = compare(url, base_url=_BASE, secret=SECRET, enabled=True, events=(), by_events=False)
    assert found.address == shown
