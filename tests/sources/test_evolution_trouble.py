"""The Evolution client in trouble: every kind of it is a typed value with a sentence."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from bot.demo.evolution import EvolutionStandIn, Fault
from checks.sources.evolution import (
    EvolutionClient,
    FailureKind,
    Instance,
    LinkState,
    Transport,
    Webhook,
)
from checks.sources.evolution.failures import kind_of
from tests.sources.certificates import certificate
from tests.sources.evolution_calls import KEY, QUICK, SECRET, WEBHOOK, failed, server


async def test_no_answer_in_time(evolution: EvolutionStandIn, client: EvolutionClient) -> None:
    """A server that hangs is a timeout; the request may have arrived."""
    evolution.fail(Fault.HANG)
    failure = failed(await client.instances(server(evolution.url)), FailureKind.TIMEOUT)
    assert failure.arrived


async def test_a_refused_connection(client: EvolutionClient) -> None:
    """Nothing listens: the request did not arrive."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        failure = failed(await client.instances(server(url)), FailureKind.REFUSED)
    assert not failure.arrived
    assert failure.problem.what == f"Evolution at {url} cannot be reached: connection refused."
    assert "BASE_URL" not in str(failure.problem)


@pytest.mark.parametrize("fault", [Fault.RESET_BEFORE, Fault.RESET_AFTER])
async def test_a_reset_connection(
    evolution: EvolutionStandIn, client: EvolutionClient, fault: Fault
) -> None:
    """A connection that breaks says nothing about what was done."""
    evolution.fail(fault)
    failure = failed(await client.instances(server(evolution.url)), FailureKind.UNREACHABLE)
    assert failure.arrived


async def test_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    """A self-signed certificate is TLS trouble; trusted, it is none."""
    made = certificate(tmp_path, until=datetime.now(UTC) + timedelta(days=30))
    async with EvolutionStandIn(key=KEY, tls=made.server()) as evolution:
        asked = server(evolution.url)
        async with Transport(timeouts=QUICK) as transport:
            answer = await EvolutionClient(transport).instances(asked)
        failure = failed(answer, FailureKind.TLS)
        assert "self-signed certificate" in failure.problem.what
        async with Transport(timeouts=QUICK, tls=made.trusted()) as transport:
            assert await EvolutionClient(transport).instances(asked) == ()


async def test_an_expired_certificate(tmp_path: Path) -> None:
    """The TLS library's reason is shown."""
    made = certificate(tmp_path, until=datetime.now(UTC) - timedelta(days=1))
    async with (
        EvolutionStandIn(key=KEY, tls=made.server()) as evolution,
        Transport(timeouts=QUICK, tls=made.trusted()) as transport,
    ):
        answer = await EvolutionClient(transport).instances(server(evolution.url))
    assert "certificate has expired" in failed(answer, FailureKind.TLS).problem.what


@pytest.mark.parametrize(
    ("error", "cause", "kind", "arrived"),
    [
        (httpx.ConnectTimeout("…"), None, FailureKind.CONNECT_TIMEOUT, False),
        (httpx.ReadTimeout("…"), None, FailureKind.TIMEOUT, True),
        (httpx.ConnectError("…"), socket.gaierror(-2, "x"), FailureKind.UNREACHABLE, False),
        (httpx.ProxyError("407"), None, FailureKind.UNREACHABLE, False),
        (httpx.ReadError("…"), ConnectionResetError(), FailureKind.UNREACHABLE, True),
        (UnicodeError("…"), None, FailureKind.UNREACHABLE, True),
    ],
)
async def test_trouble_on_the_way(
    error: Exception, cause: BaseException | None, kind: FailureKind, arrived: bool
) -> None:
    """Each exception of the client is a kind, and tells whether the request may have arrived."""

    def handle(_: httpx.Request) -> httpx.Response:
        raise error from cause

    async with Transport(transport=httpx.MockTransport(handle)) as transport:
        answer = await EvolutionClient(transport).instances(server("https://evo.example.org"))
    assert failed(answer, kind).arrived is arrived


def _answering(*, status: int = 200, body: object = None, raw: bytes | None = None) -> Transport:
    content = raw if raw is not None else json.dumps(body).encode()
    headers = {"Location": "https://elsewhere.example.org/"} if 300 <= status < 400 else {}
    mock = httpx.MockTransport(lambda _: httpx.Response(status, content=content, headers=headers))
    return Transport(transport=mock)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (302, None, FailureKind.HTTP_ERROR),
        (403, {}, FailureKind.HTTP_ERROR),
        (
            500,
            {"response": {"message": [[f"apikey: '{KEY}' {WEBHOOK}"]]}},
            FailureKind.HTTP_ERROR,
        ),
        (599, {"response": {"message": []}}, FailureKind.HTTP_ERROR),
        (404, {"response": {"message": ["Cannot GET /x"]}}, FailureKind.NOT_EVOLUTION),
        (404, None, FailureKind.NOT_EVOLUTION),
        (200, {"instance": {"state": 7}}, FailureKind.NOT_EVOLUTION),
        (200, {"instance": None}, FailureKind.NOT_EVOLUTION),
        (200, [SECRET], FailureKind.NOT_EVOLUTION),
        (200, None, FailureKind.NOT_EVOLUTION),
    ],
)
async def test_an_answer_that_is_not_the_one(status: int, body: object, kind: FailureKind) -> None:
    """Other statuses and forms are named, and what they quote is masked."""
    async with _answering(status=status, body=body) as transport:
        answer = await EvolutionClient(transport).state(server("https://evo.example.org"), "u")
    assert failed(answer, kind).status == status


@pytest.mark.parametrize("raw", [b"", b"<html>", b"[" * 100_000, b"\xff\xfe", b" " * 9_000_000])
async def test_what_is_no_json_is_not_evolution(raw: bytes) -> None:
    """A web page, an empty body and an endless one are no answer of an API."""
    async with _answering(raw=raw) as transport:
        answer = await EvolutionClient(transport).instances(server("https://evo.example.org"))
    failed(answer, FailureKind.NOT_EVOLUTION)


async def test_version_1_is_understood() -> None:
    """Its list wraps each instance, and its webhook has other names."""
    rows = [{"instance": {"instanceName": "a", "status": "open"}}, {"instance": {"owner": "x"}}]
    async with _answering(body=rows) as transport:
        listed = await EvolutionClient(transport).instances(server("https://evo.example.org"))
    assert listed == (Instance(name="a", state=LinkState.OPEN),)
    row = {"url": WEBHOOK, "enabled": None, "events": None, "webhook_by_events": True}
    async with _answering(body=row) as transport:
        found = await EvolutionClient(transport).webhook(server("https://evo.example.org"), "a")
    assert found == Webhook(url=WEBHOOK, enabled=False, events=(), by_events=True)


async def test_no_client_can_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that cannot be used is the environment's trouble, said with its mend."""
    monkeypatch.setenv("HTTPS_PROXY", "no-such-scheme://x")
    async with Transport() as transport:
        answer = await EvolutionClient(transport).instances(server("https://evo.example.org"))
    assert "HTTPS_PROXY" in failed(answer, FailureKind.NOT_CONFIGURED).problem.mend


def test_every_address_of_a_name_refused() -> None:
    """The loop tries them all, and tells of them together."""
    error = httpx.ConnectError("all connection attempts failed")
    error.__cause__ = ExceptionGroup("", [ConnectionRefusedError(), ConnectionRefusedError()])
    assert kind_of(error) is FailureKind.REFUSED


@asynccontextmanager
async def _listening(answer: Callable[[asyncio.StreamWriter], None]) -> AsyncGenerator[str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        answer(writer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_redirect_gets_no_key(evolution: EvolutionStandIn, client: EvolutionClient) -> None:
    """Another address is not asked: it could be anybody's."""
    head = f"HTTP/1.1 302 Found\r\nLocation: {evolution.url}/\r\nContent-Length: 0\r\n\r\n"
    async with _listening(lambda writer: writer.write(head.encode())) as url:
        failure = failed(await client.instances(server(url)), FailureKind.HTTP_ERROR)
    assert "redirects" in failure.problem.what
    assert evolution.journal == []


async def test_another_protocol_is_told(client: EvolutionClient) -> None:
    """A port that does not speak HTTP is no server that can be asked."""
    async with _listening(lambda writer: writer.write(b"220 mail\r\n\r\n")) as url:
        failed(await client.instances(server(url)), FailureKind.UNREACHABLE)
