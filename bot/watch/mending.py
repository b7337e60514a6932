"""Diagnosis and fixes as one: what the desk passes on; without a role for fixes, it says so."""

from __future__ import annotations

from bot.actions import notice
from bot.desk import Call, Reply
from bot.render.fix import not_offered
from bot.render.message import View
from bot.render.sentences import ready
from bot.watch.diagnosing import Diagnosing
from bot.watch.expecting import Expecting
from bot.watch.fixing import Fixing

_SETTING = "GOLIVE_REMEDIATION_DATABASE_URL"


class Mending:
    """Implements `bot.desk.Repairs`.

    Args:
        diagnosing: finds causes.
        expecting: waits for messages.
        fixing: makes fixes; None where none are offered.
    """

    def __init__(self, diagnosing: Diagnosing, expecting: Expecting, fixing: Fixing | None) -> None:
        self.diagnose = diagnosing.diagnose
        self.expect_inbound = expecting.expect_inbound
        self._fixing = fixing

    async def fix(self, call: Call, kind: str, target: str, stated: frozenset[str]) -> View:
        """The preview of a fix."""
        if self._fixing is None:
            return notice(not_offered(_SETTING))
        return await self._fixing.fix(call, kind, target, stated)

    async def rollback(self, call: Call) -> View:
        """The preview of a rollback."""
        if self._fixing is None:
            return notice(not_offered(_SETTING))
        return await self._fixing.rollback(call)

    async def approve(self, call: Call, claim: str) -> View:
        """The preview for the second operator."""
        if self._fixing is None:
            return notice(not_offered(_SETTING))
        return await self._fixing.approve(call, claim)

    async def confirm(self, call: Call, claim: str, reason: str) -> View:
        """What came of a confirmation."""
        if self._fixing is None:
            return notice(not_offered(_SETTING))
        return await self._fixing.confirm(call, claim, reason)

    async def undo(self, call: Call, claim: str) -> Reply:
        """What came of an undo."""
        if self._fixing is None:
            return Reply(message=ready(not_offered(_SETTING)))
        return await self._fixing.undo(call, claim)

    async def tick(self, call: Call, claim: str, step: str) -> Reply:
        """A step by hand is done."""
        if self._fixing is None:
            return Reply(message=ready(not_offered(_SETTING)))
        return await self._fixing.tick(call, claim, step)

    async def refused(self, call: Call, about: str, why: str) -> None:
        """Keep a refusal, where there is an audit of fixes."""
        if self._fixing is not None:
            await self._fixing.refused(call, about, why)
