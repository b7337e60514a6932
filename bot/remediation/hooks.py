"""HTTPS hooks of runbook.yaml: one POST each, bounded, without a secret in any sentence.

A token goes to the address that the runbook names and nowhere else: a redirect is an answer, which
is not followed.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import httpx

from bot.remediation.output import READ, first_lines
from checks.engine.model import Json
from checks.engine.runbook.remediation import Hook
from checks.sources.http_client import new_client
from checks.sources.http_trouble import trouble_of

_HEADERS: Final = {"User-Agent": "golive", "Accept": "*/*", "Accept-Encoding": "identity"}
_CONNECT: Final = 10.0
"""Seconds for a connection: longer than that nobody is there, whatever the whole may take."""

_WORDS: Final = 5.0
"""Seconds for the body behind a status."""

_TOKEN: Final = re.compile(r"[\x21-\x7e]+")
_NEVER_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
    httpx.InvalidURL,
)
_NO_CLIENT: Final = (
    "it cannot be called: no HTTP client can be set up with the environment's CA file or proxy"
    " (SSL_CERT_FILE, HTTPS_PROXY)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of a call.

    status: None where no answer came
    lines:  the beginning of its body, masked
    why:    why no answer came, as part of a sentence
    unsure: whether the call may have been taken all the same
    """

    status: int | None
    lines: tuple[str, ...] = ()
    why: str = ""
    unsure: bool = False

    @property
    def good(self) -> bool:
        """Whether it took the call."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def words(self) -> str:
        """As part of a sentence, behind "it"."""
        if self.status is None:
            return self.why
        also = ", a redirect, which is not followed" if 300 <= self.status < 400 else ""
        return f"answered {self.status}{also}"


class Hooks:
    """Calls hooks.

    Args:
        tokens: name of an environment variable → its secret value.
        tls: which certificates to trust; None trusts what the system trusts.
    """

    def __init__(
        self, tokens: Mapping[str, str] | None = None, *, tls: ssl.SSLContext | None = None
    ) -> None:
        self._tokens = dict(tokens or {})
        self.tls = tls
        self._client: httpx.AsyncClient | None = None

    async def close(self) -> None:
        """Close the client; the next call opens another one."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def call(self, hook: Hook, body: Mapping[str, Json], *, key: str) -> Answer:
        """POST once. `key` goes along as Idempotency-Key: the same key is the same wish."""
        headers = {"Idempotency-Key": key}
        if hook.token is not None:
            token = self._tokens.get(hook.token)
            if token is None:
                return _uncalled(f"{hook.token} is not in GOLIVE_SECRETS")
            if not _TOKEN.fullmatch(token):
                return _uncalled(f"{hook.token} holds what no HTTP header may have")
            headers["Authorization"] = f"Bearer {token}"
        client = self._open()
        if client is None:
            return Answer(status=None, why=_NO_CLIENT)
        seconds = hook.timeout.total_seconds()
        within = httpx.Timeout(seconds, connect=min(_CONNECT, seconds / 2))
        try:
            request = client.build_request(
                "POST", hook.url, json=dict(body), headers=headers, timeout=within
            )
            async with asyncio.timeout(seconds):
                response = await client.send(request, stream=True)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
            why = f"gave no answer ({trouble_of(error, hook.host).what})"
            never = isinstance(error, (*_NEVER_SENT, UnicodeError))
            return Answer(status=None, why=why, unsure=not never)
        try:
            return Answer(status=response.status_code, lines=await self._said(response))
        finally:
            await response.aclose()

    async def _said(self, response: httpx.Response) -> tuple[str, ...]:
        """The beginning of the body; what is packed although nobody asked for that is left out."""
        if response.headers.get("Content-Encoding", "identity") != "identity":
            return ()
        body, whole = bytearray(), False
        # The status is there, and with it the answer: the words behind it may break off.
        with suppress(httpx.HTTPError, TimeoutError):
            async with asyncio.timeout(_WORDS):
                async for chunk in response.aiter_raw():
                    body += chunk
                    if len(body) > READ:
                        break
                else:
                    whole = True
        hidden = tuple(self._tokens.values())
        return first_lines(bytes(body[:READ]), hidden, cut=not whole)

    def _open(self) -> httpx.AsyncClient | None:
        """One client for all calls: certificates are read once.

        No connection is kept: one that the other side gave up meanwhile would leave a call unsure.
        """
        if self._client is None:
            self._client = new_client(
                timeout=httpx.Timeout(_CONNECT), headers=_HEADERS, tls=self.tls, keeps=False
            )
        return self._client


def _uncalled(why: str) -> Answer:
    return Answer(status=None, why=f"cannot be called: {why}")
