"""Every way in which the application's database can refuse a fix, as a sentence with its mend."""

from __future__ import annotations

from typing import Final

import psycopg
from psycopg import errors
from psycopg.pq import ConnStatus

from bot.remediation.values import FixUnavailable
from checks.engine.masking import harmless, mask
from checks.engine.model import Problem
from checks.sources.database import problems
from checks.sources.database.url import Target

SETTING: Final = "GOLIVE_REMEDIATION_DATABASE_URL"
NOTHING: Final = "Nothing was written."

_LOCKED: Final = Problem(
    what="Another session holds these rows for longer than a fix may wait. Nothing was written.",
    mend="`/golive diagnose 4` shows who blocks whom; then try again.",
)
_SLOW: Final = Problem(
    what="The statement took longer than it may. Nothing was written.",
    mend="Look at the load of the database, then try again.",
)
_NOT_PREPARED: Final = Problem(
    what="The database is not prepared for fixes: tables or rights are missing.",
    mend="Run manifests/roles.sql as the owner of the tables; `golive doctor` names what lacks.",
)
_STANDBY: Final = Problem(
    what="The database is a standby and takes no writes. Nothing was written.",
    mend=f"Let {SETTING} name the primary.",
)
_OTHER_TYPES: Final = Problem(
    what="The columns have other types than fixes know: ids must be uuid, and an enum of statuses"
    " must know what a fix sets. Nothing was written.",
    mend="`golive doctor` names the statement and the type.",
)
_IN_THE_WAY: Final = Problem(
    what="Another fix of the same thing is under way. Nothing was written.",
    mend="Wait for its outcome in the channel.",
)


def no_connection(error: psycopg.Error, target: Target) -> FixUnavailable:
    """Why no connection could be had."""
    problem = problems.in_words_of(problems.connection_problem(error, target), SETTING)
    said = Problem(what=f"{problem.what} {NOTHING}", mend=problem.mend)
    return FixUnavailable(said, retry=target.valid)


def hung(target: Target) -> FixUnavailable:
    """The database said nothing for too long."""
    what = f"{target.name} does not answer. Whether anything was written is looked up again."
    return FixUnavailable(Problem(what=what, mend="Try again in a minute."), retry=True)


def refused(
    error: psycopg.Error, connection: psycopg.AsyncConnection[object], target: Target
) -> FixUnavailable:
    """Why an operation failed on a connection that was there."""
    if connection.pgconn.status != ConnStatus.OK:
        what = f"The connection to {target.name} was lost."
        return FixUnavailable(Problem(what=what, mend="Try again in a minute."), retry=True)
    known = _known(error)
    if known is not None:
        return known
    first = (error.diag.message_primary or str(error) or "no reason was given").splitlines()[0]
    said = harmless(mask(first, target.secrets), 200)
    problem = Problem(what=f"{target.name} refused: {said} {NOTHING}", mend="Run golive doctor.")
    return FixUnavailable(problem, retry=isinstance(error, psycopg.OperationalError))


_KNOWN: Final[tuple[tuple[tuple[type[psycopg.Error], ...], Problem, bool], ...]] = (
    ((errors.LockNotAvailable, errors.DeadlockDetected), _LOCKED, True),
    ((errors.QueryCanceled,), _SLOW, True),
    ((errors.UniqueViolation,), _IN_THE_WAY, True),
    (
        (errors.InsufficientPrivilege, errors.UndefinedTable, errors.InvalidSchemaName),
        _NOT_PREPARED,
        False,
    ),
    ((errors.ReadOnlySqlTransaction,), _STANDBY, False),
    (
        (
            *(errors.UndefinedFunction, errors.DatatypeMismatch),
            *(errors.CannotCoerce, errors.InvalidTextRepresentation),
        ),
        _OTHER_TYPES,
        False,
    ),
)
"""What the server says, what it means, and whether another try may help."""


def _known(error: psycopg.Error) -> FixUnavailable | None:
    # A standby refuses a transaction that is to write as a feature that it lacks.
    if isinstance(error, errors.FeatureNotSupported) and "recovery" in str(error):
        return FixUnavailable(_STANDBY, retry=False)
    for kinds, problem, retry in _KNOWN:
        if isinstance(error, kinds):
            return FixUnavailable(problem, retry=retry)
    return None
