"""The HTTP client behind the calls to a service: made when first needed, and bounded answers."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

import httpx

from checks.engine.model import Problem
from checks.sources.http import Timeouts

NO_CLIENT = Problem(
    what="No HTTP client can be set up with the environment's CA file or proxy.",
    mend="Check SSL_CERT_FILE, SSL_CERT_DIR, HTTPS_PROXY, HTTP_PROXY and ALL_PROXY.",
)

_LIMITS: Final = httpx.Limits(max_connections=100, max_keepalive_connections=20)
_NONE_KEPT: Final = httpx.Limits(max_keepalive_connections=0)


def new_client(
    *,
    timeout: httpx.Timeout,
    headers: Mapping[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    keeps: bool = True,
) -> httpx.AsyncClient | None:
    """A client that follows no redirect; None, for NO_CLIENT's reason, where none can be set up.

    Args:
        timeout: seconds of each phase of a request that brings none of its own.
        headers: of every request.
        tls: which certificates to trust; None trusts what the system trusts.
        transport: what carries the requests, in tests.
        keeps: whether a connection stays open for a further request.
    """
    try:
        # OSError: a CA file that is not there; ImportError: a proxy that needs an extra.
        return httpx.AsyncClient(
            timeout=timeout,
            headers=dict(headers or {}),
            transport=transport,
            verify=tls or True,
            follow_redirects=False,
            limits=_LIMITS if keeps else _NONE_KEPT,
        )
    except (OSError, ValueError, ImportError, httpx.InvalidURL):
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back; the body is b"" where it is longer than its caller reads."""

    status: int
    body: bytes = field(repr=False)
    headers: httpx.Headers = field(repr=False)


class HttpTransport:
    """What carries requests to a service: `async with … as transport: …`. Nothing is opened yet."""

    def __init__(
        self,
        *,
        timeouts: Timeouts,
        headers: Mapping[str, str],
        tls: ssl.SSLContext | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Keeps how the client is made.

        Args:
            timeouts: of each phase of a request, and of the whole of it.
            headers: of every request.
            tls: which certificates to trust; None trusts what the system trusts.
            transport: what carries the requests, in tests.
        """
        self._timeouts = timeouts
        self._headers = headers
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
        """Close all connections; the next request opens them again."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _opened(self) -> httpx.AsyncClient | None:
        """The client; None where none can be set up."""
        if self._client is None:
            self._client = new_client(
                timeout=self._timeouts.httpx(),
                headers=self._headers,
                tls=self._tls,
                transport=self._transport,
            )
        return self._client

    async def _exchange(
        self,
        client: httpx.AsyncClient,
        request: httpx.Request,
        *,
        user: str,
        password: str,
        most: int,
    ) -> Answer:
        """The answer to a request, which is not followed anywhere else.

        Args:
            client: from `_opened`, which also built the request.
            request: what is asked.
            user: sent with the password as basic credentials; "" sends none.
            password: the user's.
            most: bytes of a body that are read.

        Raises:
            TimeoutError: the whole took too long.
            httpx.HTTPError: there is no answer, for any other reason.
        """
        auth = httpx.BasicAuth(user, password) if user else None
        async with asyncio.timeout(self._timeouts.whole):
            response = await client.send(request, auth=auth, stream=True)
            try:
                body = bytearray()
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > most:
                        body.clear()
                        break
                return Answer(
                    status=response.status_code, body=bytes(body), headers=response.headers
                )
            finally:
                await response.aclose()
