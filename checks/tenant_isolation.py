"""Rows that cross tenants (runbook, rollback criteria; blocked attempts are context)."""

from __future__ import annotations

from checks.engine.check import Check, Query, View, unknown
from checks.engine.model import Json, Measurement, Problem, Quantity
from checks.engine.wording import plural

_UNIT = "rows"
_BLOCKED = "cross_tenant_blocked"
_EXAMPLES = 5

# Each query returns one row: how many (`crossing`), and ids of up to five (`examples`). New rows
# (made since T+0) are found first and joined to older ones; nothing is compared with everything.

CONVERSATION_CONNECTION = Query(
    name="conversation_on_other_connection",
    sql="""
        WITH crossing AS (
            SELECT c.id
            FROM conversations AS c
            JOIN unit_whatsapp_connections AS w ON w.id = c.instance_id
            WHERE c.created_at >= %(deployed_at)s::timestamptz
              AND c.created_at < %(until)s::timestamptz
              AND w.unit_id <> c.unit_id
        )
        SELECT
            count(*) AS crossing,
            (SELECT string_agg(id::text, ', ') FROM (SELECT id FROM crossing LIMIT 5) AS f)
                AS examples
        FROM crossing
    """,
    reads={
        "conversations": ("id", "unit_id", "instance_id", "created_at"),
        "unit_whatsapp_connections": ("id", "unit_id"),
    },
)

CONVERSATION_LEAD = Query(
    name="conversation_on_other_lead",
    sql="""
        WITH crossing AS (
            SELECT c.id
            FROM conversations AS c
            JOIN leads AS l ON l.id = c.lead_id
            WHERE c.created_at >= %(deployed_at)s::timestamptz
              AND c.created_at < %(until)s::timestamptz
              AND l.unit_id <> c.unit_id
        )
        SELECT
            count(*) AS crossing,
            (SELECT string_agg(id::text, ', ') FROM (SELECT id FROM crossing LIMIT 5) AS f)
                AS examples
        FROM crossing
    """,
    reads={
        "conversations": ("id", "unit_id", "lead_id", "created_at"),
        "leads": ("id", "unit_id"),
    },
)

RECIPIENT_MESSAGE = Query(
    name="recipient_message_of_other_unit",
    # An old recipient may have been sent to since: its message is new then.
    sql="""
        WITH crossing AS (
            SELECT r.id
            FROM campaign_recipients AS r
            JOIN campaigns AS k ON k.id = r.campaign_id
            JOIN messages AS m ON m.id = r.message_id
            JOIN conversations AS c ON c.id = m.conversation_id
            WHERE greatest(r.created_at, r.sent_at, m.created_at)
                    >= %(deployed_at)s::timestamptz
              AND r.created_at < %(until)s::timestamptz
              AND c.unit_id <> k.unit_id
        )
        SELECT
            count(*) AS crossing,
            (SELECT string_agg(id::text, ', ') FROM (SELECT id FROM crossing LIMIT 5) AS f)
                AS examples
        FROM crossing
    """,
    reads={
        "campaign_recipients": ("id", "campaign_id", "message_id", "sent_at", "created_at"),
        "campaigns": ("id", "unit_id"),
        "messages": ("id", "conversation_id", "created_at"),
        "conversations": ("id", "unit_id"),
    },
)

MESSAGE_EXTERNAL_ID = Query(
    name="external_id_in_two_units",
    # Ids are grouped before they are compared: a value that occurs often is read once.
    sql="""
        WITH fresh AS (
            SELECT DISTINCT external_id
            FROM messages
            WHERE created_at >= %(deployed_at)s::timestamptz
              AND created_at < %(until)s::timestamptz
              AND external_id <> ''
        ), crossing AS (
            SELECT external_id AS id
            FROM fresh
            JOIN messages AS m USING (external_id)
            JOIN conversations AS c ON c.id = m.conversation_id
            GROUP BY external_id
            HAVING count(DISTINCT c.unit_id) > 1
        )
        SELECT
            count(*) AS crossing,
            (SELECT string_agg(m.id::text, ', ')
             FROM (SELECT id FROM crossing LIMIT 5) AS f
             CROSS JOIN LATERAL (
                SELECT min(id::text) AS id FROM messages WHERE external_id = f.id
             ) AS m) AS examples
        FROM crossing
    """,
    reads={
        "messages": ("id", "conversation_id", "external_id", "created_at"),
        "conversations": ("id", "unit_id"),
    },
)

CONNECTION_INSTANCE = Query(
    name="instance_id_in_two_units",
    sql="""
        WITH shared AS (
            SELECT
                max(created_at) >= %(deployed_at)s::timestamptz AS fresh,
                min(id::text) AS id
            FROM unit_whatsapp_connections
            WHERE instance_id <> ''
              AND created_at < %(until)s::timestamptz
            GROUP BY provider, instance_id
            HAVING count(DISTINCT unit_id) > 1
        )
        SELECT
            count(*) FILTER (WHERE fresh) AS crossing,
            count(*) FILTER (WHERE NOT fresh) AS older,
            string_agg(id, ', ') FILTER (WHERE fresh) AS examples
        FROM shared
    """,
    reads={
        "unit_whatsapp_connections": ("id", "unit_id", "provider", "instance_id", "created_at")
    },
)

RECIPIENT_CONTACT = Query(
    name="recipient_known_to_other_units_only",
    sql="""
        WITH fresh AS (
            SELECT r.id, r.contact_id, k.unit_id
            FROM campaign_recipients AS r
            JOIN campaigns AS k ON k.id = r.campaign_id
            WHERE r.created_at >= %(deployed_at)s::timestamptz
              AND r.created_at < %(until)s::timestamptz
        ), wanted AS (
            SELECT DISTINCT contact_id FROM fresh
        ), known AS (
            SELECT c.contact_id, c.unit_id FROM conversations AS c JOIN wanted USING (contact_id)
            UNION
            SELECT l.contact_id, l.unit_id FROM leads AS l JOIN wanted USING (contact_id)
        ), shared AS (
            SELECT f.id
            FROM fresh AS f
            JOIN known AS n ON n.contact_id = f.contact_id
            GROUP BY f.id
            HAVING bool_and(n.unit_id <> f.unit_id)
        )
        SELECT
            count(*) AS crossing,
            (SELECT string_agg(id::text, ', ') FROM (SELECT id FROM shared LIMIT 5) AS x)
                AS examples
        FROM shared
    """,
    reads={
        "campaign_recipients": ("id", "campaign_id", "contact_id", "created_at"),
        "campaigns": ("id", "unit_id"),
        "conversations": ("contact_id", "unit_id"),
        "leads": ("contact_id", "unit_id"),
    },
)

_CROSSING = {
    CONVERSATION_CONNECTION: "conversations on another unit's connection",
    CONVERSATION_LEAD: "conversations on another unit's lead",
    RECIPIENT_MESSAGE: "campaign recipients with another unit's message",
    MESSAGE_EXTERNAL_ID: "message ids in two units",
    CONNECTION_INSTANCE: "instances in two units",
}
