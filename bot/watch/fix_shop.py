"""What fixes are made with, and what the channel hears of them: posts lose what is used up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog

from bot.remediation import audit
from bot.remediation.audit import Entry
from bot.remediation.hooks import Hooks
from bot.remediation.paired import Paired
from bot.remediation.rollback import NAME as ROLLBACK
from bot.remediation.rollback import Rollback
from bot.remediation.values import (
    Claim,
    Done,
    FixUnavailable,
    Over,
    Result,
    Unsettled,
    Waiting,
)
from bot.render.sentences import say
from bot.storage.store import Store
from bot.storage.values import StoreUnavailable
from bot.watch.fix_posts import FixPosts
from bot.watch.rolling_back import RollingBack
from bot.watch.sending_on import SendingOn

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What fixes are made with."""

    engine: Paired
    rollback: Rollback
    posts: FixPosts
    store: Store
    hooks: Hooks
    sending: SendingOn
    rolling_back: RollingBack

    async def entries(self, claim: UUID) -> tuple[Entry, ...]:
        """The audit of one claim, oldest first."""
        async with self.engine.database.transaction() as connection:
            return await audit.entries_of(connection, claim)

    def undoable(self, claim: Claim, at: datetime) -> bool:
        """Whether an executed fix can still be taken back."""
        executed = claim.executed_at
        if executed is None or not self.engine.kinds[claim.kind].undoable:
            return False
        return at < executed + self.engine.rules.undo_for

    async def told(self, claim: Claim, result: Result) -> str:
        """Tell the channel what came of a confirmation; "", or why it could not be told.

        claim: as it was before.
        """
        try:
            await self._tell(result)
            if claim.waits_for_second:
                await self.unasked(await self.engine.over(claim.id))
        except (FixUnavailable, StoreUnavailable) as trouble:
            _log.warning("the channel could not be told of a fix", why=trouble.problem.what)
            return f"The channel could not be told. {trouble.problem}"
        return ""

    async def unasked(self, over: Over) -> None:
        """What asked for a second operator loses its button, unless it waits still."""
        if over.claim.confirmed_first and not over.claim.waits_for_second:
            await self.posts.answered(over)

    async def _tell(self, result: Result) -> None:
        match result:
            case Done(claim=claim) if claim.kind == ROLLBACK:
                await self.rolling_back.declared(claim)
            case Done(claim=claim):
                undoable = self.engine.kinds[claim.kind].undoable
                await self.posts.executed(claim, undoable=undoable)
                self.sending.begin(claim)
            case Waiting(claim=claim):
                await self.posts.waiting(claim)
            case Unsettled(claim=claim, why=why):
                await self.posts.notice(claim, "unsettled", say(why))
            case _:
                return
