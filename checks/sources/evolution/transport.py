"""One HTTP client for calls to Evolution servers, whoever makes them: reading or writing.

The key goes into one header of one request. It is never part of an address, never followed to
another host, and no body is kept longer than its caller reads it.
"""

from __future__ import annotations

import json
import ssl
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import quote

import httpx

from checks.engine.model import Json
from checks.sources.evolution.failures import (
    Failure,
    no_answer,
    not_configured,
    not_evolution,
    refused,
)
from checks.sources.evolution.server import Server
from checks.sources.http import Timeouts
from checks.sources.http_client import NO_CLIENT, HttpTransport

_MAX_BODY = 8 * 1024 * 1024
"""No answer of Evolution has as many bytes."""
_HEADERS = {"User-Agent": "golive", "Accept": "application/json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request: the parts of its path as they are, unquoted, and what it carries.

    instance: the instance that it is about, so that a 404 can be told from a wrong address
    """

    method: str
    path: tuple[str, ...]
    instance: str | None = None
    body: Json = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer of 2xx; `body` is its JSON, which may hold tokens and is therefore not shown."""

    status: int
    body: object = field(repr=False)


class Transport(HttpTransport):
    """Carries calls to any number of servers: `async with Transport() as transport: …`."""

    def __init__(
        self,
        *,
        timeouts: Timeouts | None = None,
        tls: ssl.SSLContext | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Nothing is opened yet.

        Args:
            timeouts: of each phase of a call, and of the whole of it.
            tls: which certificates to trust; None trusts what the system trusts.
            transport: what carries the requests, in tests.
        """
        super().__init__(
            timeouts=timeouts or Timeouts(), headers=_HEADERS, tls=tls, transport=transport
        )

    async def send(self, server: Server, call: Call) -> Reply | Failure:
        """The answer of 2xx, or the reason why there is none. Never raises for known trouble."""
        client = self._opened()
        if client is None:
            return not_configured(NO_CLIENT)
        try:
            answer = await self._exchange(
                client,
                _request(client, server, call),
                user=server.user,
                password=server.password,
                most=_MAX_BODY,
            )
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
            return no_answer(error, server)
        body = _json(answer.body)
        if not 200 <= answer.status < 300:
            return refused(server, answer.status, _message(body), call.instance)
        if body is _NO_JSON:
            return not_evolution(server, answer.status)
        return Reply(status=answer.status, body=body)


def _request(client: httpx.AsyncClient, server: Server, call: Call) -> httpx.Request:
    return client.build_request(
        call.method,
        f"{server.base}/{'/'.join(map(_segment, call.path))}",
        headers={"apikey": server.key},
        json=call.body,
    )


def _segment(part: str) -> str:
    """A part of a path that stays one part, whatever an instance is called."""
    quoted = quote(part, safe="")
    return quoted if quoted.strip(".") else quoted.replace(".", "%2E")


_NO_JSON = object()


def _json(raw: bytes) -> object:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return _NO_JSON


def _message(body: object) -> str:
    """The message of an error body, which may be text, a list, or a list in a list."""
    response = cast("dict[str, object]", body).get("response") if isinstance(body, dict) else None
    message = (
        cast("dict[str, object]", response).get("message") if isinstance(response, dict) else None
    )
    while isinstance(message, list) and message:
        message = cast("list[object]", message)[0]
    return message if isinstance(message, str) else ""
