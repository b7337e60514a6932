"""What a watch remembers between its points, and who takes its ticks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from bot.storage.codec import CodecError, decoded, decoded_map, dumps, encode, json_text
from bot.storage.database import Connection, Row, fetch, utc
from bot.storage.part import Part
from bot.storage.posts import enqueue_in
from bot.storage.values import AUDIT_HEAD, NewPost, TickClaim, WatchState
from bot.watch.model import Cause, Present
from checks.engine.model import Observed

_STATE: Final = """
    SELECT state, present, ticked_at FROM golive.watch_state WHERE deployment_id = %(id)s
"""
"""What the watch remembers."""

_LOCK: Final = """
    INSERT INTO golive.watch_state AS w (deployment_id) VALUES (%(id)s)
    ON CONFLICT (deployment_id) DO UPDATE SET deployment_id = w.deployment_id
    RETURNING state, present, ticked_at
"""
"""What the watch remembers, locked until the change is written."""

_REMEMBER: Final = """
    UPDATE golive.watch_state SET state = %(state)s, present = %(present)s
    WHERE deployment_id = %(id)s
"""
"""The changed state."""

_CLAIM: Final = """
    UPDATE golive.watch_state w
    SET tick_attempt = w.tick_attempt + 1,
        tick_lease = clock_timestamp() + %(lease)s * interval '1 second'
    FROM golive.deployments d
    WHERE w.deployment_id = %(id)s AND d.id = w.deployment_id AND d.closed_at IS NULL
      AND (w.ticked_at IS NULL OR w.ticked_at <= %(at)s::timestamptz - %(min_gap)s
           OR w.ticked_at > %(at)s::timestamptz + %(min_gap)s)
      AND (w.tick_lease IS NULL OR w.tick_lease <= clock_timestamp())
    RETURNING w.tick_attempt, w.state, w.present, w.ticked_at
"""
"""Take the tick if it is due by the given instant and nobody does one.

A tick that lies further ahead than the gap was done before the clock was set back.
"""

_OPEN: Final = """
    SELECT id FROM golive.deployments WHERE id = %(id)s AND closed_at IS NULL FOR SHARE
"""
"""The watch, if it is open; it stays so until the tick is written."""

_TICKED: Final = """
    UPDATE golive.watch_state
    SET ticked_at = %(at)s, tick_lease = NULL
    WHERE deployment_id = %(id)s AND tick_attempt = %(attempt)s AND tick_lease IS NOT NULL
    RETURNING deployment_id
"""
"""End the tick, if the claim still holds."""


_PRESENT: Final = """
    SELECT d.id, w.present
    FROM golive.deployments d JOIN golive.watch_state w ON w.deployment_id = d.id
    WHERE d.closed_at IS NULL
"""
"""The present verdicts of all open watches."""

_REVIEWED: Final = """
    SELECT c.taken_at AS reviewed_at, s.state, s.present, s.ticked_at
    FROM golive.checkpoints c JOIN golive.watch_state s USING (deployment_id)
    WHERE c.run = 'final' AND c.taken_at IS NOT NULL
    ORDER BY c.taken_at DESC LIMIT 50
"""
"""What the watches with the last final reviews remember, the newest first."""


class State(Part):
    """The memory of all watches."""

    async def verdicts(self) -> Mapping[UUID, Present | None]:
        """The present verdict of each open watch."""
        rows = await self._database.fetch(_PRESENT)
        return {row["id"]: present_of(row["present"]) for row in rows}

    async def audit_head(self) -> tuple[str, datetime] | None:
        """The end of the audit of fixes at the last final review that knew it, and when that was.

        It is kept here, out of reach of whoever could cut off or rewrite that audit.
        """
        async with self._database.transaction() as connection:
            for row in await fetch(connection, _REVIEWED, {}):
                head = _state_of(row).memory.get(AUDIT_HEAD)
                if isinstance(head, str):
                    return head, row["reviewed_at"]
        return None

    async def state(self, deployment_id: UUID) -> WatchState:
        """What the watch remembers; an empty state if nothing."""
        async with self._database.transaction() as connection:
            rows = await fetch(connection, _STATE, {"id": deployment_id})
            return _state_of(rows[0]) if rows else WatchState()

    async def claim_tick(
        self, deployment_id: UUID, at: datetime, min_gap: timedelta
    ) -> TickClaim | None:
        """Claim a tick of an open watch; None if it is too early, or while another one runs."""
        values: Row = {
            "id": deployment_id,
            "at": utc(at),
            "min_gap": min_gap,
            "lease": self._lease,
        }
        async with self._database.transaction() as connection:
            rows = await fetch(connection, _CLAIM, values)
            if not rows:
                return None
            return TickClaim(
                deployment_id=deployment_id,
                at=utc(at),
                attempt=rows[0]["tick_attempt"],
                state=_state_of(rows[0]),
            )

    async def record_tick(
        self,
        claim: TickClaim,
        state: WatchState | None = None,
        posts: Sequence[NewPost] = (),
        at: datetime | None = None,
    ) -> bool:
        """End a tick, all or nothing; False if the claim was lost, or the watch closed.

        Args:
            claim: the right to it.
            state: what changed in what the watch remembers.
            posts: what is to be said.
            at: the tick's instant; by default the claim's.
        """
        values: Row = {
            "id": claim.deployment_id,
            "attempt": claim.attempt,
            "at": claim.at if at is None else utc(at),
        }
        async with self._database.transaction() as connection:
            if not await fetch(connection, _OPEN, values):
                return False
            if not await fetch(connection, _TICKED, values):
                return False
            if state is not None:
                await remember_in(connection, claim.deployment_id, state)
            await enqueue_in(connection, posts)
        return True


async def remember_in(connection: Connection, deployment_id: UUID, change: WatchState) -> None:
    """Merge a change into what a watch remembers, in a transaction under way."""
    (row,) = await fetch(connection, _LOCK, {"id": deployment_id})
    merged = _state_of(row).merged(change)
    stored = {"observed": encode(merged.observed), "memory": encode(merged.memory)}
    values: Row = {
        "id": deployment_id,
        "state": json_text(stored),
        "present": None if merged.present is None else dumps(_parts(merged.present)),
    }
    await fetch(connection, _REMEMBER, values)


def _state_of(row: Row) -> WatchState:
    stored: dict[str, Any] = row["state"] or {}
    observed = stored.get("observed")
    return WatchState(
        observed=None if observed is None else decoded(Observed, observed),
        memory=decoded_map(stored.get("memory", {"$m": []})),
        present=present_of(row["present"]),
        ticked_at=row["ticked_at"],
    )


def present_of(stored: Any) -> Present | None:
    """The present verdict; None where there is none, or where a newer version wrote it."""
    if stored is None:
        return None
    try:
        parts = decoded_map(stored)
        parts["causes"] = tuple(Cause(**cause) for cause in parts["causes"])
        return Present(**parts)
    except (CodecError, TypeError, KeyError):
        return None


def _parts(present: Present) -> dict[str, object]:
    parts: dict[str, object] = {f.name: getattr(present, f.name) for f in fields(Present)}
    causes = [{f.name: getattr(cause, f.name) for f in fields(Cause)} for cause in present.causes]
    return {**parts, "causes": causes}
