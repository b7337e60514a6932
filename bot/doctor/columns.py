"""The columns that the checks read: each that is missing or denied, with the statement to run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from bot.doctor import catalog
from bot.doctor.model import Line, failed, ok
from checks.engine.check import Query
from checks.engine.model import Row
from checks.sources.database.problems import required


def needed_columns(
    found: tuple[Row, ...],
    elsewhere: tuple[Row, ...],
    session: Row,
    needs: Mapping[str, Sequence[Query]],
) -> list[Line]:
    """A line for each table with something missing, or one for all.

    Args:
        found: rows of NEEDED.
        elsewhere: rows of TABLES.
        session: the row of SESSION.
        needs: what needs the database → its queries.
    """
    found = required(found, *(query for queries in needs.values() for query in queries))
    lacking = catalog.missing(found)
    gone = {entry.table for entry in lacking if not entry.exists}
    places = {str(row["tab"]): row for row in elsewhere if row["tab"] in gone}
    if places:
        return [
            *_places(places, session),
            *(_lacking(e, str(session["role"]), needs) for e in lacking if e.table not in places),
        ]
    if not lacking:
        tables = len({str(row["tab"]) for row in found})
        return [ok(f"All {len(found)} columns of {tables} tables that the checks read are there.")]
    return [_lacking(entry, str(session["role"]), needs) for entry in lacking]


def _places(places: Mapping[str, Row], session: Row) -> list[Line]:
    """A line for each schema that holds tables which are needed and not found."""
    role, path = str(session["role"]), str(session["search_path"])
    name, database = catalog.quoted(role), catalog.quoted(str(session["database"]))
    lines: list[Line] = []
    for schema in dict.fromkeys(str(row["schema"]) for row in places.values()):
        mine = {table: row for table, row in places.items() if row["schema"] == schema}
        mends: list[str] = []
        if not all(row["usable"] for row in mine.values()):
            mends.append(f"GRANT USAGE ON SCHEMA {catalog.quoted(schema)} TO {name};")
        if schema not in re.findall(r'[^\s,"]+', path):
            mends.append(
                f"ALTER ROLE {name} IN DATABASE {database} SET search_path ="
                f" {catalog.quoted(schema)};"
            )
            what = (
                f"{', '.join(mine)} stand{'s' if len(mine) == 1 else ''} in the schema {schema},"
                f" which the search_path of {role} ({path}) does not name."
            )
        else:
            what = f"The role {role} may not use the schema {schema}, so it sees no table."
        lines.append(failed(what, f"As its owner: {' '.join(mends)}"))
    return lines


def _lacking(entry: catalog.Missing, role: str, needs: Mapping[str, Sequence[Query]]) -> Line:
    if not entry.exists:
        return failed(
            f"The table {entry.table} does not exist. {_users(entry.table, None, needs)}",
            "Check the database in GOLIVE_DATABASE_URL, or run the application's migrations.",
        )
    if entry.columns:
        names = ", ".join(f"{entry.table}.{column}" for column in entry.columns)
        return failed(
            f"Missing: {names}. {_users(entry.table, entry.columns, needs)}",
            "Update PostgreSQL: this server is too old for it."
            if entry.table.startswith("pg_")
            else "Run the application's migrations: the database is older than the application.",
        )
    statement = catalog.grant("SELECT", entry.denied, entry.table, role)
    return failed(
        f"The role {role} may not read {entry.table} ({', '.join(entry.denied)})."
        f" {_users(entry.table, entry.denied, needs)}",
        f"As the table's owner: {statement}",
    )


def _users(table: str, columns: Sequence[str] | None, needs: Mapping[str, Sequence[Query]]) -> str:
    """Which checks cannot look without these columns, or without the table."""
    names = [
        name
        for name, queries in needs.items()
        if any(
            table in query.reads and (columns is None or set(columns) & _read(query, table))
            for query in queries
        )
    ]
    return f"Without it: {', '.join(names) or 'live secrets in the log'}."


def _read(query: Query, table: str) -> set[str]:
    return {*query.reads[table], *query.optional.get(table, ())}
