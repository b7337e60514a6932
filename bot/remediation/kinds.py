"""What a kind of fix is: it aims, changes rows, explains itself, and looks again afterwards."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Final, LiteralString, Protocol
from uuid import UUID

from psycopg import AsyncClientCursor

from bot.remediation.database import Connection, FixDatabase, Row, fetch
from bot.remediation.values import Aim, Change, Claim, FixRefused, Group, Sheet, Wish
from checks.engine.masking import harmless, mask
from checks.engine.model import Json

_LOOKED_AT: Final = 2_048
"""Characters of a value that are masked to be shown: so are hundreds of rows, while locked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of the rows that a fix changed.

    counts: sentence parts and how many rows they are about, the best first
    lines:  further sentences
    good:   whether the fix reached what it was made for; None while that is open
    did:    what the fix did to them, in a word
    """

    counts: tuple[tuple[str, int], ...]
    lines: tuple[str, ...] = ()
    good: bool | None = None
    did: str = "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What the statement would do, seen by doing it and rolling it back.

    facts: what guards and sentences need, by name
    """

    aim: Aim
    changes: tuple[Change, ...]
    facts: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What log, watches and settings say, read before a transaction begins.

    secrets:  live secrets, masked as literals in what is shown
    sent:     ids by which the end of the log says that messages were sent
    progress: campaign id → when a watch last saw it move
    """

    secrets: tuple[str, ...] = field(default=(), repr=False)
    sent: tuple[str, ...] = ()
    progress: Mapping[str, datetime] = field(default_factory=dict[str, datetime])


class Kind(Protocol):
    """One kind of fix on rows. While a transaction is open, it asks nobody but the database.

    name:     as people type it
    check:    id of the check that it is meant to help
    undoable: whether it can be taken back
    uses:     tables of the application → "r" for those that it reads, "rw" for those it changes too
    statements: what it runs on them
    """

    name: ClassVar[str]
    check: ClassVar[str]
    undoable: ClassVar[bool]
    uses: ClassVar[Mapping[str, str]]
    statements: ClassVar[tuple[LiteralString, ...]]

    async def look(self, *, proposing: bool) -> Seen:
        """What `aim` and `change` need from elsewhere; `proposing`: `aim` follows."""
        ...

    async def aim(self, connection: Connection, wish: Wish, seen: Seen) -> Aim:
        """Resolve what is meant; may raise FixRefused."""
        ...

    async def change(self, connection: Connection, aim: Aim, seen: Seen) -> tuple[Change, ...]:
        """The real statement; may raise FixRefused where a guard says no."""
        ...

    async def facts(self, connection: Connection, aim: Aim) -> Mapping[str, object]:
        """What else a preview tells, read after the statement was rolled back."""
        ...

    async def sheet(self, preview: Preview) -> Sheet:
        """The preview as it is shown; without a connection, so that it may ask elsewhere."""
        ...

    async def restore(self, connection: Connection, claim: UUID) -> tuple[list[UUID], list[str]]:
        """Undo: rows restored, and a line for each that somebody changed since."""
        ...

    async def outcome(self, database: FixDatabase, claim: Claim) -> Outcome:
        """Look at the touched rows again; nothing is open while another system is asked."""
        ...


def digest_of(changes: Sequence[Change]) -> str:
    """What a preview is bound to: the rows, what their choice rests on, and what is written."""
    return _digest((change, {"seen": dict(change.seen), **_written(change)}) for change in changes)


def after_digest_of(changes: Sequence[Change]) -> str:
    """What the fix wrote."""
    return _digest((change, _written(change)) for change in changes)


def _written(change: Change) -> dict[str, Json]:
    return {"after": dict(change.after)}


def _digest(rows: Iterable[tuple[Change, Mapping[str, Json]]]) -> str:
    told = sorted(
        [change.table, str(change.row_id), json.dumps(what, sort_keys=True)]
        for change, what in rows
    )
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def grouped(changes: Sequence[Change], names: Sequence[str]) -> tuple[Group, ...]:
    """How many rows fall under each value, the largest first."""
    out: list[Group] = []
    for name in names:
        counts = Counter(change.groups.get(name, "–") for change in changes)
        ranked = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
        out.append(Group(name=name, counts=tuple(ranked)))
    return tuple(out)


def shown(text: object, limit: int = 120, secrets: Sequence[str] = ()) -> str:
    """A value of the database as a preview may show it.

    Of a long one only the beginning is looked at, without its last word: that may be half a secret,
    which nothing would find.
    """
    said = "" if text is None else str(text)
    if len(said) > _LOOKED_AT:
        said = " ".join([*said[:_LOOKED_AT].rsplit(maxsplit=1)[:-1], "…"])
    return harmless(mask(said, secrets), limit)


async def written_out(
    connection: Connection, statement: LiteralString, values: Mapping[str, object]
) -> str:
    """A statement with its values in it, to read."""
    cursor = AsyncClientCursor(connection)
    text = cursor.mogrify(statement, dict(values))
    lines = [line.rstrip() for line in text.strip("\n").splitlines() if line.strip()]
    indent = min((len(line) - len(line.lstrip()) for line in lines), default=0)
    return "\n".join(line[indent:] for line in lines)


_UNITS: Final = "SELECT id, name FROM units ORDER BY name, id"


async def unit_named(connection: Connection, target: str) -> Row:
    """The unit with this id or name.

    Raises:
        FixRefused: there is none, or more than one; the sentence lists what there is.
    """
    rows = await fetch(connection, _UNITS)
    wanted = target.strip().lower()
    found = [row for row in rows if str(row["id"]) == wanted or row["name"].lower() == wanted]
    if len(found) == 1:
        return found[0]
    names = ", ".join(f"`{shown(row['name'], 60)}`" for row in rows[:20])
    if found:
        ids = ", ".join(f"`{row['id']}`" for row in found)
        raise FixRefused(f"{len(found)} units are called that. Use an id: {ids}.")
    raise FixRefused(f"There is no unit `{shown(target, 60)}`. The units are {names}.")


def plain(value: object) -> Json:
    """A column's value as JSON keeps it."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)
