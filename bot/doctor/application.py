"""The application's public address: encrypted, answering, with a certificate that lasts."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from bot.doctor.model import Line, failed, ok, warning
from checks.engine.wording import plural
from checks.sources.http import HealthProbe

RENEW: Final = timedelta(days=14)
_HTTP_OK: Final = 200
_HERE: Final = ("localhost", "127.0.0.1", "::1")

Expiry: TypeAlias = Callable[[str, int], Awaitable[datetime]]
"""Host and port → until when its certificate is valid; raises SSLError where it is not."""


async def look_at_application(
    url: str, health: HealthProbe, expiry: Expiry, now: datetime
) -> list[Line]:
    """Ask the address for its health, and look at its certificate.

    Args:
        url: the base URL.
        health: asks for /health.
        expiry: looks at the certificate.
        now: the instant of the test.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    lines = [_scheme(parts.scheme, host), await _health(health)]
    if parts.scheme == "https":
        lines.append(await _certificate(host, parts.port or 443, expiry, now))
    return lines


def _scheme(scheme: str, host: str) -> Line:
    if scheme == "https":
        return ok("BASE_URL begins with https://.")
    what = "BASE_URL begins with http://: Evolution must reach the application over HTTPS."
    mend = "Set BASE_URL to the public https:// address of the application."
    return warning(what, mend) if host in _HERE else failed(what, mend)


async def _health(health: HealthProbe) -> Line:
    found = await health.probe()
    if found.problem is not None:
        return failed(found.problem.what, found.problem.mend)
    last = found.tries[-1]
    if last.status == _HTTP_OK:
        return ok(f"{found.url} answers 200 in {last.seconds * 1000:.0f} ms.")
    remark = f" ({last.error})" if last.error else ""
    return failed(
        f"{found.url} answers {last.status}{remark}.",
        "Check that BASE_URL is the application's own address, and the application's log.",
    )


async def _certificate(host: str, port: int, expiry: Expiry, now: datetime) -> Line:
    try:
        until = await expiry(host, port)
    except ssl.SSLCertVerificationError as error:
        return failed(
            f"The certificate of {host} is not valid: {error.verify_message}.",
            "Renew it, and send its whole chain: Evolution does not deliver to an address that it"
            " cannot verify.",
        )
    except (OSError, TimeoutError):
        return warning(
            f"The certificate of {host} could not be looked at.", "Mend the connection first."
        )
    left = until - now
    days = plural(max(0, left.days), "day")
    if left <= RENEW:
        return warning(f"The certificate of {host} ends in {days}.", "Renew it.")
    return ok(f"The certificate of {host} is valid for {days}.")


def expiry_of(context: ssl.SSLContext | None = None, seconds: float = 10.0) -> Expiry:
    """Looks at certificates over a connection of its own.

    Args:
        context: which authorities to trust; None trusts what the system trusts.
        seconds: how long a connection may take.
    """

    async def look(host: str, port: int) -> datetime:
        trusted = context or ssl.create_default_context()
        async with asyncio.timeout(seconds):
            _, writer = await asyncio.open_connection(host, port, ssl=trusted, server_hostname=host)
        try:
            found = writer.get_extra_info("peercert")
            return datetime.fromtimestamp(ssl.cert_time_to_seconds(found["notAfter"]), UTC)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    return look
