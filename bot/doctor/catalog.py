"""What PostgreSQL says about a session and its rights, as read-only queries of the usual source."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from bot.doctor.rights import Columns
from checks.engine.check import Query
from checks.engine.model import Row
from checks.sources.database.snapshot import CATALOG

SESSION: Final = Query(
    name="doctor_session",
    # reset_val, because the source sets its own limits for the transaction. `writes` holds also
    # where the role can only become another one that may (SET ROLE).
    sql=r"""
        SELECT
            current_user::text AS role,
            current_database()::text AS database,
            clock_timestamp() AS now,
            pg_is_in_recovery() AS standby,
            (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser,
            pg_has_role('pg_read_all_stats', 'USAGE') AS stats,
            (
                SELECT reset_val FROM pg_settings WHERE name = 'search_path'
            ) AS search_path,
            EXISTS (
                SELECT FROM pg_class AS c
                JOIN pg_namespace AS n ON n.oid = c.relnamespace
                CROSS JOIN pg_roles AS r
                WHERE c.relkind IN ('r', 'p', 'v', 'f')
                  AND n.nspname NOT LIKE 'pg\_%%'
                  AND n.nspname <> 'information_schema'
                  AND pg_has_role(r.oid, 'MEMBER')
                  AND (has_any_column_privilege(r.oid, c.oid, 'INSERT, UPDATE')
                       OR has_table_privilege(r.oid, c.oid, 'DELETE, TRUNCATE'))
            ) AS writes,
            (SELECT reset_val::bigint FROM pg_settings WHERE name = 'statement_timeout')
                AS statement_ms,
            (SELECT reset_val = 'on' FROM pg_settings
             WHERE name = 'default_transaction_read_only') AS read_only,
            has_database_privilege(current_database(), 'CREATE') AS creates_schemas
    """,
    reads={},
)

HELD: Final = Query(
    name="doctor_rights",
    sql="""
        SELECT
            CASE WHEN pg_table_is_visible(c.oid) AND n.nspname <> 'golive' THEN ''
                ELSE n.nspname || '.' END || c.relname AS tab,
            coalesce(string_agg(a.attname, ',' ORDER BY a.attnum)
                FILTER (WHERE has_column_privilege(c.oid, a.attnum, 'SELECT')), '') AS selects,
            coalesce(string_agg(a.attname, ',' ORDER BY a.attnum)
                FILTER (WHERE has_column_privilege(c.oid, a.attnum, 'INSERT')), '') AS inserts,
            coalesce(string_agg(a.attname, ',' ORDER BY a.attnum)
                FILTER (WHERE has_column_privilege(c.oid, a.attnum, 'UPDATE')), '') AS updates,
            has_table_privilege(c.oid, 'DELETE') OR has_table_privilege(c.oid, 'TRUNCATE')
                AS removes
        FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relkind IN ('r', 'p')
          AND n.nspname NOT LIKE 'pg\\_%%'
          AND n.nspname <> 'information_schema'
          AND has_schema_privilege(n.oid, 'USAGE')
        GROUP BY n.nspname, c.relname, c.oid
        ORDER BY n.nspname, c.relname
    """,
    reads={},
)

SCHEMAS: Final = Query(
    name="doctor_schemas",
    sql="""
        SELECT
            nspname::text AS name,
            has_schema_privilege(oid, 'USAGE') AS usable,
            has_schema_privilege(oid, 'CREATE') AS creates
        FROM pg_namespace
        WHERE nspname NOT LIKE 'pg\\_%%' AND nspname <> 'information_schema'
        ORDER BY nspname
    """,
    reads={},
)

TABLES: Final = Query(
    name="doctor_tables",
    sql="""
        SELECT c.relname::text AS tab, n.nspname::text AS schema,
            has_schema_privilege(n.oid, 'USAGE') AS usable
        FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.relname = ANY (%(tables)s::text[]) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
        ORDER BY n.nspname, c.relname
    """,
    reads={},
)
"""In which schemas there are tables by these names, whether or not they can be used."""

NEEDED: Final = Query(name="doctor_needed", sql=CATALOG, reads={})
"""Binds `tables` and `columns`, a pair for each needed column."""

PLACE: Final = Query(
    name="doctor_place",
    # The same on a replica, and another on any other server.
    sql="""
        SELECT (SELECT system_identifier FROM pg_control_system())::text || '/' || oid AS place
        FROM pg_database
        WHERE datname = current_database()
    """,
    reads={},
)
"""Which database of which server this is; not every provider tells."""

_SIMPLE: Final = re.compile(r"[a-z_][a-z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The rights that a role has on one table."""

    select: frozenset[str] = frozenset()
    insert: frozenset[str] = frozenset()
    update: frozenset[str] = frozenset()
    removes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """What stands between a role and the columns of one table that it needs.

    columns: that do not exist; denied: that exist and may not be read
    """

    table: str
    exists: bool
    columns: tuple[str, ...] = ()
    denied: tuple[str, ...] = field(default=())


def held(rows: tuple[Row, ...]) -> Mapping[str, Held]:
    """Table → rights, from rows of HELD."""
    return {
        str(row["tab"]): Held(
            select=_names(row["selects"]),
            insert=_names(row["inserts"]),
            update=_names(row["updates"]),
            removes=bool(row["removes"]),
        )
        for row in rows
    }


def pairs(columns: Columns) -> dict[str, object]:
    """The parameters of NEEDED."""
    found = [(table, column) for table, names in columns.items() for column in names]
    return {"tables": [table for table, _ in found], "columns": [column for _, column in found]}


def missing(rows: tuple[Row, ...]) -> tuple[Missing, ...]:
    """What is missing, a value for each table, from rows of NEEDED."""
    by_table: dict[str, list[Row]] = {}
    for row in rows:
        by_table.setdefault(str(row["tab"]), []).append(row)
    out = (
        Missing(
            table=table,
            exists=all(bool(row["table_exists"]) for row in found),
            columns=tuple(str(row["col"]) for row in found if not row["column_exists"]),
            denied=tuple(
                str(row["col"]) for row in found if row["column_exists"] and not row["granted"]
            ),
        )
        for table, found in by_table.items()
    )
    return tuple(entry for entry in out if not entry.exists or entry.columns or entry.denied)


def grant(right: str, columns: tuple[str, ...], table: str, role: str) -> str:
    """The statement that gives a right."""
    some = f" ({', '.join(columns)})" if columns else ""
    return f"GRANT {right}{some} ON {table} TO {quoted(role)};"


def quoted(name: str) -> str:
    """A name as SQL writes it."""
    return name if _SIMPLE.fullmatch(name) else '"{}"'.format(name.replace('"', '""'))


def _names(value: object) -> frozenset[str]:
    return frozenset(str(value).split(",")) if value else frozenset()
