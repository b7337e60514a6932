"""The demo's two databases: the application's with golive's roles in it, and the bot's own."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from bot.demo.postgres import EmbeddedPostgres, crm_schema
from bot.shipped import shipped_sql
from checks.engine.runbook import shipped_runbook

_ROLES = ("golive_reader", "golive_fixer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Databases:
    """Connection strings: the application's owner, golive's two roles, and the bot's store."""

    owner: str = field(repr=False)
    reader: str = field(repr=False)
    fixer: str = field(repr=False)
    store: str = field(repr=False)


def make_databases(server: EmbeddedPostgres) -> Databases:
    """Fresh databases, with the roles that manifests/roles.sql makes."""
    owner = server.create_database(script=crm_schema())
    password = secrets.token_hex(16)
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute(shipped_sql(shipped_runbook().with_name("roles.sql")))
        for role in _ROLES:
            connection.execute(
                sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(
                    sql.Identifier(role), sql.Literal(password)
                )
            )
    reader, fixer = (_as_role(owner, role, password) for role in _ROLES)
    return Databases(owner=owner, reader=reader, fixer=fixer, store=server.create_database())


def _as_role(url: str, role: str, password: str) -> str:
    parts = urlsplit(url)
    return f"postgresql://{role}:{password}@{parts.path}?{parts.query}"
