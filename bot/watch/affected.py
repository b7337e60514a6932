"""Whom an incident touches, counted by what it touches; where that is not possible, why.

Failed requests name clients and units in the log. Failed and waiting messages, lost connections,
rows that cross tenants and the owners of leaked secrets are in the application's database.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bot.watch.model import Affected
from checks.engine.check import Query
from checks.engine.masking import harmless, mask
from checks.engine.model import Finding, Level, LogEvidence, Proof, QueryResult, Report
from checks.sources.database import Database
from checks.sources.logs.leaks import fingerprint

# The first two statements return a row for each unit, and one without a unit, in which each contact
# counts once.

MESSAGES: Final = Query(
    name="affected_by_messages",
    # Failed, or marked sent without a provider's id, or waiting for too long: messages that
    # somebody is missing; recipients of campaigns that do not end; units without a connection.
    sql="""
        WITH touched AS (
            SELECT v.unit_id, v.contact_id
            FROM messages AS m
            JOIN conversations AS v ON v.id = m.conversation_id
            WHERE m.created_at >= %(since)s::timestamptz
              AND m.created_at < %(until)s::timestamptz
              AND m.sender::text = 'agent'
              AND (
                  m.status::text = 'failed'
                  OR (
                      m.status::text IN ('sent', 'delivered', 'read')
                      AND coalesce(m.external_id::text, '') = ''
                  )
                  OR (
                      m.status::text IN ('queued', 'pending')
                      AND m.created_at < %(until)s::timestamptz
                          - make_interval(secs => %(waiting_seconds)s::float8)
                  )
              )
            UNION ALL
            SELECT k.unit_id, r.contact_id
            FROM campaign_recipients AS r
            JOIN campaigns AS k ON k.id = r.campaign_id
            WHERE %(campaigns)s::boolean
              AND k.status::text IN ('processing', 'scheduled')
              AND r.status::text = 'pending'
            UNION ALL
            SELECT w.unit_id, NULL
            FROM unit_whatsapp_connections AS w
            WHERE w.status::text <> 'connected'
              AND (
                  w.disconnected_at >= %(since)s::timestamptz
                  OR w.unit_id::text = ANY(%(connected_before)s::text[])
              )
        )
        SELECT u.name AS unit, count(DISTINCT t.contact_id) AS contacts
        FROM touched AS t
        JOIN units AS u ON u.id = t.unit_id
        GROUP BY GROUPING SETS ((u.id, u.name), ())
    """,
    reads={
        "messages": ("conversation_id", "created_at", "sender", "status", "external_id"),
        "conversations": ("id", "unit_id", "contact_id"),
        "campaigns": ("id", "unit_id", "status"),
        "campaign_recipients": ("campaign_id", "contact_id", "status"),
        "unit_whatsapp_connections": ("unit_id", "status", "disconnected_at"),
        "units": ("id", "name"),
    },
)

CROSSING: Final = Query(
    name="affected_by_crossing",
    # The shapes of `tenant_isolation`, here with the units on both sides.
    sql="""
        WITH touched AS (
            SELECT x.unit_id, c.contact_id
            FROM conversations AS c
            LEFT JOIN unit_whatsapp_connections AS w ON w.id = c.instance_id
            LEFT JOIN leads AS l ON l.id = c.lead_id
            CROSS JOIN LATERAL (VALUES (c.unit_id), (w.unit_id), (l.unit_id)) AS x (unit_id)
            WHERE c.created_at >= %(since)s::timestamptz
              AND c.created_at < %(until)s::timestamptz
              AND (w.unit_id <> c.unit_id OR l.unit_id <> c.unit_id)
            UNION ALL
            SELECT x.unit_id, r.contact_id
            FROM campaign_recipients AS r
            JOIN campaigns AS k ON k.id = r.campaign_id
            JOIN messages AS m ON m.id = r.message_id
            JOIN conversations AS c ON c.id = m.conversation_id
            CROSS JOIN LATERAL (VALUES (k.unit_id), (c.unit_id)) AS x (unit_id)
            WHERE greatest(r.created_at, r.sent_at, m.created_at) >= %(since)s::timestamptz
              AND r.created_at < %(until)s::timestamptz
              AND c.unit_id <> k.unit_id
            UNION ALL
            SELECT c.unit_id, c.contact_id
            FROM messages AS m
            JOIN conversations AS c ON c.id = m.conversation_id
            WHERE m.external_id IN (
                SELECT n.external_id
                FROM messages AS f
                JOIN messages AS n ON n.external_id = f.external_id
                JOIN conversations AS d ON d.id = n.conversation_id
                WHERE f.created_at >= %(since)s::timestamptz
                  AND f.created_at < %(until)s::timestamptz
                  AND f.external_id::text <> ''
                GROUP BY n.external_id
                HAVING count(DISTINCT d.unit_id) > 1
            )
            UNION ALL
            SELECT w.unit_id, NULL
            FROM unit_whatsapp_connections AS w
            WHERE w.instance_id IN (
                SELECT s.instance_id
                FROM unit_whatsapp_connections AS s
                WHERE s.instance_id::text <> '' AND s.created_at < %(until)s::timestamptz
                GROUP BY s.instance_id
                HAVING count(DISTINCT s.unit_id) > 1
                   AND max(s.created_at) >= %(since)s::timestamptz
            )
        )
        SELECT u.name AS unit, count(DISTINCT t.contact_id) AS contacts
        FROM touched AS t
        JOIN units AS u ON u.id = t.unit_id
        GROUP BY GROUPING SETS ((u.id, u.name), ())
    """,
    reads={
        "conversations": ("id", "unit_id", "contact_id", "instance_id", "lead_id", "created_at"),
        "unit_whatsapp_connections": ("id", "unit_id", "instance_id", "created_at"),
        "leads": ("id", "unit_id"),
        "campaign_recipients": (
            "campaign_id",
            "contact_id",
            "message_id",
            "sent_at",
            "created_at",
        ),
        "campaigns": ("id", "unit_id"),
        "messages": ("id", "conversation_id", "external_id", "created_at"),
        "units": ("id", "name"),
    },
)

SECRETS: Final = Query(
    name="affected_by_secrets",
    sql="""
        SELECT
            u.name AS unit,
            w.webhook_secret::text AS secret,
            w.provider_config::jsonb ->> 'apiKey' AS api_key
        FROM unit_whatsapp_connections AS w
        JOIN units AS u ON u.id = w.unit_id
    """,
    reads={
        "unit_whatsapp_connections": ("unit_id", "webhook_secret", "provider_config"),
        "units": ("id", "name"),
    },
)
"""Each unit's own secrets; they are compared with what leaked, and are in no answer."""

UNITS: Final = Query(
    name="affected_of_units",
    sql="SELECT count(*) AS units FROM units",
    reads={"units": ("id",)},
)

_NO_DATABASE: Final = "no database was given to golive"
_OF_MESSAGES: Final = frozenset(
    {
        "outbound_success",
        "message_errors",
        "retries",
        "campaigns",
        "connection_stability",
        "inbound_flow",
        "database_activity",
        "http_5xx",
    }
)
"""Checks of which the rows of messages, campaigns and connections may tell whom they touch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counted:
    """What one cause touches; `why` nothing, or not all, of it can be counted."""

    names: frozenset[str] = frozenset()
    units: int = 0
    contacts: int = 0
    clients: int = 0
    why: str = ""


async def count_affected(
    database: Database | None, report: Report, since: datetime, *, waiting: float, key: bytes
) -> Affected:
    """Whom the CRITICAL findings of a report touch.

    Args:
        database: the application's; None where there is none.
        report: what was found.
        since: the deploy.
        waiting: seconds after which a message that waits is missing (`outbound_success`).
        key: of the fingerprints of leaked secrets.
    """
    red = {f.check: f for f in report.findings if f.level is Level.CRITICAL}
    down = red.get("service_down")
    if down is not None:
        return Affected(everybody=_everybody(down))
    answers = await _ask(database, report, red, {"since": since, "waiting_seconds": waiting})
    causes = list(_causes(report, red, answers, key))
    names = frozenset[str]().union(*(cause.names for cause in causes))
    found = answers.get(UNITS.name, QueryResult()).rows
    total = _int(found[0]["units"]) if found else 0
    return Affected(
        units=max([len(names), *(cause.units for cause in causes)], default=0),
        names=tuple(sorted(names)),
        of_units=total or None,
        contacts=max((cause.contacts for cause in causes), default=0),
        clients=max((cause.clients for cause in causes), default=0),
        not_counted=tuple(dict.fromkeys(cause.why for cause in causes if cause.why)),
    )


def _everybody(down: Finding) -> str:
    minutes = down.quantities.get("minutes")
    span = f" for {int(minutes.value)} min" if minutes is not None and minutes.value >= 1 else ""
    return f"no request was answered{span}"


async def _ask(
    database: Database | None,
    report: Report,
    red: Mapping[str, Finding],
    numbers: Mapping[str, object],
) -> Mapping[str, QueryResult]:
    """The database's answers by query, each with the reason where there is none."""
    observed = report.evidence.observed
    before = observed.connected_at_start if observed is not None else frozenset[str]()
    values: dict[str, object] = {
        **numbers,
        "until": report.taken_at,
        "campaigns": "campaigns" in red,
        "connected_before": sorted(before),
    }
    wanted = [UNITS]
    if not _OF_MESSAGES.isdisjoint(red):
        wanted.append(MESSAGES)
    if "tenant_isolation" in red:
        wanted.append(CROSSING)
    if "secret_leaks" in red:
        wanted.append(SECRETS)
    if database is None:
        return {}
    evidence = await database.collect([(query, values) for query in wanted])
    if evidence.problem is not None:
        return {query.name: QueryResult(problem=evidence.problem) for query in wanted}
    return evidence.results


def _causes(
    report: Report, red: Mapping[str, Finding], answers: Mapping[str, QueryResult], key: bytes
) -> Iterable[_Counted]:
    log = report.evidence.log
    if "http_5xx" in red:
        yield _requests(log)
    if not _OF_MESSAGES.isdisjoint(red):
        told = _rows(answers.get(MESSAGES.name), "no row tells whose messages are missing")
        # Failed requests that nobody's messages hang on are told by the log alone.
        silent = set(red) & _OF_MESSAGES == {"http_5xx"} and not told.names
        yield _Counted() if silent else told
    if "tenant_isolation" in red:
        yield _rows(answers.get(CROSSING.name), "the rows that crossed name no unit")
    if "secret_leaks" in red:
        yield _owners(log, answers.get(SECRETS.name), key)
    others = [
        finding.title
        for check, finding in red.items()
        if check not in _OF_MESSAGES | {"tenant_isolation", "secret_leaks"}
    ]
    if others:
        yield _Counted(why=f"{', '.join(others)}: nothing tells whom that touches")


def _requests(log: LogEvidence) -> _Counted:
    """Whose requests failed, as the log names them."""
    units, clients = log.failed_units or 0, log.failed_clients or 0
    if units or clients:
        return _Counted(units=units, clients=clients)
    return _Counted(why="the log does not name whose requests failed")


def _rows(result: QueryResult | None, nobody: str) -> _Counted:
    if result is None:
        return _Counted(why=_NO_DATABASE)
    if result.problem is not None:
        return _Counted(why=_clause(result.problem.what))
    names = frozenset(_name(row["unit"]) for row in result.rows if row["unit"] is not None)
    every = [_int(row["contacts"]) for row in result.rows if row["unit"] is None]
    if not names:
        return _Counted(why=nobody)
    return _Counted(names=names, contacts=max(every, default=0))


def _owners(log: LogEvidence, result: QueryResult | None, key: bytes) -> _Counted:
    """The units whose own secret leaked; any other secret is everybody's who uses it."""
    if result is None:
        return _Counted(why=f"{_NO_DATABASE}, so whose secret it is is not known")
    if result.problem is not None:
        return _Counted(why=_clause(result.problem.what))
    leaked = {leak.fingerprint: leak.kind for leak in log.leaks if leak.proof is Proof.PROVEN}
    owners: dict[str, set[str]] = {}
    for row in result.rows:
        for secret in (row["secret"], row["api_key"]):
            if isinstance(secret, str) and secret:
                owners.setdefault(fingerprint(key, secret.encode()), set()).add(_name(row["unit"]))
    names = frozenset[str]().union(*(owners.get(found, set()) for found in leaked))
    others = sorted({kind for found, kind in leaked.items() if found not in owners})
    shared = f"{', '.join(others)}: no unit's own secret, whoever reads the log has it"
    return _Counted(names=names, why=shared if others or not names else "")


def _name(value: object) -> str:
    return harmless(mask(str(value)), 40)


def _clause(sentence: str) -> str:
    """A sentence as the end of another one."""
    return sentence.rstrip(".")


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0
