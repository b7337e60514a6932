"""What the methods of the Web API work with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.demo.workspace.messages import Draft
from bot.demo.workspace.people import Channel
from bot.demo.workspace.rules import Refusal, message_refusal, view_refusal
from bot.demo.workspace.state import State
from bot.demo.workspace.values import Json, SlackError, mapping, objects, structure


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The workspace as a method sees it.

    Attributes:
        base_url: where the server is, without a slash at the end.
        socket_url: makes an address of a socket with a new ticket.
        strict: refuse what Slack refuses; False takes everything.
    """

    state: State
    base_url: Callable[[], str]
    socket_url: Callable[[], str]
    strict: bool = True

    def draft(self, arguments: Json, *, update: bool = False) -> Draft:
        """The message that the arguments describe.

        Raises:
            SlackError: Slack would refuse it.
        """
        payload: Json = {
            "text": arguments.get("text"),
            "blocks": structure(arguments, "blocks", error="invalid_blocks_format"),
            "attachments": structure(arguments, "attachments", error="invalid_attachments"),
            "metadata": structure(arguments, "metadata", error="invalid_metadata_format"),
        }
        if self.strict:
            ready = self.state.files.ready
            self._refuse(message_refusal(payload, update=update, file_ready=ready))
        return Draft(
            text=str(payload["text"] or ""),
            blocks=tuple(objects(payload["blocks"])),
            attachments=tuple(objects(payload["attachments"])),
            metadata=mapping(payload["metadata"]) or None,
        )

    def view(self, given: object, kind: str) -> Json:
        """A view of a kind.

        Raises:
            SlackError: Slack would refuse it.
        """
        view = mapping(given)
        if view.get("type") != kind:
            raise SlackError("invalid_arguments", "[ERROR] wrong type [json-pointer:/view/type]")
        if self.strict:
            self._refuse(view_refusal(view, file_ready=self.state.files.ready))
        return view

    def home_channel(self, name: object) -> Channel:
        """A conversation in which the bot may write; a user's id means the direct one.

        Raises:
            SlackError: there is none, the bot is not in it, or it is archived.
        """
        text = str(name or "")
        known = {user.id for user in self.state.users}
        channel = self.state.direct(text) if text in known else self.state.channel(text)
        if channel.is_archived:
            raise SlackError("is_archived")
        if self.state.bot_user not in channel.members:
            raise SlackError("not_in_channel")
        return channel

    @staticmethod
    def _refuse(refusal: Refusal | None) -> None:
        if refusal is not None:
            raise SlackError(refusal.code, *refusal.messages)
