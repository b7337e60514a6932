"""What golive keeps in a database, heard before the database is dropped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import LiteralString

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.support.secrecy.heard import HEARD, hear
from tests.support.secrecy.planted import Kind, plant_found

# A store's keys are no text. The before-images are heard too: no column of theirs holds a secret.
_TABLES: LiteralString = """
    SELECT relname FROM pg_class
    WHERE relnamespace = to_regnamespace('golive') AND relkind = 'r' AND relname <> 'keys'
"""
_FILES: LiteralString = "SELECT content FROM golive.post_files WHERE NOT picture"
_HAS: LiteralString = "SELECT to_regclass(%s) IS NOT NULL"
# As JSON: some tests take a column away.
_SECRETS: LiteralString = """
    SELECT DISTINCT row ->> 'webhook_secret', row -> 'provider_config' ->> 'apiKey',
        row ->> 'access_token'
    FROM (SELECT to_jsonb(c) AS row FROM unit_whatsapp_connections AS c) AS connections
"""


def hear_database(url: str) -> None:
    """Hear every table of the schema golive, and learn the secrets of the application's rows.

    Args:
        url: for the owner; a database that is not there any more says nothing.
    """
    try:
        connection = psycopg.connect(url, autocommit=True)
    except psycopg.OperationalError:
        return
    with connection:
        connection.execute("SET statement_timeout = '20s'")
        tables = [str(name) for (name,) in connection.execute(_TABLES)]
        for table, kept in connection.execute(_all_rows(tables)) if tables else ():
            hear(f"golive.{table}", str(kept))
        if "post_files" in tables:
            for (content,) in connection.execute(_FILES):
                hear("golive.post_files", bytes(content).decode("utf-8", "replace"))
        if _has(connection, "public.unit_whatsapp_connections"):
            for webhook, key, token in connection.execute(_SECRETS):
                plant_found(Kind.WEBHOOK, [webhook])
                plant_found(Kind.KEY, [key])
                plant_found(Kind.TOKEN, [token])


def hear_databases(url: str) -> None:
    """`hear_database` of every database that is left on a server.

    Args:
        url: of any of its databases, for the server's owner.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        names = [
            str(name)
            for (name,) in connection.execute(
                "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate"
            )
        ]
    HEARD.about = "a database that was there to the end"
    for name in names:
        hear_database(make_conninfo(url, dbname=name))


def _all_rows(tables: Sequence[str]) -> sql.Composed:
    """Each table that has rows, with all of them as text."""
    one = sql.SQL(
        "SELECT {name}, string_agg(t::text, E'\\n') FROM golive.{table} AS t HAVING count(*) > 0"
    )
    return sql.SQL(" UNION ALL ").join(
        one.format(name=sql.Literal(table), table=sql.Identifier(table)) for table in tables
    )


def _has(connection: psycopg.Connection[tuple[object, ...]], table: str) -> bool:
    row = connection.execute(_HAS, [table]).fetchone()
    return row is not None and bool(row[0])
