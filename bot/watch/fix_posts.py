"""What fixes say in the channel: each message once, and without buttons when they are used up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from bot.actions import APPROVE, TICK, UNDO
from bot.remediation.audit import Entry
from bot.remediation.kinds import Outcome
from bot.remediation.values import Claim, FixState, Over, Undone
from bot.render.fix import (
    answered_message,
    executed_message,
    step_line,
    undo_answered_message,
    undo_waiting_message,
    undone_message,
    verified_message,
    waiting_message,
)
from bot.render.message import Button, Message
from bot.render.mrkdwn import clock
from bot.storage.store import Store
from bot.storage.values import STATUS, NewPost
from checks.engine.runbook import Remediation
from checks.engine.wording import plural

TICKED: Final = "ticked"
"""The audit's word for a step by hand that somebody says is done."""


_UNDO_ASKED: Final = "undo asked"


class FixPosts:
    """Puts the messages of fixes into the outbox.

    Args:
        store: whose outbox it is.
        rules: until when a fix can be undone, and when it is looked at again.
        wake: tells the sender.
    """

    def __init__(self, store: Store, rules: Remediation, wake: Callable[[], None]) -> None:
        self._store = store
        self._rules = rules
        self._wake = wake

    async def waiting(self, claim: Claim) -> None:
        """A second operator is asked."""
        button = Button(
            action=APPROVE, label="Look and approve", value=str(claim.id), style="primary"
        )
        await self._say(claim, "approval", waiting_message(claim, buttons=(button,)))

    async def executed(
        self, claim: Claim, entries: Sequence[Entry] = (), *, undoable: bool
    ) -> None:
        """A fix was made; with the ticks and the button that there are now."""
        message = self._message(claim, entries, undoable=undoable)
        await self._say(claim, "", message)

    async def answered(self, over: Over) -> None:
        """The question for a second operator is answered, or over: it loses its button."""
        await self._update(over.claim, "approval", answered_message(over.claim, over.winner))

    async def refresh(self, claim: Claim, entries: Sequence[Entry] = (), *, undoable: bool) -> None:
        """The same message as things are now."""
        await self._update(claim, "", self._message(claim, entries, undoable=undoable))

    async def verified(self, claim: Claim, outcome: Outcome, lines: Sequence[str]) -> None:
        """What became of the rows and of the check."""
        message = verified_message(
            claim,
            counts=outcome.counts,
            lines=[*outcome.lines, *lines],
            good=outcome.good,
            did=outcome.did,
        )
        await self._say(claim, "verified", message)

    async def undo_asked(self, claim: Claim, by: str) -> None:
        """A second operator is asked to undo a fix."""
        until = _until(claim, self._rules)
        message = undo_waiting_message(claim, by=by, until=until, buttons=(_undo(claim),))
        await self._say(claim, _UNDO_ASKED, message)

    async def undone(self, undone: Undone, entries: Sequence[Entry]) -> None:
        """A fix was taken back; its message loses its button."""
        message = undone_message(undone.claim, restored=undone.restored, conflicts=undone.conflicts)
        await self._say(undone.claim, "undone", message)
        await self.refresh(undone.claim, entries, undoable=False)
        await self.undo_answered(undone.claim)

    async def undo_answered(self, claim: Claim) -> None:
        """The question for a second operator to undo is answered, or over: it asks no more."""
        await self._update(claim, _UNDO_ASKED, undo_answered_message(claim))

    async def notice(
        self, claim: Claim, part: str, message: Message, *, broadcast: bool = False
    ) -> None:
        """Anything else about a fix, once."""
        await self._say(claim, part, message, broadcast=broadcast)

    async def replace(self, claim: Claim, part: str, message: Message) -> None:
        """Other content for what was said."""
        await self._update(claim, part, message)

    def _message(self, claim: Claim, entries: Sequence[Entry], *, undoable: bool) -> Message:
        ticked = {
            str(entry.details.get("step")): entry.actor
            for entry in entries
            if entry.action == TICKED
        }
        steps = [
            step_line(step, ticked.get(str(number)))
            for number, step in enumerate(claim.sheet.steps)
        ]
        open_steps = [
            number for number in range(len(claim.sheet.steps)) if str(number) not in ticked
        ]
        done = claim.state is FixState.UNDONE
        buttons = [] if done else [tick_button(claim, number) for number in open_steps]
        if undoable and claim.state is FixState.EXECUTED:
            buttons.append(_undo(claim))
        fine = self._fine(claim, undoable=undoable)
        return executed_message(claim, buttons=buttons, steps=steps, fine=fine)

    def _fine(self, claim: Claim, *, undoable: bool) -> str:
        if claim.executed_at is None or claim.state is FixState.UNDONE:
            return ""
        again = clock(claim.executed_at + self._rules.verify_after)
        if not undoable:
            return f"Looked at again at {again}."
        return f"Looked at again at {again}; undo until {clock(_until(claim, self._rules))}."

    async def _say(
        self, claim: Claim, part: str, message: Message, *, broadcast: bool = False
    ) -> None:
        await self._store.enqueue(
            [
                NewPost(
                    key=_key(claim, part),
                    channel=claim.channel,
                    message=message,
                    deployment_id=claim.deployment,
                    thread_of=STATUS if claim.deployment else None,
                    broadcast=broadcast and claim.deployment is not None,
                )
            ]
        )
        self._wake()

    async def _update(self, claim: Claim, part: str, message: Message) -> None:
        await self._store.enqueue(
            [
                NewPost(
                    key=f"{_key(claim, part)}:update",
                    channel=claim.channel,
                    message=message,
                    deployment_id=claim.deployment,
                    update_of=_key(claim, part),
                    supersedes=True,
                )
            ]
        )
        self._wake()


def _key(claim: Claim, part: str) -> str:
    return f"fix:{claim.id}:{part}" if part else f"fix:{claim.id}"


def _until(claim: Claim, rules: Remediation) -> datetime:
    return (claim.executed_at or claim.proposed_at) + rules.undo_for


def _undo(claim: Claim) -> Button:
    rows = plural(claim.rows_changed or 0, "row")
    return Button(
        action=UNDO,
        label="Undo",
        value=str(claim.id),
        style="danger",
        confirm=(
            "Undo this fix?",
            f"{claim.sheet.title}: this puts up to {rows} back as before.",
            "Undo",
        ),
    )


def tick_button(claim: Claim, number: int) -> Button:
    """Says that a step by hand is done."""
    return Button(
        action=f"{TICK}:{number}", label=f"Done: step {number + 1}", value=f"{claim.id} {number}"
    )
