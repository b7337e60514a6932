"""What fixes need when nobody presses a button: settled, looked at again, closed.

Everything is read from the claims, so that any replica takes it up.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

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

_BY_HAND: Final = timedelta(hours=24)
"""How long people may take for a rollback's steps: while one goes on, no other can be begun."""

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
        self._closed: set[UUID] = set()

    async def begin(self) -> None:
        """Take up what was left behind, and go round from now on."""
        await self._round()

    def end(self) -> None:
        """Go round no more."""
        self._ended = True
        self._timer.cancel(_JOB)

    async def _round(self) -> None:
        """Settle, verify, expire, close: each once, whoever comes first."""
        # One that breaks keeps neither those behind it from their turn nor the next round.
        async with AsyncExitStack() as stack:
            stack.callback(self._again)
            await self._quietly(partial(self._look, stack))

    async def _look(self, stack: AsyncExitStack) -> None:
        async with self._shop.engine.database.transaction(keep=False):
            now = self._clock.now()
        steps = (
            self._shop.rolling_back.keep,
            lambda: self._settle(now),
            lambda: self._rollbacks(now),
            lambda: self._shop.sending.look(now),
            lambda: self._verify(now),
            lambda: self._follow(now),
            lambda: self._close(now),
        )
        for step in reversed(steps):
            stack.push_async_callback(self._quietly, step)

    def _again(self) -> None:
        if not self._ended:
            self._timer.at(self._clock.now() + EVERY, _JOB, self._round)

    async def _quietly(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do something that is done again at the next round where it cannot be done now."""
        try:
            await work()
        except (FixUnavailable, StoreUnavailable) as trouble:
            _log.warning("fixes cannot be looked after", why=trouble.problem.what)

    async def _settle(self, now: datetime) -> None:
        for claim in await self._shop.engine.settle(now):
            await self._say_settled(claim)

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
            manual = claim.parameters.get("mode") == MANUAL
            goes_on = manual and (claim.executed_at or now) > now - _BY_HAND
            if claim.kind != ROLLBACK or goes_on:
                continue
            async with self._shop.engine.database.transaction() as connection:
                taken = await claims.take_up(connection, claim.id, now=now, lease=now + EVERY)
            if taken is not None and manual:
                await self._shop.rolling_back.abandoned(taken)
            elif taken is not None:
                await self._shop.rolling_back.lost(taken)

    # --- looked at again ------------------------------------------------------------------------

    async def _verify(self, now: datetime) -> None:
        async with self._shop.engine.database.transaction() as connection:
            found = await claims.unverified(connection, now - _FOR)
        for claim in found:
            if claim.kind == ROLLBACK or claim.kind in self._shop.engine.kinds:
                await self._quietly(partial(self._look_again, claim, now))

    async def _look_again(self, claim: Claim, now: datetime) -> None:
        # Posted already, unless its process ended just before: the outbox knows the key.
        if claim.kind != ROLLBACK and claim.state is FixState.EXECUTED:
            kind = self._shop.engine.kinds[claim.kind]
            await self._shop.posts.executed(claim, undoable=kind.undoable)
        due = _done_at(claim) + self._shop.engine.rules.verify_after
        if due > now:
            self._timer.at(due, f"fix:{claim.id}", self._due)
        elif claim.state is FixState.EXECUTED:
            await self._verify_one(claim, now)

    async def _due(self) -> None:
        now = self._clock.now()
        await self._quietly(lambda: self._verify(now))

    async def _verify_one(self, claim: Claim, now: datetime) -> None:
        # Said, then kept: the outbox knows what was said, and what is kept is looked at no more.
        if claim.kind == ROLLBACK:
            good, why = await self._healthy(claim)
            await self._shop.rolling_back.verified(claim, good=good, why=why)
            if await self._noted(claim, now, good=good):
                await self._shop.rolling_back.keep_verified(claim, good=good, why=why)
            return
        kind = self._shop.engine.kinds[claim.kind]
        outcome = await kind.outcome(self._shop.engine.database, claim)
        lines = await self._afterwards(claim)
        await self._shop.posts.verified(claim, outcome, lines)
        await self._noted(claim, now, good=outcome.good, counts=dict(outcome.counts))

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
            await claims.expire(connection, now)
            expired = await claims.not_approved(connection, now - _FOR)
            until = now - undo_for
            ended = await claims.executed_between(connection, until - _FOR, until)
            over = [c for c in ended if c.kind in self._shop.engine.kinds]
            entries = {c.id: await audit.entries_of(connection, c.id) for c in over}
        # Once a process: whoever closed it before may have ended before it could say so.
        self._closed &= {claim.id for claim in (*expired, *over)}
        for claim in expired:
            if claim.id not in self._closed:
                said = say(f"Nobody approved in time: {claim.sheet.title}. Nothing was changed.")
                await self._shop.posts.replace(claim, "approval", said)
                self._closed.add(claim.id)
        for claim in over:
            if claim.id not in self._closed:
                await self._shop.posts.refresh(claim, entries[claim.id], undoable=False)
                await self._shop.posts.undo_answered(claim)
                self._closed.add(claim.id)


def _done_at(claim: Claim) -> datetime:
    """When it was done: a rollback is declared long before, and two systems may agree late."""
    return claim.state_at or claim.executed_at or claim.proposed_at
