"""The audit of fixes: append-only, a chain of hashes, refusals too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg.types.json import Jsonb

from bot.remediation.claim_queries import HOLD
from bot.remediation.database import Connection, FixDatabase, Row, fetch, one
from checks.engine.known_secrets import hide_in
from checks.engine.model import Json

_APPEND: Final = """
    INSERT INTO golive.fix_audit (at, claim_id, actor, action, target, reason, rows, before_digest,
        after_digest, details)
    VALUES (%(at)s, %(claim)s, %(actor)s, %(action)s, %(target)s, %(reason)s, %(rows)s,
        %(before)s, %(after)s, %(details)s)
"""

_HEAD: Final = "SELECT seq, hash FROM golive.fix_audit_head"

_VERIFY: Final = """
    SELECT golive.fix_audit_broken_at() AS broken, h.seq, h.hash,
           (SELECT count(*) FROM golive.fix_audit) AS entries
    FROM golive.fix_audit_head AS h
"""

_AT: Final = "SELECT hash FROM golive.fix_audit WHERE seq = %(seq)s"

_LAST: Final = """
    SELECT a.seq, a.at, a.claim_id, a.actor, a.action, a.target, a.reason, a.rows, a.details,
           coalesce(c.payload ->> 'title', '') AS title
    FROM golive.fix_audit AS a LEFT JOIN golive.fix_claims AS c ON c.id = a.claim_id
    ORDER BY a.seq DESC LIMIT %(limit)s
"""

_OF: Final = """
    SELECT at, actor, action, target, reason, rows, details FROM golive.fix_audit
    WHERE claim_id = %(claim)s ORDER BY seq
"""


UNDO_ASKED: Final = "undo-asked"
"""The first of two operators wants a fix to be undone; the database knows the word too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What happened: who, what, when, about what, why, to how many rows.

    before, after: digests of the rows
    details:       anything else, without secrets
    """

    at: datetime
    actor: str
    action: str
    target: str
    claim: UUID | None = None
    reason: str | None = None
    rows: int = 0
    before: str | None = None
    after: str | None = None
    details: Mapping[str, Json] = field(default_factory=dict[str, Json])


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """An entry as a list shows it. `title`: what its fix is called; "" where it is about none."""

    seq: int
    entry: Entry
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The end of the chain: with it kept elsewhere, a tail that was cut off shows."""

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What became of a walk along the chain.

    broken_at: number of the first entry that does not fit; None where all do
    agrees:    whether a head that was kept elsewhere is in the chain; None where none was given
    """

    head: Head
    entries: int
    broken_at: int | None
    agrees: bool | None = None

    @property
    def whole(self) -> bool:
        """Whether nothing was changed, removed or inserted, as far as can be told.

        Without a head that was kept elsewhere, it cannot be told whether the end was cut off.
        """
        return self.broken_at is None and self.agrees is not False


async def append(connection: Connection, entry: Entry) -> None:
    """Add an entry, in the transaction of what it tells."""
    values: Row = {
        "at": entry.at,
        "claim": entry.claim,
        "actor": entry.actor,
        "action": entry.action,
        "target": entry.target,
        "reason": entry.reason,
        "rows": entry.rows,
        "before": entry.before,
        "after": entry.after,
        "details": Jsonb(hide_in(dict(entry.details))),
    }
    await fetch(connection, _APPEND, values)


async def append_once(connection: Connection, entry: Entry) -> bool:
    """Add an entry about a claim unless it has one of that action; of many who try, one does."""
    if entry.claim is None:
        return False
    await fetch(connection, HOLD, {"id": entry.claim})
    if any(one.action == entry.action for one in await entries_of(connection, entry.claim)):
        return False
    await append(connection, entry)
    return True


async def entries_of(connection: Connection, claim: UUID) -> tuple[Entry, ...]:
    """What happened to a claim, oldest first."""
    return tuple(
        Entry(
            at=row["at"],
            actor=row["actor"],
            action=row["action"],
            target=row["target"],
            claim=claim,
            reason=row["reason"],
            rows=row["rows"],
            details=row["details"],
        )
        for row in await fetch(connection, _OF, {"claim": claim})
    )


async def last(database: FixDatabase, limit: int) -> tuple[Listed, ...]:
    """The last entries, the newest last."""
    async with database.transaction() as connection:
        rows = await fetch(connection, _LAST, {"limit": limit})
    return tuple(
        Listed(
            seq=row["seq"],
            entry=Entry(
                at=row["at"],
                actor=row["actor"],
                action=row["action"],
                target=row["target"],
                claim=row["claim_id"],
                reason=row["reason"],
                rows=row["rows"],
                details=row["details"],
            ),
            title=row["title"],
        )
        for row in reversed(rows)
    )


async def head(database: FixDatabase) -> Head:
    """The end of the chain now."""
    async with database.transaction() as connection:
        (row,) = await fetch(connection, _HEAD)
    return Head(seq=row["seq"], hash=row["hash"])


async def verify(database: FixDatabase, known: Head | None = None) -> Checked:
    """Walk along the chain.

    Args:
        database: where it is.
        known: a head that was posted or noted before.
    """
    async with database.transaction() as connection:
        (row,) = await fetch(connection, _VERIFY)
        agrees = None if known is None else await _holds(connection, known)
    return Checked(
        head=Head(seq=row["seq"], hash=row["hash"]),
        entries=row["entries"],
        broken_at=row["broken"],
        agrees=agrees,
    )


async def _holds(connection: Connection, known: Head) -> bool:
    if known.seq == 0:
        return known.hash == "0" * 64
    found = await one(connection, _AT, {"seq": known.seq})
    return found is not None and found["hash"] == known.hash
