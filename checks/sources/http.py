"""The health probe: GET {BASE_URL}/health, up to three times, and why it failed in plain words.

It never follows a redirect to another host, never shows the credentials of the base URL, and reads
no more of an answer than its head. Trouble is part of the evidence, never an exception.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import httpx

from checks.engine.model import HealthEvidence, ProbeTry, Problem
from checks.engine.wording import plural
from checks.sources.credentials import unescaped
from checks.sources.http_trouble import Trouble, trouble_of

_HTTP_OK = 200
_MAX_REDIRECTS = 3
_MAX_PORT = 65535
_HEADERS = {"User-Agent": "golive-health-probe", "Accept": "*/*"}

_NO_URL = Problem(what="No base URL was given.", mend="Use --base-url URL or BASE_URL.")
_BAD_URL = Problem(
    what="The base URL is not an address that can be asked: {0}.",
    mend="Set BASE_URL to the application's public address, such as https://crm.example.org.",
)
_NO_CLIENT = Problem(
    what="The health probe cannot be set up with the environment's CA file or proxy.",
    mend="Check SSL_CERT_FILE, SSL_CERT_DIR, HTTPS_PROXY, HTTP_PROXY and ALL_PROXY.",
)


class HealthProbe(Protocol):
    """Something that can ask the application whether it is healthy."""

    async def probe(self) -> HealthEvidence:
        """Ask, and say what came back. Never raises for trouble on the way."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds that each phase of a try may take. `whole` bounds an answer that only trickles in."""

    connect: float = 5.0
    write: float = 5.0
    read: float = 10.0
    whole: float = 20.0

    def httpx(self) -> httpx.Timeout:
        """The phases as the client takes them."""
        return httpx.Timeout(
            connect=self.connect, write=self.write, read=self.read, pool=self.connect
        )


class HttpHealthProbe:
    """Asks over HTTP. A try that is not answered with 200 is repeated after a pause."""

    def __init__(
        self,
        base_url: str | None,
        *,
        tries: int = 3,
        pause: float = 2.0,
        timeouts: Timeouts | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        tls: Callable[[], ssl.SSLContext] = httpx.create_ssl_context,
        clock: Callable[[], float] = time.perf_counter,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Nothing is asked or checked yet.

        Args:
            base_url: the application's address; may carry a path and credentials.
            tries: how often to ask until a 200 comes back.
            pause: seconds between two tries.
            timeouts: of each phase of a try.
            transport: what carries the requests, in tests.
            tls: reads whom to trust, from the environment's CA file; done once, when first asked.
            clock: seconds, for the latency.
            sleep: waits for so many seconds.
        """
        self._base_url = (base_url or "").strip()
        self._tries = tries
        self._pause = pause
        self._timeouts = timeouts or Timeouts()
        self._transport = transport
        self._read_tls = tls
        self._tls: ssl.SSLContext | None = None
        self._clock = clock
        self._sleep = sleep

    async def probe(self) -> HealthEvidence:
        """Ask up to `tries` times, until the answer is 200."""
        target = _target(self._base_url)
        if isinstance(target, Problem):
            return HealthEvidence(problem=target)
        try:
            # OSError: a CA file that is not there; ImportError: a proxy that needs an extra.
            client = self._client()
        except (OSError, ValueError, ImportError, httpx.InvalidURL):
            return HealthEvidence(problem=_NO_CLIENT, url=str(target.url))
        async with client:
            return await self._ask(client, target)

    def _client(self) -> httpx.AsyncClient:
        # A client of its own for each probe, so that each connects anew. Not so whom to trust:
        # reading all the certificates holds up the event loop for many milliseconds.
        if self._tls is None:
            self._tls = self._read_tls()
        return httpx.AsyncClient(
            timeout=self._timeouts.httpx(),
            headers=_HEADERS,
            transport=self._transport,
            verify=self._tls,
        )

    async def _ask(self, client: httpx.AsyncClient, target: _Target) -> HealthEvidence:
        tries: list[ProbeTry] = []
        trouble: Trouble | None = None
        while True:
            probe, trouble = await self._once(client, target)
            tries.append(probe)
            if probe.status == _HTTP_OK or len(tries) >= self._tries:
                break
            await self._sleep(self._pause)
        url = str(target.url)
        problem = None
        if trouble is not None and all(t.status is None for t in tries):
            problem = Problem(what=f"{url} cannot be reached: {trouble.what}.", mend=trouble.mend)
        return HealthEvidence(url=url, tries=tuple(tries), problem=problem)

    async def _once(
        self, client: httpx.AsyncClient, target: _Target
    ) -> tuple[ProbeTry, Trouble | None]:
        started = self._clock()
        try:
            async with asyncio.timeout(self._timeouts.whole):
                status, error = await _get(client, target)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as raised:
            trouble = trouble_of(raised, target.url.host)
            seconds = self._clock() - started
            return ProbeTry(status=None, seconds=seconds, error=trouble.what), trouble
        return ProbeTry(status=status, seconds=self._clock() - started, error=error), None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    """What to ask: an address without credentials, and the credentials apart."""

    url: httpx.URL
    auth: httpx.BasicAuth | None


def _target(base_url: str) -> _Target | Problem:
    if not base_url:
        return _NO_URL
    # Reasons never quote the address: what cannot be taken apart may still hold a password.
    if unescaped(base_url):
        return _bad("an @ in it is not escaped, which is written %40, and / in a password %2F")
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL:
        return _bad("it is not a URL")
    fault = _fault(url)
    if fault:
        return _bad(fault)
    auth = httpx.BasicAuth(url.username, url.password) if url.userinfo else None
    path = url.path.rstrip("/") + "/health"
    return _Target(url=url.copy_with(userinfo=b"", path=path), auth=auth)


def _fault(url: httpx.URL) -> str:
    """What makes an address one that cannot be asked; "" if nothing does."""
    if url.scheme not in ("http", "https"):
        return "it does not begin with https:// or http://"
    if not url.host:
        return "it names no host"
    if url.port is not None and not 0 < url.port <= _MAX_PORT:
        return f"its port is not between 1 and {_MAX_PORT}"
    if url.query or url.fragment:
        return "it carries a query (?…) or a fragment (#…)"
    return ""


def _bad(reason: str) -> Problem:
    return Problem(what=_BAD_URL.what.format(reason), mend=_BAD_URL.mend)


async def _get(client: httpx.AsyncClient, target: _Target) -> tuple[int, str | None]:
    """The final status, and a remark where a redirect was not followed."""
    url, left = target.url, _MAX_REDIRECTS
    while True:
        auth = target.auth if _gets_credentials(target.url, url) else None
        async with client.stream("GET", url, auth=auth) as response:
            status, following = response.status_code, response.next_request
        if following is None:
            return status, None
        if not _same_place(url, following.url):
            return status, f"redirects to {_place(following.url)}, not followed"
        if left == 0:
            return status, f"redirects more than {plural(_MAX_REDIRECTS, 'time')}"
        url, left = following.url.copy_with(userinfo=b""), left - 1


def _same_place(here: httpx.URL, there: httpx.URL) -> bool:
    """Whether a redirect stays on the host and does not fall back from https to http."""
    if here.host != there.host:
        return False
    if here.scheme == there.scheme:
        return here.port == there.port
    return there.scheme == "https"


def _gets_credentials(base: httpx.URL, url: httpx.URL) -> bool:
    """Whether a redirect leads to the origin, or from its http to its https by the usual ports."""
    return base.port == url.port and (base.scheme == url.scheme or base.port is None)


def _place(url: httpx.URL) -> str:
    return str(url.copy_with(userinfo=b"", raw_path=b"/")).rstrip("/")
