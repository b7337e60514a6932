"""The store, which keeps the bot's own state in the schema golive."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from bot.doctor import catalog
from bot.doctor.clocks import Span, clock_line
from bot.doctor.database import instant, rows
from bot.doctor.model import Line, failed, ok, warning
from checks.engine.check import Query
from checks.engine.model import DatabaseEvidence, Problem, Row
from checks.engine.wording import plural
from checks.sources.database import Database
from checks.sources.database.problems import in_words_of

SETTING: Final = "GOLIVE_STORE_URL"
_ROLES: Final = "Run manifests/roles.sql there as the database's owner, and use golive_store."

_VERSION = Query(
    name="doctor_store_version",
    sql="SELECT coalesce(max(version), 0) AS version FROM golive.migrations",
    reads={},
)


def connected_to_write(session: Row, setting: str) -> list[Line]:
    """To what a connection that has to write leads, and whether it can be written to there.

    Args:
        session: the row of catalog.SESSION.
        setting: the variable that the connection comes from.
    """
    lines = [ok(f"Connected to {session['database']} as {session['role']}.")]
    if session["standby"]:
        lines.append(
            failed("It is a standby and takes no writes.", f"Set {setting} to the primary.")
        )
    return lines


def not_connected(problem: Problem, setting: str) -> Line:
    """Why there is no connection, with the variable that this connection comes from."""
    told = in_words_of(problem, setting)
    return failed(told.what, told.mend)


async def look_at_store(
    database: Database, newest: int, clock: Callable[[], datetime]
) -> list[Line]:
    """Connect, and test that the bot can keep its state there.

    Args:
        database: the store's database.
        newest: the newest version of its tables that this golive knows.
        clock: this machine's time.
    """
    before = clock()
    found = await database.collect(
        [(catalog.SESSION, {}), (catalog.SCHEMAS, {}), (catalog.HELD, {}), (_VERSION, {})]
    )
    here = Span(before=before, after=clock())
    if found.problem is not None:
        return [not_connected(found.problem, SETTING)]
    sessions = rows(found, catalog.SESSION)
    if not sessions:
        return [failed("The store's database did not answer.", "Run golive doctor again.")]
    (session,) = sessions
    role = str(session["role"])
    lines = connected_to_write(session, SETTING)
    lines.append(_schema(found, session, newest))
    lines += _rights(found, role)
    if session["superuser"]:
        lines.append(warning(f"The role {role} is a superuser: it may do anything.", _ROLES))
    lines.append(clock_line("the store's", instant(session["now"]), here))
    return lines


def _schema(found: DatabaseEvidence, session: Row, newest: int) -> Line:
    role = str(session["role"])
    schema = next((row for row in rows(found, catalog.SCHEMAS) if row["name"] == "golive"), None)
    if schema is None:
        if session["creates_schemas"]:
            return ok("The schema golive is not there yet: golive run makes it.")
        return failed(f"There is no schema golive, and {role} may not make it.", _ROLES)
    if not (schema["usable"] and schema["creates"]):
        return failed(
            f"The role {role} may not make tables in the schema golive.",
            f"As its owner: GRANT USAGE, CREATE ON SCHEMA golive TO {catalog.quoted(role)};",
        )
    versions = rows(found, _VERSION)
    version = versions[0]["version"] if versions else 0
    return _version(version if isinstance(version, int) else 0, newest)


def _version(version: int, newest: int) -> Line:
    if version > newest:
        return failed(
            f"The store has version {version} of its tables; this golive knows {newest}.",
            f"Run the newer golive, or give this one another database in {SETTING}.",
        )
    if version == newest:
        return ok(f"The tables are up to date (version {version}).")
    return ok(f"The tables have version {version}; golive run brings them to {newest}.")


def _rights(found: DatabaseEvidence, role: str) -> list[Line]:
    """Whether the role can use the store's tables that are there."""
    tables = {
        table: held
        for table, held in catalog.held(rows(found, catalog.HELD)).items()
        if table.startswith("golive.") and not table.startswith("golive.fix_")
    }
    denied = [t for t, held in tables.items() if not (held.select and held.insert and held.update)]
    if denied:
        return [
            failed(
                f"The role {role} may not use {', '.join(denied)}: another role made"
                f" {'it' if len(denied) == 1 else 'them'}.",
                " ".join(f"ALTER TABLE {t} OWNER TO {catalog.quoted(role)};" for t in denied),
            )
        ]
    return [ok(f"It may use its {plural(len(tables), 'table')}.")] if tables else []
