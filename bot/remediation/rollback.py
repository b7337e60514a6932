"""Rolling back: a command without a shell, a hook, or the steps that people go through.

It runs at most once. Its beginning is recorded before anything runs: what a crash cut off behind
that is not run again, and is told as not known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from bot.remediation import audit, claims, command
from bot.remediation.audit import Entry
from bot.remediation.database import FixDatabase
from bot.remediation.engine import Confirmation, Engine
from bot.remediation.hooks import Hooks
from bot.remediation.output import last_lines
from bot.remediation.proposing import proposed
from bot.remediation.ran import LOOK, Ran
from bot.remediation.steps import Step
from bot.remediation.values import (
    Aim,
    Claim,
    Done,
    FixState,
    Over,
    Refusal,
    Result,
    Sheet,
    Wish,
)
from checks.engine.masking import harmless, mask
from checks.engine.runbook.remediation import RollbackPlan

NAME: Final = "rollback"
MANUAL: Final = "manual"
LEASE: Final = timedelta(seconds=90)
"""How long a rollback is left to the process that runs it; it renews that while it does."""

_PLAIN: Final = ("PATH", "HOME", "LANG")
"""What a command gets without being asked for: nothing that golive itself was given."""

_SHORTEST_SECRET: Final = 8
"""A shorter value of a variable is no token, and would make holes in every output."""

_DIGEST: Final = "rollback"
_BEGUN: Final = "running"
_UNDER_WAY: Final = "A rollback is under way already."


class _Meanwhile(Exception):  # noqa: N818 - leaves the transaction, so that nothing of it stays
    """Somebody else's rollback was executed since this one was proposed."""


class Rollback:
    """Declares, runs and records rollbacks.

    Args:
        engine: whose claims, database and clock they use.
        plan: what the runbook configures.
        hooks: calls a deploy hook.
        environment: of this process; a command gets only what it needs of it.
        secrets: masked in a command's output as literals, as is what its variables hold.
    """

    def __init__(
        self,
        engine: Engine,
        plan: RollbackPlan,
        hooks: Hooks,
        *,
        environment: Mapping[str, str],
        secrets: Sequence[str] = (),
    ) -> None:
        self._engine = engine
        self._plan = plan
        self._hooks = hooks
        given = {name: environment[name] for name in plan.environment if name in environment}
        plain = {name: environment[name] for name in _PLAIN if name in environment}
        self._environment = {**plain, **given}
        told = (value for value in given.values() if len(value) >= _SHORTEST_SECRET)
        self._secrets = (*secrets, *told)

    @property
    def database(self) -> FixDatabase:
        """Where claims and audit are."""
        return self._engine.database

    @property
    def manual(self) -> bool:
        """Whether people do it, step by step."""
        return not self._plan.command and self._plan.hook is None

    async def propose(self, wish: Wish, warnings: Sequence[str]) -> Claim | Refusal:
        """What would run; nothing runs yet."""
        plan = self._plan
        target = str(wish.deployment) if wish.deployment else wish.channel
        last, before = await self._before(target)
        how = "People go through the steps below, and tick each."
        if plan.command:
            shown = mask(" ".join(plan.command), self._secrets)
            how = f"Runs without a shell: {harmless(shown, 400)}"
        elif plan.hook is not None:
            how = f"Calls the deploy hook at {plan.hook.host}."
        sheet = Sheet(
            title=f"Roll back {wish.version or 'the release'}",
            verb="Roll back",
            rows=0,
            facts=(how, "Leave the database as it is: new columns are nullable."),
            warnings=(*before, *warnings),
            steps=plan.steps if self.manual else (),
        )
        mode = MANUAL if self.manual else "run"
        aim = Aim(target=target, name=wish.version or "the release", parameters={"mode": mode})
        claim = proposed(wish, aim, sheet, self._engine.rules, digest=_DIGEST, rows=0)
        if last is not None and last.state is FixState.EXECUTING:
            about, where = f"{NAME} {target}", wish.channel
            await self._engine.refuse(wish.by, wish.at, about, _UNDER_WAY, channel=where)
            return Refusal(why=_UNDER_WAY, last=last)
        return await self._engine.keep_proposal(claim)

    async def _before(self, target: str) -> tuple[Claim | None, tuple[str, ...]]:
        """The last rollback of the same, and what its end means for the next one."""
        async with self._engine.database.transaction() as connection:
            last = await claims.newest(connection, NAME, target)
            entries = await audit.entries_of(connection, last.id) if last is not None else ()
        told = [entry.details["known"] for entry in entries if "known" in entry.details]
        if told and told[-1] is False:
            return last, (f"Whether the last rollback was done is not known. {LOOK}",)
        return last, ()

    async def declare(self, claim: Claim, given: Confirmation) -> Result:
        """Take the claim: from here on the rollback is declared. `run` follows."""
        waiting = await self._engine.first_of_two(claim, given)
        if waiting is not None:
            return waiting
        await self._engine.steps.reached(Step.CONFIRMED)
        try:
            async with self._engine.kept_if_stopped(claim, given.by, given.at, reason=given.why):
                taken = await self._declared(claim, given)
        except _Meanwhile:
            taken = None
        if taken is None:
            return await self._engine.over(claim.id)
        await self._engine.steps.reached(Step.COMMITTED)
        return Done(claim=taken)

    async def _declared(self, claim: Claim, given: Confirmation) -> Claim | None:
        async with self._engine.taken(claim, given) as (connection, taken):
            if taken is None:
                return None
            # No row tells that it was done meanwhile, as those of other fixes do.
            if await claims.winner(connection, taken) is not None:
                raise _Meanwhile
            await claims.supersede(connection, taken, by=given.by, now=given.at)
            await claims.lease_until(connection, taken.id, self._engine.clock.now() + LEASE)
            entry = replace(self._entry(taken, "declared", given.at), actor=given.by)
            await audit.append(connection, replace(entry, reason=taken.reason or given.why))
            await self._engine.steps.reached(Step.COMMITTING)
        return taken

    async def keep(self, claims_running: Sequence[UUID], *, longer: timedelta = LEASE) -> None:
        """Say that these are still run by this process, for so much longer."""
        until = self._engine.clock.now() + longer
        async with self._engine.database.transaction() as connection:
            for claim_id in claims_running:
                await claims.lease_until(connection, claim_id, until)

    async def run(self, claim: Claim) -> Ran:
        """Run what is configured, once; `ended` records how it ended.

        Raises:
            FixUnavailable: its beginning could not be recorded, so nothing was run.
        """
        now = self._engine.clock.now()
        async with self._engine.database.transaction() as connection:
            held = await claims.hold(connection, claim.id)
            if held is None or held.state is not FixState.EXECUTING:
                return Ran(good=False, how="it was given up before it began; nothing was run")
            await audit.append(connection, self._entry(claim, _BEGUN, now))
        await self._engine.steps.reached(Step.RUNNING)
        ran = await self._command() if self._plan.command else await self._hook(claim)
        await self._engine.steps.reached(Step.RAN)
        return ran

    async def ended(self, claim: Claim, ran: Ran) -> bool:
        """Record how it ended; False where it was given up as lost meanwhile, which is kept."""
        now = self._engine.clock.now()
        state = FixState.EXECUTED if ran.good else FixState.FAILED
        async with self._engine.database.transaction() as connection:
            ended = await claims.end(
                connection, claim.id, state, now=now, before=(FixState.EXECUTING,)
            )
            action = "executed" if ran.good else "failed"
            entry = self._entry(claim, action if ended is not None else f"{action} late", now)
            details = {"how": ran.how, "known": ran.known}
            await audit.append(connection, replace(entry, details=details))
        await self._engine.steps.reached(Step.RECORDED)
        return ended is not None

    async def tick(self, claim_id: UUID, step: int, *, by: str, at: datetime) -> Claim | Over:
        """A step by hand is done; with the last one the rollback is."""
        async with self._engine.database.transaction() as connection:
            claim = await claims.hold(connection, claim_id)
            if claim is None or claim.state is not FixState.EXECUTING:
                return Over(claim=claim) if claim else await self._engine.over(claim_id)
            entries = await audit.entries_of(connection, claim_id)
            done = {str(e.details.get("step")) for e in entries if e.action == "ticked"}
            if str(step) in done or not 0 <= step < len(claim.sheet.steps):
                return claim
            entry = self._entry(claim, "ticked", at)
            await audit.append(connection, replace(entry, actor=by, details={"step": step}))
            if len(done) + 1 == len(claim.sheet.steps):
                ended = await claims.end(
                    connection,
                    claim_id,
                    FixState.EXECUTED,
                    now=at,
                    before=(FixState.EXECUTING,),
                )
                done_by_hand = {"how": f"the last step by hand by {by}"}
                entry = replace(self._entry(claim, "executed", at), details=done_by_hand)
                await audit.append(connection, entry)
                return ended or claim
        return claim

    async def lost(self, claim: Claim) -> Ran:
        """Its process is gone: nothing was run, or whether it was done is not known."""
        async with self._engine.database.transaction() as connection:
            entries = await audit.entries_of(connection, claim.id)
        begun = any(entry.action == _BEGUN for entry in entries)
        how = (
            f"golive ended while it ran; whether it was done is not known. {LOOK}"
            if begun
            else "golive ended before anything was run: nothing was rolled back."
        )
        ran = Ran(good=False, known=not begun, how=how)
        await self.ended(claim, ran)
        return ran

    async def abandoned(self, claim: Claim) -> Ran | None:
        """Its steps by hand were never all ticked; None where they were just now."""
        how = f"not all of its steps were ticked in a day; what was done is not known. {LOOK}"
        ran = Ran(good=False, known=False, how=how)
        return ran if await self.ended(claim, ran) else None

    async def past(self, claim: Claim) -> Ran | None:
        """How it ended, as it was recorded; its output is gone. None where it has not ended."""
        async with self._engine.database.transaction() as connection:
            entries = await audit.entries_of(connection, claim.id)
        for entry in reversed(entries):
            if entry.action in {"executed", "failed"}:
                return Ran(
                    good=entry.action == "executed",
                    known=entry.details.get("known") is not False,
                    how=str(entry.details.get("how") or "how it ended was not recorded"),
                )
        return None

    async def _hook(self, claim: Claim) -> Ran:
        plan = self._plan
        if plan.hook is None:
            return Ran(good=False, how="nothing is configured")
        hook = replace(plan.hook, timeout=min(plan.hook.timeout, plan.timeout))
        body = {"claim": str(claim.id), "version": claim.name, "action": NAME}
        answer = await self._hooks.call(hook, body, key=str(claim.id))
        how = f"the hook at {hook.host} {answer.words}"
        if answer.unsure:
            how += f"; whether it was done is not known. {LOOK}"
        return Ran(good=answer.good, known=not answer.unsure, how=how, output=answer.lines)

    async def _command(self) -> Ran:
        plan = self._plan
        try:
            ended = await command.run(
                plan.command, environment=self._environment, within=plan.timeout
            )
        except command.CannotStartError as error:
            return Ran(good=False, how=f"the command cannot be started: {error}")
        lines = last_lines(ended.said, self._secrets, cut=ended.cut)
        if ended.code is None:
            seconds = plan.timeout.total_seconds()
            how = f"the command took longer than {seconds:g} s, and was ended. {LOOK}"
            return Ran(good=False, known=False, how=how, output=lines)
        how = f"the command ended with {ended.code}"
        return Ran(good=ended.code == 0, how=how, output=lines)

    def _entry(self, claim: Claim, action: str, at: datetime) -> Entry:
        return Entry(
            at=at,
            actor=claim.executed_by or "golive",
            action=action,
            target=f"{NAME} {claim.target}",
            claim=claim.id,
            before=claim.digest,
        )


__all__ = ["LEASE", "MANUAL", "NAME", "Ran", "Rollback"]
