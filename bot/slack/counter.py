"""Where people are served: authorise, have the desk do it, answer."""

from __future__ import annotations

import structlog

from bot.actions import PREFIX, Dialog, Press, loading, notice
from bot.actions import Typed as TypedButton
from bot.asked import Command, Help
from bot.clock import Clock
from bot.commands import COMMANDS, Wrong, entry_of
from bot.desk import Call, Desk, Reply, Role
from bot.render.help import help_message
from bot.render.message import Message, TextFile
from bot.render.sentences import say, stale_button
from bot.render.wire import payload, view_payload
from bot.slack.access import Access, Wish
from bot.slack.files import Files
from bot.slack.gateway import Gateway
from bot.slack.payloads import Click, DialogNote
from bot.slack.trouble import SlackTrouble

_log = structlog.get_logger(__name__)


class Counter:
    """Serves one wish after another; a wish knows its user, its place and where to answer.

    Args:
        desk: does the work.
        access: says who may.
        gateway: answers.
        files: shares what is too long for an answer.
        clock: gives the instant.
    """

    def __init__(
        self, *, desk: Desk, access: Access, gateway: Gateway, files: Files, clock: Clock
    ) -> None:
        self._desk = desk
        self._access = access
        self._gateway = gateway
        self._files = files
        self._clock = clock

    async def serve(self, command: Command | Wrong, *, user: str, channel: str, url: str) -> None:
        """Do what somebody asks for, if they may, and answer."""
        if isinstance(command, Wrong):
            standing = await self._access.standing(user)
            wrong = say(command.text)
            outside = standing.role is Role.NOBODY
            await self.answer(url, (standing.refusal if outside else None) or wrong)
            return
        entry = entry_of(command)
        wish = Wish(name=entry.name, least=entry.who, changes=entry.changes)
        standing = await self._access.check(user, channel, wish)
        if standing.refusal is not None:
            _log.warning("refused", command=entry.name, user=user, channel=channel)
            await self.answer(url, standing.refusal)
            return
        call = Call(user=user, channel=channel, role=standing.role, at=self._clock.now())
        if isinstance(command, Help):
            operator = standing.role is Role.OPERATOR
            reply = Reply(message=help_message(COMMANDS, operator=operator))
        else:
            reply = await command.ask(self._desk, call)
        await self._reply(url, call, reply)

    async def press(self, click: Click, action: Press | TypedButton | Dialog | None) -> None:
        """Do what a button asks for."""
        user, value = click.user.id, click.element.value
        channel = click.channel.id if click.channel is not None else ""
        match action:
            case Press():
                await self.serve(action.command, user=user, channel=channel, url=click.response_url)
            case TypedButton():
                command = action.read(value)
                await self.serve(command, user=user, channel=channel, url=click.response_url)
            case Dialog():
                await self._open(click, action, channel)
            case None:
                await self.answer(click.response_url, stale_button())

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

    async def _reply(self, url: str, call: Call, reply: Reply) -> None:
        await self.answer(url, reply.message, in_channel=reply.in_channel)
        for file in reply.message.files:
            await self._share(url, call, file, in_channel=reply.in_channel)

    async def _share(self, url: str, call: Call, file: TextFile, *, in_channel: bool) -> None:
        """A file goes where the answer went: to the channel, or to the caller alone."""
        try:
            own = call.channel.startswith("D")
            channel = call.channel
            if not in_channel and not own:
                channel = await self._gateway.direct_channel(call.user)
            await self._files.share_text(file, channel=channel)
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
        entry = next(one for one in COMMANDS if one.name == dialog.command)
        wish = Wish(name=entry.name, least=entry.who, changes=entry.changes)
        standing = await self._access.check(click.user.id, channel, wish)
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
