"""Fixes behind their commands and buttons: from a wish to what came of it."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import structlog

from bot.actions import CONFIRM, notice
from bot.desk import Call, Reply
from bot.remediation import audit, claims
from bot.remediation.audit import Entry
from bot.remediation.engine import Confirmation
from bot.remediation.rollback import NAME as ROLLBACK
from bot.remediation.values import (
    Claim,
    FixRefused,
    FixState,
    FixUnavailable,
    Over,
    Refusal,
    Undone,
    Waiting,
    Wish,
)
from bot.render import sentences
from bot.render.fix import late_text, left_text, over_text, preview_view
from bot.render.message import View
from bot.render.mrkdwn import plain
from bot.render.sentences import say
from bot.storage.values import StoreUnavailable
from bot.watch import fix_views
from bot.watch.fix_posts import TICKED
from bot.watch.fix_shop import Workshop
from bot.watch.model import Deployment
from checks.engine.model import Decision

_UNKNOWN: Final = "That fix is not known here."

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


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
        warnings = await self._not_red(call, deployment)
        try:
            found = await self._shop.rollback.propose(
                _wish(call, ROLLBACK, "", deployment), warnings
            )
        except FixUnavailable as trouble:
            return fix_views.text(str(trouble.problem))
        return fix_views.proposed(found)

    async def approve(self, call: Call, claim: str) -> View:
        """The preview that waits for its second operator."""
        found = await self._find(claim)
        if isinstance(found, str):
            return fix_views.text(found)
        if not found.waits_for_second or found.expires_at <= call.at:
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
        return fix_views.result(result, untold=await self._shop.told(found, result))

    async def undo(self, call: Call, claim: str) -> Reply:
        """Take a fix back."""
        found = await self._find(claim)
        if isinstance(found, str):
            return Reply(message=say(found))
        try:
            undone = await self._shop.engine.undo(found.id, by=call.user, at=call.at)
        except FixUnavailable as trouble:
            return Reply(message=say(str(trouble.problem)))
        match undone:
            case Refusal():
                return Reply(message=say(undone.why))
            case Over():
                return await self._used(undone)
            case Waiting():
                return await self._second_for_undo(undone.claim, call)
            case Undone():
                return await self._undone(undone)

    async def _undone(self, undone: Undone) -> Reply:
        shop = self._shop
        said = f"Undone: {undone.restored} restored{left_text(len(undone.conflicts))}."
        try:
            await shop.posts.undone(undone, await shop.entries(undone.claim.id))
        except (FixUnavailable, StoreUnavailable) as trouble:
            return Reply(message=say(f"{said} The channel could not be told. {trouble.problem}"))
        return Reply(message=say(f"{said} The thread has it."))

    async def tick(self, call: Call, claim: str, step: str) -> Reply:
        """A step by hand is done."""
        found = await self._find(claim)
        if isinstance(found, str) or not step.isascii() or not step.isdigit():
            return Reply(message=say(found if isinstance(found, str) else _UNKNOWN))
        number = int(step[:4])
        try:
            if found.kind == ROLLBACK:
                return await self._shop.rolling_back.tick(found, number, call)
            return await self._tick(found, number, call)
        except (FixUnavailable, StoreUnavailable) as trouble:
            return Reply(message=say(str(trouble.problem)))

    async def refused(self, call: Call, about: str, why: str) -> None:
        """Keep a refusal in the audit; a database that does not answer refuses anyway."""
        found = await self._find(about.partition(" ")[2].partition(" ")[0])
        claim = found if isinstance(found, Claim) else None
        try:
            await self._shop.engine.refuse(
                call.user, call.at, about, plain(why), channel=call.channel, claim=claim
            )
        except FixUnavailable:
            return

    # --- inside ---------------------------------------------------------------------------------

    async def _tick(self, found: Claim, number: int, call: Call) -> Reply:
        if number >= len(found.sheet.steps):
            return Reply(message=say(_UNKNOWN))
        async with self._shop.engine.database.transaction() as connection:
            held = await claims.hold(connection, found.id) or found
            entries = await audit.entries_of(connection, found.id)
            ticked = {e.details.get("step"): e.actor for e in entries if e.action == TICKED}
            fresh = held.state is FixState.EXECUTED and number not in ticked
            if fresh:
                await audit.append(connection, _ticked(held, call, number))
        if held.state is not FixState.EXECUTED:
            return await self._used(Over(claim=held))
        undoable = self._shop.undoable(held, call.at)
        await self._shop.posts.refresh(held, await self._shop.entries(held.id), undoable=undoable)
        if fresh:
            return Reply(message=say("Ticked."))
        return Reply(message=sentences.ready(f"<@{ticked[number]}> has done that step already."))

    async def _second_for_undo(self, claim: Claim, call: Call) -> Reply:
        """One operator wants a fix to be undone: the channel is asked for another one."""
        said = "Noted. A different operator must press Undo too."
        try:
            await self._shop.posts.undo_asked(claim, call.user)
        except StoreUnavailable as trouble:
            return Reply(message=say(f"{said} The channel could not be told. {trouble.problem}"))
        return Reply(message=say(f"{said} The thread asks for one."))

    async def _used(self, over: Over) -> Reply:
        """Who used a button of an executed fix; the message loses those that are used up."""
        shop, claim = self._shop, over.claim
        try:
            await shop.posts.refresh(claim, await shop.entries(claim.id), undoable=False)
        except (FixUnavailable, StoreUnavailable) as trouble:
            _log.warning("used buttons could not be taken away", why=trouble.problem.what)
        if claim.state is FixState.EXECUTED:
            minutes = round(shop.engine.rules.undo_for.total_seconds() / 60)
            return Reply(message=sentences.ready(late_text(claim, minutes)))
        return Reply(message=sentences.ready(over_text(claim, over.winner)))

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
            await self._shop.unasked(over)
        except FixRefused as refused:
            return fix_views.text(refused.why)
        except (FixUnavailable, StoreUnavailable) as trouble:
            return fix_views.text(str(trouble.problem))
        return notice(over_text(over.claim, over.winner))

    async def _watch(self, call: Call) -> Deployment | None:
        try:
            return await self._shop.store.open_watch(call.channel)
        except StoreUnavailable:
            return None

    async def _not_red(self, call: Call, deployment: Deployment | None) -> tuple[str, ...]:
        """A rollback without a NO-GO is possible, and said."""
        if deployment is None:
            return ("No watch is running in this channel.",)
        try:
            past = await self._shop.store.recent(call.channel, 1)
        except StoreUnavailable:
            return ()
        judged = past[0].judged if past else None
        if judged is None:
            return ("Nothing was judged yet.",)
        decision, _ = judged
        return (
            () if decision is Decision.NO_GO else (f"The last verdict is {decision}, not NO-GO.",)
        )


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
