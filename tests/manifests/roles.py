"""roles.sql on a real server: run it, give each role a login, and ask what it may do."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import LiteralString, cast
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

import checks
from checks.engine.check import Query

ROLES_SQL = cast(
    "LiteralString",
    (Path(__file__).parents[2] / "manifests" / "roles.sql").read_text(encoding="utf-8"),
)
PASSWORD = "of-the-tests-only"

RIGHTS: LiteralString = """
    SELECT
        CASE n.nspname WHEN 'public' THEN c.relname ELSE n.nspname || '.' || c.relname END AS tab,
        a.attname AS col
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'p', 'v')
      AND n.nspname IN ('public', 'golive')
      AND has_column_privilege(%(role)s, c.oid, a.attnum, %(right)s)
    ORDER BY c.relname, a.attnum
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleUrls:
    """One database, by its owner and by each role."""

    owner: str
    reader: str
    fixer: str
    store: str


def run_script(url: str) -> list[str]:
    """Run roles.sql; what the server warned of."""
    said: list[str] = []
    with psycopg.connect(url, autocommit=True) as connection:
        connection.add_notice_handler(lambda note: said.append(str(note.message_primary)))
        connection.execute(ROLES_SQL)
    return said


def install(url: str, *, script: bool = True) -> RoleUrls:
    """Run roles.sql, unless it was, and let each role log in."""
    if script:
        run_script(url)
    names = ("golive_reader", "golive_fixer", "golive_store")
    with psycopg.connect(url, autocommit=True) as connection:
        for name in names:
            connection.execute(
                sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(
                    sql.Identifier(name), sql.Literal(PASSWORD)
                )
            )
    reader, fixer, store = (as_role(url, name) for name in names)
    return RoleUrls(owner=url, reader=reader, fixer=fixer, store=store)


def as_role(url: str, role: str, password: str = PASSWORD) -> str:
    """The same database, by another role."""
    parts = urlsplit(url)
    return f"postgresql://{role}:{password}@{parts.path}?{parts.query}"


def rights(url: str, role: str, right: str) -> dict[str, set[str]]:
    """Table → columns on which a role has a right, in public and golive."""
    found: dict[str, set[str]] = {}
    with psycopg.connect(url) as connection:
        for table, column in connection.execute(RIGHTS, {"role": role, "right": right}):
            found.setdefault(str(table), set()).add(str(column))
    return found


def columns(url: str) -> Mapping[str, set[str]]:
    """Every table of public and golive with its columns."""
    return rights(url, "golive", "SELECT")


def all_queries() -> Iterator[Query]:
    """Every Query that a module of `checks` holds, wherever it stands."""
    for info in pkgutil.walk_packages(checks.__path__, "checks."):
        for value in vars(import_module(info.name)).values():
            if isinstance(value, Query):
                yield value
