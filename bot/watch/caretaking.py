"""What fixes need when nobody presses a button: settled, looked at again, closed.

Everything is read from the claims, so that any replica takes it up.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

import structlog

from bot.clock import Clock, Timer
from bot.remediation import audit, claims
from bot.remediation.audit import Entry
from bot.remediation.rollback import MANUAL
from bot.remediation.rollback import NAME as ROLLBACK
from bot.remediation.values import Claim, FixState, FixUnavailable
from bot.render.sentences import say
from bot.storage.values import StoreUnavailable
from bot.watch.fix_shop import Workshop

EVERY: Final = timedelta(seconds=30)
_JOB: Final = "fixes"
_FOR: Final = timedelta(hours=2)
"""How far back a fix that nobody looked at again is still looked at."""

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)

Afterwards = Callable[[Claim], Awaitable[tuple[str, ...]]]
"""What the check says that a fix is about: its raw and its adjusted value, as sentences."""

Healthy = Callable[[Claim], Awaitable[tuple[bool, str]]]
"""Whether health and checks are good after a rollback, and why."""


class Caretaker:
    """Goes round every half minute.

    Args:
        shop: the fixes.
        clock, timer: give the instant and call back at one.
        afterwards: looks at a fix's check again.
        healthy: looks at health and checks after a rollback.
        follow: looks for what comes of new secrets, at an instant.
    """

    def __init__(
        self,
        shop: Workshop,
        clock: Clock,
        timer: Timer,
        *,
        afterwards: Afterwards,
        healthy: Healthy,
        follow: Callable[[datetime], Awaitable[None]],
    ) -> None:
        self._shop = shop
        self._clock = clock
        self._timer = timer
        self._afterwards = afterwards
        self._healthy = healthy
        self._follow = follow
        self._ended = False

    async def begin(self) -> None:
        """Take up what was left behind, and go round from now on."""
        await self._round()

    def end(self) -> None:
        """Go round no more."""
        self._ended = True
        self._timer.cancel(_JOB)

    async def _round(self) -> None:
        try:
            await self.look()
        except (FixUnavailable, StoreUnavailable) as trouble:
            _log.warning("fixes cannot be looked after", why=trouble.problem.what)
        if not self._ended:
            self._timer.at(self._clock.now() + EVERY, _JOB, self._round)

    async def look(self) -> None:
        """Settle, verify, expire, close: each once, whoever comes first."""
        now = self._clock.now()
        await self._shop.rolling_back.keep()
        for claim in await self._shop.engine.settle(now):
            await self._say_settled(claim)
        await self._rollbacks(now)
        await self._shop.sending.look(now)
        await self._verify(now)
        await self._follow(now)
        await self._close(now)

    async def _say_settled(self, claim: Claim) -> None:
        failed = claim.state is FixState.FAILED
        said = (
            "Settled: the fix was cut off before it was done. Database and Evolution agree on the"
            " old secret."
            if failed
            else "Settled: database and Evolution agree on the new secret."
        )
        await self._shop.posts.notice(claim, "settled", say(said))
        if not failed:
            await self._shop.posts.executed(claim, undoable=False)

    async def _rollbacks(self, now: datetime) -> None:
        """What was cut off is given up, and what ended is told once, whoever ran it."""
        async with self._shop.engine.database.transaction() as connection:
            found = await claims.left(connection, now)
            ended = await claims.ended_since(connection, ROLLBACK, now - _FOR)
        for claim in ended:
            await self._shop.rolling_back.again(claim)
        for claim in found:
            if claim.kind != ROLLBACK or claim.parameters.get("mode") == MANUAL:
                continue
            async with self._shop.engine.database.transaction() as connection:
                taken = await claims.take_up(connection, claim.id, now=now, lease=now + EVERY)
            if taken is not None:
                await self._shop.rolling_back.lost(taken)

    # --- looked at again ------------------------------------------------------------------------

    async def _verify(self, now: datetime) -> None:
        rules = self._shop.engine.rules
        async with self._shop.engine.database.transaction() as connection:
            found = await claims.unverified(connection, now - _FOR)
        for claim in found:
            # Posted already, unless its process ended just before: the outbox knows the key.
            if claim.kind != ROLLBACK and claim.state is FixState.EXECUTED:
                kind = self._shop.engine.kinds[claim.kind]
                await self._shop.posts.executed(claim, undoable=kind.undoable)
            due = _done_at(claim) + rules.verify_after
            if due > now:
                self._timer.at(due, f"fix:{claim.id}", self._quietly)
            elif claim.state is FixState.EXECUTED:
                await self._verify_one(claim, now)

    async def _quietly(self) -> None:
        try:
            await self._verify(self._clock.now())
        except (FixUnavailable, StoreUnavailable) as trouble:
            _log.warning("a fix cannot be looked at again", why=trouble.problem.what)

    async def _verify_one(self, claim: Claim, now: datetime) -> None:
        if claim.kind == ROLLBACK:
            good, why = await self._healthy(claim)
            if await self._noted(claim, now, good=good):
                await self._shop.rolling_back.verified(claim, good=good, why=why)
            return
        kind = self._shop.engine.kinds[claim.kind]
        async with self._shop.engine.database.transaction() as connection:
            outcome = await kind.outcome(connection, claim)
        lines = await self._afterwards(claim)
        if await self._noted(claim, now, good=outcome.good, counts=dict(outcome.counts)):
            await self._shop.posts.verified(claim, outcome, lines)

    async def _noted(
        self,
        claim: Claim,
        now: datetime,
        *,
        good: bool | None,
        counts: dict[str, int] | None = None,
    ) -> bool:
        """Keep that it was looked at; False where another replica did."""
        entry = Entry(
            at=now,
            actor="golive",
            action="verified",
            target=f"{claim.kind} {claim.target}",
            claim=claim.id,
            rows=claim.rows_changed or 0,
            details={"good": good, "counts": {**(counts or {})}},
        )
        async with self._shop.engine.database.transaction() as connection:
            await claims.hold(connection, claim.id)
            known = await audit.entries_of(connection, claim.id)
            if any(one.action == "verified" for one in known):
                return False
            await audit.append(connection, entry)
        return True

    # --- over -----------------------------------------------------------------------------------

    async def _close(self, now: datetime) -> None:
        """Previews expire, and what can be undone no more loses its button."""
        undo_for = self._shop.engine.rules.undo_for
        async with self._shop.engine.database.transaction() as connection:
            expired = await claims.expire(connection, now)
            until = now - undo_for
            ended = await claims.executed_between(connection, until - 3 * EVERY, until)
            entries = {c.id: await audit.entries_of(connection, c.id) for c in ended}
        for claim in expired:
            if claim.reason is not None and claim.approvals_needed > 1:
                said = say(f"Nobody approved in time: {claim.sheet.title}. Nothing was changed.")
                await self._shop.posts.replace(claim, "approval", said)
        for claim in ended:
            if claim.kind in self._shop.engine.kinds:
                kept = tuple(entries[claim.id])
                await self._shop.posts.refresh(claim, kept, undoable=False)


def _done_at(claim: Claim) -> datetime:
    """When it was done; a rollback is declared long before."""
    if claim.kind == ROLLBACK and claim.state_at is not None:
        return claim.state_at
    return claim.executed_at or claim.proposed_at
