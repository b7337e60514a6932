"""The modals of fixes: opened at once, filled when the work is done, and authorised each time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final, TypeAlias

import structlog

from bot.actions import APPROVE, PREFIX, UNDO, chosen_fix, loading, notice
from bot.clock import Clock
from bot.desk import Call, Desk, Role
from bot.render.choosing import CHOOSE, shown_choice
from bot.render.message import Message, View
from bot.render.mrkdwn import plain
from bot.render.sentences import say
from bot.render.wire import view_payload
from bot.slack.access import FRESH, Access, Standing, Wish
from bot.slack.gateway import Gateway
from bot.slack.payloads import Click, SheetNote, Submission
from bot.slack.trouble import SlackTrouble
from checks.engine.model import Json

AT_SUBMIT: Final = timedelta(seconds=5)
"""What Slack said about somebody's rights counts for so long when they confirm."""

Make: TypeAlias = Callable[[Call], Awaitable[View]]
Answer: TypeAlias = Callable[[str, Message], Awaitable[None]]

_log = structlog.get_logger(__name__)


class Sheets:
    """Shows previews and takes their submissions.

    Args:
        desk: does the work.
        access: says who may.
        gateway: opens and fills modals.
        clock: gives the instant.
        answer: answers through a response_url.
    """

    def __init__(
        self, *, desk: Desk, access: Access, gateway: Gateway, clock: Clock, answer: Answer
    ) -> None:
        self._desk = desk
        self._access = access
        self._gateway = gateway
        self._clock = clock
        self._answer = answer

    async def show(
        self,
        make: Make,
        *,
        about: str,
        user: str,
        channel: str,
        asked_in: str,
        url: str,
        trigger: str,
    ) -> None:
        """Open a modal at once, ask who it is for, and fill it: the trigger lives 3 seconds.

        Args:
            make: makes the preview.
            about: what it is about, for the audit of a refusal.
            user: who asked.
            channel: the channel that it is about.
            asked_in: the channel in which it was asked for.
            url: for an answer where no modal can be opened.
            trigger: opens it.
        """
        try:
            view_id, of_hash = await self._gateway.open_view(trigger, view_payload(loading()))
        except SlackTrouble as trouble:
            _log.warning("a preview could not be opened", why=trouble.sentence)
            await self._answer(url, say("Slack did not open the preview in time. Try again."))
            return
        call, standing = await self._allowed(user, channel, about, newest=FRESH, asked_in=asked_in)
        if standing.refusal is not None:
            view = notice(standing.refusal.text)
        else:
            view = await make(call)
        await self._fill(view_id, view, _note(view, channel, url), of_hash=of_hash)

    async def chosen(self, click: Click) -> None:
        """Another way was chosen in a preview: the same modal shows what that would do.

        Unless it was changed meanwhile: what it shows then is bound to what it shows.
        """
        if click.view is None or not click.view.private_metadata:
            return
        note = SheetNote.model_validate_json(click.view.private_metadata)
        view = await self._other_way(click.element.chosen, click.user.id, note)
        if view is not None:
            fresh = _note(view, note.channel, note.response_url)
            await self._fill(click.view.id, view, fresh, of_hash=click.view.hash)

    async def _other_way(self, value: str, user: str, note: SheetNote) -> View | None:
        wished = chosen_fix(value)
        if wished is None:
            return None
        about = f"fix {wished.about}"
        call, standing = await self._allowed(user, note.channel, about, newest=AT_SUBMIT)
        if standing.refusal is not None:
            return notice(standing.refusal.text)
        return await wished.show(self._desk, call)

    async def press(self, click: Click, channel: str, *, asked_in: str) -> None:
        """A button of a fix that was made, or that waits for its second operator.

        channel: the channel that it is about; asked_in: the one in which it was pressed.
        """
        user, value, url = click.user.id, click.element.value, click.response_url
        name = click.element.action_id.partition(":")[0]
        if name == APPROVE:

            async def make(call: Call) -> View:
                return await self._desk.approve(call, value)

            await self.show(
                make,
                about=f"approve {value}",
                user=user,
                channel=channel,
                asked_in=asked_in,
                url=url,
                trigger=click.trigger_id,
            )
            return
        about = f"{name.removeprefix(PREFIX)} {value}"
        call, standing = await self._allowed(
            user, channel, about, newest=AT_SUBMIT, asked_in=asked_in
        )
        if standing.refusal is not None:
            await self._answer(url, standing.refusal)
            return
        claim, _, step = value.partition(" ")
        if name == UNDO:
            reply = await self._desk.undo(call, claim)
        else:
            reply = await self._desk.tick(call, claim, step)
        await self._answer(url, reply.message)

    async def submitted(self, submission: Submission, note: SheetNote, reason: str) -> None:
        """Authorise again, execute, and show in the same modal what came of it."""
        picked = submission.view.chosen_in(CHOOSE)
        other = None
        if picked and picked != note.shown:
            # Submitted before the preview of what was chosen came: nothing unseen is executed.
            other = await self._other_way(picked, submission.user.id, note)
        view = other or await self._confirmed(submission, note, reason)
        fresh = _note(view, note.channel, note.response_url)
        await self._fill(submission.view.id, view, fresh, of_hash=None)

    async def _confirmed(self, submission: Submission, note: SheetNote, reason: str) -> View:
        about = f"confirm {note.claim}"
        user = submission.user.id
        call, standing = await self._allowed(user, note.channel, about, newest=AT_SUBMIT)
        if standing.refusal is not None:
            return notice(standing.refusal.text)
        return await self._desk.confirm(call, note.claim, reason)

    async def _allowed(
        self,
        user: str,
        channel: str,
        about: str,
        *,
        newest: timedelta,
        asked_in: str | None = None,
    ) -> tuple[Call, Standing]:
        """Whether somebody may fix things here; a refusal is kept."""
        now = self._clock.now()
        name = about.partition(" ")[0]
        wish = Wish(name=name, least=Role.OPERATOR, newest=newest)
        standing = await self._access.check(user, asked_in or channel, wish, about=channel)
        call = Call(user=user, channel=channel, role=standing.role, at=now)
        if standing.refusal is not None:
            _log.warning("refused", command=name, user=user, channel=channel)
            await self._desk.refused(call, about, plain(standing.refusal.text))
        return call, standing

    async def _fill(
        self, view_id: str, view: View, note: SheetNote, *, of_hash: str | None
    ) -> None:
        body: dict[str, Json] = dict(view_payload(view))
        if view.callback or note.shown:
            body["private_metadata"] = note.model_dump_json()
        try:
            await self._gateway.update_view(view_id, body, of_hash=of_hash)
        except SlackTrouble as trouble:
            # It was closed, or changed by a copy of this press: the thread has the outcome.
            _log.info("a preview is gone", why=trouble.sentence)


def _note(view: View, channel: str, url: str) -> SheetNote:
    return SheetNote(
        claim=view.metadata, shown=shown_choice(view), channel=channel, response_url=url
    )
