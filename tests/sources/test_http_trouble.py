"""The health probe where it gets no answer: each reason in plain words, with the mend."""

from __future__ import annotations

import asyncio
import socket
import ssl

import httpx
import pytest

from checks.sources.http import HttpHealthProbe, Timeouts
from tests.sources.health_probes import (
    PASSWORD,
    QUICK,
    answered,
    probe_of,
    raising,
    serving,
)


async def test_a_refused_connection_is_told() -> None:
    """Three refused tries are a problem with its mend; the tries stand beside it."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        found = await probe_of(url).probe()
    assert [(t.status, t.error) for t in found.tries] == [(None, "connection refused")] * 3
    assert str(found.problem) == (
        f"{url}/health cannot be reached: connection refused."
        " Nothing listens there: check that the application runs, and the port of BASE_URL."
    )


async def test_a_try_that_was_answered_leaves_no_problem() -> None:
    """Refused once and answered later is an answer, whatever its status."""

    def hang_up(writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with serving(hang_up, answered(503)) as server:
        found = await probe_of(server.url).probe()
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

    async with serving(silent) as server:
        found = await probe_of(server.url, timeouts=QUICK).probe()
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

    async with serving(trickle) as server:
        timeouts = Timeouts(connect=0.5, write=0.5, read=0.2, whole=0.1)
        probe = HttpHealthProbe(server.url, tries=1, timeouts=timeouts)
        found = await probe.probe()
    await asyncio.gather(*feeders)
    assert [t.error for t in found.tries] == ["connected, but no answer in time"]


async def test_something_that_is_not_http_is_told() -> None:
    """Another protocol on the port is named as what it is not."""
    async with serving(b"220 mail ready\r\n\r\n") as server:
        found = await probe_of(server.url, timeouts=QUICK).probe()
    assert (
        found.tries[0].error
        == "no HTTP answer: the connection was closed, or speaks another protocol"
    )


async def test_https_on_a_port_without_tls_is_told() -> None:
    """A plain port that is asked for TLS says so, with the mend."""
    async with serving(answered(400)) as server:

        async def plain(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            writer.close()

        async with await asyncio.start_server(plain, "127.0.0.1", 0) as listener:
            port = listener.sockets[0].getsockname()[1]
            found = await probe_of(f"https://127.0.0.1:{port}").probe()
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
    found = await raising(httpx.ConnectError("…"), bad)
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
    found = await raising(error, cause)
    assert [t.error for t in found.tries] == [said] * 3
    assert found.problem is not None
    assert found.problem.what == f"https://crm.example.org/health cannot be reached: {said}."
    assert found.problem.mend


async def test_the_words_of_an_exception_are_never_shown() -> None:
    """An exception may quote the address with its credentials; none of its words get out."""
    found = await raising(httpx.ConnectError(f"https://u:{PASSWORD}@crm.example.org refused"))
    assert PASSWORD not in repr(found)
    assert found.tries[0].error == "the connection broke off"


async def test_a_ca_file_that_is_missing_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment with which no client can be made is golive's own trouble."""
    monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent/ca.pem")
    found = await probe_of("https://crm.example.org").probe()
    assert found.tries == ()
    assert found.problem is not None
    assert found.problem.what == (
        "The health probe cannot be set up with the environment's CA file or proxy."
    )
