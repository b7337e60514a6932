"""Claims: who may still press the button, and who did. Each step is a compare-and-set."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from bot.remediation import claim_queries as sql
from bot.remediation.database import Connection, Row, fetch, one
from bot.remediation.values import SHEET, Claim, FixState
from checks.engine.known_secrets import hide_in


async def lock(connection: Connection, kind: str, target: str) -> None:
    """Wait for whoever fixes the same thing at this moment."""
    await fetch(connection, sql.LOCK, {"kind": kind, "target": target})


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
        "payload": Jsonb(hide_in(SHEET.dump_python(claim.sheet, mode="json"))),
        "approvals_needed": claim.approvals_needed,
    }
    (row,) = await fetch(connection, sql.INSERT, values)
    return claim_of(row)


async def find(connection: Connection, claim_id: UUID) -> Claim | None:
    """A claim by its id."""
    return _maybe(await one(connection, sql.FIND, {"id": claim_id}))


async def hold(connection: Connection, claim_id: UUID) -> Claim | None:
    """A claim by its id, locked to the end of the transaction."""
    return _maybe(await one(connection, sql.HOLD, {"id": claim_id}))


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
    return _maybe(await one(connection, sql.EXECUTING, values))


async def confirm_first(
    connection: Connection, claim_id: UUID, *, by: str, reason: str, now: datetime
) -> Claim | None:
    """Note the first of two confirmations; None where that was done, or it is not proposed."""
    values: Row = {"id": claim_id, "by": by, "reason": reason, "now": now}
    return _maybe(await one(connection, sql.CONFIRMED, values))


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
    return _maybe(await one(connection, sql.ENDED, values))


async def undo(
    connection: Connection, claim_id: UUID, *, by: str, now: datetime, since: datetime
) -> Claim | None:
    """Take an executed claim to undo it; None where it is too late, or done."""
    values: Row = {"id": claim_id, "by": by, "now": now, "since": since}
    return _maybe(await one(connection, sql.UNDONE, values))


async def supersede(connection: Connection, claim: Claim, *, by: str, now: datetime) -> None:
    """End all other previews of the same thing."""
    values: Row = {
        "id": claim.id,
        "kind": claim.kind,
        "target": claim.target,
        "by": by,
        "now": now,
    }
    await fetch(connection, sql.SUPERSEDE, values)


async def expire(connection: Connection, now: datetime) -> None:
    """End the previews that nobody confirmed in time."""
    await fetch(connection, sql.EXPIRE, {"now": now})


async def not_approved(connection: Connection, since: datetime) -> tuple[Claim, ...]:
    """Previews that expired since then after the first of two operators had confirmed them."""
    return tuple(map(claim_of, await fetch(connection, sql.NOT_APPROVED, {"since": since})))


async def winner(connection: Connection, claim: Claim) -> Claim | None:
    """The claim of the same thing that was executed since this one was proposed."""
    values: Row = {
        "id": claim.id,
        "kind": claim.kind,
        "target": claim.target,
        "since": claim.proposed_at,
    }
    return _maybe(await one(connection, sql.WINNER, values))


async def newest(connection: Connection, kind: str, target: str) -> Claim | None:
    """The last claim of a kind and a target that was executed."""
    return _maybe(await one(connection, sql.RECENT, {"kind": kind, "target": target}))


async def take_up(
    connection: Connection, claim_id: UUID, *, now: datetime, lease: datetime
) -> Claim | None:
    """Take a claim whose owner is gone; None where another process did."""
    values: Row = {"id": claim_id, "now": now, "lease": lease}
    return _maybe(await one(connection, sql.LEASED, values))


async def lease_until(connection: Connection, claim_id: UUID, lease: datetime) -> None:
    """Say until when a claim is left to its owner, or when it is to be tried again."""
    await fetch(connection, sql.RELEASE, {"id": claim_id, "lease": lease})


async def left(connection: Connection, now: datetime) -> tuple[Claim, ...]:
    """Claims that somebody began and left behind."""
    return tuple(map(claim_of, await fetch(connection, sql.LEFT, {"now": now})))


async def unverified(connection: Connection, since: datetime) -> tuple[Claim, ...]:
    """Claims that were executed, or settled, since then and that nobody has looked at again."""
    return tuple(map(claim_of, await fetch(connection, sql.UNVERIFIED, {"since": since})))


async def ended_since(connection: Connection, kind: str, since: datetime) -> tuple[Claim, ...]:
    """Claims of a kind that were executed or failed since then, oldest first."""
    values: Row = {"kind": kind, "since": since}
    return tuple(map(claim_of, await fetch(connection, sql.ENDED_SINCE, values)))


async def executed_between(
    connection: Connection, since: datetime, until: datetime
) -> tuple[Claim, ...]:
    """Executed claims that were not undone."""
    values: Row = {"since": since, "until": until}
    return tuple(map(claim_of, await fetch(connection, sql.UNDOABLE, values)))


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
