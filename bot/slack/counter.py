"""Where people are served: authorise, have the desk do it, answer."""

from __future__ import annotations

from typing import Final

import structlog

from bot.actions import OF_FIXES, PREFIX, Dialog, Press, loading, notice
from bot.actions import Typed as TypedButton
from bot.clock import Clock
from bot.commands import BY_NAME, COMMANDS, Entry, Wrong, entry_of
from bot.commands.asked import Command, Fix, Help, Rollback, Start
from bot.desk import Call, Desk, Reply, Role
from bot.render.choosing import CHOOSE
from bot.render.help import help_message
from bot.render.message import Message, TextFile
from bot.render.sentences import say, stale_button
from bot.render.wire import payload, view_payload
from bot.slack.access import FRESH, KEEP, Access, Wish
from bot.slack.files import Files
from bot.slack.gateway import Gateway
from bot.slack.payloads import Click, DialogNote, SheetNote, Submission
from bot.slack.sheets import Sheets
from bot.slack.trouble import SlackTrouble

_DIRECT: Final = "D"
"""How the ids of direct messages begin."""

_log = structlog.get_logger(__name__)


class Counter:
    """Serves one wish after another; a wish knows its user, its place and where to answer.

    Args:
        desk: does the work.
        access: says who may.
        gateway: answers.
        files: shares what is too long for an answer.
        clock: gives the instant.
        channel: what a command acts on that is typed in a direct message with the bot.
    """

    def __init__(
        self,
        *,
        desk: Desk,
        access: Access,
        gateway: Gateway,
        files: Files,
        clock: Clock,
        channel: str | None = None,
    ) -> None:
        self._desk = desk
        self._access = access
        self._gateway = gateway
        self._files = files
        self._clock = clock
        self._channel = channel
        self._sheets = Sheets(
            desk=desk, access=access, gateway=gateway, clock=clock, answer=self.answer
        )

    async def serve(
        self, command: Command | Wrong, *, user: str, channel: str, url: str, trigger: str = ""
    ) -> None:
        """Do what somebody asks for, if they may, and answer; `trigger` opens a modal, once."""
        if isinstance(command, Wrong):
            standing = await self._access.standing(user)
            wrong = say(command.text)
            outside = standing.role is Role.NOBODY
            await self.answer(url, (standing.refusal if outside else None) or wrong)
            return
        entry = entry_of(command)
        about = self._about(channel)
        if isinstance(command, Fix | Rollback):
            await self._sheets.show(
                lambda call: command.show(self._desk, call),
                about=f"{entry.name} {command.about}".strip(),
                user=user,
                channel=about,
                asked_in=channel,
                url=url,
                trigger=trigger,
            )
            return
        standing = await self._access.check(user, channel, _wish(entry), about=about)
        if standing.refusal is not None:
            _log.warning("refused", command=entry.name, user=user, channel=about)
            await self.answer(url, standing.refusal)
            return
        mute = await self._gateway.channel_trouble(about) if isinstance(command, Start) else None
        if mute is not None:
            _log.warning("no watch where nothing can be posted", channel=about, why=mute)
            await self.answer(url, say(f"No watch was started: nothing can be posted here. {mute}"))
            return
        call = Call(user=user, channel=about, role=standing.role, at=self._clock.now())
        if isinstance(command, Help):
            operator = standing.role is Role.OPERATOR
            reply = Reply(message=help_message(COMMANDS, operator=operator))
        else:
            reply = await command.ask(self._desk, call)
        place = channel if standing.public else None
        await self._reply(url, reply, user=user, channel=place)

    async def press(self, click: Click, action: Press | TypedButton | Dialog | None) -> None:
        """Do what a button asks for."""
        user, value = click.user.id, click.element.value
        channel = click.channel.id if click.channel is not None else ""
        url, trigger = click.response_url, click.trigger_id
        if click.element.action_id == CHOOSE:
            await self._sheets.chosen(click)
            return
        if click.element.action_id.partition(":")[0] in OF_FIXES:
            await self._sheets.press(click, self._about(channel), asked_in=channel)
            return
        match action:
            case Press():
                command = action.command
                await self.serve(command, user=user, channel=channel, url=url, trigger=trigger)
            case TypedButton():
                read = action.read(value)
                await self.serve(read, user=user, channel=channel, url=url, trigger=trigger)
            case Dialog():
                await self._open(click, action, channel)
            case None:
                await self.answer(click.response_url, stale_button())

    async def confirm(self, submission: Submission, note: SheetNote, reason: str) -> None:
        """Do what a preview showed, if whoever submitted it may."""
        await self._sheets.submitted(submission, note, reason)

    async def answer(self, url: str, message: Message, *, in_channel: bool = False) -> None:
        """Answer through the response_url; an answer that cannot be given is logged."""
        if not url:
            return
        try:
            pictures = {
                number: await self._files.upload_picture(picture)
                for number, picture in enumerate(message.pictures)
            }
        except SlackTrouble as trouble:
            _log.warning("a picture is left out", why=trouble.sentence)
            pictures = {}
        try:
            await self._gateway.respond(url, payload(message, pictures), in_channel=in_channel)
        except SlackTrouble as trouble:
            _log.warning("an answer could not be given", why=trouble.sentence)

    def _about(self, channel: str) -> str:
        """The channel that a command is about; a direct message has no watch of its own."""
        return self._channel or channel if channel.startswith(_DIRECT) else channel

    async def _reply(self, url: str, reply: Reply, *, user: str, channel: str | None) -> None:
        """Answer where it was asked, or to the caller alone.

        channel: None where others than people of the workspace's own may read along.
        """
        if channel is not None and reply.in_channel:
            # The channel may be shared by now: what was asked before the work is too old.
            channel = channel if await self._access.all_may_see(channel, user) else None
        in_channel = reply.in_channel and channel is not None
        await self.answer(url, reply.message, in_channel=in_channel)
        direct = channel is not None and channel.startswith(_DIRECT)
        for file in reply.message.files:
            await self._share(
                url, file, user=user, channel=channel if in_channel or direct else None
            )

    async def _share(self, url: str, file: TextFile, *, user: str, channel: str | None) -> None:
        """A file goes where the answer went; without a channel to the user alone."""
        try:
            place = channel or await self._gateway.direct_channel(user)
            await self._files.share_text(file, channel=place)
        except SlackTrouble as trouble:
            _log.warning("a file could not be shared", why=trouble.sentence)
            await self.answer(url, say(f"The file could not be shared. {trouble.sentence}"))

    async def _open(self, click: Click, dialog: Dialog, channel: str) -> None:
        """Open a dialog at once, and only then ask who it is for: the trigger lives 3 seconds."""
        try:
            view_id, of_hash = await self._gateway.open_view(
                click.trigger_id, view_payload(loading())
            )
        except SlackTrouble as trouble:
            _log.warning("a dialog could not be opened", why=trouble.sentence)
            again = "Slack did not open the dialog in time. Press the button again."
            await self.answer(click.response_url, say(again))
            return
        wish = _wish(BY_NAME[dialog.command])
        standing = await self._access.check(
            click.user.id, channel, wish, about=self._about(channel)
        )
        check = click.element.value
        if standing.refusal is not None:
            view = view_payload(notice(standing.refusal.text))
        else:
            note = DialogNote(check=check, channel=channel, response_url=click.response_url)
            view = {
                **view_payload(dialog.form(check)),
                "callback_id": f"{PREFIX}{dialog.command}",
                "private_metadata": note.model_dump_json(),
            }
        try:
            await self._gateway.update_view(view_id, view, of_hash=of_hash)
        except SlackTrouble as trouble:
            # It was closed, or changed by a copy of this press.
            _log.info("a dialog is gone", why=trouble.sentence)


def _wish(entry: Entry) -> Wish:
    return Wish(
        name=entry.name,
        least=entry.who,
        private=entry.private,
        newest=FRESH if entry.fresh else KEEP,
    )
