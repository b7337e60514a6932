"""Whom an incident touches: counted by what it touches, else said why not; never "0 units".

Each cause is counted where it leaves traces: failed requests in the log, messages and connections
in rows, crossing rows on both sides, leaked secrets by whose they are.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.render.alarm import affected_words
from bot.watch.affected import count_affected
from bot.watch.model import Affected
from checks import CHECKS
from checks.engine.model import (
    DatabaseEvidence,
    Leak,
    Level,
    LogEvidence,
    Problem,
    Quantity,
    Report,
)
from checks.sources.database import Database, PostgresDatabase
from checks.sources.logs.leaks import fingerprint
from tests.bot.watch.bench import T0, at
from tests.manifests.roles import install
from tests.render.watches import finding, report
from tests.support.crm_rows import Rows, Unit
from tests.support.evidence import leak, log
from tests.support.fakes import FakeDatabase

NOW = at(20)
BEFORE = T0 - timedelta(days=1)
KEY = b"the key of the fingerprints"
CRITICAL = Level.CRITICAL
AWAY = FakeDatabase(
    evidence=DatabaseEvidence(problem=Problem(what="The database is away.", mend="Start it."))
)
EMPTY = FakeDatabase(evidence=DatabaseEvidence(server_version="18.4"))


def red(*checks: str, seen: LogEvidence | None = None) -> Report:
    """A report in which these checks are CRITICAL."""
    found = [finding(check, CRITICAL) for check in checks]
    return report(*found, at=NOW, log=seen or log({"http_responses": 100}))


async def counted(url: str, found: Report) -> Affected:
    """Counted as the bot does, by the role that can only read."""
    async with PostgresDatabase(url) as database:
        return await count_affected(database, found, T0, waiting=60, key=KEY)


def two_units(rows: Rows) -> list[Unit]:
    """Two of the three units there are."""
    alfa, beta, _ = (rows.unit(name, created_at=BEFORE) for name in ("alfa", "beta", "gama"))
    return [alfa, beta]


async def test_a_total_outage_is_everybody() -> None:
    """No request was answered: there is nobody to count."""
    down = finding("service_down", CRITICAL, 6, quantities={"minutes": Quantity(value=6.83)})
    for database in (EMPTY, AWAY, None):
        found = await count_affected(database, report(down, at=NOW), T0, waiting=60, key=KEY)
        assert affected_words(found) == "everybody: no request was answered for 6 min"


@pytest.mark.parametrize(
    ("clients", "units", "words"),
    [
        (12, 2, "2 of 3 units, 12 clients"),
        (1, None, "1 client"),
        (None, None, "cannot be counted: the log does not name whose requests failed"),
    ],
)
async def test_failed_requests_are_counted_by_the_log(
    crm_database: str, clients: int | None, units: int | None, words: str
) -> None:
    """Clients and units of the responses that were 5xx, as far as the log names them."""
    with Rows(crm_database) as rows:
        two_units(rows)
    seen = replace(log({"http_5xx": 20}), failed_clients=clients, failed_units=units)
    assert affected_words(await counted(crm_database, red("http_5xx", seen=seen))) == words


async def test_a_broken_schema_is_counted_by_the_log_and_says_what_else_it_is(
    crm_database: str,
) -> None:
    """The statement that counts breaks like the application's own; failed requests are counted."""
    with Rows(crm_database) as rows:
        two_units(rows)
        rows.run("ALTER TABLE messages DROP COLUMN external_id CASCADE")
    seen = replace(log({"http_5xx": 20}), failed_clients=4)
    broken = red("http_5xx", "message_errors", "inbound_flow", seen=seen)
    words = affected_words(await counted(crm_database, broken))
    assert words.startswith("4 clients; beyond that it cannot be counted: ")
    assert "external_id" in words
    seen = replace(seen, failed_clients=None)
    words = affected_words(await counted(crm_database, red("message_errors", seen=seen)))
    assert words.startswith("cannot be counted: ")
    assert "external_id" in words


async def test_a_leaked_secret_is_counted_by_whose_it_is(crm_database: str) -> None:
    """A webhook secret is one unit's, a key may be several units', any other one is no unit's."""
    install(crm_database)
    with Rows(crm_database) as rows:
        for name, secret in (("alfa", "secret-of-alfa"), ("beta", "secret-of-beta"), ("gama", "-")):
            rows.unit(
                name,
                created_at=BEFORE,
                webhook_secret=secret,
                provider_config='{"apiKey": "one-key-of-two"}' if name != "gama" else "{}",
            )

    def leaked(*values: str) -> tuple[Leak, ...]:
        return tuple(leak(fingerprint=fingerprint(KEY, value.encode())) for value in values)

    async def words(*values: str) -> str:
        seen = log({"secret_leak": 1}, leaks=leaked(*values))
        return affected_words(await counted(crm_database, red("secret_leaks", seen=seen)))

    assert await words("secret-of-beta") == "1 of 3 units (beta)"
    assert await words("one-key-of-two") == "2 of 3 units (alfa, beta)"
    other = "cannot be counted: apikey: no unit's own secret, whoever reads the log has it"
    assert await words("somebody-else's") == other
    assert (
        await words("secret-of-alfa", "somebody-else's")
        == f"1 of 3 units (alfa); beyond that it {other}"
    )


@pytest.mark.parametrize("shape", ["connection", "lead", "recipient", "message id", "instance"])
async def test_rows_that_cross_are_counted_on_both_sides(crm_database: str, shape: str) -> None:
    """Each shape that `tenant_isolation` knows; the third unit is not touched."""
    with Rows(crm_database) as rows:
        alfa, beta = two_units(rows)
        contacts = 1
        if shape == "connection":
            rows.conversation(alfa, created_at=at(5), instance_id=beta.connection)
        elif shape == "lead":
            contact = rows.contact(created_at=BEFORE)
            lead = rows.insert(
                "leads", unit_id=beta.id, contact_id=contact, name="x", created_at=BEFORE
            )
            rows.conversation(alfa, created_at=at(5), contact_id=contact, lead_id=lead)
        elif shape == "recipient":
            talk = rows.conversation(beta, created_at=BEFORE)
            message = rows.message(talk, created_at=at(5))
            campaign = rows.campaign(alfa, created_at=at(4), recipients=("sent",), sent_at=at(5))
            rows.run(
                "UPDATE campaign_recipients SET message_id = %(message)s"
                " WHERE campaign_id = %(campaign)s",
                message=message,
                campaign=campaign,
            )
        elif shape == "message id":
            contacts = 2
            for unit in (alfa, beta):
                talk = rows.conversation(unit, created_at=BEFORE)
                rows.message(talk, created_at=at(5), external_id="TWICE")
        else:
            contacts = 0
            rows.run(
                "UPDATE unit_whatsapp_connections SET instance_id = 'one', created_at = %(at)s"
                " WHERE id = ANY(%(ids)s)",
                at=at(5),
                ids=[alfa.connection, beta.connection],
            )
        rows.conversation(alfa, created_at=at(6))
    found = await counted(crm_database, red("tenant_isolation"))
    assert (found.names, found.of_units, found.contacts) == (("alfa", "beta"), 3, contacts)
    assert found.not_counted == ()


async def test_other_types_are_counted_alike(crm_database: str) -> None:
    """Secrets and ids of another type than text, and ids that are empty instead of missing."""
    install(crm_database)
    one = "7f3c2a10-98de-4c55-b0a1-2d4e6f708192"
    with Rows(crm_database) as rows:
        alfa, beta = two_units(rows)
        talk = rows.conversation(alfa, created_at=BEFORE)
        rows.message(talk, created_at=at(5), external_id="")
        rows.message(rows.conversation(beta, created_at=BEFORE), created_at=at(5))
        rows.run("UPDATE messages SET sender = 'agent', status = 'sent'")
        found = await counted(crm_database, red("outbound_success"))
        assert affected_words(found) == "1 of 3 units (alfa), 1 contact"
        rows.run("UPDATE messages SET external_id = %(one)s", one=one)
        rows.run(
            "UPDATE unit_whatsapp_connections SET webhook_secret = gen_random_uuid()::text,"
            " instance_id = gen_random_uuid()::text"
        )
        rows.run(
            "UPDATE unit_whatsapp_connections SET webhook_secret = %(one)s WHERE id = %(id)s",
            one=one,
            id=alfa.connection,
        )
        rows.run("ALTER TABLE messages ALTER external_id TYPE uuid USING external_id::uuid")
        rows.run(
            "ALTER TABLE unit_whatsapp_connections"
            " ALTER webhook_secret TYPE uuid USING webhook_secret::uuid,"
            " ALTER instance_id TYPE uuid USING instance_id::uuid"
        )
    crossing = await counted(crm_database, red("tenant_isolation"))
    assert (crossing.names, crossing.not_counted) == (("alfa", "beta"), ())
    seen = log({"secret_leak": 1}, leaks=(leak(fingerprint=fingerprint(KEY, one.encode())),))
    leaked = await counted(crm_database, red("secret_leaks", seen=seen))
    assert affected_words(leaked) == "1 of 3 units (alfa)"


async def test_contacts_that_wait_for_a_campaign_are_counted(crm_database: str) -> None:
    """Only where campaigns are the incident: else they are simply not done yet."""
    with Rows(crm_database) as rows:
        alfa, _ = two_units(rows)
        rows.campaign(alfa, created_at=at(1), recipients=("sent", "pending", "pending"))
    found = await counted(crm_database, red("campaigns"))
    assert affected_words(found) == "1 of 3 units (alfa), 2 contacts"
    other = await counted(crm_database, red("outbound_success"))
    assert affected_words(other).startswith("cannot be counted: ")


@pytest.mark.parametrize("database", [EMPTY, AWAY, None])
@given(checks=st.sets(st.sampled_from([check.id for check in CHECKS]), min_size=1))
async def test_nobody_is_never_said(database: Database | None, checks: set[str]) -> None:
    """Whatever is red and whatever answers: a number above zero, everybody, or why not."""
    found = await count_affected(database, red(*checks), T0, waiting=60, key=KEY)
    words = affected_words(found)
    assert words.startswith(("everybody: ", "cannot be counted: "))
    assert " 0 " not in f" {words}"
    assert len(words.partition(": ")[2]) > 5
