"""What is asked of the application itself: its certificate, and whether a test event is answered.

The test event names an instance that cannot exist and a secret that is none. It changes nothing:
the application logs it as unknown and answers 200.
"""

from __future__ import annotations

import asyncio
import secrets
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol, cast

import httpx

from checks.diagnosis.facts import BaseFacts, CertificateFacts, EventFacts
from checks.diagnosis.webhooks import ROUTE
from checks.engine.model import Problem
from checks.engine.own_events import PREFIX
from checks.sources.evolution.failures import FailureKind, kind_of
from checks.sources.http import Timeouts
from checks.sources.http_client import NO_CLIENT, new_client
from checks.sources.http_trouble import trouble_of
from checks.sources.loopback import is_loopback

_MAX_PORT = 65535
_HEADERS = {"User-Agent": "golive-diagnosis", "Accept": "*/*"}

_NO_URL = Problem(what="No base URL was given.", mend="Use --base-url URL or BASE_URL.")
_BAD_URL = Problem(
    what="The base URL is not an address that can be asked.",
    mend="Set BASE_URL to the application's public address, such as https://crm.example.org.",
)


class Application(Protocol):
    """The application's public address, as a diagnosis sees it. Trouble is part of the facts."""

    @property
    def base(self) -> BaseFacts | Problem:
        """What the address is."""
        ...

    @property
    def base_url(self) -> str | None:
        """The address without credentials, to compare with; None where there is none."""
        ...

    async def certificate(self) -> CertificateFacts:
        """Look at the certificate."""
        ...

    async def send_event(self) -> EventFacts:
        """Send one test event to the webhook route."""
        ...


class HttpApplication:
    """`Application` over the network."""

    def __init__(
        self,
        base_url: str | None,
        *,
        timeouts: Timeouts | None = None,
        tls: ssl.SSLContext | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        nonce: Callable[[], str] = lambda: secrets.token_hex(8),
    ) -> None:
        """Nothing is asked yet.

        Args:
            base_url: the application's address; may carry a path and credentials.
            timeouts: of each phase.
            tls: which certificates to trust; None trusts what the system trusts.
            transport: what carries the test event, in tests.
            nonce: makes the name of each test event unique.
        """
        self._url = _url(base_url)
        self._timeouts = timeouts or Timeouts()
        self._tls = tls
        self._transport = transport
        self._nonce = nonce

    @property
    def base(self) -> BaseFacts | Problem:
        """What the address is."""
        if isinstance(self._url, Problem):
            return self._url
        return BaseFacts(
            shown=self.base_url or "",
            https=self._url.scheme == "https",
            loopback=is_loopback(self._url.host),
        )

    @property
    def base_url(self) -> str | None:
        """The address without credentials and without a slash at its end."""
        if isinstance(self._url, Problem):
            return None
        return str(self._url.copy_with(userinfo=b"")).rstrip("/")

    async def certificate(self) -> CertificateFacts:
        """Connect, and read until when the certificate is valid, or why it is not."""
        url = self._url
        if isinstance(url, Problem):
            return CertificateFacts(problem=url)
        if url.scheme != "https":
            return CertificateFacts()
        try:
            context = self._tls or ssl.create_default_context()
            async with asyncio.timeout(self._timeouts.connect):
                expires = await _expiry(url, context)
        except ssl.SSLCertVerificationError as error:
            return CertificateFacts(invalid=error.verify_message or "not trusted")
        except (OSError, UnicodeError, ValueError) as error:
            trouble = trouble_of(error, url.host)
            return CertificateFacts(
                problem=Problem(
                    what=f"The certificate of {url.host} cannot be seen: {trouble.what}.",
                    mend=trouble.mend,
                )
            )
        return CertificateFacts(expires=expires)

    async def send_event(self) -> EventFacts:
        """POST one event for an instance that cannot exist, with a secret that is none."""
        name = f"{PREFIX}{self._nonce()}"
        url = self._url
        if isinstance(url, Problem):
            return EventFacts(name=name, problem=url)
        auth = httpx.BasicAuth(url.username, url.password) if url.userinfo else None
        client = new_client(
            timeout=self._timeouts.httpx(),
            headers=_HEADERS,
            tls=self._tls,
            transport=self._transport,
        )
        if client is None:
            return EventFacts(name=name, problem=NO_CLIENT)
        event = {"event": "test", "instance": name}
        target = f"{self.base_url}{ROUTE}/{name}"
        try:
            async with (
                client,
                asyncio.timeout(self._timeouts.whole),
                client.stream("POST", target, json=event, auth=auth) as response,
            ):
                return EventFacts(name=name, status=response.status_code)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
            return _unanswered(name, error, url.host)


def _unanswered(name: str, error: Exception, host: str) -> EventFacts:
    trouble = trouble_of(error, host)
    return EventFacts(
        name=name,
        refused=kind_of(error) is FailureKind.REFUSED,
        problem=Problem(what=f"The test event got no answer: {trouble.what}.", mend=trouble.mend),
    )


async def _expiry(url: httpx.URL, context: ssl.SSLContext) -> datetime | None:
    _, writer = await asyncio.open_connection(
        url.host, url.port or 443, ssl=context, server_hostname=url.host
    )
    try:
        shown = cast("dict[str, object]", writer.get_extra_info("peercert") or {})
        ends = ssl.cert_time_to_seconds(str(shown["notAfter"])) if "notAfter" in shown else None
        return None if ends is None else datetime.fromtimestamp(ends, UTC)
    finally:
        # What is known is known: a farewell that the server does not answer would only take time.
        writer.transport.abort()


def _url(base_url: str | None) -> httpx.URL | Problem:
    if not base_url or not base_url.strip():
        return _NO_URL
    # The reason never quotes the address: what cannot be taken apart may still hold a password.
    try:
        url = httpx.URL(base_url.strip())
    except httpx.InvalidURL:
        return _BAD_URL
    port_is_right = url.port is None or 0 < url.port <= _MAX_PORT
    if url.scheme not in ("http", "https") or not url.host or not port_is_right:
        return _BAD_URL
    return _BAD_URL if url.query or url.fragment else url
