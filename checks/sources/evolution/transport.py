"""One HTTP client for calls to Evolution servers, whoever makes them: reading or writing.

The key goes into one header of one request. It is never part of an address, never followed to
another host, and no body is kept longer than its caller reads it.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, cast
from urllib.parse import quote

import httpx

from checks.engine.model import Json, Problem
from checks.sources.evolution.failures import (
    Failure,
    no_answer,
    not_configured,
    not_evolution,
    refused,
)
from checks.sources.evolution.server import Server
from checks.sources.http import Timeouts

_MAX_BODY = 8 * 1024 * 1024
_HEADERS = {"User-Agent": "golive", "Accept": "application/json"}
_NO_CLIENT = Problem(
    what="No HTTP client can be set up with the environment's CA file or proxy.",
    mend="Check SSL_CERT_FILE, SSL_CERT_DIR, HTTPS_PROXY, HTTP_PROXY and ALL_PROXY.",
)


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


class Transport:
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
        self._timeouts = timeouts or Timeouts()
        self._tls = tls
        self._transport = transport
        self._client: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections; the next call opens them again."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def send(self, server: Server, call: Call) -> Reply | Failure:
        """The answer of 2xx, or the reason why there is none. Never raises for known trouble."""
        client = self._open()
        if client is None:
            return not_configured(_NO_CLIENT)
        try:
            async with asyncio.timeout(self._timeouts.whole):
                status, raw = await _exchange(client, server, call)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
            return no_answer(error, server)
        body = _json(raw)
        if not 200 <= status < 300:
            return refused(server, status, _message(body), call.instance)
        if body is _NO_JSON:
            return not_evolution(server, status)
        return Reply(status=status, body=body)

    def _open(self) -> httpx.AsyncClient | None:
        if self._client is None:
            try:
                # OSError: a CA file that is not there; ImportError: a proxy that needs an extra.
                self._client = httpx.AsyncClient(
                    timeout=self._timeouts.httpx(),
                    headers=_HEADERS,
                    transport=self._transport,
                    verify=self._tls or True,
                )
            except (OSError, ValueError, ImportError, httpx.InvalidURL):
                return None
        return self._client


async def _exchange(client: httpx.AsyncClient, server: Server, call: Call) -> tuple[int, bytes]:
    """The status and the body, up to a size that no answer of Evolution has."""
    request = client.build_request(
        call.method,
        f"{server.base}/{'/'.join(map(_segment, call.path))}",
        headers={"apikey": server.key},
        json=call.body,
    )
    auth = httpx.BasicAuth(server.user, server.password) if server.user else None
    response = await client.send(request, auth=auth, stream=True)
    try:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > _MAX_BODY:
                return response.status_code, b""
        return response.status_code, bytes(body)
    finally:
        await response.aclose()


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
