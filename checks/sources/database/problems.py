"""Every way in which the database can refuse, as a sentence that names the mend.

No sentence contains a password or the URL: at most host:port/database.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict

from checks.engine.check import Query
from checks.engine.masking import harmless, mask
from checks.engine.model import Problem, Row

_SETTING = "GOLIVE_DATABASE_URL (--database)"
TRANSACTION_POOLER_PORT = 6543


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Which database is meant, in words that may be shown.

    secrets: the password, to be cut out of anything that is shown
    valid:   False where the URL could not be parsed at all
    """

    name: str
    host: str = ""
    port: int = 5432
    database: str = ""
    user: str = ""
    secrets: tuple[str, ...] = ()
    valid: bool = True


def target_of(url: str) -> Target:
    """What a connection URL points to."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.Error:
        # The parser's own message quotes the URL and with it the password.
        return Target(name="the database", valid=False)
    host = str(parts.get("host") or parts.get("hostaddr") or "localhost")
    ports = str(parts.get("port") or "5432")
    database = str(parts.get("dbname") or parts.get("user") or "")
    password = str(parts.get("password") or "")
    return Target(
        name=f"{host}/{database}" if host.startswith("/") else f"{host}:{ports}/{database}",
        host=host,
        port=int(ports) if ports.isdigit() else 0,
        database=database,
        user=str(parts.get("user") or ""),
        secrets=(password,) if password else (),
    )


INVALID_URL = Problem(
    what="The database URL is not valid.",
    mend=f"{_SETTING} must look like postgresql://user:password@host:5432/database; "
    "special characters in the password are written %40 for @, %2F for /, %25 for %.",
)

# (what libpq or a pooler says, what it means, the mend); the first that matches is taken.
_REFUSALS: tuple[tuple[str, str, str], ...] = (
    (
        r"failed to resolve host|could not translate host name",
        "The host of {name} is not known.",
        "Check the host in {setting}, and this machine's DNS.",
    ),
    (
        r"password authentication failed|SASL authentication failed|Wrong password"
        r"|no password supplied|SCRAM",
        'The password for user "{user}" was refused by {name}.',
        "Check user and password in {setting}.",
    ),
    (
        r'role "[^"]*" does not exist|Tenant or user not found',
        'The user "{user}" does not exist on {name}.',
        "Check the user in {setting} (a Supabase pooler wants user.project).",
    ),
    (
        r'database "[^"]*" does not exist',
        'The database "{database}" does not exist on {name}.',
        "Check the part after the last / in {setting}.",
    ),
    (
        r"too many (clients|connections)|remaining connection slots|max client(s| connections)"
        r"|MaxClients|no more connections allowed|connection limit",
        "{name} has no free connection: too many are open.",
        "End idle sessions (pg_stat_activity), or use the pooler's URL in {setting}.",
    ),
    (
        r"no pg_hba\.conf entry",
        "{name} does not accept this user from this machine.",
        "Add this machine's address to what the server allows, or add ?sslmode=require.",
    ),
    (
        r"SSL|TLS|certificate",
        "No encrypted connection to {name} could be made.",
        "Check sslmode and sslrootcert in {setting}: verify-full needs the server's root "
        "certificate, and a server without TLS needs sslmode=disable.",
    ),
    (
        r"starting up|shutting down|in recovery mode",
        "{name} is starting or stopping.",
        "Run it again in a minute.",
    ),
    (
        r"Connection refused|No such file or directory",
        "Nothing listens at {name}: the connection was refused.",
        "Check that PostgreSQL runs, and host and port in {setting}.",
    ),
    (
        r"timeout|timed out|couldn't get a connection|Network is unreachable|No route to host",
        "{name} did not answer in time.",
        "Check the network and the firewall between this machine and the database.",
    ),
)


def connection_problem(error: psycopg.Error, target: Target) -> Problem:
    """Why no connection could be had."""
    if not target.valid:
        return INVALID_URL
    text = str(error) or ("timeout" if isinstance(error, errors.ConnectionTimeout) else "")
    words = {
        "name": target.name,
        "user": target.user,
        "database": target.database,
        "setting": _SETTING,
    }
    for pattern, what, mend in _REFUSALS:
        if re.search(pattern, text, re.IGNORECASE):
            return Problem(what=what.format_map(words), mend=mend.format_map(words))
    return Problem(
        what=f"{target.name} could not be reached: {_shown(text, target)}",
        mend=f"Check {_SETTING}.",
    )


def in_words_of(problem: Problem, setting: str) -> Problem:
    """A problem of a connection whose URL comes from another variable than the reader's."""
    what, mend = (
        text.replace(_SETTING, setting).replace("The database URL", f"The URL in {setting}")
        for text in (problem.what, problem.mend)
    )
    return Problem(what=what, mend=mend)


def connection_lost(target: Target) -> Problem:
    """The connection ended while the database was being read."""
    return Problem(
        what=f"The connection to {target.name} was lost while reading.",
        mend="Run it again; if it stays, check the database's own log for restarts.",
    )


def no_answer(target: Target, seconds: float) -> Problem:
    """The database took a connection, and then said nothing for too long."""
    return Problem(
        what=f"{target.name} took the connection but did not answer within {seconds:g} s.",
        mend="Check its load and locks (pg_stat_activity), or use the direct connection "
        f"instead of a pooler in {_SETTING}.",
    )


def not_covered(problem: Problem) -> Problem:
    """What the database shows its reader could not be learned, so that no answer is a basis."""
    return Problem(
        what=f"Whether golive sees all rows could not be learned. {problem.what}",
        mend=problem.mend,
    )


def query_problem(
    error: psycopg.Error,
    query: Query,
    target: Target,
    *,
    role: str,
    seconds: float,
    catalog: Sequence[Row],
) -> Problem:
    """Why one query has no rows.

    Args:
        error: what the server or the driver said.
        query: the query that failed.
        target: the database.
        role: the user whose rights counted.
        seconds: the statement timeout.
        catalog: rows of `CATALOG` about what the query reads; empty where they were not asked for.
    """
    match error:
        case errors.QueryCanceled():
            return Problem(
                what=f"The query {query.name} did not finish within {seconds:g} s.",
                mend=_faster(query.reads),
            )
        case errors.LockNotAvailable():
            return Problem(
                what=f"The query {query.name} waited for a lock that another session holds on "
                f"{_listed(query.reads)}.",
                mend="Find it in pg_stat_activity (a migration, a long ALTER TABLE) and let it "
                "finish.",
            )
        case _ if (known := _lacking(catalog, role)) is not None:
            return known
        case _:
            text = error.diag.message_primary or str(error)
            return Problem(
                what=f"The query {query.name} failed: {_shown(text, target)}",
                mend="Run it again; if it stays, run golive doctor.",
            )


def asks_catalog(error: psycopg.Error) -> bool:
    """Whether the catalog can tell more about this error, in any language of the server."""
    return isinstance(
        error,
        errors.UndefinedTable
        | errors.UndefinedColumn
        | errors.InvalidSchemaName
        | errors.InsufficientPrivilege,
    )


def _lacking(catalog: Sequence[Row], role: str) -> Problem | None:
    """What the catalog says is missing: tables first, then columns, then rights."""
    tables = _unique(str(row["tab"]) for row in catalog if not row["table_exists"])
    if tables:
        names = ", ".join(tables)
        return Problem(
            what=f"{_plural('relation', tables)} {names} {_do(tables)} not exist: this is not the "
            "application's database, or it was not migrated.",
            mend="Run the application's migrations, or check the database name in "
            f"{_SETTING}; if the tables are there, GRANT USAGE ON their SCHEMA TO {role}.",
        )
    columns = _unique(f"{row['tab']}.{row['col']}" for row in catalog if not row["column_exists"])
    if columns:
        return Problem(
            what=f"{_plural('column', columns)} {', '.join(columns)} {_do(columns)} not exist: "
            "the database is older than the application.",
            mend="Run the application's migrations.",
        )
    denied = _unique(str(row["tab"]) for row in catalog if not row["granted"])
    if denied:
        names = ", ".join(denied)
        return Problem(
            what=f"The role {role} may not read {names}.",
            mend=f"As the tables' owner: GRANT SELECT ON {names} TO {role};",
        )
    return None


def _unique(words: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(words))


def _plural(noun: str, of: Sequence[str]) -> str:
    return noun if len(of) == 1 else f"{noun}s"


def _do(of: Sequence[str]) -> str:
    return "does" if len(of) == 1 else "do"


def _listed(reads: Mapping[str, tuple[str, ...]]) -> str:
    return ", ".join(reads)


def _faster(reads: Mapping[str, tuple[str, ...]]) -> str:
    if "created_at" in reads.get("messages", ()):
        return (
            "An index helps: CREATE INDEX CONCURRENTLY messages_created_at "
            "ON messages (created_at);"
        )
    return "Look for long transactions and load in pg_stat_activity, then run it again."


def _shown(text: str, target: Target) -> str:
    first = text.strip().splitlines()[0] if text.strip() else "no reason was given"
    line = harmless(mask(first, target.secrets), 200)
    return line if line.endswith((".", "!", "?")) else f"{line}."
