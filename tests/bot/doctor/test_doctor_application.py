"""BASE_URL: its scheme, its health and its certificate, over real sockets."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from aiohttp import web

from bot.doctor.application import look_at_application
from bot.doctor.model import Line, Status
from checks.diagnosis.application import HttpApplication
from checks.engine.model import HealthEvidence, ProbeTry
from checks.sources.http import HttpHealthProbe
from tests.bot.doctor import certificates
from tests.bot.doctor.lines import bad, saying

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
END = datetime(2099, 12, 31, 23, 59, 59, tzinfo=UTC)


class Healthy:
    """A health probe that was answered with 200."""

    async def probe(self) -> HealthEvidence:
        """One good try."""
        tries = (ProbeTry(status=200, seconds=0.012),)
        return HealthEvidence(url="https://localhost/health", tries=tries)


@asynccontextmanager
async def serving(tls: ssl.SSLContext | None = None, status: int = 200) -> AsyncGenerator[str]:
    """An application on a free port; its base URL."""

    async def health(_: web.Request) -> web.Response:
        return web.Response(status=status)

    app = web.Application()
    app.router.add_get("/health", health)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        scheme = "https" if tls else "http"
        yield f"{scheme}://localhost:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def look(certificate: str, now: datetime, trusted: str | None = None) -> list[Line]:
    """What is said about an address with this certificate, at an instant."""
    async with serving(certificates.server(certificate)) as url:
        address = HttpApplication(url, tls=certificates.trusting(trusted or certificate))
        return await look_at_application(address, Healthy(), now)


async def test_a_good_address() -> None:
    """An address with a certificate that lasts is fine, with the days that are left."""
    lines = await look(certificates.VALID, END - timedelta(days=40, hours=1))
    assert bad(lines) == []
    assert saying(lines, "valid for 40 days")
    assert saying(lines, "answers 200 in 12 ms")


async def test_a_certificate_that_ends_soon() -> None:
    """Two weeks before its end a certificate is a warning."""
    line = saying(await look(certificates.VALID, END - timedelta(days=9)), "ends in 9 days")
    assert line.status is Status.WARNING


async def test_an_expired_certificate() -> None:
    """An expired certificate has failed, in the TLS library's words."""
    line = saying(await look(certificates.EXPIRED, NOW), "is not valid: certificate has expired")
    assert line.status is Status.FAILED


async def test_a_certificate_that_nobody_signed() -> None:
    """A certificate that this machine does not trust has failed."""
    lines = await look(certificates.VALID, NOW, trusted=certificates.EXPIRED)
    assert saying(lines, "is not valid").status is Status.FAILED


async def test_plain_http() -> None:
    """Without TLS only this machine itself can be meant, which is a warning."""
    async with serving() as url:
        health = HttpHealthProbe(url, tries=1)
        lines = await look_at_application(HttpApplication(url), health, NOW)
    assert [line.status for line in lines] == [Status.WARNING, Status.OK]
    lines = await look_at_application(HttpApplication("http://crm.example.com"), Healthy(), NOW)
    assert saying(lines, "begins with http://").status is Status.FAILED


async def test_not_healthy() -> None:
    """Any other status than 200 has failed."""
    async with serving(status=503) as url:
        health = HttpHealthProbe(url, tries=1)
        lines = await look_at_application(HttpApplication(url), health, NOW)
    assert saying(lines, "/health answers 503").status is Status.FAILED


async def test_nothing_there() -> None:
    """Where nothing listens, that is said once as an error, and the certificate is left."""
    async with serving() as url:
        gone = url.replace("http://", "https://")
    health = HttpHealthProbe(gone, tries=1)
    lines = await look_at_application(HttpApplication(gone), health, NOW)
    assert [line.status for line in lines] == [Status.OK, Status.FAILED, Status.WARNING]
