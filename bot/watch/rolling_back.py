"""A rollback on its way: declared, running, done or failed, verified; every message says it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from bot.clock import Clock
from bot.desk import Call, Reply
from bot.remediation import audit
from bot.remediation.audit import Entry
from bot.remediation.rollback import MANUAL, Ran, Rollback
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

_BY_GOLIVE: Final = "golive"

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
        self._running: set[asyncio.Task[None]] = set()

    @property
    def busy(self) -> bool:
        """Whether a command or a hook runs."""
        return bool(self._running)

    async def end(self) -> None:
        """Wait for what runs: it is bounded by the runbook's timeout."""
        if self._running:
            await asyncio.wait(self._running)

    async def declared(self, claim: Claim) -> None:
        """Tell the channel, keep the status, and begin."""
        manual = claim.parameters.get("mode") == MANUAL
        said = f"declared by {claim.executed_by}"
        await self._status(claim, f"{said}; people go through the steps" if manual else said)
        await self._say(claim, "", self._message(claim, "declared"), broadcast=True)
        if not manual:
            task = asyncio.create_task(self._run(claim), name="rollback")
            self._running.add(task)
            task.add_done_callback(self._running.discard)

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
            ran = Ran(good=False, how=f"its end could not be recorded. {trouble.problem}")
        await self.ended(claim, ran)

    async def ended(self, claim: Claim, ran: Ran) -> None:
        """Say how it ended."""
        word = "done" if ran.good else "failed"
        await self._status(claim, f"{word}: {ran.how}")
        message = self._message(claim, word, how=ran.how, output=ran.output)
        await self._say(claim, "ended", message, broadcast=True)

    async def lost(self, claim: Claim) -> None:
        """The process that ran it is gone."""
        await self._rollback.lost(claim)
        how = "golive ended while it ran; whether it was done is not known. Look at the platform."
        await self.ended(claim, Ran(good=False, how=how))

    async def verified(self, claim: Claim, *, good: bool, why: str) -> None:
        """What health and checks say afterwards."""
        word = "verified" if good else "done, not verified"
        await self._status(claim, f"{word}: {why}")
        await self._say(claim, "verified", self._message(claim, word, how=why), broadcast=False)

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

    async def _status(self, claim: Claim, said: str) -> None:
        """Keep where it stands with the watch, for every later message and the post-mortem."""
        if claim.deployment is None:
            return
        at = self._clock.now()
        by = claim.executed_by or _BY_GOLIVE
        try:
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

    async def _entries(self, claim: Claim) -> tuple[Entry, ...]:
        async with self._rollback.database.transaction() as connection:
            return await audit.entries_of(connection, claim.id)
