"""One HTTP client for questions to Loki: read-only, patient with 429 and 5xx, never a redirect."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from types import TracebackType
from typing import Self

import httpx

from checks.sources.http import Timeouts
from checks.sources.loki.address import Loki
from checks.sources.loki.failures import NO_CLIENT, Failure, LokiError, no_answer, refused

_MAX_BODY = 64 * 1024 * 1024
_PAUSES = (0.5, 1.0, 2.0)
_LONGEST_PAUSE = 10.0
_AT_ONCE = 8
_TIMEOUTS = Timeouts(connect=5.0, write=5.0, read=30.0, whole=40.0)
_AGAIN = frozenset(
    {
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)


class Transport:
    """Carries questions to one server: `async with Transport(loki) as transport: …`."""

    def __init__(
        self,
        loki: Loki,
        *,
        timeouts: Timeouts = _TIMEOUTS,
        tls: ssl.SSLContext | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        at_once: int = _AT_ONCE,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Nothing is opened yet.

        Args:
            loki: who is asked, with which credentials.
            timeouts: of each phase of a question, and of the whole of it.
            tls: which certificates to trust; None trusts what the system trusts.
            transport: what carries the requests, in tests.
            at_once: how many questions may be open.
            sleep: waits before a question is asked again.
        """
        self.loki = loki
        self._timeouts = timeouts
        self._tls = tls
        self._transport = transport
        self._client: httpx.AsyncClient | None = None
        self._slots = asyncio.Semaphore(at_once)
        self._sleep = sleep

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
        """Close all connections; the next question opens them again."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def get(self, path: str, params: Mapping[str, str]) -> bytes:
        """The body of an answer of 2xx.

        Args:
            path: below /loki/api/v1/.
            params: never with a secret in them: they stand in addresses and in query logs.

        Raises:
            LokiError: there is none, for a reason that is known.
        """
        async with self._slots:
            for pause in (*_PAUSES, None):
                status, body, wanted = await self._once(path, params)
                if 200 <= status < 300:
                    return body
                if pause is None or status not in _AGAIN:
                    raise LokiError(refused(status, body, self.loki))
                await self._sleep(_pause(pause, wanted))
        raise AssertionError  # pragma: no cover - the last pause is None

    async def _once(self, path: str, params: Mapping[str, str]) -> tuple[int, bytes, str]:
        client = self._open()
        if client is None:
            raise LokiError(NO_CLIENT)
        try:
            async with asyncio.timeout(self._timeouts.whole):
                return await self._exchange(client, path, params)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
            failure: Failure = no_answer(error, self.loki)
            raise LokiError(failure) from error

    async def _exchange(
        self, client: httpx.AsyncClient, path: str, params: Mapping[str, str]
    ) -> tuple[int, bytes, str]:
        request = client.build_request(
            "GET", f"{self.loki.base}/loki/api/v1/{path}", params=dict(params)
        )
        auth = None
        if self.loki.user and not self.loki.token:
            auth = httpx.BasicAuth(self.loki.user, self.loki.password)
        response = await client.send(request, auth=auth, stream=True)
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _MAX_BODY:
                    return response.status_code, b"", ""
            return response.status_code, bytes(body), response.headers.get("Retry-After", "")
        finally:
            await response.aclose()

    def _open(self) -> httpx.AsyncClient | None:
        if self._client is None:
            try:
                # OSError: a CA file that is not there; ImportError: a proxy that needs an extra.
                self._client = httpx.AsyncClient(
                    timeout=self._timeouts.httpx(),
                    headers=_headers(self.loki),
                    transport=self._transport,
                    verify=self._tls or True,
                )
            except (OSError, ValueError, ImportError, httpx.InvalidURL):
                return None
        return self._client


def _headers(loki: Loki) -> dict[str, str]:
    # A cached answer may be older than lines that came since.
    headers = {"User-Agent": "golive", "Accept": "application/json", "Cache-Control": "no-cache"}
    if loki.tenant:
        headers["X-Scope-OrgID"] = loki.tenant
    if loki.token:
        headers["Authorization"] = f"Bearer {loki.token}"
    return headers


def _pause(usual: float, wanted: str) -> float:
    """How long to wait: what the server asks for in seconds, within reason, else as usual."""
    if wanted.isascii() and wanted.isdigit():
        return min(float(wanted[:6]), _LONGEST_PAUSE)
    return usual
