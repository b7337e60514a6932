"""Rolling back: a command without a shell, a hook, or the steps that people go through.

It runs at most once: what a crash cut off is not run again, and is told as not known.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from bot.remediation import audit, claims
from bot.remediation.audit import Entry
from bot.remediation.database import FixDatabase
from bot.remediation.engine import Confirmation, Engine
from bot.remediation.hooks import Hooks
from bot.remediation.proposing import proposed
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
_DIGEST: Final = "rollback"
_OUTPUT: Final = 16_384
_LINES: Final = 40
_SLACK: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a command or a hook ended; `output` is masked, the last lines of it."""

    good: bool
    how: str
    output: tuple[str, ...] = ()


class Rollback:
    """Declares, runs and records rollbacks.

    Args:
        engine: whose claims, database and clock they use.
        plan: what the runbook configures.
        hooks: calls a deploy hook.
        environment: of a command; without golive's own secrets.
        secrets: masked in a command's output as literals.
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
        self._environment = dict(environment)
        self._secrets = tuple(secrets)

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
        how = "People go through the steps below, and tick each."
        if plan.command:
            how = f"Runs without a shell: {harmless(mask(' '.join(plan.command)), 400)}"
        elif plan.hook is not None:
            how = f"Calls the deploy hook at {plan.hook.host}."
        sheet = Sheet(
            title=f"Roll back {wish.version or 'the release'}",
            verb="Roll back",
            rows=0,
            facts=(how, "Leave the database as it is: new columns are nullable."),
            warnings=tuple(warnings),
            steps=plan.steps if self.manual else (),
        )
        target = str(wish.deployment) if wish.deployment else wish.channel
        mode = MANUAL if self.manual else "run"
        aim = Aim(target=target, name=wish.version or "the release", parameters={"mode": mode})
        claim = proposed(wish, aim, sheet, self._engine.rules, digest=_DIGEST, rows=0)
        async with self._engine.database.transaction() as connection:
            last = await claims.newest(connection, NAME, target)
        if last is not None and last.state is FixState.EXECUTING:
            return Refusal(why="A rollback is under way already.", last=last)
        return await self._engine.keep_proposal(claim)

    async def declare(self, claim: Claim, given: Confirmation) -> Result:
        """Take the claim: from here on the rollback is declared. `run` follows."""
        waiting = await self._engine.first_of_two(claim, given)
        if waiting is not None:
            return waiting
        async with self._engine.taken(claim, given) as (connection, taken):
            if taken is not None:
                entry = replace(self._entry(taken, "declared", given.at), actor=given.by)
                await audit.append(connection, replace(entry, reason=taken.reason or given.why))
                await claims.supersede(connection, taken, by=given.by, now=given.at)
                lease = given.at + self._plan.timeout + _SLACK
                await claims.lease_until(connection, taken.id, lease)
        if taken is None:
            return await self._engine.over(claim.id)
        return Done(claim=taken)

    async def run(self, claim: Claim) -> Ran:
        """Run what is configured, once, and record how it ended."""
        await self._engine.steps.reached(Step.RUNNING)
        ran = await self._command() if self._plan.command else await self._hook(claim)
        await self._engine.steps.reached(Step.RAN)
        await self._ended(claim, ran)
        return ran

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
                await audit.append(connection, self._entry(claim, "executed", at))
                return ended or claim
        return claim

    async def lost(self, claim: Claim) -> None:
        """Its process ended while it ran: whether it was done is not known, and it is not rerun."""
        how = "golive ended while it ran; whether it was done is not known"
        await self._ended(claim, Ran(good=False, how=how))

    async def _ended(self, claim: Claim, ran: Ran) -> None:
        now = self._engine.clock.now()
        state = FixState.EXECUTED if ran.good else FixState.FAILED
        async with self._engine.database.transaction() as connection:
            await claims.end(connection, claim.id, state, now=now, before=(FixState.EXECUTING,))
            entry = self._entry(claim, "executed" if ran.good else "failed", now)
            await audit.append(connection, replace(entry, details={"how": ran.how}))

    async def _hook(self, claim: Claim) -> Ran:
        hook = self._plan.hook
        if hook is None:
            return Ran(good=False, how="nothing is configured")
        body = {"claim": str(claim.id), "version": claim.name, "action": NAME}
        answer = await self._hooks.call(hook, body, key=str(claim.id))
        lines = tuple(answer.said.splitlines()[-_LINES:])
        return Ran(good=answer.good, how=f"the hook {answer.words}", output=lines)

    async def _command(self) -> Ran:
        try:
            process = await asyncio.create_subprocess_exec(
                *self._plan.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
            )
        except OSError as error:
            return Ran(good=False, how=f"it cannot be started: {error.strerror or 'refused'}")
        seconds = self._plan.timeout.total_seconds()
        try:
            async with asyncio.timeout(seconds):
                raw = await _last(process)
                code = await process.wait()
        except TimeoutError:
            return Ran(good=False, how=f"it took longer than {seconds:g} s, and was ended")
        finally:
            if process.returncode is None:
                # Its children too: a rollback that goes on unseen is worse than one that failed.
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        return Ran(good=code == 0, how=f"it ended with {code}", output=self._shown(raw))

    def _shown(self, raw: bytes) -> tuple[str, ...]:
        text = raw.decode("utf-8", "replace")
        lines = [harmless(mask(line, self._secrets), 300) for line in text.splitlines()]
        return tuple(line for line in lines if line.strip())[-_LINES:]

    def _entry(self, claim: Claim, action: str, at: datetime) -> Entry:
        return Entry(
            at=at,
            actor=claim.executed_by or "golive",
            action=action,
            target=f"{NAME} {claim.target}",
            claim=claim.id,
            before=claim.digest,
        )


async def _last(process: asyncio.subprocess.Process) -> bytes:
    """The end of what a command says; the rest is read, so that it never waits, and dropped."""
    kept = b""
    if process.stdout is None:
        return kept
    while chunk := await process.stdout.read(65_536):
        kept = (kept + chunk)[-_OUTPUT:]
    return kept


__all__ = ["MANUAL", "NAME", "Ran", "Rollback"]
