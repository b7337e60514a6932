"""Fixes behind their commands and buttons: from a wish to what came of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from bot.actions import CONFIRM, notice
from bot.desk import Call, Reply
from bot.remediation import audit
from bot.remediation.audit import Entry
from bot.remediation.engine import Confirmation
from bot.remediation.hooks import Hooks
from bot.remediation.paired import Paired
from bot.remediation.rollback import NAME as ROLLBACK
from bot.remediation.rollback import Rollback
from bot.remediation.values import (
    Claim,
    Done,
    FixRefused,
    FixUnavailable,
    Over,
    Refusal,
    Result,
    Unsettled,
    Waiting,
    Wish,
)
from bot.render import sentences
from bot.render.fix import over_text, preview_view
from bot.render.message import View
from bot.render.mrkdwn import plain
from bot.render.sentences import say
from bot.storage.store import Store
from bot.storage.values import StoreUnavailable
from bot.watch import fix_views
from bot.watch.fix_posts import TICKED, FixPosts
from bot.watch.knowing import know
from bot.watch.model import Deployment
from bot.watch.rolling_back import RollingBack
from checks.engine.model import Decision

_UNKNOWN: Final = "That fix is not known here."


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What fixes are made with.

    after: what follows an executed fix at once, such as a hook's calls
    """

    engine: Paired
    rollback: Rollback
    posts: FixPosts
    store: Store
    hooks: Hooks
    after: Callable[[Claim], Awaitable[None]]
    rolling_back: RollingBack


class Fixing:
    """Shows previews, executes what is confirmed, and takes it back."""

    def __init__(self, shop: Workshop) -> None:
        self._shop = shop

    async def fix(self, call: Call, kind: str, target: str, stated: frozenset[str]) -> View:
        """The preview of a fix, or why there is none."""
        deployment = await self._watch(call)
        wish = _wish(call, kind, target, deployment, stated)
        try:
            found = await self._shop.engine.propose(wish)
        except FixUnavailable as trouble:
            return fix_views.text(str(trouble.problem))
        return fix_views.proposed(found)

    async def rollback(self, call: Call) -> View:
        """The preview of a rollback, or why there is none."""
        deployment = await self._watch(call)
        warnings = await self._not_red(deployment)
        try:
            found = await self._shop.rollback.propose(
                _wish(call, ROLLBACK, "", deployment), warnings
            )
        except FixUnavailable as trouble:
            return fix_views.text(str(trouble.problem))
        return fix_views.proposed(found)

    async def approve(self, call: Call, claim: str) -> View:
        """The preview that waits for its second operator."""
        del call
        found = await self._find(claim)
        if isinstance(found, str):
            return fix_views.text(found)
        if not found.waits_for_second:
            return await self._over(found)
        return preview_view(found, callback=CONFIRM, second=True)

    async def confirm(self, call: Call, claim: str, reason: str) -> View:
        """Execute what a preview showed; each claim once."""
        found = await self._find(claim)
        if isinstance(found, str):
            return fix_views.text(found)
        given = Confirmation(claim=found.id, by=call.user, at=call.at, reason=reason)
        try:
            if found.kind == ROLLBACK:
                result = await self._shop.rollback.declare(found, given)
            else:
                result = await self._shop.engine.confirm(given)
        except FixUnavailable as trouble:
            return fix_views.text(str(trouble.problem))
        await self._tell(result)
        return fix_views.result(result)

    async def undo(self, call: Call, claim: str) -> Reply:
        """Take a fix back."""
        found = await self._find(claim)
        if isinstance(found, str):
            return Reply(message=say(found))
        try:
            undone = await self._shop.engine.undo(found.id, by=call.user, at=call.at)
            if isinstance(undone, Refusal):
                return Reply(message=say(undone.why))
            if isinstance(undone, Over):
                return Reply(message=sentences.ready(over_text(undone.claim, undone.winner)))
            await self._shop.posts.undone(undone, await self._entries(found.id))
        except FixUnavailable as trouble:
            return Reply(message=say(str(trouble.problem)))
        also = f", {len(undone.conflicts)} left as they are" if undone.conflicts else ""
        return Reply(message=say(f"Undone: {undone.restored} restored{also}. The thread has it."))

    async def tick(self, call: Call, claim: str, step: str) -> Reply:
        """A step by hand is done."""
        found = await self._find(claim)
        if isinstance(found, str) or not step.isascii() or not step.isdigit():
            return Reply(message=say(found if isinstance(found, str) else _UNKNOWN))
        number = int(step[:4])
        try:
            if found.kind == ROLLBACK:
                return await self._shop.rolling_back.tick(found, number, call)
            entries = await self._entries(found.id)
            ticked = {e.details.get("step"): e for e in entries if e.action == TICKED}
            if number in ticked:
                return Reply(
                    message=sentences.ready(
                        f"<@{ticked[number].actor}> has done that step already."
                    )
                )
            async with self._shop.engine.database.transaction() as connection:
                await audit.append(connection, _ticked(found, call, number))
            await self._shop.posts.refresh(
                found, await self._entries(found.id), undoable=self._undoable(found, call)
            )
        except FixUnavailable as trouble:
            return Reply(message=say(str(trouble.problem)))
        return Reply(message=say("Ticked."))

    async def refused(self, call: Call, about: str, why: str) -> None:
        """Keep a refusal in the audit; a database that does not answer refuses anyway."""
        try:
            await self._shop.engine.refuse(call.user, call.at, about, plain(why))
        except FixUnavailable:
            return

    # --- inside ---------------------------------------------------------------------------------

    async def _tell(self, result: Result) -> None:
        """What the channel must hear of it."""
        shop = self._shop
        match result:
            case Done(claim=claim) if claim.kind == ROLLBACK:
                await shop.rolling_back.declared(claim)
            case Done(claim=claim):
                undoable = shop.engine.kinds[claim.kind].undoable
                await shop.posts.executed(claim, undoable=undoable)
                if claim.approved_by:
                    await shop.posts.approved(claim)
                await shop.after(claim)
            case Waiting(claim=claim):
                await shop.posts.waiting(claim)
            case Unsettled(claim=claim, why=why):
                await shop.posts.notice(claim, "unsettled", say(why))
            case _:
                return

    async def _find(self, claim: str) -> Claim | str:
        try:
            found = await self._shop.engine.find(UUID(claim))
        except ValueError:
            return _UNKNOWN
        except FixUnavailable as trouble:
            return str(trouble.problem)
        return found or _UNKNOWN

    async def _over(self, claim: Claim) -> View:
        try:
            over = await self._shop.engine.over(claim.id)
        except FixRefused as refused:
            return fix_views.text(refused.why)
        return notice(over_text(over.claim, over.winner))

    async def _entries(self, claim: UUID) -> tuple[Entry, ...]:
        async with self._shop.engine.database.transaction() as connection:
            return await audit.entries_of(connection, claim)

    def _undoable(self, claim: Claim, call: Call) -> bool:
        executed = claim.executed_at
        if executed is None or not self._shop.engine.kinds[claim.kind].undoable:
            return False
        return call.at < executed + self._shop.engine.rules.undo_for

    async def _watch(self, call: Call) -> Deployment | None:
        try:
            return await self._shop.store.open_watch(call.channel)
        except StoreUnavailable:
            return None

    async def _not_red(self, deployment: Deployment | None) -> tuple[str, ...]:
        """A rollback without a NO-GO is possible, and said."""
        if deployment is None:
            return ("No watch is running in this channel.",)
        try:
            known = await know(self._shop.store, deployment)
        except StoreUnavailable:
            return ()
        report = known.previous
        if report is None:
            return ("Nothing was judged yet.",)
        met = any(criterion.met for criterion in report.rollback_criteria)
        if met or report.verdict.decision is Decision.NO_GO:
            return ()
        return (f"The last verdict is {report.verdict.decision}, not NO-GO.",)


def _wish(
    call: Call,
    kind: str,
    target: str,
    deployment: Deployment | None,
    stated: frozenset[str] = frozenset(),
) -> Wish:
    return Wish(
        kind=kind,
        target=target,
        by=call.user,
        channel=call.channel,
        at=call.at,
        deployment=deployment.id if deployment else None,
        version=deployment.version if deployment else "",
        stated=stated,
    )


def _ticked(claim: Claim, call: Call, number: int) -> Entry:
    return Entry(
        at=call.at,
        actor=call.user,
        action=TICKED,
        target=f"{claim.kind} {claim.target}",
        claim=claim.id,
        details={"step": number},
    )
