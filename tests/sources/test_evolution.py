"""The Evolution client over real sockets: every oddity of the API, every kind of trouble."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from bot.demo.evolution import EvolutionStandIn, Fault
from checks.engine.model import Json, Problem
from checks.sources.evolution import (
    Call,
    EvolutionClient,
    Failure,
    FailureKind,
    Instance,
    LinkState,
    Reply,
    Server,
    ServerSettings,
    Transport,
    Webhook,
    server_of,
)
from checks.sources.http import Timeouts
from tests.sources.certificates import certificate

_KEY = "planted-evolution-key-0001"
_SECRET = "planted-webhook-secret-0002"
_PASSWORD = "planted-password-0003"
_WEBHOOK = f"https://crm.example.com/webhooks/whatsapp/evolution/{_SECRET}"
_QUICK = Timeouts(connect=0.5, write=0.5, read=0.1, whole=0.3)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own proxy has no part in these tests."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
async def evolution() -> AsyncGenerator[EvolutionStandIn]:
    """A running stand-in with one linked instance."""
    async with EvolutionStandIn(key=_KEY) as running:
        running.add("unit_a", webhook_url=_WEBHOOK)
        yield running


@pytest.fixture
async def client() -> AsyncGenerator[EvolutionClient]:
    """The client under test."""
    async with Transport(timeouts=_QUICK) as transport:
        yield EvolutionClient(transport)


def _server(url: str, key: str = _KEY) -> Server:
    found = server_of(ServerSettings(url=url, key=key), ServerSettings())
    assert isinstance(found, Server)
    return found


def _failed(answer: object, kind: FailureKind) -> Failure:
    assert isinstance(answer, Failure), answer
    assert answer.kind is kind, answer
    for secret in (_KEY, _SECRET, _PASSWORD):
        assert secret not in repr(answer)
    assert answer.problem.what.endswith(".")
    assert answer.problem.mend.endswith(".")
    return answer


# --- what it answers ----------------------------------------------------------------------------


async def test_the_states_are_told(evolution: EvolutionStandIn, client: EvolutionClient) -> None:
    """open, connecting and close are told as they are; an absent or other one is unknown."""
    server = _server(evolution.url)
    for said, state in [
        ("open", LinkState.OPEN),
        ("connecting", LinkState.CONNECTING),
        ("close", LinkState.CLOSE),
        (None, LinkState.UNKNOWN),
        ("refused", LinkState.UNKNOWN),
    ]:
        evolution.instances["unit_a"].state = said
        assert await client.state(server, "unit_a") is state


async def test_the_instances_are_listed_without_their_tokens(
    evolution: EvolutionStandIn, client: EvolutionClient
) -> None:
    """A name and a state each; the token is not kept."""
    listed = await client.instances(_server(evolution.url))
    assert listed == (Instance(name="unit_a", state=LinkState.OPEN),)
    assert evolution.instances["unit_a"].token not in repr(listed)


async def test_the_webhook_is_read_and_its_address_not_shown(
    evolution: EvolutionStandIn, client: EvolutionClient
) -> None:
    """The row is there to be compared; its repr does not hold the secret."""
    found = await client.webhook(_server(evolution.url), "unit_a")
    assert isinstance(found, Webhook)
    assert (found.url, found.enabled, found.by_events) == (_WEBHOOK, True, False)
    assert _SECRET not in repr(found)


async def test_no_webhook_is_none(evolution: EvolutionStandIn, client: EvolutionClient) -> None:
    """A null row is an answer and no failure."""
    evolution.add("unit_b")
    assert await client.webhook(_server(evolution.url), "unit_b") is None


async def test_a_wrong_key_is_told(evolution: EvolutionStandIn, client: EvolutionClient) -> None:
    """401 is the key's fault, in every call about something that exists."""
    server = _server(evolution.url, key="some-other-key")
    _failed(await client.instances(server), FailureKind.WRONG_KEY)
    _failed(await client.state(server, "unit_a"), FailureKind.WRONG_KEY)
    failure = _failed(await client.webhook(server, "unit_a"), FailureKind.WRONG_KEY)
    assert failure.status == 401
    assert str(failure.problem) == (
        f"Evolution at {evolution.url} refuses the key (401). Set EVOLUTION_API_KEY"
        " (or apiKey in provider_config) to a key that is valid there."
    )


@pytest.mark.parametrize("key", [_KEY, "some-other-key"])
async def test_an_unknown_instance_is_told_whatever_the_key(
    evolution: EvolutionStandIn, client: EvolutionClient, key: str
) -> None:
    """The server says 404 before it looks at the key: that proves nothing about the key."""
    answer = await client.state(_server(evolution.url, key), "unit_gone")
    failure = _failed(answer, FailureKind.UNKNOWN_INSTANCE)
    assert failure.problem.what == f"Evolution at {evolution.url} has no instance unit_gone."


@pytest.mark.parametrize("name", ["..", ".", "a/b", "a b?c#d", "ü%2F", "a\nb"])
async def test_an_instance_may_be_called_anything(
    evolution: EvolutionStandIn, client: EvolutionClient, name: str
) -> None:
    """Whatever the database holds as a name stays one part of the path."""
    evolution.add(name, state="close")
    assert await client.state(_server(evolution.url), name) is LinkState.CLOSE


async def test_only_the_status_counts(evolution: EvolutionStandIn) -> None:
    """A 400 that is labelled Internal Server Error is a 400."""
    async with Transport(timeouts=_QUICK) as transport:
        call = Call(method="POST", path=("webhook", "set", "unit_a"), instance="unit_a", body=[])
        answer = await transport.send(_server(evolution.url), call)
    failure = _failed(answer, FailureKind.HTTP_ERROR)
    assert (failure.status, failure.arrived) == (400, True)


async def test_the_transport_carries_writes_too(evolution: EvolutionStandIn) -> None:
    """A caller that writes gets status and body, and shows neither body."""
    async with Transport(timeouts=_QUICK) as transport:
        webhook: dict[str, Json] = {"enabled": True, "url": _WEBHOOK, "events": []}
        body: Json = {"webhook": webhook}
        call = Call(method="POST", path=("webhook", "set", "unit_a"), instance="unit_a", body=body)
        reply = await transport.send(_server(evolution.url), call)
    assert isinstance(reply, Reply)
    assert reply.status == 201
    assert _SECRET not in repr((call, reply))


# --- trouble ------------------------------------------------------------------------------------


async def test_no_answer_in_time(evolution: EvolutionStandIn, client: EvolutionClient) -> None:
    """A server that hangs is a timeout; the request may have arrived."""
    evolution.fail(Fault.HANG)
    failure = _failed(await client.instances(_server(evolution.url)), FailureKind.TIMEOUT)
    assert failure.arrived


async def test_a_refused_connection(client: EvolutionClient) -> None:
    """Nothing listens: the request did not arrive."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{reserved.getsockname()[1]}"
        failure = _failed(await client.instances(_server(url)), FailureKind.REFUSED)
    assert not failure.arrived
    assert failure.problem.what == f"Evolution at {url} cannot be reached: connection refused."
    assert "BASE_URL" not in str(failure.problem)


@pytest.mark.parametrize("fault", [Fault.RESET_BEFORE, Fault.RESET_AFTER])
async def test_a_reset_connection(
    evolution: EvolutionStandIn, client: EvolutionClient, fault: Fault
) -> None:
    """A connection that breaks says nothing about what was done."""
    evolution.fail(fault)
    failure = _failed(await client.instances(_server(evolution.url)), FailureKind.UNREACHABLE)
    assert failure.arrived


async def test_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    """A self-signed certificate is TLS trouble; trusted, it is none."""
    made = certificate(tmp_path, until=datetime.now(UTC) + timedelta(days=30))
    async with EvolutionStandIn(key=_KEY, tls=made.server()) as evolution:
        server = _server(evolution.url)
        async with Transport(timeouts=_QUICK) as transport:
            answer = await EvolutionClient(transport).instances(server)
        failure = _failed(answer, FailureKind.TLS)
        assert "self-signed certificate" in failure.problem.what
        async with Transport(timeouts=_QUICK, tls=made.trusted()) as transport:
            assert await EvolutionClient(transport).instances(server) == ()


async def test_an_expired_certificate(tmp_path: Path) -> None:
    """The TLS library's reason is shown."""
    made = certificate(tmp_path, until=datetime.now(UTC) - timedelta(days=1))
    async with (
        EvolutionStandIn(key=_KEY, tls=made.server()) as evolution,
        Transport(timeouts=_QUICK, tls=made.trusted()) as transport,
    ):
        answer = await EvolutionClient(transport).instances(_server(evolution.url))
    assert "certificate has expired" in _failed(answer, FailureKind.TLS).problem.what


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
        answer = await EvolutionClient(transport).instances(_server("https://evo.example.org"))
    assert _failed(answer, kind).arrived is arrived


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
            {"response": {"message": [[f"apikey: '{_KEY}' {_WEBHOOK}"]]}},
            FailureKind.HTTP_ERROR,
        ),
        (599, {"response": {"message": []}}, FailureKind.HTTP_ERROR),
        (404, {"response": {"message": ["Cannot GET /x"]}}, FailureKind.NOT_EVOLUTION),
        (404, None, FailureKind.NOT_EVOLUTION),
        (200, {"instance": {"state": 7}}, FailureKind.NOT_EVOLUTION),
        (200, {"instance": None}, FailureKind.NOT_EVOLUTION),
        (200, [_SECRET], FailureKind.NOT_EVOLUTION),
        (200, None, FailureKind.NOT_EVOLUTION),
    ],
)
async def test_an_answer_that_is_not_the_one(status: int, body: object, kind: FailureKind) -> None:
    """Other statuses and forms are named, and what they quote is masked."""
    async with _answering(status=status, body=body) as transport:
        answer = await EvolutionClient(transport).state(_server("https://evo.example.org"), "u")
    assert _failed(answer, kind).status == status


@pytest.mark.parametrize("raw", [b"", b"<html>", b"[" * 100_000, b"\xff\xfe", b" " * 9_000_000])
async def test_what_is_no_json_is_not_evolution(raw: bytes) -> None:
    """A web page, an empty body and an endless one are no answer of an API."""
    async with _answering(raw=raw) as transport:
        answer = await EvolutionClient(transport).instances(_server("https://evo.example.org"))
    _failed(answer, FailureKind.NOT_EVOLUTION)


async def test_version_1_is_understood() -> None:
    """Its list wraps each instance, and its webhook has other names."""
    rows = [{"instance": {"instanceName": "a", "status": "open"}}, {"instance": {"owner": "x"}}]
    async with _answering(body=rows) as transport:
        listed = await EvolutionClient(transport).instances(_server("https://evo.example.org"))
    assert listed == (Instance(name="a", state=LinkState.OPEN),)
    row = {"url": _WEBHOOK, "enabled": None, "events": None, "webhook_by_events": True}
    async with _answering(body=row) as transport:
        found = await EvolutionClient(transport).webhook(_server("https://evo.example.org"), "a")
    assert found == Webhook(url=_WEBHOOK, enabled=False, events=(), by_events=True)


async def test_no_client_can_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that cannot be used is the environment's trouble, said with its mend."""
    monkeypatch.setenv("HTTPS_PROXY", "no-such-scheme://x")
    async with Transport() as transport:
        answer = await EvolutionClient(transport).instances(_server("https://evo.example.org"))
    assert "HTTPS_PROXY" in _failed(answer, FailureKind.NOT_CONFIGURED).problem.mend


# --- which server -------------------------------------------------------------------------------


def test_a_connections_own_settings_win() -> None:
    """Each of them by itself; what is missing comes from the environment."""
    environment = ServerSettings(url="https://env.example.org/", key="env-key")
    both = server_of(ServerSettings(url="https://own.example.org", key="own-key"), environment)
    one = server_of(ServerSettings(url="https://own.example.org"), environment)
    none = server_of(ServerSettings(url="", key=None), environment)
    assert isinstance(both, Server)
    assert isinstance(one, Server)
    assert isinstance(none, Server)
    assert (both.base, both.key) == ("https://own.example.org", "own-key")
    assert (one.base, one.key) == ("https://own.example.org", "env-key")
    assert (none.base, none.key) == ("https://env.example.org", "env-key")


@pytest.mark.parametrize(
    ("url", "key", "said"),
    [
        (None, _KEY, "No Evolution server was given."),
        ("  ", _KEY, "No Evolution server was given."),
        ("https://e.example.org", None, "No key for the Evolution server was given."),
        ("https://e.example.org", "a\nb", "characters that no HTTP header can carry"),
        ("https://e.example.org", "schlüssel", "characters that no HTTP header can carry"),
        ("e.example.org", _KEY, "address cannot be asked"),
        ("ftp://e.example.org", _KEY, "address cannot be asked"),
        ("https://", _KEY, "address cannot be asked"),
        ("https://e.example.org?x=1", _KEY, "address cannot be asked"),
        ("https://e.example.org:99999", _KEY, "address cannot be asked"),
        (f"https://u:{_PASSWORD}@[::1", _KEY, "address cannot be asked"),
    ],
)
def test_what_cannot_be_asked_is_a_problem(url: str | None, key: str | None, said: str) -> None:
    """Nothing given or nothing usable: a sentence and a mend that quote neither."""
    found = server_of(ServerSettings(url=url, key=key), ServerSettings())
    assert isinstance(found, Problem)
    assert said in found.what
    assert found.mend
    assert _PASSWORD not in repr(found)
    assert _KEY not in repr(found)


# --- secrets ------------------------------------------------------------------------------------


async def test_the_key_is_in_one_header_and_nowhere_else(
    evolution: EvolutionStandIn, client: EvolutionClient, caplog: pytest.LogCaptureFixture
) -> None:
    """No address, no log record and no repr carries it, nor the credentials of the address."""
    caplog.set_level(logging.DEBUG)
    server = _server(evolution.url.replace("://", f"://ops:{_PASSWORD}@") + "/")
    await client.instances(server)
    await client.webhook(server, "unit_a")
    for request in evolution.journal:
        assert [name.lower() for name, v in request.headers.items() if _KEY in v] == ["apikey"]
        assert "Authorization" in request.headers
        assert _KEY not in request.target + request.body
    settings = ServerSettings(url=f"https://u:{_PASSWORD}@x", key=_KEY)
    told = caplog.text + repr((server, settings, client))
    for secret in (_KEY, _PASSWORD, _SECRET, evolution.instances["unit_a"].token):
        assert secret not in told


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
        failure = _failed(await client.instances(_server(url)), FailureKind.HTTP_ERROR)
    assert "redirects" in failure.problem.what
    assert evolution.journal == []


async def test_another_protocol_is_told(client: EvolutionClient) -> None:
    """A port that does not speak HTTP is no server that can be asked."""
    async with _listening(lambda writer: writer.write(b"220 mail\r\n\r\n")) as url:
        _failed(await client.instances(_server(url)), FailureKind.UNREACHABLE)
