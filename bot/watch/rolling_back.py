"""A rollback on its way: declared, running, done or failed, verified; every message says it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from bot.clock import Clock
from bot.desk import Call, Reply
from bot.remediation import audit
from bot.remediation.audit import Entry
from bot.remediation.ran import STOPPED, Ran
from bot.remediation.rollback import LEASE, MANUAL, Rollback
from bot.remediation.values import Claim, FixState, FixUnavailable, Over
from bot.render import sentences
from bot.render.fix import over_text
from bot.render.message import Message
from bot.render.rollback import rollback_message
from bot.render.sentences import say
from bot.storage.store import Store
from bot.storage.values import AuditEntry, StoreUnavailable
from bot.watch.fix_posts import TICKED, FixPosts, tick_button
from bot.watch.model import Note, NoteKind

GRACE: Final = 20.0
"""Seconds that a rollback gets to its end when golive is told to end."""

_BY_GOLIVE: Final = "golive"
_log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)

StatusOf = Callable[[Claim], Awaitable[None]]


class RollingBack:
    """Runs rollbacks, and keeps their status where every message finds it.

    Args:
        rollback: declares and runs.
        posts: say it in the thread.
        store: keeps the status with the watch, and the entries of the post-mortem.
        clock: gives the instant.
        show: shows the status message anew.
    """

    def __init__(
        self, rollback: Rollback, posts: FixPosts, store: Store, clock: Clock, show: StatusOf
    ) -> None:
        self._rollback = rollback
        self._posts = posts
        self._store = store
        self._clock = clock
        self._show = show
        self._running: dict[UUID, asyncio.Task[None]] = {}
        self._unrecorded: dict[UUID, tuple[Claim, Ran]] = {}
        self._told: set[UUID] = set()

    @property
    def busy(self) -> bool:
        """Whether a command or a hook runs."""
        return bool(self._running)

    async def keep(self) -> None:
        """Say that what runs here still does, and record what could not be recorded."""
        for claim_id, (claim, ran) in list(self._unrecorded.items()):
            await self._rollback.ended(claim, ran)
            del self._unrecorded[claim_id]
        if self._running:
            await self._rollback.keep(tuple(self._running))

    async def end(self, *, grace: float = GRACE) -> None:
        """Let what runs come to its end; what takes longer is ended, and that is told."""
        if not self._running:
            return
        try:
            longer = timedelta(seconds=grace) + LEASE
            await self._rollback.keep(tuple(self._running), longer=longer)
        except FixUnavailable as trouble:
            _log.warning("a rollback's lease cannot be renewed", why=trouble.problem.what)
        tasks = set(self._running.values())
        _, late = await asyncio.wait(tasks, timeout=grace)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)

    async def declared(self, claim: Claim) -> None:
        """Tell the channel, keep the status, and begin."""
        manual = claim.parameters.get("mode") == MANUAL
        said = f"declared by {claim.executed_by}"
        try:
            await self._status(claim, f"{said}; people go through the steps" if manual else said)
            await self._say(claim, "", self._message(claim, "declared"), broadcast=True)
        finally:
            # It was confirmed: it begins also where the channel cannot be told.
            if not manual:
                task = asyncio.create_task(self._run(claim), name="rollback")
                self._running[claim.id] = task
                task.add_done_callback(lambda _: self._running.pop(claim.id, None))

    async def tick(self, claim: Claim, step: int, call: Call) -> Reply:
        """A step by hand is done; the last one ends the rollback."""
        found = await self._rollback.tick(claim.id, step, by=call.user, at=call.at)
        if isinstance(found, Over):
            return Reply(message=sentences.ready(over_text(found.claim, found.winner)))
        entries = await self._entries(claim)
        word = "done" if found.state is FixState.EXECUTED else "declared"
        await self._posts.replace(found, "", self._message(found, word, entries))
        if found.state is FixState.EXECUTED:
            await self._status(found, f"done by hand, the last step by {call.user}")
        return Reply(message=say("Ticked."))

    async def _run(self, claim: Claim) -> None:
        await self._status(claim, f"running, declared by {claim.executed_by}")
        try:
            ran = await self._rollback.run(claim)
        except FixUnavailable as trouble:
            how = f"its beginning could not be recorded, so nothing was run. {trouble.problem}"
            ran = Ran(good=False, how=how)
        except asyncio.CancelledError:
            ran = STOPPED
        await self._recorded(claim, ran)

    async def _recorded(self, claim: Claim, ran: Ran) -> None:
        """Record how it ended and say it; also where another process gave it up as lost."""
        try:
            in_time = await self._rollback.ended(claim, ran)
        except FixUnavailable as trouble:
            self._unrecorded[claim.id] = (claim, ran)
            _log.warning("a rollback's end cannot be recorded yet", why=trouble.problem.what)
            in_time = True
        try:
            await self.ended(claim, ran, part="ended" if in_time else "late")
        except StoreUnavailable as trouble:
            _log.warning("the end of a rollback cannot be told yet", why=trouble.problem.what)

    async def ended(self, claim: Claim, ran: Ran, *, part: str = "ended") -> None:
        """Say how it ended.

        Raises:
            StoreUnavailable: it is said later, by whoever looks then.
        """
        self._told.add(claim.id)
        word = _word(ran)
        await self._status(claim, f"{word}: {ran.how}")
        message = self._message(claim, word, how=ran.how, output=ran.output)
        try:
            await self._say(claim, part, message, broadcast=True)
        except StoreUnavailable:
            self._told.discard(claim.id)
            raise

    async def lost(self, claim: Claim) -> None:
        """The process that ran it is gone."""
        if claim.id not in self._running and claim.id not in self._unrecorded:
            await self.ended(claim, await self._rollback.lost(claim))

    async def again(self, claim: Claim) -> None:
        """Say what was recorded, in case its process ended before it could; else once is enough."""
        if claim.id in self._told or claim.id in self._running:
            return
        ran = await self._rollback.past(claim)
        if ran is None:
            return
        if claim.parameters.get("mode") == MANUAL:
            entries = await self._entries(claim)
            how = "" if ran.good else ran.how
            await self._posts.replace(claim, "", self._message(claim, _word(ran), entries, how=how))
        if claim.parameters.get("mode") != MANUAL or not ran.good:
            message = self._message(claim, _word(ran), how=ran.how)
            await self._say(claim, "ended", message, broadcast=True)
        await self._status(claim, f"{_word(ran)}: {ran.how}", again=True)
        self._told.add(claim.id)

    async def abandoned(self, claim: Claim) -> None:
        """Nobody has ticked its last steps for a day: another one can be begun."""
        ran = await self._rollback.abandoned(claim)
        if ran is not None:
            await self._posts.replace(claim, "", self._message(claim, _word(ran), how=ran.how))
            await self.ended(claim, ran)

    async def verified(self, claim: Claim, *, good: bool, why: str) -> None:
        """Say what health and checks say afterwards."""
        message = self._message(claim, _verified(good=good), how=why)
        await self._say(claim, "verified", message, broadcast=False)

    async def keep_verified(self, claim: Claim, *, good: bool, why: str) -> None:
        """Keep what was said afterwards with the watch."""
        await self._status(claim, f"{_verified(good=good)}: {why}")

    def _message(
        self,
        claim: Claim,
        word: str,
        entries: tuple[Entry, ...] = (),
        *,
        how: str = "",
        output: tuple[str, ...] = (),
    ) -> Message:
        ticked = {str(e.details.get("step")): e.actor for e in entries if e.action == TICKED}
        open_steps = [n for n in range(len(claim.sheet.steps)) if str(n) not in ticked]
        buttons = [tick_button(claim, number) for number in open_steps]
        listing = word in {"declared", "done"} and not how
        return rollback_message(
            claim,
            word=word,
            how=how,
            output=output,
            ticked=ticked if listing else None,
            buttons=buttons if word == "declared" else (),
        )

    async def _say(self, claim: Claim, part: str, message: Message, *, broadcast: bool) -> None:
        await self._posts.notice(claim, part, message, broadcast=broadcast)

    async def _status(self, claim: Claim, said: str, *, again: bool = False) -> None:
        """Keep where it stands with the watch, for every later message and the post-mortem.

        again: only where nothing was said since the rollback ended
        """
        if claim.deployment is None:
            return
        at = self._clock.now()
        by = claim.executed_by or _BY_GOLIVE
        try:
            if again and await self._said(claim):
                return
            note = Note(kind=NoteKind.ROLLBACK, by=by, at=at, reason=said)
            await self._store.add_note(claim.deployment, note)
            entry = AuditEntry(
                at=at,
                by=by,
                action="rollback",
                outcome=said,
                channel=claim.channel,
                deployment_id=claim.deployment,
            )
            await self._store.audit(entry)
        except StoreUnavailable:
            return
        await self._show(claim)

    async def _said(self, claim: Claim) -> bool:
        """Whether a status was kept since this rollback ended."""
        if claim.deployment is None or claim.state_at is None:
            return True
        notes = await self._store.notes(claim.deployment)
        return any(n.kind is NoteKind.ROLLBACK and n.at >= claim.state_at for n in notes)

    async def _entries(self, claim: Claim) -> tuple[Entry, ...]:
        async with self._rollback.database.transaction() as connection:
            return await audit.entries_of(connection, claim.id)


def _verified(*, good: bool) -> str:
    return "verified" if good else "done, not verified"


def _word(ran: Ran) -> str:
    if ran.known:
        return "done" if ran.good else "failed"
    return "cut off"
