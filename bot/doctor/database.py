"""The application's database, as the checks' read-only role sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from bot.doctor import catalog
from bot.doctor.clocks import Span, clock_line
from bot.doctor.columns import needed_columns
from bot.doctor.model import Line, Status, failed, ok, warning
from bot.doctor.rights import reader_rights
from bot.doctor.statements import explained, fit_lines
from checks.engine.check import Query
from checks.engine.masking import MIN_LIVE_SECRET
from checks.engine.model import DatabaseEvidence, Row
from checks.engine.wording import plural
from checks.sources.database import Database
from checks.sources.database.coverage import HIDDEN, hidden_of, hidden_problem
from checks.sources.database.problems import TRANSACTION_POOLER_PORT
from checks.sources.database.url import target_of

INDEX: Final = "CREATE INDEX CONCURRENTLY messages_created_at ON messages (created_at);"
_ROLES: Final = "manifests/roles.sql makes golive_reader, which has what the checks need, no more."

_HOURLY = Query(
    name="doctor_hourly_index",
    sql="""
        SELECT
            (SELECT greatest(reltuples, 0)::bigint FROM pg_class
             WHERE oid = to_regclass('messages')) AS rows,
            bool_or(i.indisvalid) AS valid,
            min(i.indexrelid::regclass::text) FILTER (WHERE NOT i.indisvalid) AS broken
        FROM pg_index AS i
        JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
        WHERE i.indrelid = to_regclass('messages')
          AND i.indpred IS NULL
          AND a.attname = 'created_at'
    """,
    reads={},
)

_HIDDEN = Query(name="doctor_row_security", sql=HIDDEN, reads={})

_SHORT = Query(
    name="doctor_short_secrets",
    sql="""
        SELECT count(*) FILTER (WHERE length(webhook_secret) < %(least)s::int) AS short
        FROM unit_whatsapp_connections
        WHERE webhook_secret <> ''
    """,
    reads={"unit_whatsapp_connections": ("webhook_secret",)},
)


async def look_at_database(
    database: Database,
    url: str,
    needs: Mapping[str, Sequence[Query]],
    clock: Callable[[], datetime],
) -> list[Line]:
    """Connect, and test everything that the queries of the checks need.

    Args:
        database: the source that the checks read.
        url: its address, for what can be told from that alone.
        needs: what needs the database (a check, a diagnosis) → its queries.
        clock: this machine's time.
    """
    columns = reader_rights(_all(needs)).select
    asked: list[tuple[Query, dict[str, object]]] = [
        (catalog.SESSION, {}),
        (catalog.NEEDED, catalog.pairs(columns)),
        (catalog.HELD, {}),
        (catalog.SCHEMAS, {}),
        (_HOURLY, {}),
        (catalog.TABLES, {"tables": list(columns)}),
        (_HIDDEN, {"tables": list(columns), "commands": ["r"] * len(columns)}),
        (_SHORT, {"least": MIN_LIVE_SECRET}),
    ]
    planned = [explained(q.name, q.sql) for q in {q.name: q for q in _all(needs)}.values()]
    before = clock()
    found = await database.collect([*asked, *planned])
    here = Span(before=before, after=clock())
    if found.problem is not None:
        return [failed(found.problem.what, found.problem.mend)]
    session = rows(found, catalog.SESSION)
    if not session:
        broken = next((r.problem for r in found.results.values() if r.problem), None)
        return [failed(str(broken), "")]
    role = str(session[0]["role"])
    return [
        _connected(found, session[0], url),
        *_schema(found, session[0], needs, [query for query, _ in planned]),
        *_covered(found),
        _cannot_write(found, session[0]),
        *_session(session[0], role),
        *_index(rows(found, _HOURLY)),
        *_short(rows(found, _SHORT)),
        clock_line("the database's", instant(session[0]["now"]), here),
    ]


def in_plain_text(url: str, setting: str) -> list[Line]:
    """A warning where a URL gives up TLS on the way to another machine.

    Args:
        url: a database's.
        setting: the variable that it comes from.
    """
    target = target_of(url)
    if not target.plain:
        return []
    return [
        warning(
            f"The connection to {target.name} is not encrypted: password and rows cross the network"
            " in plain text.",
            f"Take sslmode=disable out of {setting}, and switch TLS on at the server (ssl = on).",
        )
    ]


def _all(needs: Mapping[str, Sequence[Query]]) -> list[Query]:
    return [query for queries in needs.values() for query in queries]


def _users(needs: Mapping[str, Sequence[Query]]) -> dict[str, list[str]]:
    """Name of a query → what needs it."""
    users: dict[str, list[str]] = {}
    for name, queries in needs.items():
        for query in queries:
            users.setdefault(query.name, []).append(name)
    return users


def _schema(
    found: DatabaseEvidence,
    session: Row,
    needs: Mapping[str, Sequence[Query]],
    planned: Sequence[Query],
) -> list[Line]:
    """What is missing; where nothing is, whether each query fits the types."""
    columns, elsewhere = rows(found, catalog.NEEDED), rows(found, catalog.TABLES)
    lines = needed_columns(columns, elsewhere, session, needs)
    if any(line.status is Status.FAILED for line in lines):
        return lines
    return [*lines, *fit_lines(found, planned, _users(needs))]


def rows(found: DatabaseEvidence, query: Query) -> tuple[Row, ...]:
    """The rows of a query; none where it failed."""
    result = found.results.get(query.name)
    return () if result is None else result.rows


def instant(value: object) -> datetime:
    """A value of a row that is an instant.

    Raises:
        TypeError: it is something else.
    """
    if not isinstance(value, datetime):
        raise TypeError(type(value).__name__)
    return value


def _connected(found: DatabaseEvidence, session: Row, url: str) -> Line:
    target = target_of(url)
    how = "directly or through a session pooler"
    if target.port == TRANSACTION_POOLER_PORT:
        how = "through a transaction pooler (port 6543), so queries are sent one by one"
    return ok(
        f"Connected to {target.name} as {session['role']}, {how}."
        f" PostgreSQL {found.server_version}."
    )


def _covered(found: DatabaseEvidence) -> list[Line]:
    """What is hidden, and whether a standby is in step."""
    hidden = hidden_of(rows(found, _HIDDEN))
    kinds = (
        [entry for entry in hidden if entry.stored],
        [entry for entry in hidden if entry.wholly and not entry.stored],
        [entry for entry in hidden if not entry.wholly and not entry.stored],
    )
    problems = [hidden_problem(entries) for entries in kinds if entries]
    lines = [failed(problem.what, problem.mend) for problem in problems]
    if found.stale is not None:
        lines.append(failed(found.stale.what, found.stale.mend))
    elif found.standby:
        lines.append(ok("It is a standby, and has replayed what it received."))
    return lines


def _cannot_write(found: DatabaseEvidence, session: Row) -> Line:
    role = str(session["role"])
    if session["superuser"]:
        return warning(f"The role {role} is a superuser: it may do anything.", _ROLES)
    rights = catalog.held(rows(found, catalog.HELD))
    tables = [t for t, held in rights.items() if held.insert or held.update or held.removes]
    if tables:
        shown = ", ".join(tables[:5]) + (f" and {len(tables) - 5} more" if tables[5:] else "")
        return warning(f"The role {role} may write to {shown}.", _ROLES)
    schemas = [str(row["name"]) for row in rows(found, catalog.SCHEMAS) if row["creates"]]
    if session["writes"]:
        return warning(f"The role {role} can become a role that may write (SET ROLE).", _ROLES)
    if schemas:
        return warning(
            f"The role {role} may make tables in {', '.join(schemas)}.",
            f"REVOKE CREATE ON SCHEMA {', '.join(schemas)} FROM PUBLIC, {catalog.quoted(role)};"
            " after checking that the application does not count on it.",
        )
    return ok(f"The role {role} may not write anything.")


def _session(session: Row, role: str) -> list[Line]:
    lines: list[Line] = []
    name = catalog.quoted(role)
    if not session["statement_ms"]:
        lines.append(
            warning(
                f"The role {role} has no statement_timeout of its own.",
                _ROLES
                if session["writes"] or session["superuser"]
                else f"ALTER ROLE {name} SET statement_timeout = '15s';",
            )
        )
    if not session["read_only"]:
        # A role that can write may be the application's own, which this would stop.
        lines.append(
            warning(
                f"Sessions of {role} do not begin read-only.",
                _ROLES
                if session["writes"] or session["superuser"]
                else f"ALTER ROLE {name} SET default_transaction_read_only = on;",
            )
        )
    if not session["stats"]:
        lines.append(
            warning(
                f"The role {role} does not see other users' statements, so a diagnosis cannot name"
                " who blocks whom.",
                f"As an administrator: GRANT pg_read_all_stats TO {name};",
            )
        )
    return lines or [ok("Its sessions begin read-only, with a statement timeout.")]


def _index(found: tuple[Row, ...]) -> list[Line]:
    if not found or found[0]["rows"] is None:
        return []
    (row,) = found
    if row["valid"]:
        return [ok("The hourly queries have an index on messages (created_at).")]
    if row["broken"] is not None:
        return [
            warning(
                f"The index {row['broken']} on messages (created_at) is not valid: its creation"
                " broke off.",
                f"REINDEX INDEX CONCURRENTLY {row['broken']};",
            )
        ]
    return [
        warning(
            "The hourly queries read all of messages: there is no index on messages (created_at)"
            f" (about {row['rows']} rows).",
            INDEX,
        )
    ]


def _short(found: tuple[Row, ...]) -> list[Line]:
    count = found[0]["short"] if found else 0
    if not isinstance(count, int) or not count:
        return []
    return [
        warning(
            f"{plural(count, 'webhook secret')} of unit_whatsapp_connections shorter than"
            f" {MIN_LIVE_SECRET} characters cannot be searched in the log.",
            "Give those connections new secrets (golive fix, or gen_random_uuid()::text).",
        )
    ]
