"""Claims: who may still press the button, and who did. Each step is a compare-and-set."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from bot.remediation.database import Connection, Row, fetch, one
from bot.remediation.values import SHEET, Claim, FixState

_LOCK: Final = """
    SELECT pg_advisory_xact_lock(
        hashtextextended('golive.fix ' || %(kind)s || ' ' || %(target)s, 0))
"""
"""One fix of a kind and a target at a time. It ends with the transaction: a pooler may be used."""

_INSERT: Final = """
    INSERT INTO golive.fix_claims (id, kind, target, channel, proposed_by, proposed_at, expires_at,
        digest, rows_expected, parameters, payload, approvals_needed)
    VALUES (%(id)s, %(kind)s, %(target)s, %(channel)s, %(proposed_by)s, %(proposed_at)s,
        %(expires_at)s, %(digest)s, %(rows_expected)s, %(parameters)s, %(payload)s,
        %(approvals_needed)s)
    RETURNING *
"""

_FIND: Final = "SELECT * FROM golive.fix_claims WHERE id = %(id)s"

_HOLD: Final = "SELECT * FROM golive.fix_claims WHERE id = %(id)s FOR UPDATE"

_EXECUTING: Final = """
    UPDATE golive.fix_claims
    SET state = 'executing', state_at = %(now)s, state_by = %(by)s, executed_by = %(by)s,
        executed_at = %(now)s, lease_until = %(lease)s,
        state_reason = coalesce(state_reason, %(reason)s),
        approved_by = CASE WHEN approvals_needed > 1 THEN %(by)s END,
        approved_at = CASE WHEN approvals_needed > 1 THEN %(now)s::timestamptz END
    WHERE id = %(id)s AND state = 'proposed' AND expires_at > %(now)s
      AND (approvals_needed < 2 OR state_reason IS NOT NULL)
    RETURNING *
"""
"""Single use: of all who press, one gets the row."""

_CONFIRMED: Final = """
    UPDATE golive.fix_claims
    SET state_reason = %(reason)s, state_by = %(by)s, state_at = %(now)s
    WHERE id = %(id)s AND state = 'proposed' AND expires_at > %(now)s AND state_reason IS NULL
      AND proposed_by = %(by)s
    RETURNING *
"""
"""The first of two operators has confirmed: that is the one who proposed."""

_ENDED: Final = """
    UPDATE golive.fix_claims
    SET state = %(state)s, state_at = %(now)s, state_by = coalesce(%(by)s, state_by),
        rows_changed = coalesce(%(rows)s, rows_changed),
        after_digest = coalesce(%(after)s, after_digest), lease_until = NULL,
        settled_at = coalesce(%(settled_at)s, settled_at)
    WHERE id = %(id)s AND state = ANY(%(from)s)
    RETURNING *
"""

_UNDONE: Final = """
    UPDATE golive.fix_claims
    SET state = 'undone', state_at = %(now)s, state_by = %(by)s, undone_by = %(by)s,
        undone_at = %(now)s
    WHERE id = %(id)s AND state = 'executed' AND executed_at > %(since)s
    RETURNING *
"""

_SUPERSEDE: Final = """
    UPDATE golive.fix_claims SET state = 'superseded', state_at = %(now)s, state_by = %(by)s
    WHERE kind = %(kind)s AND target = %(target)s AND id <> %(id)s AND state = 'proposed'
"""
"""Other previews of the same thing: what they show is no longer so."""

_EXPIRE: Final = """
    UPDATE golive.fix_claims SET state = 'expired', state_at = %(now)s
    WHERE state = 'proposed' AND expires_at <= %(now)s
    RETURNING *
"""

_WINNER: Final = """
    SELECT * FROM golive.fix_claims
    WHERE kind = %(kind)s AND target = %(target)s AND id <> %(id)s AND executed_at >= %(since)s
      AND state IN ('executing', 'unsettled', 'executed', 'undone')
    ORDER BY executed_at DESC LIMIT 1
"""

_LEASED: Final = """
    UPDATE golive.fix_claims
    SET lease_until = %(lease)s, settle_attempts = settle_attempts + 1
    WHERE id = %(id)s AND state IN ('executing', 'unsettled') AND lease_until <= %(now)s
    RETURNING *
"""
"""Take up what its owner left behind; one process does."""

_RELEASE: Final = """
    UPDATE golive.fix_claims SET lease_until = %(lease)s
    WHERE id = %(id)s AND state IN ('executing', 'unsettled')
"""

_LEFT: Final = """
    SELECT * FROM golive.fix_claims
    WHERE state IN ('executing', 'unsettled') AND lease_until <= %(now)s
    ORDER BY executed_at
"""

_UNVERIFIED: Final = """
    SELECT c.* FROM golive.fix_claims AS c
    WHERE c.state IN ('executed', 'unsettled') AND c.executed_at > %(since)s
      AND NOT EXISTS (SELECT FROM golive.fix_audit AS a
                      WHERE a.claim_id = c.id AND a.action = 'verified')
    ORDER BY c.executed_at
"""

_RECENT: Final = """
    SELECT * FROM golive.fix_claims
    WHERE kind = %(kind)s AND target = %(target)s AND executed_at IS NOT NULL
    ORDER BY executed_at DESC LIMIT 1
"""

_UNDOABLE: Final = """
    SELECT * FROM golive.fix_claims
    WHERE state = 'executed' AND executed_at > %(since)s AND executed_at <= %(until)s
"""


async def lock(connection: Connection, kind: str, target: str) -> None:
    """Wait for whoever fixes the same thing at this moment."""
    await fetch(connection, _LOCK, {"kind": kind, "target": target})


async def insert(connection: Connection, claim: Claim) -> Claim:
    """Write a proposed claim."""
    values: Row = {
        "id": claim.id,
        "kind": claim.kind,
        "target": claim.target,
        "channel": claim.channel,
        "proposed_by": claim.proposed_by,
        "proposed_at": claim.proposed_at,
        "expires_at": claim.expires_at,
        "digest": claim.digest,
        "rows_expected": claim.rows_expected,
        "parameters": Jsonb(dict(claim.parameters)),
        "payload": Jsonb(SHEET.dump_python(claim.sheet, mode="json")),
        "approvals_needed": claim.approvals_needed,
    }
    (row,) = await fetch(connection, _INSERT, values)
    return claim_of(row)


async def find(connection: Connection, claim_id: UUID) -> Claim | None:
    """A claim by its id."""
    return _maybe(await one(connection, _FIND, {"id": claim_id}))


async def hold(connection: Connection, claim_id: UUID) -> Claim | None:
    """A claim by its id, locked to the end of the transaction."""
    return _maybe(await one(connection, _HOLD, {"id": claim_id}))


async def begin(
    connection: Connection,
    claim_id: UUID,
    *,
    by: str,
    reason: str,
    now: datetime,
    lease: datetime,
) -> Claim | None:
    """Take a proposed claim to execute it; None where it is used, expired or superseded."""
    values: Row = {"id": claim_id, "by": by, "reason": reason, "now": now, "lease": lease}
    return _maybe(await one(connection, _EXECUTING, values))


async def confirm_first(
    connection: Connection, claim_id: UUID, *, by: str, reason: str, now: datetime
) -> Claim | None:
    """Note the first of two confirmations; None where that was done, or it is not proposed."""
    values: Row = {"id": claim_id, "by": by, "reason": reason, "now": now}
    return _maybe(await one(connection, _CONFIRMED, values))


async def end(
    connection: Connection,
    claim_id: UUID,
    state: FixState,
    *,
    now: datetime,
    before: Sequence[FixState],
    by: str | None = None,
    rows: int | None = None,
    after: str | None = None,
    settled_at: datetime | None = None,
) -> Claim | None:
    """Move a claim on from one of the states before; None where it is in another one."""
    values: Row = {
        "id": claim_id,
        "state": state.value,
        "now": now,
        "from": [one_state.value for one_state in before],
        "by": by,
        "rows": rows,
        "after": after,
        "settled_at": settled_at,
    }
    return _maybe(await one(connection, _ENDED, values))


async def undo(
    connection: Connection, claim_id: UUID, *, by: str, now: datetime, since: datetime
) -> Claim | None:
    """Take an executed claim to undo it; None where it is too late, or done."""
    values: Row = {"id": claim_id, "by": by, "now": now, "since": since}
    return _maybe(await one(connection, _UNDONE, values))


async def supersede(connection: Connection, claim: Claim, *, by: str, now: datetime) -> None:
    """End all other previews of the same thing."""
    values: Row = {
        "id": claim.id,
        "kind": claim.kind,
        "target": claim.target,
        "by": by,
        "now": now,
    }
    await fetch(connection, _SUPERSEDE, values)


async def expire(connection: Connection, now: datetime) -> tuple[Claim, ...]:
    """End the previews that nobody confirmed in time."""
    return tuple(map(claim_of, await fetch(connection, _EXPIRE, {"now": now})))


async def winner(connection: Connection, claim: Claim) -> Claim | None:
    """The claim of the same thing that was executed since this one was proposed."""
    values: Row = {
        "id": claim.id,
        "kind": claim.kind,
        "target": claim.target,
        "since": claim.proposed_at,
    }
    return _maybe(await one(connection, _WINNER, values))


async def newest(connection: Connection, kind: str, target: str) -> Claim | None:
    """The last claim of a kind and a target that was executed."""
    return _maybe(await one(connection, _RECENT, {"kind": kind, "target": target}))


async def take_up(
    connection: Connection, claim_id: UUID, *, now: datetime, lease: datetime
) -> Claim | None:
    """Take a claim whose owner is gone; None where another process did."""
    values: Row = {"id": claim_id, "now": now, "lease": lease}
    return _maybe(await one(connection, _LEASED, values))


async def lease_until(connection: Connection, claim_id: UUID, lease: datetime) -> None:
    """Say until when a claim is left to its owner, or when it is to be tried again."""
    await fetch(connection, _RELEASE, {"id": claim_id, "lease": lease})


async def left(connection: Connection, now: datetime) -> tuple[Claim, ...]:
    """Claims that somebody began and left behind."""
    return tuple(map(claim_of, await fetch(connection, _LEFT, {"now": now})))


async def unverified(connection: Connection, since: datetime) -> tuple[Claim, ...]:
    """Executed claims that nobody has looked at again."""
    return tuple(map(claim_of, await fetch(connection, _UNVERIFIED, {"since": since})))


async def executed_between(
    connection: Connection, since: datetime, until: datetime
) -> tuple[Claim, ...]:
    """Executed claims that were not undone."""
    values: Row = {"since": since, "until": until}
    return tuple(map(claim_of, await fetch(connection, _UNDOABLE, values)))


def _maybe(row: Row | None) -> Claim | None:
    return None if row is None else claim_of(row)


def claim_of(row: Row) -> Claim:
    """A row of golive.fix_claims."""
    parameters: dict[str, Any] = row["parameters"]
    return Claim(
        id=row["id"],
        kind=row["kind"],
        target=row["target"],
        channel=row["channel"],
        proposed_by=row["proposed_by"],
        proposed_at=row["proposed_at"],
        expires_at=row["expires_at"],
        digest=row["digest"],
        rows_expected=row["rows_expected"],
        parameters=parameters,
        sheet=SHEET.validate_python(row["payload"]),
        approvals_needed=row["approvals_needed"],
        state=FixState(row["state"]),
        state_at=row["state_at"],
        state_by=row["state_by"],
        reason=row["state_reason"],
        approved_by=row["approved_by"],
        executed_by=row["executed_by"],
        executed_at=row["executed_at"],
        rows_changed=row["rows_changed"],
        undone_by=row["undone_by"],
        undone_at=row["undone_at"],
        settle_attempts=row["settle_attempts"],
        settled_at=row["settled_at"],
        lease_until=row["lease_until"],
    )
