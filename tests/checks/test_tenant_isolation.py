"""tenant_isolation on a real PostgreSQL, judged by the shipped runbook."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from time import perf_counter
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from checks import outbound_success
from checks.engine.model import Level
from checks.tenant_isolation import CHECK
from tests.support.crm_rows import Rows, Unit
from tests.support.database_runs import found, minutes_ago
from tests.support.evidence import log

OLD, NEW = minutes_ago(600), minutes_ago(10)


def two_units(rows: Rows) -> tuple[Unit, Unit]:
    """Two units of long ago."""
    return rows.unit("Alfa", created_at=OLD), rows.unit("Beta", created_at=OLD)


def on_other_connection(rows: Rows, at: datetime) -> UUID:
    """A conversation on another unit's connection."""
    alfa, beta = two_units(rows)
    return rows.conversation(alfa, created_at=at, instance_id=beta.connection)


def on_other_lead(rows: Rows, at: datetime) -> UUID:
    """A conversation on another unit's lead."""
    alfa, beta = two_units(rows)
    contact = rows.contact(created_at=OLD)
    lead = rows.insert("leads", unit_id=beta.id, contact_id=contact, created_at=OLD)
    return rows.conversation(alfa, created_at=at, contact_id=contact, lead_id=lead)


def recipient_with_other_message(rows: Rows, at: datetime) -> UUID:
    """A recipient whose message lies in another unit's conversation."""
    alfa, beta = two_units(rows)
    contact = rows.contact(created_at=OLD)
    message = rows.message(
        rows.conversation(beta, created_at=OLD, contact_id=contact), created_at=OLD
    )
    rows.conversation(alfa, created_at=OLD, contact_id=contact)
    campaign = rows.campaign(alfa, created_at=OLD)
    return rows.insert(
        "campaign_recipients",
        campaign_id=campaign,
        contact_id=contact,
        message_id=message,
        status="sent",
        created_at=at,
    )


def external_id_in_two_units(rows: Rows, at: datetime) -> UUID:
    """A message whose external id another unit has already."""
    alfa, beta = two_units(rows)
    older = rows.conversation(alfa, created_at=OLD)
    rows.message(older, created_at=OLD, external_id="3EB0")
    return rows.message(rows.conversation(beta, created_at=OLD), created_at=at, external_id="3EB0")


def instance_in_two_units(rows: Rows, at: datetime) -> UUID:
    """A connection with another unit's instance."""
    rows.unit("Alfa", created_at=OLD, instance_id="unit_shared")
    return rows.unit("Beta", created_at=at, instance_id="unit_shared").connection


def recipient_of_other_units(rows: Rows, at: datetime) -> UUID:
    """A recipient whom only another unit knows."""
    alfa, beta = two_units(rows)
    contact = rows.contact(created_at=OLD)
    rows.conversation(beta, created_at=OLD, contact_id=contact)
    campaign = rows.campaign(alfa, created_at=OLD)
    return rows.insert(
        "campaign_recipients", campaign_id=campaign, contact_id=contact, created_at=at
    )


CROSSING = (
    on_other_connection,
    on_other_lead,
    recipient_with_other_message,
    external_id_in_two_units,
    instance_in_two_units,
)
Make = Callable[[Rows, datetime], UUID]


def shape(make: Make) -> str:
    """The name of a test's case."""
    return make.__name__


async def test_an_empty_application(crm_database: str) -> None:
    """Where nothing was made since the deploy, nothing crosses."""
    assert (await found(crm_database, CHECK)).level is Level.OK


async def test_recorded_rows(crm_fixture_database: str) -> None:
    """No row of the recorded hour crosses tenants, though contacts are shared."""
    with psycopg.connect(crm_fixture_database) as connection:
        connection.execute("UPDATE messages SET created_at = %s", [NEW])
        connection.execute("UPDATE conversations SET created_at = %s", [NEW])
        connection.execute("UPDATE campaign_recipients SET created_at = %s", [NEW])
    finding = await found(crm_fixture_database, CHECK)
    assert (finding.level, finding.value) == (Level.OK, 0)


@pytest.mark.parametrize("make", CROSSING, ids=shape)
async def test_each_crossing_is_critical(crm_database: str, make: Make) -> None:
    """One new row of any of the five shapes is critical, and no other shape counts it."""
    with Rows(crm_database) as rows:
        made = make(rows, NEW)
    finding = await found(crm_database, CHECK)
    assert (finding.level, finding.value) == (Level.CRITICAL, 1)
    assert finding.quantities["shared_contacts"].value == 0
    assert len(finding.evidence) == 1
    if make is not external_id_in_two_units and make is not instance_in_two_units:
        assert str(made) in finding.evidence[0]


@pytest.mark.parametrize("make", [*CROSSING, recipient_of_other_units], ids=shape)
async def test_history_is_not_judged(crm_database: str, make: Make) -> None:
    """What crossed before the deploy moves nothing."""
    with Rows(crm_database) as rows:
        make(rows, OLD)
    assert (await found(crm_database, CHECK)).level is Level.OK


async def test_older_shared_instances_are_shown(crm_database: str) -> None:
    """An instance that two units shared before the deploy is context."""
    with Rows(crm_database) as rows:
        instance_in_two_units(rows, OLD)
    finding = await found(crm_database, CHECK)
    assert finding.details["instances_in_two_units_before"] == 1


async def test_a_shared_contact_is_a_warning(crm_database: str) -> None:
    """Contacts are shared by design: a recipient whom only others know is a question."""
    with Rows(crm_database) as rows:
        recipient_of_other_units(rows, NEW)
    finding = await found(crm_database, CHECK)
    assert (finding.level, finding.value) == (Level.WARNING, 0)
    assert finding.summary.startswith("No row crosses tenants; 1 ×")


@pytest.mark.parametrize("how", ["conversation", "lead", "nobody"])
async def test_known_contacts_are_fine(crm_database: str, how: str) -> None:
    """A recipient whom the unit knows too, or nobody knows yet, is nobody else's."""
    with Rows(crm_database) as rows:
        alfa, beta = two_units(rows)
        contact = rows.contact(created_at=OLD)
        if how == "conversation":
            rows.conversation(alfa, created_at=OLD, contact_id=contact)
        if how == "lead":
            rows.insert("leads", unit_id=alfa.id, contact_id=contact, created_at=OLD)
        if how != "nobody":
            rows.conversation(beta, created_at=OLD, contact_id=contact)
        campaign = rows.campaign(alfa, created_at=OLD)
        rows.insert("campaign_recipients", campaign_id=campaign, contact_id=contact, created_at=NEW)
    assert (await found(crm_database, CHECK)).level is Level.OK


async def test_missing_ids_are_not_equal(crm_database: str) -> None:
    """Empty and absent external and instance ids are no common ids."""
    with Rows(crm_database) as rows:
        units = [
            rows.unit(name, created_at=NEW, instance_id=instance)
            for name, instance in (("A", None), ("B", None), ("C", ""), ("D", ""))
        ]
        for unit in units:
            conversation = rows.conversation(unit, created_at=NEW)
            for external_id in (None, ""):
                rows.message(conversation, created_at=NEW, external_id=external_id)
    assert (await found(crm_database, CHECK)).level is Level.OK


async def test_blocked_attempts_are_context(crm_database: str) -> None:
    """Attempts that the application blocked stand beside the rows and move nothing."""
    finding = await found(crm_database, CHECK, log=log({"cross_tenant_blocked": 21}))
    assert finding.level is Level.OK
    assert finding.details["blocked_attempts"] == 21
    assert (await found(crm_database, CHECK)).details["blocked_attempts"] is None


async def test_a_crossing_outranks_a_query_that_failed(crm_database: str) -> None:
    """What one shape proves is not hidden by another that could not be asked; and the reverse."""
    with Rows(crm_database) as rows:
        rows.run("ALTER TABLE leads RENAME COLUMN unit_id TO tenant_id")
    unknown = await found(crm_database, CHECK)
    assert unknown.level is Level.UNKNOWN
    assert "leads.unit_id" in unknown.summary
    with Rows(crm_database) as rows:
        on_other_connection(rows, NEW)
    proven = await found(crm_database, CHECK)
    assert proven.level is Level.CRITICAL
    assert "leads.unit_id" in str(proven.details["not_checked"])


def crowd(url: str) -> None:
    """Ten units that share nothing, with 10^5 new messages; a fifth of one unit's have one id."""
    with psycopg.connect(url) as connection:
        connection.execute("""
            INSERT INTO units (name, slug) SELECT 'U' || n, 'u' || n FROM generate_series(1, 10) n;
            INSERT INTO contacts (phone) SELECT '55' || n FROM generate_series(1, 20000) n;
            INSERT INTO conversations (contact_id, unit_id)
            SELECT c.id, u.id FROM contacts c
            JOIN units u ON u.slug = 'u' || (1 + right(c.phone, 1)::int);
            INSERT INTO messages (conversation_id, sender, status, external_id)
            SELECT c.id, 'agent', 'sent',
                   CASE WHEN n < 5 THEN md5(c.id::text || n) WHEN u.slug = 'u1' THEN 'same' END
            FROM conversations c JOIN units u ON u.id = c.unit_id
            CROSS JOIN generate_series(1, 5) n;
            INSERT INTO campaigns (unit_id, name) SELECT id, 'K' FROM units;
            INSERT INTO campaign_recipients (campaign_id, contact_id)
            SELECT k.id, c.contact_id FROM conversations c
            JOIN campaigns k ON k.unit_id = c.unit_id;
        """)
        for table in ("conversations", "messages", "campaign_recipients"):
            statement = sql.SQL("UPDATE {} SET created_at = %s").format(sql.Identifier(table))
            connection.execute(statement, [NEW])


async def test_many_rows(crm_database: str) -> None:
    """10^5 new messages, also of one external id, are compared in seconds: nothing is quadratic."""
    crowd(crm_database)
    began = perf_counter()
    finding = await found(crm_database, CHECK)
    assert finding.level is Level.OK
    assert perf_counter() - began < 10
    outbound = await found(crm_database, outbound_success.CHECK)
    assert outbound.details["total"] == 100_000
