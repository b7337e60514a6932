"""`golive audit verify`: whether the audit of fixes is whole."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Final

import typer

from bot.arguments import UsageError
from bot.cli.configuration import environment
from bot.cli.ending import Finished, wait
from bot.cli.output import say
from bot.remediation import audit
from bot.remediation.audit import Checked, Head
from bot.remediation.database import FixDatabase
from bot.remediation.values import FixUnavailable
from bot.settings import Settings
from checks.engine.wording import plural

_HEAD: Final = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")
_LOCK: Final = timedelta(seconds=3)
_LONG: Final = timedelta(minutes=2)


def verify(
    head: Annotated[
        str | None,
        typer.Option(metavar="NUMBER:DIGEST", help="As a final review posted it."),
    ] = None,
) -> None:
    """Find an entry that was changed, removed or inserted.

    Exit code: 0 the audit is whole, 1 it is not, 64 it cannot be looked at.
    """
    known = _head_of(head)
    checked = wait(_verified(environment(), known))
    say(_sentence(checked))
    raise Finished(0 if checked.whole else 1)


def _head_of(text: str | None) -> Head | None:
    """A digest as final reviews post it: the entry's number, a colon, its hash.

    Raises:
        UsageError: it is none.
    """
    if text is None:
        return None
    found = _HEAD.fullmatch(text.strip())
    if found is None:
        raise UsageError("--head takes what a final review posts: NUMBER:DIGEST.")
    return Head(seq=int(found[1]), hash=found[2])


async def _verified(settings: Settings, known: Head | None) -> Checked:
    """Walk the chain.

    Raises:
        UsageError: there is no database to look at, or it does not answer.
    """
    url = settings.remediation_database_url
    if url is None:
        raise UsageError("GOLIVE_REMEDIATION_DATABASE_URL is not set: the audit is there.")
    database = FixDatabase(url.get_secret_value(), lock=_LOCK, statement=_LONG)
    try:
        return await audit.verify(database, known)
    except FixUnavailable as trouble:
        raise UsageError(str(trouble.problem)) from trouble
    finally:
        await database.close()


def _sentence(checked: Checked) -> str:
    """What became of the walk."""
    if checked.broken_at is not None:
        return (
            f"The audit is broken at entry {checked.broken_at}: it, or the one before, was changed,"
            " removed or inserted."
        )
    if checked.agrees is False:
        return (
            "The audit fits together, but not with the digest given: entries were cut off or"
            " written anew."
        )
    also = ", and the digest given is in it" if checked.agrees else ""
    entries = plural(checked.entries, "entry", "entries")
    return f"The audit is whole: {entries}, ending at {checked.head}{also}."
