"""The health probe over real sockets, and what it says when it gets no answer."""

from __future__ import annotations

import asyncio
import base64
import logging
import socket
import ssl
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from checks.engine.model import HealthEvidence
from checks.sources.http import HttpHealthProbe, Timeouts
from tests.support.secrecy.planted import Kind, plant

_PASSWORD = plant(Kind.PASSWORD, "s3cr3t-in-the-url")
_QUICK = Timeouts(connect=0.5, write=0.5, read=0.05, whole=0.3)

Answer = bytes | Callable[[asyncio.StreamWriter], object]


def _answer(status: int, *headers: str, body: str = "ok") -> bytes:
    head = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return ("\r\n".join(head) + "\r\n\r\n" + body).encode()


@dataclass
class _Server:
    """Answers each request with the next of its answers, the last one again and again."""

    answers: Sequence[Answer]
    port: int = 0
    requests: list[str] = field(default_factory=list[str])
    serving: set[asyncio.Task[None] | None] = field(default_factory=set[asyncio.Task[None] | None])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.serving.add(asyncio.current_task())
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            answer = self.answers[min(len(self.requests), len(self.answers) - 1)]
            self.requests.append(head.decode())
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
                if not answer.startswith(b"HTTP/1.1 "):
                    await reader.read()
            else:
                answer(writer)
                await reader.read()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def _serving(*answers: Answer) -> AsyncGenerator[_Server]:
    stand_in = _Server(answers=answers)
    server = await asyncio.start_server(stand_in.serve, "127.0.0.1", 0)
    stand_in.port = server.sockets[0].getsockname()[1]
    async with server:
        yield stand_in
        await asyncio.gather(*(task for task in stand_in.serving if task is not None))


@dataclass
class _Time:
    """A clock that moves by a fixed step at each look, and remembers the pauses."""

    now: float = 100.0
    step: float = 0.25
    pauses: list[float] = field(default_factory=list[float])

    def clock(self) -> float:
        self.now += self.step
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)


def _probe(
    url: str | None,
    *,
    time: _Time | None = None,
    timeouts: Timeouts | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> HttpHealthProbe:
    time = time or _Time()
    return HttpHealthProbe(
        url, timeouts=timeouts, transport=transport, clock=time.clock, sleep=time.sleep
    )


async def _raising(error: Exception, cause: BaseException | None = None) -> HealthEvidence:
    """What the probe makes of a client that fails with this exception."""

    def handle(_: httpx.Request) -> httpx.Response:
        raise error from cause

    return await _probe(
        f"https://u:{_PASSWORD}@crm.example.org", transport=httpx.MockTransport(handle)
    ).probe()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own proxy has no part in these tests."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


async def test_a_200_ends_the_probe() -> None:
    """One answer of 200 is enough: one request, no pause, the latency measured."""
    time = _Time()
    async with _serving(_answer(200)) as server:
        found = await _probe(server.url, time=time).probe()
    assert found.problem is None
    assert found.url == f"{server.url}/health"
    assert [(t.status, t.seconds, t.error) for t in found.tries] == [(200, 0.25, None)]
    assert time.pauses == []
    (request,) = server.requests
    assert request.startswith("GET /health HTTP/1.1\r\n")
    assert "golive-health-probe" in request


async def test_it_asks_again_until_it_is_200() -> None:
    """An application that restarts gets its three tries, with a pause before each further one."""
    time = _Time()
    async with _serving(_answer(503), _answer(502), _answer(200)) as server:
        found = await _probe(server.url, time=time).probe()
    assert [t.status for t in found.tries] == [503, 502, 200]
    assert time.pauses == [2.0, 2.0]


async def test_it_gives_up_after_three_tries() -> None:
    """Three answers other than 200 are the finding; an answered probe is no problem of golive's."""
    time = _Time()
    async with _serving(_answer(500)) as server:
        found = await _probe(server.url, time=time).probe()
    assert [t.status for t in found.tries] == [500, 500, 500]
    assert found.problem is None
    assert len(time.pauses) == 2


async def test_a_path_and_a_slash_in_the_base_url_are_kept() -> None:
    """A base URL below a path, with or without a slash at its end, is asked below that path."""
    async with _serving(_answer(200)) as server:
        for base in (f"{server.url}/crm/", f"{server.url}/crm"):
            found = await _probe(base).probe()
            assert found.url == f"{server.url}/crm/health"
    assert all(request.startswith("GET /crm/health ") for request in server.requests)


async def test_credentials_are_sent_and_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    """Credentials of the base URL reach the server and no evidence, and no log record."""
    caplog.set_level(logging.DEBUG)
    async with _serving(_answer(401)) as server:
        url = server.url.replace("://", f"://ops:{_PASSWORD}@")
        found = await _probe(url).probe()
    sent = base64.b64encode(f"ops:{_PASSWORD}".encode()).decode()
    assert f"Authorization: Basic {sent}" in server.requests[0]
    assert found.url == f"{server.url}/health"
    assert _PASSWORD not in repr(found)
    assert _PASSWORD not in caplog.text
    assert sent not in caplog.text


async def test_a_body_without_end_is_not_read() -> None:
    """The head of an answer is all that is needed."""
    endless = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\nfirst bytes"

    def never_ending(writer: asyncio.StreamWriter) -> None:
        writer.write(endless)

    async with _serving(never_ending) as server:
        found = await _probe(server.url, timeouts=_QUICK).probe()
    assert [t.status for t in found.tries] == [200]


async def test_a_redirect_on_the_same_host_is_followed() -> None:
    """A redirect to another path of the same host leads to its answer."""
    async with _serving(_answer(301, "Location: /healthz"), _answer(200)) as server:
        found = await _probe(server.url).probe()
    assert [t.status for t in found.tries] == [200]
    assert server.requests[1].startswith("GET /healthz ")


async def test_a_redirect_to_another_host_is_not_followed() -> None:
    """A login page elsewhere is no health; nothing is asked there."""
    async with (
        _serving(_answer(200)) as other,
        _serving(_answer(302, f"Location: http://localhost:{other.port}/login?next=x")) as server,
    ):
        found = await _probe(server.url.replace("://", f"://ops:{_PASSWORD}@")).probe()
    assert [t.status for t in found.tries] == [302, 302, 302]
    assert found.tries[0].error == f"redirects to http://localhost:{other.port}, not followed"
    assert other.requests == []


async def test_a_redirect_to_another_port_is_not_followed() -> None:
    """Another port of the host is another service, and gets no credentials."""
    async with (
        _serving(_answer(200)) as other,
        _serving(_answer(302, f"Location: {other.url}/health")) as server,
    ):
        found = await _probe(server.url).probe()
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
    async with _serving(_answer(302, "Location: /health")) as server:
        found = await _probe(server.url).probe()
    assert found.tries[0].status == 302
    assert found.tries[0].error == "redirects more than 3 times"
    assert len(server.requests) == 12


async def test_a_redirect_to_nowhere_is_told() -> None:
    """A Location that is no URL is the application's fault, and no crash of golive."""
    async with _serving(_answer(302, "Location: http://[::1")) as server:
        found = await _probe(server.url).probe()
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
        (f"http://u:{_PASSWORD}@h\x00st", "it is not a URL"),
    ],
)
async def test_a_bad_base_url_is_a_problem(url: str, reason: str) -> None:
    """What cannot be asked is said with the mend, without quoting what may hold a password."""
    found = await _probe(url).probe()
    assert found.tries == ()
    assert str(found.problem) == (
        f"The base URL is not an address that can be asked: {reason}."
        " Set BASE_URL to the application's public address, such as https://crm.example.org."
    )
    assert _PASSWORD not in repr(found)


@pytest.mark.parametrize("url", [None, "", "  "])
async def test_no_base_url_is_a_problem(url: str | None) -> None:
    """Without an address nothing is asked."""
    found = await _probe(url).probe()
    assert str(found.problem) == "No base URL was given. Use --base-url URL or BASE_URL."


async def test_a_refused_connection_is_told() -> None:
    """Three refused tries are a problem with its mend; the tries stand beside it."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        found = await _probe(url).probe()
    assert [(t.status, t.error) for t in found.tries] == [(None, "connection refused")] * 3
    assert str(found.problem) == (
        f"{url}/health cannot be reached: connection refused."
        " Nothing listens there: check that the application runs, and the port of BASE_URL."
    )


async def test_a_try_that_was_answered_leaves_no_problem() -> None:
    """Refused once and answered later is an answer, whatever its status."""

    def hang_up(writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with _serving(hang_up, _answer(503)) as server:
        found = await _probe(server.url).probe()
    assert [t.status for t in found.tries] == [None, 503, 503]
    assert (
        found.tries[0].error
        == "no HTTP answer: the connection was closed, or speaks another protocol"
    )
    assert found.problem is None


async def test_an_answer_that_does_not_come_times_out() -> None:
    """A server that accepts and stays silent is told as such."""

    def silent(_: asyncio.StreamWriter) -> None:
        return None

    async with _serving(silent) as server:
        found = await _probe(server.url, timeouts=_QUICK).probe()
    assert [t.error for t in found.tries] == ["connected, but no answer in time"] * 3
    assert found.problem is not None
    assert found.problem.mend == "Check that the application is not overloaded or blocked."


async def test_an_answer_that_trickles_in_is_bounded() -> None:
    """A head that comes byte by byte keeps each read alive, but not the whole try."""
    feeders: list[asyncio.Task[None]] = []

    async def feed(writer: asyncio.StreamWriter) -> None:
        while not writer.is_closing():
            writer.write(b"H")
            await asyncio.sleep(0.01)

    def trickle(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        feeders.append(asyncio.create_task(feed(writer)))

    async with _serving(trickle) as server:
        timeouts = Timeouts(connect=0.5, write=0.5, read=0.2, whole=0.1)
        probe = HttpHealthProbe(server.url, tries=1, timeouts=timeouts)
        found = await probe.probe()
    await asyncio.gather(*feeders)
    assert [t.error for t in found.tries] == ["connected, but no answer in time"]


async def test_something_that_is_not_http_is_told() -> None:
    """Another protocol on the port is named as what it is not."""
    async with _serving(b"220 mail ready\r\n\r\n") as server:
        found = await _probe(server.url, timeouts=_QUICK).probe()
    assert (
        found.tries[0].error
        == "no HTTP answer: the connection was closed, or speaks another protocol"
    )


async def test_https_on_a_port_without_tls_is_told() -> None:
    """A plain port that is asked for TLS says so, with the mend."""
    async with _serving(_answer(400)) as server:

        async def plain(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            writer.close()

        async with await asyncio.start_server(plain, "127.0.0.1", 0) as listener:
            port = listener.sockets[0].getsockname()[1]
            found = await _probe(f"https://127.0.0.1:{port}").probe()
    assert server.requests == []
    assert found.tries[0].error == "TLS could not be agreed on"
    assert found.problem is not None
    assert found.problem.mend == (
        "Check that this port speaks HTTPS, or begin BASE_URL with http://."
    )


async def test_a_bad_certificate_is_told_with_the_reason() -> None:
    """What is wrong with a certificate is said as the TLS library says it."""
    bad = ssl.SSLCertVerificationError(1, "certificate verify failed")
    bad.verify_message = "certificate has expired"
    found = await _raising(httpx.ConnectError("…"), bad)
    assert found.tries[0].error == "TLS certificate not valid (certificate has expired)"
    assert found.problem is not None
    assert "SSL_CERT_FILE" in found.problem.mend


@pytest.mark.parametrize(
    ("error", "cause", "said"),
    [
        (
            httpx.ConnectError("…"),
            socket.gaierror(-2, "Name or service not known"),
            "the name crm.example.org cannot be resolved",
        ),
        (UnicodeError("label too long"), None, "the name crm.example.org cannot be resolved"),
        (httpx.ConnectTimeout("…"), None, "timed out while connecting"),
        (httpx.ReadTimeout("…"), None, "connected, but no answer in time"),
        (httpx.ReadError("…"), ConnectionResetError(), "the connection broke off"),
        (
            httpx.ProxyError("407"),
            None,
            "the proxy of the environment did not let the request through",
        ),
        (
            httpx.ConnectError("…"),
            ExceptionGroup("all", [OSError("v6"), ConnectionRefusedError("v4")]),
            "connection refused",
        ),
    ],
)
async def test_each_trouble_has_its_words(
    error: Exception, cause: BaseException | None, said: str
) -> None:
    """The reason is read from the exceptions behind the client's own, also out of groups."""
    found = await _raising(error, cause)
    assert [t.error for t in found.tries] == [said] * 3
    assert found.problem is not None
    assert found.problem.what == f"https://crm.example.org/health cannot be reached: {said}."
    assert found.problem.mend


async def test_the_words_of_an_exception_are_never_shown() -> None:
    """An exception may quote the address with its credentials; none of its words get out."""
    found = await _raising(httpx.ConnectError(f"https://u:{_PASSWORD}@crm.example.org refused"))
    assert _PASSWORD not in repr(found)
    assert found.tries[0].error == "the connection broke off"


async def test_a_ca_file_that_is_missing_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment with which no client can be made is golive's own trouble."""
    monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent/ca.pem")
    found = await _probe("https://crm.example.org").probe()
    assert found.tries == ()
    assert found.problem is not None
    assert found.problem.what == (
        "The health probe cannot be set up with the environment's CA file or proxy."
    )


async def test_whom_to_trust_is_read_once() -> None:
    """Reading the certificates holds up everything else, so that only the first probe does it."""
    read: list[str] = []

    def tls() -> ssl.SSLContext:
        read.append("file")
        if len(read) == 1:
            raise FileNotFoundError
        return ssl.create_default_context()

    async with _serving(_answer(200)) as server:
        probe = HttpHealthProbe(server.url, tls=tls)
        assert read == []
        missing, *found = [await probe.probe() for _ in range(4)]
    assert missing.problem is not None
    assert [one.tries[0].status for one in found] == [200] * 3
    assert len(read) == 2


async def test_the_constructor_asks_nothing() -> None:
    """A probe that is made and not used opens no connection, also for a bad address."""
    async with _serving(_answer(200)) as server:
        HttpHealthProbe(server.url)
        HttpHealthProbe("not a url")
        await asyncio.sleep(0)
    assert server.requests == []
