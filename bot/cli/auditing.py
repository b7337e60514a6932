"""`golive audit verify`: walks the chain of the audit of fixes."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

from bot.arguments import UsageError
from bot.remediation import audit
from bot.remediation.audit import Checked, Head
from bot.remediation.database import FixDatabase
from bot.remediation.values import FixUnavailable
from bot.settings import Settings

_HEAD: Final = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")
_LOCK: Final = timedelta(seconds=3)
_LONG: Final = timedelta(minutes=2)


def head_of(text: str | None) -> Head | None:
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


async def verified(settings: Settings, known: Head | None) -> Checked:
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


def sentence(checked: Checked) -> str:
    """What became of the walk."""
    if checked.broken_at is not None:
        return (
            f"The audit is broken at entry {checked.broken_at}: it, or the one before, was changed,"
            " removed or inserted."
        )
    if checked.agrees is False:
        return "The audit fits together, but not with the digest given: entries were cut off."
    also = ", and the digest given is in it" if checked.agrees else ""
    return f"The audit is whole: {checked.entries} entries, ending at {checked.head}{also}."
