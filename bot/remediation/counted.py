"""Fixes and rollbacks whose outcomes are told to the metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID

from bot.clock import Clock
from bot.operations.metrics import Metrics
from bot.remediation.database import FixDatabase
from bot.remediation.engine import Confirmation, Engine
from bot.remediation.hooks import Hooks
from bot.remediation.kinds import Kind
from bot.remediation.paired import Paired
from bot.remediation.rollback import NAME, Ran, Rollback
from bot.remediation.steps import Steps
from bot.remediation.values import (
    Claim,
    Done,
    FixUnavailable,
    Over,
    Refusal,
    Result,
    Stale,
    Undone,
    Unsettled,
    Waiting,
    Wish,
)
from checks.engine.runbook import Remediation, RollbackPlan

_WORDS: Final[Mapping[type, str]] = {
    Claim: "proposed",
    Refusal: "refused",
    Over: "over",
    Stale: "drifted",
    Waiting: "waiting",
    Done: "executed",
    Unsettled: "unsettled",
    Undone: "undone",
}
_Answer: TypeAlias = Result | Claim | Undone
_UNKNOWN: Final = "unknown"
"""The kind, where the answer does not say which fix it is about."""


class Counted(Paired):
    """The engine; see `Paired`.

    Args:
        metrics: are told what came of each proposal, confirmation and undoing.
    """

    def __init__(
        self,
        database: FixDatabase,
        kinds: Mapping[str, Kind],
        rules: Remediation,
        clock: Clock,
        steps: Steps | None = None,
        *,
        metrics: Metrics,
    ) -> None:
        super().__init__(database, kinds, rules, clock, steps)
        self._metrics = metrics

    async def propose(self, wish: Wish) -> Claim | Refusal:
        """See `Engine.propose`."""
        try:
            found = await super().propose(wish)
        except FixUnavailable:
            self._metrics.remediation(wish.kind, "unavailable")
            raise
        self._metrics.remediation(wish.kind, _WORDS[type(found)])
        return found

    async def confirm(self, given: Confirmation) -> Result:
        """See `Engine.confirm`."""
        try:
            return self._told(await super().confirm(given))
        except FixUnavailable:
            self._metrics.remediation(_UNKNOWN, "unavailable")
            raise

    async def undo(
        self, claim_id: UUID, *, by: str, at: datetime
    ) -> Undone | Over | Waiting | Refusal:
        """See `Engine.undo`."""
        try:
            found = await super().undo(claim_id, by=by, at=at)
        except FixUnavailable:
            self._metrics.remediation(_UNKNOWN, "unavailable")
            raise
        self._metrics.remediation(_kind(found), _WORDS[type(found)])
        return found

    def _told(self, found: Result) -> Result:
        self._metrics.remediation(_kind(found), _WORDS[type(found)])
        return found


class CountedRollback(Rollback):
    """The rollback; see `Rollback`.

    Args:
        metrics: are told what came of each proposal, declaration and run.
    """

    def __init__(
        self,
        engine: Engine,
        plan: RollbackPlan,
        hooks: Hooks,
        *,
        environment: Mapping[str, str],
        secrets: Sequence[str] = (),
        metrics: Metrics,
    ) -> None:
        super().__init__(engine, plan, hooks, environment=environment, secrets=secrets)
        self._metrics = metrics

    async def propose(self, wish: Wish, warnings: Sequence[str]) -> Claim | Refusal:
        """See `Rollback.propose`."""
        found = await super().propose(wish, warnings)
        self._metrics.remediation(NAME, _WORDS[type(found)])
        return found

    async def declare(self, claim: Claim, given: Confirmation) -> Result:
        """See `Rollback.declare`."""
        found = await super().declare(claim, given)
        declared = isinstance(found, Done)
        self._metrics.remediation(NAME, "declared" if declared else _WORDS[type(found)])
        return found

    async def run(self, claim: Claim) -> Ran:
        """See `Rollback.run`."""
        ran = await super().run(claim)
        self._metrics.remediation(NAME, "executed" if ran.good else _failed(ran))
        return ran


def _failed(ran: Ran) -> str:
    return "failed" if ran.known else "unknown"


def _kind(found: _Answer) -> str:
    """The kind of fix that an answer is about."""
    match found:
        case Claim():
            return found.kind
        case Refusal():
            return found.last.kind if found.last is not None else _UNKNOWN
        case Stale():
            return _kind(found.fresh)
        case _:
            return found.claim.kind
