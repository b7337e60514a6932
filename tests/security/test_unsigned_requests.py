"""HTTP mode: what strangers send is not used, followed or logged, and holds nothing for long."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self
from urllib.parse import urlencode

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bot.demo.workspace.people import FOREIGN_TEAM, MEMBER, OPERATOR, RELEASES, TEAM
from bot.operations.metrics import RefusedRequest, Unmeasured
from bot.slack.gateway import Gateway
from bot.slack.http import LARGEST, HttpFront, verified
from bot.slack.trouble import Permanent
from bot.slack.web import Web
from tests.bot.slack.hands import HandTime, MemoryStore
from tests.bot.slack.rig import Rig, connected, posted_to
from tests.security.wire import (
    FORM,
    JSON,
    Headers,
    Trap,
    exchange,
    port_of,
    raw,
    signature,
    signed,
    trapped,
)


class Counting(Unmeasured):
    """Metrics that keep why requests were refused."""

    def __init__(self) -> None:
        self.reasons: list[RefusedRequest] = []

    def refused_request(self, reason: RefusedRequest) -> None:
        """Keep it."""
        self.reasons.append(reason)


@dataclass(slots=True, kw_only=True)
class Target:
    """A bot that listens, and a server of somebody else's that it must not call."""

    rig: Rig
    port: int
    trap: Trap
    metrics: Counting
    journal: int = field(default=0)

    @property
    def secret(self) -> str:
        """By which Slack signs."""
        return self.rig.workspace.credentials.signing_secret

    @property
    def stamp(self) -> bytes:
        """Slack's time."""
        return str(int(self.rig.time.now().timestamp())).encode()

    def command(self, **further: str) -> bytes:
        """`/golive close` of an operator, whose answer would go to the trap."""
        return urlencode(
            {
                "command": "/golive",
                "text": "close",
                "team_id": TEAM,
                "user_id": OPERATOR,
                "channel_id": RELEASES,
                "trigger_id": "1.2",
                "response_url": self.trap.url,
                **further,
            }
        ).encode()

    def signed(self, body: bytes, kind: str = FORM) -> Headers:
        """As Slack signs it now."""
        return signed(body, secret=self.secret, at=self.rig.time.now(), kind=kind)

    async def send(self, body: bytes, headers: Headers) -> int:
        """The status."""
        return await exchange(self.port, raw(body, headers))

    async def untouched(self) -> None:
        """Nothing was done and nobody was called, not even Slack."""
        await self.rig.idle()
        assert self.trap.hits == []
        assert self.rig.desk.asked == []
        assert len(self.rig.workspace.journal.entries()) == self.journal


@pytest.fixture
async def target() -> AsyncGenerator[Target]:
    """It knows already who it is."""
    metrics = Counting()
    async with trapped() as trap, posted_to(metrics=metrics) as (rig, url):
        target = Target(rig=rig, port=port_of(url), trap=trap, metrics=metrics)
        target.journal = len(rig.workspace.journal.entries())
        yield target


# --- nobody signed it ---------------------------------------------------------------------------

STAMPS: Mapping[str, bytes] = {
    "nothing": b"",
    "words": b"abc",
    "exponent": b"1e9",
    "fraction": b"1796.5",
    "five thousand digits": b"9" * 5_000,
    "plus": b"+1795467600",
    "minus": b"-1795467600",
    "underscores": b"1_795_467_600",
    "hexadecimal": b"0x6b04a2d0",
    "not a number": b"nan",
    "infinity": b"inf",
    "digits of another script": "١٧٩٥٤٦٧٦٠٠".encode(),
    "a zero byte's escape": b"%00",
    "two": b"1795467600, 1795467600",
}
"""What no clock says; signed with the right secret all the same."""


async def test_a_timestamp_that_is_none_is_refused(
    target: Target, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever it is: 401, no call, and not a line in the log."""
    body = target.command()
    stamps = {
        **STAMPS,
        "301 s ago": str(int(target.stamp) - 301).encode(),
        "in 301 s": str(int(target.stamp) + 301).encode(),
    }
    caplog.set_level(logging.DEBUG)
    with capture_logs() as logs:
        found = {
            name: await target.send(
                body,
                (
                    ("Content-Type", FORM.encode()),
                    ("X-Slack-Request-Timestamp", stamp),
                    ("X-Slack-Signature", signature(body, stamp, target.secret)),
                ),
            )
            for name, stamp in stamps.items()
        }
    assert found == dict.fromkeys(stamps, 401)
    await target.untouched()
    assert logs == []
    assert [r.getMessage() for r in caplog.records if r.name != "asyncio"] == []
    assert target.metrics.reasons == ["unverified"] * len(stamps)


async def test_a_signature_that_is_not_slack_s_is_refused(target: Target) -> None:
    """None, another's, another body's, another spelling, bytes that are no text, or two."""
    body, stamp = target.command(), target.stamp
    right = signature(body, stamp, target.secret)
    given: Mapping[str, tuple[bytes, ...]] = {
        "none": (),
        "nothing": (b"",),
        "no digest": (b"v0=",),
        "zeros": (b"v0=" + b"0" * 64,),
        "umlaut": (b"v0=" + "ü".encode() * 32,),
        "no text": (b"v0=\xff\xfe\xfd",),
        "another secret": (signature(body, stamp, "another"),),
        "no secret": (signature(body, stamp, ""),),
        "another body": (signature(b"x", stamp, target.secret),),
        "capitals": (right.upper(),),
        "another version": (right.replace(b"v0=", b"v1="),),
        "no version": (right.removeprefix(b"v0="),),
        "cut": (right[:-1],),
        "longer": (right + b"0",),
        "twice": (right, right),
        "the right one second": (b"v0=0", right),
    }
    with capture_logs() as logs:
        found = {
            name: await target.send(
                body,
                (
                    ("Content-Type", FORM.encode()),
                    ("X-Slack-Request-Timestamp", stamp),
                    *(("X-Slack-Signature", one) for one in several),
                ),
            )
            for name, several in given.items()
        }
    assert found == dict.fromkeys(given, 401)
    await target.untouched()
    assert logs == []


@given(stamp=st.text(max_size=20), mark=st.text(max_size=80), body=st.binary(max_size=50))
def test_no_header_makes_the_check_fail_itself(stamp: str, mark: str, body: bytes) -> None:
    """It answers no, whatever it is given."""
    now = datetime(2026, 11, 23, tzinfo=UTC)
    assert not verified(body, stamp, mark, secret="s", now=now)
    right = str(int(now.timestamp()))
    assert not verified(body, right, mark, secret="s", now=now)


async def test_a_recorded_request_is_refused_after_five_minutes(target: Target) -> None:
    """Before that it is a copy of what was done already."""
    body = target.command()
    headers = target.signed(body)
    for moved in (0, 150, 149):
        await target.rig.time.advance(moved)
        assert await target.send(body, headers) == 200
    await target.rig.idle()
    assert target.rig.desk.names == ["close"]
    await target.rig.time.advance(2)
    assert await target.send(body, headers) == 401
    assert target.rig.desk.names == ["close"]


async def test_another_path_and_a_body_that_is_too_long_are_refused(target: Target) -> None:
    """Signed or not; announced or not."""
    body = target.command()
    headers = target.signed(body)
    assert await exchange(target.port, raw(body, headers, path="/other")) == 404
    long = b"x" * (LARGEST + 1)
    assert await target.send(long, target.signed(long)) == 413
    parts = b"".join(b"%x\r\n%s\r\n" % (1 << 16, b"x" * (1 << 16)) for _ in range(9))
    chunked = b"POST /slack/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert await exchange(target.port, chunked + parts + b"0\r\n\r\n") == 413
    await target.untouched()


# --- connections that hold the bot --------------------------------------------------------------

HALVES = (
    b"",
    b"POST /sla",
    b"POST /slack/events HTTP/1.1\r\nHost: x\r\nX-Slack",
    b"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\ncommand=",
    b"POST /slack/events HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
)


async def _front(seconds: float, connections: int) -> HttpFront:
    async def handle(request: web.BaseRequest, payload: Mapping[str, object]) -> web.Response:
        del request, payload
        return web.Response()

    front = HttpFront(
        handle=handle,
        secret="s",
        clock=HandTime(),
        port=0,
        host="127.0.0.1",
        seconds=seconds,
        connections=connections,
    )
    await front.start()
    return front


async def test_half_sent_requests_are_closed() -> None:
    """Wherever they stop."""
    front = await _front(0.2, 500)
    try:
        found = await asyncio.gather(*(exchange(front.port, half) for half in HALVES * 20))
    finally:
        await front.close()
    assert set(found) <= {0, 408}


async def test_who_holds_connections_keeps_nobody_out() -> None:
    """The oldest of them go where a new one would be too many; what is signed is served."""
    front = await _front(60, 20)
    held = [await asyncio.open_connection("127.0.0.1", front.port) for _ in range(100)]
    for number, (_, writer) in enumerate(held):
        writer.write(HALVES[number % len(HALVES)])
    body = b'{"type": "url_verification"}'
    headers = signed(body, secret="s", at=HandTime().now(), kind=JSON)
    assert await exchange(front.port, raw(body, headers)) == 200
    async with asyncio.timeout(5):
        closed = [reader for reader, _ in held[:80] if await _ended(reader)]
    assert len(closed) == 80
    for _, writer in held:
        writer.close()
    await front.close()


async def _ended(reader: asyncio.StreamReader) -> bool:
    try:
        return await reader.read() == b""
    except ConnectionError:
        return True


# --- Slack signed it, and it is nothing that Slack sends ----------------------------------------


def _event(event: object) -> bytes:
    return json.dumps({"type": "event_callback", "team_id": TEAM, "event": event}).encode()


MALFORMED: Mapping[str, tuple[str, bytes]] = {
    "no body": (JSON, b""),
    "a list": (JSON, b"[]"),
    "null": (JSON, b"null"),
    "a number": (JSON, b"5"),
    "a text": (JSON, b'"x"'),
    "an infinite number": (JSON, b"1e999"),
    "half an object": (JSON, b"{"),
    "100,000 brackets": (JSON, b"[" * 100_000),
    "100,000 objects": (JSON, b'{"a":' * 100_000),
    "a number of 5,000 digits": (JSON, b'{"a": ' + b"9" * 5_000 + b"}"),
    "no workspace": (JSON, b"{}"),
    "nonsense charset": (f"{JSON}; charset=nonsense", b'{"team_id": "T0GOLIVE001"}'),
    "another charset": (f"{JSON}; charset=utf-16", '{"team_id": "T1"}'.encode("utf-16")),
    "no text": (JSON, b"\xff\xfe"),
    "event: null": (JSON, _event(None)),
    "event: a number": (JSON, _event(5)),
    "event: a list": (JSON, _event([])),
    "event: a text": (JSON, _event("a type")),
    "no event": (JSON, b'{"type": "event_callback", "team_id": "T0GOLIVE001"}'),
    "a type that is none": (JSON, b'{"type": [], "team_id": "T0GOLIVE001"}'),
    "a team that is none": (JSON, b'{"team": 5, "team_id": "T0GOLIVE001"}'),
    "authorizations: a number": (JSON, b'{"team_id": "T0GOLIVE001", "authorizations": 5}'),
    "payload: null": (FORM, b"payload=null"),
    "payload: nothing": (FORM, b"payload="),
    "payload: a list": (FORM, b"payload=%5B%5D"),
    "payload: brackets": (FORM, b"payload=" + b"%5B" * 100_000),
    "payload: no text": (FORM, b"payload=%ff"),
    "a thousand fields": (FORM, b"a=b&" * 1_000),
    "a command of nobody": (
        FORM,
        b"command=%2Fgolive&text=close&team_id=T0GOLIVE001&response_url=RESPONSE_URL",
    ),
    "a click on nothing": (
        FORM,
        b"payload=" + b'{"type":"block_actions","team":{"id":"T0GOLIVE001"},"actions":[]}',
    ),
    "another kind": ("text/plain", b"hello"),
    "parts": ("multipart/form-data; boundary=x", b"--x--"),
    "a kind that is none": (";;;=", b"{}"),
}


async def test_what_slack_never_sends_is_400(
    target: Target, caplog: pytest.LogCaptureFixture
) -> None:
    """Though it is signed; no traceback, and nobody is called."""
    caplog.set_level(logging.DEBUG)
    found: dict[str, int] = {}
    with capture_logs() as logs:
        for name, (kind, body) in MALFORMED.items():
            sent = body.replace(b"RESPONSE_URL", target.trap.url.encode())
            found[name] = await target.send(sent, target.signed(sent, kind))
    assert found == dict.fromkeys(MALFORMED, 400)
    await target.untouched()
    assert {log["event"] for log in logs} == {"a signed request was refused"}
    assert [r.getMessage() for r in caplog.records if r.name != "asyncio"] == []
    assert target.metrics.reasons == ["malformed"] * len(MALFORMED)


@pytest.mark.parametrize("broken", [True, False])
async def test_what_is_compressed_is_400(target: Target, *, broken: bool) -> None:
    """Slack compresses nothing; a stranger's bomb is not unpacked either."""
    body = gzip.compress(target.command())
    body = body[:-9] if broken else body
    encoding = ("Content-Encoding", b"gzip")
    assert await target.send(body, (*target.signed(body), encoding)) == 400
    bomb = gzip.compress(b"\0" * 50_000_000)
    assert await target.send(bomb, (encoding,)) == 401
    await target.untouched()


# --- from another workspace ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("named", "status"),
    [
        ({"team_id": TEAM}, 200),
        ({"team": {"id": TEAM, "domain": "d"}}, 200),
        ({"team_id": FOREIGN_TEAM}, 403),
        ({"team": {"id": FOREIGN_TEAM}}, 403),
        ({"team_id": TEAM, "team": {"id": FOREIGN_TEAM}}, 403),
        ({"team": None, "enterprise": {"id": "E0OTHER"}}, 403),
        ({"team_id": FOREIGN_TEAM, "enterprise_id": "E0OTHER"}, 403),
        ({"team": None}, 400),
        ({}, 400),
    ],
)
async def test_only_the_workspace_in_which_the_bot_is_may_ask(
    target: Target, named: dict[str, object], status: int
) -> None:
    """An app that was installed elsewhere too is signed for with the same secret."""
    event = {"type": "app_home_opened", "user": MEMBER, "tab": "messages"}
    payload = {"type": "event_callback", "event_id": "Ev1", "event": event, **named}
    body = json.dumps(payload).encode()
    assert await target.send(body, target.signed(body, JSON)) == status
    if status == 403:
        assert target.metrics.reasons == ["foreign"]
    await target.untouched()


@pytest.mark.parametrize(
    ("named", "status"),
    [
        ({"team_id": FOREIGN_TEAM, "enterprise_id": "E1"}, 200),
        ({"team": None, "enterprise": {"id": "E1", "name": "n"}}, 200),
        ({"team": {"id": FOREIGN_TEAM, "enterprise_id": "E1"}}, 200),
        ({"team_id": TEAM}, 200),
        ({"team_id": FOREIGN_TEAM, "enterprise_id": "E2"}, 403),
        ({"team_id": FOREIGN_TEAM}, 403),
    ],
)
async def test_all_workspaces_of_its_enterprise_may_ask(
    named: dict[str, object], status: int
) -> None:
    """Where Slack says that the bot is in one."""
    metrics = Counting()
    async with trapped() as trap, posted_to(metrics=metrics, enterprise="E1") as (rig, url):
        target = Target(rig=rig, port=port_of(url), trap=trap, metrics=metrics)
        event = {"type": "app_home_opened", "user": MEMBER, "tab": "messages"}
        payload = {"type": "event_callback", "event_id": "Ev1", "event": event, **named}
        body = json.dumps(payload).encode()
        assert await target.send(body, target.signed(body, JSON)) == status


async def test_while_slack_does_not_say_whose_bot_it_is_nothing_is_done() -> None:
    """Not known is not the same as fits; afterwards it works."""
    metrics = Counting()
    async with trapped() as trap, posted_to(metrics=metrics, silent=True) as (rig, url):
        target = Target(rig=rig, port=port_of(url), trap=trap, metrics=metrics)
        rig.workspace.faults.api.error("auth.test", "invalid_auth")
        body = target.command()
        assert await target.send(body, target.signed(body)) == 503
        assert metrics.reasons == ["unready"]
        assert rig.desk.asked == []
        assert await target.send(body, target.signed(body)) == 200
        await rig.idle()
        assert rig.desk.names == ["close"]


# --- where answers go ---------------------------------------------------------------------------

API = "https://slack.example:8443/api/"


@pytest.mark.parametrize(
    ("url", "followed"),
    [
        ("https://hooks.slack.com/commands/T1/2/x", True),
        ("https://hooks.slack-gov.com/actions/T1/2/x", True),
        ("https://slack.example:8443/actions/1", True),
        ("", False),
        ("/actions/1", False),
        ("file:///etc/passwd", False),
        ("http://hooks.slack.com/commands/1", False),
        ("https://hooks.slack.com.evil.example/commands/1", False),
        ("https://hooks.slack.com@evil.example/commands/1", False),
        ("https://hooks.slack.com:pw@evil.example/", False),
        ("https://hooks.slack.com:8443/commands/1", False),
        ("https://hooks.slack.com\\@evil.example/", False),
        ("https://hooks.slack.com", False),
        ("https://evil.example/hooks.slack.com/", False),
        ("https://user@hooks.slack.com/commands/1", False),
        ("https://slack.example/actions/1", False),
        ("http://slack.example:8443/actions/1", False),
        ("https://slack.example:8443.evil.example/", False),
        ("http://169.254.169.254/latest/meta-data", False),
        ("http://localhost:5432/", False),
        (" https://hooks.slack.com/commands/1", False),
        ("ht\ntps://evil.example/", False),
    ],
)
async def test_an_answer_goes_to_slack_alone(target: Target, url: str, *, followed: bool) -> None:
    """Whoever could name another address would read there what golive says."""
    session = _Session()
    pause = target.rig.side.gateway.pause
    gateway = Gateway(Web(session, token="xoxb-1", base_url=API, pause=pause), pause)  # pyright: ignore[reportArgumentType]
    if followed:
        await gateway.respond(url, {"text": "x"})
    else:
        with pytest.raises(Permanent, match="not one of Slack's"):
            await gateway.respond(url, {"text": "x"})
    assert session.asked == ([url] if followed else [])


class _Session:
    """A client session that keeps what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.status = 200
        self.headers: dict[str, str] = {}

    def post(self, url: str, **_: object) -> _Session:
        """Keep it."""
        self.asked.append(url)
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...


@pytest.mark.parametrize("breaks", [True, False])
async def test_no_address_is_followed_over_a_socket_either(*, breaks: bool) -> None:
    """Answers, the reference of a crash, and what cannot be read."""
    async with trapped() as trap, connected(MemoryStore()) as rig:
        rig.desk.breaks = RuntimeError("x") if breaks else None
        body = {
            "command": "/golive",
            "text": "status",
            "team_id": TEAM,
            "user_id": MEMBER,
            "channel_id": RELEASES,
            "trigger_id": "1.2",
            "response_url": trap.url,
        }
        await rig.deliver("slash_commands", body)
        await rig.deliver("slash_commands", {**body, "user_id": ""})
        click = {
            "type": "block_actions",
            "user": {"id": MEMBER},
            "response_url": trap.url,
            "actions": [{"action_id": "old", "type": "button"}],
        }
        await rig.deliver("interactive", click)
        await rig.idle()
        assert rig.desk.names == ["status"]
    assert trap.hits == []


async def test_an_answer_does_not_follow_where_it_is_sent_on(target: Target) -> None:
    """Slack's host answers for itself; a redirect from it is none of its answers."""
    hits: list[str] = []

    async def redirect(request: web.Request) -> web.Response:
        hits.append(request.path)
        raise web.HTTPTemporaryRedirect(target.trap.url)

    app = web.Application()
    app.router.add_post("/{rest:.*}", redirect)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    pause = target.rig.side.gateway.pause
    web_api = Web(target.rig.session, token="x", base_url=f"{base}api/", pause=pause)
    with pytest.raises(Permanent):
        await Gateway(web_api, pause).respond(f"{base}actions/1", {"text": "x"})
    await runner.cleanup()
    assert (hits, target.trap.hits) == (["/actions/1"], [])
