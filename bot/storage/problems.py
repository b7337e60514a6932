"""Every way in which the store can refuse, as a sentence with the mend, and whether to try again.

No sentence contains a password or the URL: at most host:port/database.
"""

from __future__ import annotations

import re
from typing import Final, TypeAlias

import psycopg
from psycopg import errors
from psycopg.pq import ConnStatus

from bot.storage.values import StoreUnavailable
from checks.engine.masking import harmless, mask
from checks.engine.model import Problem
from checks.sources.database import problems
from checks.sources.database.url import Target

SETTING: Final = "GOLIVE_STORE_URL"

_LASTING: Final = re.compile(
    r"password|authentication|does not exist|not found|pg_hba|certificate|invalid", re.IGNORECASE
)
"""What nobody but a person mends, in the words of a refused connection."""

_Kinds: TypeAlias = tuple[type[psycopg.Error], ...]

_REFUSALS: Final[tuple[tuple[_Kinds, bool, str, str], ...]] = (
    (
        (errors.UndefinedTable, errors.InvalidSchemaName),
        False,
        "The tables of the store are not in {name}.",
        "It was replaced or restored: restart golive, which makes them.",
    ),
    (
        (errors.UndefinedColumn, errors.UndefinedFunction),
        False,
        "The tables of the store in {name} are of another version.",
        "Run the golive that made them, or restart golive, which brings them up to date.",
    ),
    (
        (errors.ForeignKeyViolation,),
        False,
        "The watch is not in the store at {name}.",
        "It was replaced or restored: start the watch again.",
    ),
    (
        (errors.InsufficientPrivilege,),
        False,
        'The user "{user}" may not do that in {name}: {said}',
        "Run manifests/roles.sql there as the database's owner, and name its golive_store in "
        "{setting}; or give the user rights in the schema and the store's tables: "
        "GRANT USAGE, CREATE ON SCHEMA golive TO {user};",
    ),
    (
        (errors.ReadOnlySqlTransaction,),
        True,
        "{name} accepts no writes at the moment.",
        "Check that {setting} names the primary, and that its disk is not full.",
    ),
    (
        (errors.InsufficientResources,),
        True,
        "{name} is short of resources: {said}",
        "Free disk, memory or connections of the database.",
    ),
    (
        (errors.QueryCanceled, errors.LockNotAvailable),
        True,
        "{name} did not do it within {seconds:g} s.",
        "Check its load and locks (pg_stat_activity).",
    ),
    (
        (errors.DeadlockDetected, errors.SerializationFailure),
        True,
        "Two sessions were in each other's way in {name}.",
        "Nothing needs to be done: it is tried again.",
    ),
)
"""(what the server says, whether a retry can help, what it means, the mend); first match."""


def no_connection(error: psycopg.Error, target: Target) -> StoreUnavailable:
    """Why no connection could be had."""
    told = problems.in_words_of(problems.connection_problem(error, target), SETTING)
    return StoreUnavailable(told, retry=target.valid and not _LASTING.search(str(error)))


def no_answer(target: Target, seconds: float) -> StoreUnavailable:
    """The database took a connection, and then said nothing for too long."""
    told = problems.in_words_of(problems.no_answer(target, seconds), SETTING)
    return StoreUnavailable(told, retry=True)


def refused(
    error: psycopg.Error,
    connection: psycopg.AsyncConnection[object],
    target: Target,
    seconds: float,
) -> StoreUnavailable:
    """Why an operation failed on a connection that was there."""
    if connection.pgconn.status != ConnStatus.OK:
        lost = f"The connection to {target.name} was lost."
        return StoreUnavailable(
            Problem(what=lost, mend="If it stays, check the database's own log for restarts."),
            retry=True,
        )
    said = _said(error, target)
    words = {"name": target.name, "user": target.user, "setting": SETTING, "said": said}
    for kinds, retry, what, mend in _REFUSALS:
        if isinstance(error, kinds) or (
            # A class of SQLSTATEs has no exception of its own.
            errors.InsufficientResources in kinds and str(error.sqlstate).startswith("53")
        ):
            return StoreUnavailable(
                Problem(what=what.format(**words, seconds=seconds), mend=mend.format(**words)),
                retry=retry,
            )
    return StoreUnavailable(
        Problem(what=f"{target.name} refused: {said}", mend="Run golive doctor."),
        retry=isinstance(error, psycopg.OperationalError),
    )


def not_opened() -> StoreUnavailable:
    """Somebody asks before `open()` or after `close()`."""
    return StoreUnavailable(
        Problem(what="The store is not open.", mend="Open it first."), retry=False
    )


def unreadable(why: str) -> StoreUnavailable:
    """What is stored cannot be understood by this version."""
    return StoreUnavailable(
        Problem(what=f"What is stored cannot be read. {why}", mend="Run the newest golive."),
        retry=False,
    )


def newer(found: int, known: int) -> StoreUnavailable:
    """A newer golive has changed the tables."""
    return StoreUnavailable(
        Problem(
            what=f"The store has version {found} of its tables; this golive knows {known}.",
            mend=f"Run the newer golive, or give this one another database in {SETTING}.",
        ),
        retry=False,
    )


def no_schema(target: Target) -> StoreUnavailable:
    """The schema is missing, and this user may not make it."""
    return StoreUnavailable(
        Problem(
            what=f'"{target.user}" may not make or use the schema golive in {target.name}.',
            mend=f"Run manifests/roles.sql there as the database's owner, and name its "
            f"golive_store in {SETTING}; or give this user what it needs: CREATE SCHEMA IF NOT "
            f"EXISTS golive; GRANT USAGE, CREATE ON SCHEMA golive TO {target.user};",
        ),
        retry=False,
    )


def _said(error: psycopg.Error, target: Target) -> str:
    lines = (error.diag.message_primary or str(error) or "no reason was given").splitlines()
    line = harmless(mask(lines[0], target.secrets), 200)
    return line if line.endswith((".", "!", "?")) else f"{line}."
