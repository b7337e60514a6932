"""Whom an incident touches: distinct units and contacts, counted in the application's database."""

from __future__ import annotations

from datetime import datetime

from bot.watch.model import Affected
from checks.engine.check import Query
from checks.sources.database import Database

AFFECTED = Query(
    name="affected_users",
    # Failed, or marked sent without a provider's id, or still waiting after a minute: messages that
    # somebody is missing. Beside them the units without a connection.
    sql="""
        WITH missing AS (
            SELECT v.unit_id, v.contact_id
            FROM messages AS m
            JOIN conversations AS v ON v.id = m.conversation_id
            WHERE m.created_at >= %(since)s::timestamptz
              AND m.created_at < %(until)s::timestamptz
              AND m.sender::text = 'agent'
              AND (
                  m.status::text = 'failed'
                  OR (m.status::text IN ('sent', 'delivered', 'read') AND m.external_id IS NULL)
                  OR (
                      m.status::text IN ('queued', 'pending')
                      AND m.created_at < %(until)s::timestamptz - interval '1 minute'
                  )
              )
        ), lost AS (
            SELECT w.unit_id
            FROM unit_whatsapp_connections AS w
            WHERE w.status::text <> 'connected'
              AND w.disconnected_at >= %(since)s::timestamptz
        )
        SELECT
            (
                SELECT count(*)
                FROM (SELECT unit_id FROM missing UNION SELECT unit_id FROM lost) AS u
            ) AS units,
            (SELECT count(DISTINCT contact_id) FROM missing) AS contacts
    """,
    reads={
        "messages": ("conversation_id", "created_at", "sender", "status", "external_id"),
        "conversations": ("id", "unit_id", "contact_id"),
        "unit_whatsapp_connections": ("unit_id", "status", "disconnected_at"),
    },
)
"""One row: `units` and `contacts`, both counts."""


async def count_affected(database: Database | None, since: datetime, until: datetime) -> Affected:
    """Units and contacts that an incident touches; None where they could not be counted."""
    if database is None:
        return Affected(units=None, contacts=None)
    evidence = await database.collect([(AFFECTED, {"since": since, "until": until})])
    result = evidence.results.get(AFFECTED.name)
    if result is None or result.problem is not None or not result.rows:
        return Affected(units=None, contacts=None)
    row = result.rows[0]
    units, contacts = row["units"], row["contacts"]
    return Affected(
        units=units if isinstance(units, int) else None,
        contacts=contacts if isinstance(contacts, int) else None,
    )
