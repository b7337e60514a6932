"""`golive audit`: whether the audit of fixes fits together, and what stands in it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Annotated, Final, TypeVar

import typer
from rich.table import Table
from rich.text import Text

from bot.arguments import UsageError
from bot.cli.configuration import environment
from bot.cli.ending import Finished, wait
from bot.cli.output import say, show
from bot.remediation import audit
from bot.remediation.audit import Checked, Head, Listed
from bot.remediation.database import FixDatabase
from bot.remediation.values import FixUnavailable
from bot.render.mrkdwn import shown
from bot.settings import Settings
from bot.storage.store import Store
from bot.storage.values import StoreUnavailable
from checks.engine.wording import plural

_HEAD: Final = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")
_LOCK: Final = timedelta(seconds=3)
_LONG: Final = timedelta(minutes=2)
_CUT: Final = 160
_FEW: Final = 50

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """The end of the audit as somebody kept it; `whose`: as a sentence names it."""

    head: Head
    whose: str


def verify(
    head: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBER:DIGEST",
            help="As a final review posted it. Without: what GOLIVE_STORE_URL has of the last one.",
        ),
    ] = None,
) -> None:
    """Find an entry that was changed, removed or inserted.

    That the last entries were cut off shows by a digest that was kept elsewhere, and only up to it.

    Exit code: 0 the audit fits together, 1 it does not, 64 it cannot be looked at.
    """
    given = None if head is None else _Known(head=_head_of(head), whose="the digest given")
    settings = environment()
    checked, known = wait(_verified(settings, given))
    say(_sentence(checked, known))
    raise Finished(0 if checked.whole else 1)


def list_(
    limit: Annotated[
        int, typer.Option(metavar="N", min=1, max=10_000, help="So many of the last entries.")
    ] = _FEW,
) -> None:
    """Show who did what: the last entries of the audit of fixes, the newest last.

    Exit code: 0, or 64 where it cannot be looked at.
    """
    settings = environment()
    entries = wait(_in_database(settings, lambda database: audit.last(database, limit)))
    if not entries:
        say("The audit is empty: no fix was proposed yet.")
        return
    show(_table(entries, settings.literals))


def _head_of(text: str) -> Head:
    """A digest as final reviews post it: the entry's number, a colon, its hash.

    Raises:
        UsageError: it is none.
    """
    found = _HEAD.fullmatch(text.strip())
    if found is None:
        raise UsageError("--head takes what a final review posts: NUMBER:DIGEST.")
    return Head(seq=int(found[1]), hash=found[2])


async def _verified(settings: Settings, given: _Known | None) -> tuple[Checked, _Known | None]:
    """Walk the chain, and compare it with the digest given, else with the store's.

    Raises:
        UsageError: there is no database to look at, or it or the store does not answer.
    """
    known = given or await _stored(settings)
    head = known.head if known is not None else None
    checked = await _in_database(settings, lambda database: audit.verify(database, head))
    return checked, known


async def _stored(settings: Settings) -> _Known | None:
    """The end of the audit at the last final review, where the store has it.

    Raises:
        UsageError: there is a store, and it does not answer.
    """
    if settings.store_url is None:
        return None
    try:
        async with Store(settings.store_url.get_secret_value()) as store:
            found = await store.audit_head()
    except StoreUnavailable as trouble:
        raise UsageError(f"{trouble.problem} Or give --head.") from trouble
    if found is None:
        return None
    head, at = found
    whose = f"the digest of the final review of {at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return _Known(head=_head_of(head), whose=whose)


async def _in_database(settings: Settings, look: Callable[[FixDatabase], Awaitable[T]]) -> T:
    """Look into the database that has the audit.

    Raises:
        UsageError: there is none, or it does not answer.
    """
    url = settings.remediation_database_url
    if url is None:
        raise UsageError("GOLIVE_REMEDIATION_DATABASE_URL is not set: the audit is there.")
    database = FixDatabase(url.get_secret_value(), lock=_LOCK, statement=_LONG)
    try:
        return await look(database)
    except FixUnavailable as trouble:
        raise UsageError(str(trouble.problem)) from trouble
    finally:
        await database.close()


def _sentence(checked: Checked, known: _Known | None) -> str:
    """What became of the walk, and what it cannot tell."""
    if checked.broken_at is not None:
        return (
            f"The audit is broken at entry {checked.broken_at}: it, or the one before, was changed,"
            " removed or inserted."
        )
    if known is not None and checked.agrees is False:
        return (
            f"The audit fits together, but not with {known.whose}: entries were cut off or"
            " written anew."
        )
    entries = plural(checked.entries, "entry", "entries")
    fits = f"The audit fits together: {entries}, ending at {checked.head}."
    if known is None:
        return (
            f"{fits} It cannot tell by itself whether its last entries were cut off, or all of it"
            " was written anew: give --head NUMBER:DIGEST of a final review, or set"
            " GOLIVE_STORE_URL, where golive keeps that of the last one."
        )
    return (
        f"{fits} With {known.whose} in it, it is whole up to entry {known.head.seq}. Whether later"
        " entries were cut off cannot be told."
    )


def _table(entries: tuple[Listed, ...], secrets: tuple[str, ...]) -> Table:
    """A row an entry; what people and databases wrote is masked and cut."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("#", "When (UTC)", "Who", "Did", "What", "Rows", "Why"):
        table.add_column(
            column, overflow="fold", justify="right" if column in {"#", "Rows"} else "left"
        )
    for one in entries:
        entry = one.entry
        what = one.title or entry.target
        why = entry.reason or entry.details.get("why") or ""
        cells = (entry.actor, entry.action, what, str(entry.rows or ""), str(why))
        table.add_row(
            str(one.seq),
            f"{entry.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
            *(Text(shown(cell, _CUT, secrets)) for cell in cells),
        )
    return table
