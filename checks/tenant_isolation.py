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
              AND external_id::text <> ''
        ), crossing AS (
            SELECT min(m.id::text) AS id
            FROM fresh
            JOIN messages AS m ON m.external_id = fresh.external_id
            JOIN conversations AS c ON c.id = m.conversation_id
            GROUP BY fresh.external_id
            HAVING count(DISTINCT c.unit_id) > 1
        )
        SELECT
            count(*) AS crossing,
            (SELECT string_agg(id, ', ') FROM (SELECT id FROM crossing LIMIT 5) AS f) AS examples
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
            WHERE instance_id::text <> ''
              AND created_at < %(until)s::timestamptz
            GROUP BY instance_id
            HAVING count(DISTINCT unit_id) > 1
        )
        SELECT
            count(*) FILTER (WHERE fresh) AS crossing,
            count(*) FILTER (WHERE NOT fresh) AS older,
            string_agg(id, ', ') FILTER (WHERE fresh) AS examples
        FROM shared
    """,
    reads={"unit_whatsapp_connections": ("id", "unit_id", "instance_id", "created_at")},
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

_CROSSING = (
    (CONVERSATION_CONNECTION, "conversation on another unit's connection"),
    (CONVERSATION_LEAD, "conversation on another unit's lead"),
    (RECIPIENT_MESSAGE, "campaign recipient with another unit's message"),
    (MESSAGE_EXTERNAL_ID, "message id in two units"),
    (CONNECTION_INSTANCE, "instance in two units"),
)
_SHARED = (RECIPIENT_CONTACT, "campaign recipient known to other units only")


def measure(view: View) -> Measurement:
    """Rows made since the deploy that cross tenants, in six shapes.

    What crossed before the deploy is history. Contacts belong to all units, so a recipient whom
    only other units know is counted apart. Attempts that the application blocked are context.
    """
    found = {query.name: view.rows(query) for query, _ in (*_CROSSING, _SHARED)}
    problems = list(dict.fromkeys(r.problem for r in found.values() if r.problem is not None))
    counts = {
        name: _number(result.rows[0]["crossing"]) for name, result in found.items() if result.rows
    }
    crossing = sum(counts.get(query.name, 0) for query, _ in _CROSSING)
    if problems and not crossing:
        return unknown(_UNIT, problems[0], {"counts": dict(counts)})
    shared = counts.get(RECIPIENT_CONTACT.name, 0)
    return Measurement(
        value=crossing,
        unit=_UNIT,
        summary=_summary(counts, crossing, shared),
        quantities={
            "crossing": Quantity(value=crossing),
            "shared_contacts": Quantity(value=shared),
        },
        details=_details(view, counts, problems),
        evidence=_evidence(view, counts),
        window=view.window,
    )


def _summary(counts: dict[str, int], crossing: int, shared: int) -> str:
    parts = [
        f"{counts[query.name]} × {says}" for query, says in _CROSSING if counts.get(query.name)
    ]
    if shared:
        parts.append(f"{shared} × {_SHARED[1]}")
    if not parts:
        return "No row made since the deploy crosses tenants."
    if not crossing:
        return f"No row crosses tenants; {parts[0]}."
    return f"{plural(crossing, 'row')} made since the deploy cross tenants: {', '.join(parts)}."


def _details(view: View, counts: dict[str, int], problems: list[Problem]) -> dict[str, Json]:
    blocked = None if view.log_unknown(_BLOCKED) else view.count(_BLOCKED)
    details: dict[str, Json] = {"counts": dict(counts), "blocked_attempts": blocked}
    older = view.rows(CONNECTION_INSTANCE).rows
    if older and _number(older[0]["older"]):
        details["instances_in_two_units_before"] = _number(older[0]["older"])
    if problems:
        details["not_checked"] = [str(problem) for problem in problems]
    return details


def _evidence(view: View, counts: dict[str, int]) -> tuple[str, ...]:
    """Ids of the rows themselves: what someone needs to look at them."""
    lines = [
        f"{says}: {view.row(query)['examples']}"
        for query, says in (*_CROSSING, _SHARED)
        if counts.get(query.name)
    ]
    return tuple(lines[:_EXAMPLES])


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


CHECK = Check(
    id="tenant_isolation",
    title="Tenant isolation",
    checkpoint=3,
    measure=measure,
    quantities=("crossing", "shared_contacts"),
    signals=(_BLOCKED,),
    queries=(*(query for query, _ in _CROSSING), RECIPIENT_CONTACT),
)
