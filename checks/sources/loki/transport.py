"""One HTTP client for questions to Loki: read-only, patient with 429 and 5xx, never a redirect."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

import httpx

from checks.sources.http import Timeouts
from checks.sources.http_client import NO_CLIENT, Answer, HttpTransport
from checks.sources.loki.address import Loki
from checks.sources.loki.failures import Failure, FailureKind, LokiError, no_answer, refused

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


class Transport(HttpTransport):
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
        super().__init__(timeouts=timeouts, headers=_headers(loki), tls=tls, transport=transport)
        self.loki = loki
        self._slots = asyncio.Semaphore(at_once)
        self._sleep = sleep

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
                answer = await self._once(path, params)
                if 200 <= answer.status < 300:
                    return answer.body
                if pause is None or answer.status not in _AGAIN:
                    raise LokiError(refused(answer.status, answer.body, self.loki))
                await self._sleep(_pause(pause, answer.headers.get("Retry-After", "")))
        raise AssertionError  # pragma: no cover - the last pause is None

    async def _once(self, path: str, params: Mapping[str, str]) -> Answer:
        client = self._opened()
        if client is None:
            raise LokiError(Failure(kind=FailureKind.NO_CLIENT, problem=NO_CLIENT))
        loki = self.loki
        try:
            request = client.build_request(
                "GET", f"{loki.base}/loki/api/v1/{path}", params=dict(params)
            )
            return await self._exchange(
                client,
                request,
                user="" if loki.token else loki.user,
                password=loki.password,
                most=_MAX_BODY,
            )
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
            raise LokiError(no_answer(error, loki)) from error


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
