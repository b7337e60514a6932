"""The Web API over HTTP: tokens, scopes, rate limits, faults, and the journal of it all."""

from __future__ import annotations

import json
import socket
import struct
from dataclasses import dataclass

from aiohttp import web

from bot.demo.workspace.context import Context
from bot.demo.workspace.faults import ApiFaults, Fault, Moment, Reply
from bot.demo.workspace.journal import Journal, Traffic
from bot.demo.workspace.methods import METHODS, Method, needed_scope
from bot.demo.workspace.rates import RateLimits
from bot.demo.workspace.values import Json, SlackError, mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What the app of the workspace has; invented, and worth nothing elsewhere."""

    bot_token: str
    app_token: str
    signing_secret: str
    scopes: frozenset[str]

    def __repr__(self) -> str:
        return "Credentials(***)"


class WebApi:
    """Answers /api/METHOD.

    Args:
        context: what the methods work with.
        credentials: the tokens and scopes of the app.
        rates: counts the calls.
        faults: what goes wrong on purpose.
        journal: told of every call and answer.
    """

    def __init__(
        self,
        context: Context,
        credentials: Credentials,
        rates: RateLimits,
        faults: ApiFaults,
        journal: Journal,
    ) -> None:
        self._context = context
        self.credentials = credentials
        self._rates = rates
        self._faults = faults
        self._journal = journal

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One call."""
        name = request.match_info["method"]
        arguments = await read_arguments(request)
        number = self._journal.note(Traffic.CALL, name, arguments)
        before = self._faults.take(name, Moment.BEFORE)
        if before is not None:
            if before.reset:
                return self._cut(request, name, number)
            if before.reply is not None:
                return self._send(name, before.reply, number)
            await _delay(before, name, {})
        reply = self._apply(name, arguments, request)
        after = self._faults.take(name, Moment.AFTER)
        if after is not None:
            await _delay(after, name, reply.body or {})
            if after.reset:
                return self._cut(request, name, number)
        return self._send(name, reply, number)

    def _apply(self, name: str, arguments: Json, request: web.Request) -> Reply:
        headers = {"x-oauth-scopes": ",".join(sorted(self.credentials.scopes))}
        try:
            method = _method(name)
            self._authorise(method, arguments, _token(request, arguments))
            wait = self._rates.retry_after(name, arguments)
            if wait is not None:
                body: Json = {"ok": False, "error": "ratelimited"}
                return Reply(status=429, body=body, headers={"Retry-After": str(wait)})
            body = {"ok": True, **method.run(self._context, arguments)}
        except SlackError as error:
            body = error.answer()
        return Reply(status=200, body=body, headers=headers)

    def _authorise(self, method: Method, arguments: Json, token: str | None) -> None:
        if method.anonymous:
            return
        mine = self.credentials
        if token is None:
            raise SlackError("not_authed")
        if token not in {mine.bot_token, mine.app_token}:
            raise SlackError("invalid_auth")
        if token != (mine.app_token if method.app_token else mine.bot_token):
            raise SlackError("not_allowed_token_type")
        needed = needed_scope(method, self._context, arguments)
        if needed is not None and not method.app_token and needed not in mine.scopes:
            provided = ",".join(sorted(mine.scopes))
            raise SlackError("missing_scope", needed=needed, provided=provided)

    def _send(self, name: str, reply: Reply, number: int) -> web.Response:
        body = reply.body
        note: Json = {} if body is None else body
        self._journal.note(Traffic.ANSWER, name, note, about=number, status=reply.status)
        if body is None:
            return web.Response(status=reply.status, text="", headers=reply.headers)
        text = json.dumps(body)
        return web.Response(
            status=reply.status,
            text=text,
            content_type="application/json",
            headers=reply.headers,
        )

    def _cut(self, request: web.Request, name: str, number: int) -> web.Response:
        self._journal.note(Traffic.LOST, name, {}, about=number)
        reset(request)
        return web.Response(status=500)


def reset(request: web.Request) -> None:
    """Cut a connection so that the other side sees a reset."""
    transport = request.transport
    if transport is None:
        return
    raw = transport.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def read_arguments(request: web.Request) -> Json:
    """The arguments of a call: of the query, of a form, or of a JSON body."""
    arguments: Json = dict(request.query)
    if request.content_type == "application/json":
        try:
            arguments |= mapping(json.loads(await request.text() or "{}"))
        except ValueError:
            return arguments
    elif request.can_read_body:
        arguments |= dict(await request.post())
    return {key: value for key, value in arguments.items() if value is not None}


def _method(name: str) -> Method:
    method = METHODS.get(name)
    if method is None:
        raise SlackError("unknown_method")
    return method


async def _delay(fault: Fault, name: str, answer: Json) -> None:
    if fault.gate is not None:
        await fault.gate.wait()
    if fault.hook is not None:
        await fault.hook(name, answer)


def _token(request: web.Request, arguments: Json) -> str | None:
    header = request.headers.get("Authorization", "")
    if header.startswith("Bearer "):
        return header.removeprefix("Bearer ")
    return arguments.get("token")
