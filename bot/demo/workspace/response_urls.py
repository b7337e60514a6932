"""response_url: an address per interaction, for five messages within thirty minutes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import web

from bot.demo.workspace.context import Context
from bot.demo.workspace.journal import Journal, Traffic
from bot.demo.workspace.messages import Message
from bot.demo.workspace.values import Json, Now, SlackError, flag, mapping
from bot.render.limits import RESPONSE_URL_SECONDS, RESPONSE_URL_USES


@dataclass(slots=True, kw_only=True)
class _Address:
    user: str
    channel: str
    message: Message | None
    expires: datetime
    uses: int = 0


class ResponseUrls:
    """All addresses that were given out.

    Args:
        now: the clock, in UTC.
        context: checks and keeps what is sent.
        journal: told of every use.
    """

    def __init__(self, now: Now, context: Context, journal: Journal) -> None:
        self._now = now
        self._context = context
        self._journal = journal
        self._addresses: dict[str, _Address] = {}

    def create(self, *, user: str, channel: str, message: Message | None = None) -> str:
        """An address for one interaction."""
        name = str(self._context.state.messages.next_number())
        self._addresses[name] = _Address(
            user=user,
            channel=channel,
            message=message,
            expires=self._now() + timedelta(seconds=RESPONSE_URL_SECONDS),
        )
        return f"{self._context.base_url()}/actions/{name}"

    async def handle(self, request: web.Request) -> web.Response:
        """One use of an address."""
        name = request.match_info["name"]
        try:
            body = mapping(json.loads(await request.text()))
        except ValueError:
            return web.Response(status=400, text="invalid_payload")
        number = self._journal.note(Traffic.RESPONSE_URL, name, body)
        try:
            self._use(name, body)
        except SlackError as error:
            gone = error.code in {"used_url", "expired_url"}
            status = 404 if gone else 400
            answer = error.answer()
            self._journal.note(Traffic.ANSWER, name, answer, about=number, status=status)
            return web.json_response(answer, status=status)
        self._journal.note(Traffic.ANSWER, name, {"ok": True}, about=number, status=200)
        return web.Response(text="ok")

    def _use(self, name: str, body: Json) -> None:
        address = self._addresses.get(name)
        if address is None or self._now() >= address.expires:
            raise SlackError("expired_url")
        if address.uses >= RESPONSE_URL_USES:
            raise SlackError("used_url")
        self.respond(address.user, address.channel, body, message=address.message)
        address.uses += 1

    def respond(
        self, user: str, channel: str, body: Json, *, message: Message | None = None
    ) -> None:
        """Do what a response says: replace, delete, or a message for all or for one.

        Raises:
            SlackError: Slack would refuse it.
        """
        messages = self._context.state.messages
        if flag(body.get("delete_original", False)) and message is not None:
            messages.delete(message.channel, message.ts)
            return
        draft = self._context.draft(body)
        if flag(body.get("replace_original", False)) and message is not None:
            messages.update(message.channel, message.ts, draft)
            return
        public = body.get("response_type") == "in_channel"
        messages.post(
            channel=channel,
            user=self._context.state.bot_user,
            bot=True,
            draft=draft,
            thread_ts=body.get("thread_ts"),
            reader=None if public else user,
        )
