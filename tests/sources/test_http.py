"""The health probe over real sockets: what it asks, how often, and where it follows."""

from __future__ import annotations

import asyncio
import base64
import logging
import ssl

import httpx
import pytest

from checks.sources.http import HttpHealthProbe
from tests.sources.health_probes import (
    PASSWORD,
    QUICK,
    SteppedTime,
    answered,
    probe_of,
    serving,
)


async def test_a_200_ends_the_probe() -> None:
    """One answer of 200 is enough: one request, no pause, the latency measured."""
    time = SteppedTime()
    async with serving(answered(200)) as server:
        found = await probe_of(server.url, time=time).probe()
    assert found.problem is None
    assert found.url == f"{server.url}/health"
    assert [(t.status, t.seconds, t.error) for t in found.tries] == [(200, 0.25, None)]
    assert time.pauses == []
    (request,) = server.requests
    assert request.startswith("GET /health HTTP/1.1\r\n")
    assert "golive-health-probe" in request


async def test_it_asks_again_until_it_is_200() -> None:
    """An application that restarts gets its three tries, with a pause before each further one."""
    time = SteppedTime()
    async with serving(answered(503), answered(502), answered(200)) as server:
        found = await probe_of(server.url, time=time).probe()
    assert [t.status for t in found.tries] == [503, 502, 200]
    assert time.pauses == [2.0, 2.0]


async def test_it_gives_up_after_three_tries() -> None:
    """Three answers other than 200 are the finding; an answered probe is no problem of golive's."""
    time = SteppedTime()
    async with serving(answered(500)) as server:
        found = await probe_of(server.url, time=time).probe()
    assert [t.status for t in found.tries] == [500, 500, 500]
    assert found.problem is None
    assert len(time.pauses) == 2


async def test_a_path_and_a_slash_in_the_base_url_are_kept() -> None:
    """A base URL below a path, with or without a slash at its end, is asked below that path."""
    async with serving(answered(200)) as server:
        for base in (f"{server.url}/crm/", f"{server.url}/crm"):
            found = await probe_of(base).probe()
            assert found.url == f"{server.url}/crm/health"
    assert all(request.startswith("GET /crm/health ") for request in server.requests)


async def test_credentials_are_sent_and_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    """Credentials of the base URL reach the server and no evidence, and no log record."""
    caplog.set_level(logging.DEBUG)
    async with serving(answered(401)) as server:
        url = server.url.replace("://", f"://ops:{PASSWORD}@")
        found = await probe_of(url).probe()
    sent = base64.b64encode(f"ops:{PASSWORD}".encode()).decode()
    assert f"Authorization: Basic {sent}" in server.requests[0]
    assert found.url == f"{server.url}/health"
    assert PASSWORD not in repr(found)
    assert PASSWORD not in caplog.text
    assert sent not in caplog.text


async def test_a_body_without_end_is_not_read() -> None:
    """The head of an answer is all that is needed."""
    endless = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\nfirst bytes"

    def never_ending(writer: asyncio.StreamWriter) -> None:
        writer.write(endless)

    async with serving(never_ending) as server:
        found = await probe_of(server.url, timeouts=QUICK).probe()
    assert [t.status for t in found.tries] == [200]


async def test_a_redirect_on_the_same_host_is_followed() -> None:
    """A redirect to another path of the same host leads to its answer."""
    async with serving(answered(301, "Location: /healthz"), answered(200)) as server:
        found = await probe_of(server.url).probe()
    assert [t.status for t in found.tries] == [200]
    assert server.requests[1].startswith("GET /healthz ")


async def test_a_redirect_to_another_host_is_not_followed() -> None:
    """A login page elsewhere is no health; nothing is asked there."""
    async with (
        serving(answered(200)) as other,
        serving(answered(302, f"Location: http://localhost:{other.port}/login?next=x")) as server,
    ):
        found = await probe_of(server.url.replace("://", f"://ops:{PASSWORD}@")).probe()
    assert [t.status for t in found.tries] == [302, 302, 302]
    assert found.tries[0].error == f"redirects to http://localhost:{other.port}, not followed"
    assert other.requests == []


async def test_a_redirect_to_another_port_is_not_followed() -> None:
    """Another port of the host is another service, and gets no credentials."""
    async with (
        serving(answered(200)) as other,
        serving(answered(302, f"Location: {other.url}/health")) as server,
    ):
        found = await probe_of(server.url).probe()
    assert found.tries[0].error == f"redirects to {other.url}, not followed"
    assert other.requests == []


@pytest.mark.parametrize(
    ("base", "location", "status"),
    [
        ("http://crm.example.org", "https://crm.example.org/health", 200),
        ("https://crm.example.org", "http://crm.example.org/health", 301),
        ("https://crm.example.org", "//evil.example.org/health", 301),
        ("https://crm.example.org", "https://crm.example.org.evil.example.org/", 301),
    ],
)
async def test_a_redirect_goes_to_https_and_never_back(
    base: str, location: str, status: int
) -> None:
    """From http to https of the same host is followed; back, or elsewhere, is not."""
    asked: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        if len(asked) % 2:
            return httpx.Response(301, headers={"Location": location})
        return httpx.Response(200)

    probe = HttpHealthProbe(base, tries=1, transport=httpx.MockTransport(handle))
    found = await probe.probe()
    assert found.tries[0].status == status
    assert len(asked) == (2 if status == 200 else 1)


async def test_a_redirect_in_a_circle_ends() -> None:
    """A redirect to itself is followed three times and then told."""
    async with serving(answered(302, "Location: /health")) as server:
        found = await probe_of(server.url).probe()
    assert found.tries[0].status == 302
    assert found.tries[0].error == "redirects more than 3 times"
    assert len(server.requests) == 12


async def test_a_redirect_to_nowhere_is_told() -> None:
    """A Location that is no URL is the application's fault, and no crash of golive."""
    async with serving(answered(302, "Location: http://[::1")) as server:
        found = await probe_of(server.url).probe()
    assert found.tries[0].error == "redirects to something that is not a URL"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("crm.example.org", "it does not begin with https:// or http://"),
        ("ftp://crm.example.org", "it does not begin with https:// or http://"),
        ("https://", "it names no host"),
        ("http://:8080/", "it names no host"),
        ("http://crm.example.org:99999", "its port is not between 1 and 65535"),
        ("http://crm.example.org:0", "its port is not between 1 and 65535"),
        ("https://crm.example.org/?token=abc", "it carries a query (?…) or a fragment (#…)"),
        ("https://crm.example.org/#top", "it carries a query (?…) or a fragment (#…)"),
        ("http://[::1", "it is not a URL"),
        (f"http://u:{PASSWORD}@h\x00st", "it is not a URL"),
    ],
)
async def test_a_bad_base_url_is_a_problem(url: str, reason: str) -> None:
    """What cannot be asked is said with the mend, without quoting what may hold a password."""
    found = await probe_of(url).probe()
    assert found.tries == ()
    assert str(found.problem) == (
        f"The base URL is not an address that can be asked: {reason}."
        " Set BASE_URL to the application's public address, such as https://crm.example.org."
    )
    assert PASSWORD not in repr(found)


@pytest.mark.parametrize("url", [None, "", "  "])
async def test_no_base_url_is_a_problem(url: str | None) -> None:
    """Without an address nothing is asked."""
    found = await probe_of(url).probe()
    assert str(found.problem) == "No base URL was given. Use --base-url URL or BASE_URL."


async def test_whom_to_trust_is_read_once() -> None:
    """Reading the certificates holds up everything else, so that only the first probe does it."""
    read: list[str] = []

    def tls() -> ssl.SSLContext:
        read.append("file")
        if len(read) == 1:
            raise FileNotFoundError
        return ssl.create_default_context()

    async with serving(answered(200)) as server:
        probe = HttpHealthProbe(server.url, tls=tls)
        assert read == []
        missing, *found = [await probe.probe() for _ in range(4)]
    assert missing.problem is not None
    assert [one.tries[0].status for one in found] == [200] * 3
    assert len(read) == 2


async def test_the_constructor_asks_nothing() -> None:
    """A probe that is made and not used opens no connection, also for a bad address."""
    async with serving(answered(200)) as server:
        HttpHealthProbe(server.url)
        HttpHealthProbe("not a url")
        await asyncio.sleep(0)
    assert server.requests == []
