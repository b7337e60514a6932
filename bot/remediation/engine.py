"""The engine of fixes on rows: propose, confirm, execute, undo.

One transaction holds the claim, the statement, the before-images and the audit entry: all of them
are there, or none. What several people press at once is executed once, whichever replica they meet.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from bot.remediation import audit, claims, images
from bot.remediation.database import Connection
from bot.remediation.kinds import Kind, Seen, after_digest_of, digest_of
from bot.remediation.proposing import Proposing
from bot.remediation.steps import Step
from bot.remediation.values import (
    Change,
    Claim,
    Done,
    FixRefused,
    FixState,
    FixUnavailable,
    Over,
    Refusal,
    Result,
    Stale,
    Undone,
    Waiting,
    Wish,
)
from checks.engine.masking import harmless, mask

LEASE: Final = timedelta(seconds=60)
"""How long a claim is left to whoever executes it; every fix is bounded well below that."""

_REASON: Final = 500
_SAME_UNDO: Final = (
    "You asked for this undo yourself; a different operator must press it too. Nothing was done."
)
_SAME_PERSON: Final = (
    "You confirmed this fix yourself; a different operator must approve it. Nothing was done."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """Who submitted a preview, when, and why."""

    claim: UUID
    by: str
    at: datetime
    reason: str

    @property
    def why(self) -> str:
        """The reason as it may be kept."""
        return harmless(mask(self.reason), _REASON)


class Drift(Exception):  # noqa: N818 - leaves the transaction, so that nothing of it stays
    """The rows are others than the preview showed."""


class Engine(Proposing):
    """Fixes on rows of the application's database: what was proposed is executed and undone."""

    # --- confirm --------------------------------------------------------------------------------

    async def confirm(self, given: Confirmation) -> Result:
        """Execute a proposed fix, or say why not. Safe to repeat: it is executed once.

        Raises:
            FixUnavailable: the database did not answer, or refused; nothing was written, or that
                is looked up by whoever asks next.
        """
        claim = await self.find(given.claim)
        if claim is None:
            return Refusal(why="That preview is not known here. Open a new one.")
        waiting = await self.first_of_two(claim, given)
        if waiting is not None:
            return waiting
        await self.steps.reached(Step.CONFIRMED)
        async with self.kept_if_stopped(claim, given.by, given.at, reason=given.why):
            try:
                return await self._execute(claim, given)
            except Drift:
                return await self._drifted(claim, given)
            except FixRefused as refused:
                await self._refused(claim, given, refused.why)
                return Refusal(why=refused.why)

    async def first_of_two(self, claim: Claim, given: Confirmation) -> Result | None:
        """Where two operators are asked for: the first one's confirmation; else None."""
        if claim.approvals_needed < 2 or claim.state is not FixState.PROPOSED:
            return None
        if claim.reason is None and given.by == claim.proposed_by:
            async with self.database.transaction() as connection:
                noted = await claims.confirm_first(
                    connection, claim.id, by=given.by, reason=given.why, now=given.at
                )
                if noted is not None:
                    entry = self.entry(noted, "confirmed", given.by, given.at)
                    await audit.append(connection, replace(entry, reason=given.why))
                    return Waiting(claim=noted)
            return await self.over(claim.id)
        if given.by == claim.proposed_by:
            await self._refused(claim, given, _SAME_PERSON)
            return Refusal(why=_SAME_PERSON)
        return None

    @asynccontextmanager
    async def kept_if_stopped(
        self, claim: Claim, by: str, at: datetime, *, reason: str | None = None
    ) -> AsyncGenerator[None]:
        """What the database itself stops is kept in the audit too, if it lets that be done."""
        try:
            yield
        except FixUnavailable as trouble:
            entry = replace(self.entry(claim, "stopped", by, at), reason=reason)
            details = {**entry.details, "why": harmless(trouble.problem.what, _REASON)}
            with suppress(FixUnavailable):
                async with self.database.transaction() as connection:
                    await audit.append(connection, replace(entry, details=details))
            raise

    async def _refused(self, claim: Claim, given: Confirmation, why: str) -> None:
        about, where = f"{claim.kind} {claim.target}", claim.channel
        await self.refuse(given.by, given.at, about, why, channel=where, claim=claim)

    async def _execute(self, claim: Claim, given: Confirmation) -> Result:
        kind = self.kinds[claim.kind]
        seen = await kind.look(proposing=False)
        done: Claim | None = None
        async with self.taken(claim, given) as (connection, taken):
            if taken is not None:
                changes = await self.write(connection, kind, taken, seen)
                done = await self.finish(connection, taken, changes, given)
                await self.steps.reached(Step.COMMITTING)
        if done is None:
            return await self.over(claim.id)
        await self.steps.reached(Step.COMMITTED)
        return Done(claim=done)

    @asynccontextmanager
    async def taken(
        self, claim: Claim, given: Confirmation
    ) -> AsyncGenerator[tuple[Connection, Claim | None]]:
        """A transaction in which the claim is this call's; None where somebody has it."""
        async with self.database.transaction() as connection:
            await claims.lock(connection, claim.kind, claim.target)
            yield (
                connection,
                await claims.begin(
                    connection,
                    claim.id,
                    by=given.by,
                    reason=given.why,
                    now=given.at,
                    lease=self.clock.now() + LEASE,
                ),
            )

    async def write(
        self, connection: Connection, kind: Kind, claim: Claim, seen: Seen
    ) -> tuple[Change, ...]:
        """The statement with its before-images, if the rows are those of the preview."""
        changes = await self.changed(kind, connection, claim.aim, seen)
        if digest_of(changes) != claim.digest:
            raise Drift
        await images.keep(connection, claim.id, changes)
        await self.steps.reached(Step.CHANGED)
        return changes

    async def finish(
        self,
        connection: Connection,
        claim: Claim,
        changes: tuple[Change, ...],
        given: Confirmation,
    ) -> Claim:
        """The audit entry and the claim's new state, in the statement's transaction."""
        after = after_digest_of(changes)
        entry = replace(
            self.entry(claim, "executed", given.by, given.at),
            reason=claim.reason or given.why,
            rows=len(changes),
            after=after,
        )
        done = await claims.end(
            connection,
            claim.id,
            FixState.EXECUTED,
            now=given.at,
            before=(FixState.EXECUTING,),
            rows=len(changes),
            after=after,
        )
        if done is None:
            raise FixRefused("The fix took too long and was settled meanwhile. Nothing is changed.")
        # Claims first, the chain's end last, as everywhere: else two fixes could wait in a circle.
        await claims.supersede(connection, done, by=given.by, now=given.at)
        await audit.append(connection, entry)
        return done

    async def _drifted(self, claim: Claim, given: Confirmation) -> Result:
        """Nothing was written: end the old preview, and show what is so now."""
        async with self.database.transaction() as connection:
            ended = await claims.end(
                connection,
                claim.id,
                FixState.SUPERSEDED,
                now=given.at,
                before=(FixState.PROPOSED, FixState.EXECUTING),
                by=given.by,
            )
            if ended is not None:
                await audit.append(connection, self.entry(ended, "drifted", given.by, given.at))
            won = await claims.winner(connection, claim)
        if won is not None and won.state is not FixState.UNDONE:
            return Over(claim=ended or claim, winner=won)
        wish = Wish(
            kind=claim.kind,
            target="all" if claim.target == "*" else claim.target,
            by=given.by,
            channel=claim.channel,
            at=given.at,
            deployment=claim.deployment,
            stated=frozenset(str(claim.parameters.get("stated") or "").split()),
        )
        return Stale(fresh=await self.propose(wish))

    # --- afterwards -----------------------------------------------------------------------------

    async def undo(
        self, claim_id: UUID, *, by: str, at: datetime
    ) -> Undone | Over | Waiting | Refusal:
        """Take a fix back: only rows that still equal what it wrote are restored.

        A fix that asked for two operators is undone by two: the first one's wish is kept.
        """
        found = await self.find(claim_id)
        if found is None:
            return Refusal(why="That fix is not known here.")
        kind = self.kinds.get(found.kind)
        if kind is None or not kind.undoable:
            return Refusal(why="This cannot be taken back; it can only be done once more.")
        restored: list[UUID] = []
        conflicts: list[str] = []
        since = at - self.rules.undo_for
        async with (
            self.kept_if_stopped(found, by, at),
            self.database.transaction() as connection,
        ):
            await claims.lock(connection, found.kind, found.target)
            first = await self._undo_of_two(connection, found, by, at, since)
            if first is not None:
                return first
            taken = await claims.undo(connection, claim_id, by=by, now=at, since=since)
            if taken is not None:
                restored, conflicts = await kind.restore(connection, claim_id)
                details = {"conflicts": len(conflicts)}
                entry = replace(
                    self.entry(taken, "undone", by, at), rows=len(restored), details=details
                )
                await audit.append(connection, entry)
        if taken is None:
            return await self.over(claim_id)
        return Undone(claim=taken, restored=len(restored), conflicts=tuple(conflicts))

    async def _undo_of_two(
        self, connection: Connection, claim: Claim, by: str, at: datetime, since: datetime
    ) -> Waiting | Refusal | None:
        """Where two operators are asked for: the first one's wish; None where it may be undone."""
        held = await claims.hold(connection, claim.id) or claim
        open_still = held.state is FixState.EXECUTED and (held.executed_at or since) > since
        if held.approvals_needed < 2 or not open_still:
            return None
        known = await audit.entries_of(connection, held.id)
        asked = [entry.actor for entry in known if entry.action == audit.UNDO_ASKED]
        if not asked:
            await audit.append(connection, self.entry(held, audit.UNDO_ASKED, by, at))
            return Waiting(claim=held)
        if by not in asked:
            return None
        entry = self.entry(held, "refused", by, at)
        refused = replace(entry, details={**entry.details, "why": _SAME_UNDO})
        await audit.append(connection, refused)
        return Refusal(why=_SAME_UNDO)

    async def over(self, claim_id: UUID) -> Over:
        """Why a claim cannot be used any more, and who was there before."""
        async with self.database.transaction() as connection:
            await claims.expire(connection, self.clock.now())
            claim = await claims.find(connection, claim_id)
            if claim is None:
                raise FixRefused("That preview is not known here.")
            used = claim.executed_at is not None and claim.state is not FixState.FAILED
            won = None if used else await claims.winner(connection, claim)
        return Over(claim=claim, winner=won)
