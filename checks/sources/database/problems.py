"""Every way in which the database can refuse, as a sentence that names the mend.

No sentence contains a password or the URL: at most host:port/database.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import psycopg
from psycopg import errors

from checks.engine.check import Query
from checks.engine.masking import harmless, mask
from checks.engine.model import Problem, Row
from checks.sources.database.url import SETTING, Target

TRANSACTION_POOLER_PORT = 6543


# (what libpq or a pooler says, what it means, the mend); the first that matches is taken.
_REFUSALS: tuple[tuple[str, str, str], ...] = (
    (
        r"server does not support SSL",
        "No encrypted connection to {name} could be made: that server does not speak TLS.",
        "Switch TLS on there (ssl = on in postgresql.conf). Only where nobody can listen between,"
        " write sslmode=disable in {setting}: password and rows then go in plain text.",
    ),
    (
        r"root certificate file .* does not exist|could not (read|load) root certificate",
        "The certificate of {name} cannot be checked: the CA's own certificate is not there.",
        "Save the CA's certificate where golive runs (Supabase: Database settings, SSL), and name"
        " the file in {setting}: sslrootcert=/path/ca.crt; sslrootcert=system for a public CA.",
    ),
    (
        r"certificate verify failed|self[- ]signed certificate|unable to get local issuer",
        "The certificate of {name} is not trusted: it has expired, or another CA signed it.",
        "Check that sslrootcert in {setting} is the CA of that server, and renew its certificate"
        " if it has expired. If neither is so, find out who answers there.",
    ),
    (
        r"server certificate for .* does not match host name",
        "The certificate of {name} is for another host name.",
        "In {setting} write the host as the certificate names it, or give the server a certificate"
        " for this name.",
    ),
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
        "Add this machine's address to what the server allows; if {setting} says sslmode=disable,"
        " take that out, for some servers take encrypted connections alone.",
    ),
    (
        r"SSL|TLS|certificate",
        "No encrypted connection to {name} could be made.",
        "Check sslmode and sslrootcert in {setting}: verify-full needs the server's root "
        "certificate.",
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
    if target.problem is not None:
        return target.problem
    text = str(error) or ("timeout" if isinstance(error, errors.ConnectionTimeout) else "")
    words = {
        "name": target.name,
        "user": target.user,
        "database": target.database,
        "setting": SETTING,
    }
    for pattern, what, mend in _REFUSALS:
        if re.search(pattern, text, re.IGNORECASE):
            return Problem(what=what.format_map(words), mend=mend.format_map(words))
    return Problem(
        what=f"{target.name} could not be reached: {_shown(text, target)}",
        mend=f"Check {SETTING}.",
    )


def in_words_of(problem: Problem, setting: str) -> Problem:
    """A problem of a connection whose URL comes from another variable than the reader's."""
    what, mend = (
        text.replace(SETTING, setting).replace("The database URL", f"The URL in {setting}")
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
        f"instead of a pooler in {SETTING}.",
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
        case _ if (known := _lacking(required(catalog, query), role)) is not None:
            return known
        case _:
            text = error.diag.message_primary or str(error)
            return Problem(
                what=f"The query {query.name} failed: {_shown(text, target)}",
                mend="Run it again; if it stays, run golive doctor.",
            )


def required(catalog: Sequence[Row], *queries: Query) -> tuple[Row, ...]:
    """Rows of `CATALOG` without the columns that queries only read where they exist."""
    optional = {
        (table, column)
        for query in queries
        for table, columns in query.optional.items()
        for column in columns
    }
    return tuple(
        row for row in catalog if row["column_exists"] or (row["tab"], row["col"]) not in optional
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
            f"{SETTING}; if the tables are there, GRANT USAGE ON their SCHEMA TO {role}.",
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
