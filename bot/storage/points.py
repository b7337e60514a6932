"""The points of a watch: who takes one, and what came out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from bot.storage.codec import as_text, decoded, dumps, encode, from_text, json_text
from bot.storage.database import Row, fetch, utc
from bot.storage.part import Part, deployment_of, maybe_from_text
from bot.storage.posts import enqueue_in
from bot.storage.state import remember_in
from bot.storage.values import Claim, NewPost, StatusContent, WatchState
from bot.watch.model import Point, Taken
from checks.engine.model import Decision, Finding, Level, Report

_CLAIM: Final = """
    INSERT INTO golive.checkpoints AS c
        (deployment_id, key, run, checkpoint, due_at, owner, lease_until)
    SELECT d.id, %(key)s, %(run)s, %(checkpoint)s, %(due_at)s, %(owner)s,
           clock_timestamp() + %(lease)s * interval '1 second'
    FROM golive.deployments d
    WHERE d.id = %(id)s AND d.closed_at IS NULL
    ON CONFLICT (deployment_id, key) DO UPDATE
    SET owner = excluded.owner, attempt = c.attempt + 1,
        lease_until = clock_timestamp() + %(lease)s * interval '1 second'
    WHERE c.taken_at IS NULL
      AND (c.lease_until IS NULL OR c.lease_until <= clock_timestamp()
           OR c.owner = excluded.owner)
    RETURNING attempt
"""
"""Take the row if nobody has it; the row's lock lets one of many through at a time."""

_RENEW: Final = """
    UPDATE golive.checkpoints SET lease_until = clock_timestamp() + %(lease)s * interval '1 second'
    WHERE deployment_id = %(id)s AND key = %(key)s AND owner = %(owner)s AND attempt = %(attempt)s
      AND taken_at IS NULL
    RETURNING key
"""
"""Start the lease anew, if the claim still holds."""

_RELEASE: Final = """
    UPDATE golive.checkpoints SET lease_until = NULL
    WHERE deployment_id = %(id)s AND key = %(key)s AND owner = %(owner)s AND attempt = %(attempt)s
      AND taken_at IS NULL
"""
"""End the lease, if the claim still holds."""

_LOCK: Final = """
    SELECT taken_at FROM golive.checkpoints
    WHERE deployment_id = %(id)s AND key = %(key)s AND owner = %(owner)s AND attempt = %(attempt)s
    FOR UPDATE
"""
"""The claim's row, if the claim still holds; taken_at is set if it was recorded already."""

_RECORD: Final = """
    UPDATE golive.checkpoints
    SET taken_at = %(taken_at)s, decision = %(decision)s, levels = %(levels)s,
        report = %(report)s, evidence = %(evidence)s, lease_until = NULL
    WHERE deployment_id = %(id)s AND key = %(key)s
"""
"""What came out."""

_FINDING: Final = """
    INSERT INTO golive.findings
        (deployment_id, key, check_id, level, value, unit, summary, accepted_by)
    VALUES (%(id)s, %(key)s, %(check)s, %(level)s, %(value)s, %(unit)s, %(summary)s,
            %(accepted_by)s)
    ON CONFLICT DO NOTHING
"""
"""One check's finding at one point."""

_DEPLOYMENT: Final = """
    SELECT * FROM golive.deployments WHERE id = %(id)s AND closed_at IS NULL FOR SHARE
"""
"""The watch, if it is open; it stays so until what came out is written."""

_TAKEN: Final = """
    SELECT key, run, checkpoint, due_at, taken_at, decision, levels
    FROM golive.checkpoints
    WHERE deployment_id = %(id)s AND taken_at IS NOT NULL
    ORDER BY due_at, taken_at, key
"""
"""The points taken so far, in outline."""

_REPORTS: Final = """
    SELECT key, report, evidence FROM golive.checkpoints
    WHERE deployment_id = %(id)s AND key = ANY(%(keys)s::text[]) AND report IS NOT NULL
    ORDER BY due_at
"""
"""Whole reports of some points."""


class Points(Part):
    """The points of all watches."""

    async def claim(self, deployment_id: UUID, point: Point, owner: str) -> Claim | None:
        """Claim a point of an open watch; None if it is taken, or claimed by a live other owner."""
        values: Row = {
            "id": deployment_id,
            "key": as_text(point.key),
            "run": as_text(point.run),
            "checkpoint": None if point.checkpoint is None else as_text(point.checkpoint),
            "due_at": utc(point.due_at),
            "owner": owner,
            "lease": self._lease,
        }
        rows = await self._database.fetch(_CLAIM, values)
        if not rows:
            return None
        attempt = int(rows[0]["attempt"])
        return Claim(deployment_id=deployment_id, point=point, owner=owner, attempt=attempt)

    async def renew(self, claim: Claim) -> bool:
        """Start the lease anew; False if the claim was lost."""
        values: Row = {**_named(claim), "lease": self._lease}
        return bool(await self._database.fetch(_RENEW, values))

    async def release(self, claim: Claim) -> None:
        """Let the next owner claim it at once."""
        await self._database.fetch(_RELEASE, _named(claim))

    async def record(
        self,
        claim: Claim,
        taken: Taken,
        report: Report | None,
        posts: Sequence[NewPost] = (),
        status: StatusContent | None = None,
        state: WatchState | None = None,
    ) -> bool:
        """Record what came out, all or nothing; False if the claim was lost, or the watch closed.

        Calling it again after a lost answer is safe: what is recorded already is left as it is.
        """
        async with self._database.transaction() as connection:
            found = await fetch(connection, _LOCK, _named(claim))
            if not found:
                return False
            if found[0]["taken_at"] is not None:
                return True
            open_ones = await fetch(connection, _DEPLOYMENT, {"id": claim.deployment_id})
            if not open_ones:
                return False
            await fetch(connection, _RECORD, {**_named(claim), **_outcome(taken, report)})
            for finding in () if report is None else report.findings:
                await fetch(connection, _FINDING, {**_named(claim), **_columns(finding)})
            if state is not None:
                await remember_in(connection, claim.deployment_id, state)
            updates = [] if status is None else [status.post(deployment_of(open_ones[0]))]
            await enqueue_in(connection, (*posts, *updates))
        return True

    async def taken(self, deployment_id: UUID) -> tuple[Taken, ...]:
        """The points taken so far, by when they were due, without their reports."""
        return tuple(map(taken_of, await self._database.fetch(_TAKEN, {"id": deployment_id})))

    async def reports(self, deployment_id: UUID, keys: Collection[str]) -> Mapping[str, Report]:
        """The reports of some points, by key; points without one are left out."""
        values: Row = {"id": deployment_id, "keys": list(map(as_text, keys))}
        async with self._database.transaction() as connection:
            rows = await fetch(connection, _REPORTS, values)
            return {from_text(row["key"]): _report_of(row) for row in rows}


def taken_of(row: Row) -> Taken:
    """A row of golive.checkpoints that was taken, without its report."""
    return Taken(
        point=Point(
            key=from_text(row["key"]),
            run=from_text(row["run"]),
            checkpoint=maybe_from_text(row["checkpoint"]),
            due_at=row["due_at"],
        ),
        taken_at=row["taken_at"],
        decision=None if row["decision"] is None else Decision(row["decision"]),
        levels={from_text(check): Level(level) for check, level in row["levels"]},
    )


def _named(claim: Claim) -> Row:
    return {
        "id": claim.deployment_id,
        "key": as_text(claim.point.key),
        "owner": claim.owner,
        "attempt": claim.attempt,
    }


def _outcome(taken: Taken, report: Report | None) -> Row:
    # The evidence has a column of its own: it is large, and often wanted without the rest.
    stored: Row = {} if report is None else encode(report)
    evidence: Any = stored.pop("evidence", None)
    levels = [[as_text(check), level.value] for check, level in taken.levels.items()]
    return {
        "taken_at": utc(taken.taken_at),
        "decision": None if taken.decision is None else taken.decision.value,
        "levels": dumps(levels),
        "report": None if report is None else json_text(stored),
        "evidence": None if report is None else json_text(evidence),
    }


def _report_of(row: Row) -> Report:
    return decoded(Report, {**row["report"], "evidence": row["evidence"]})


def _columns(finding: Finding) -> Row:
    return {
        "check": as_text(finding.check),
        "level": finding.level.value,
        "value": finding.value,
        "unit": as_text(finding.unit),
        "summary": as_text(finding.summary),
        "accepted_by": None if finding.accepted_by is None else as_text(finding.accepted_by),
    }
