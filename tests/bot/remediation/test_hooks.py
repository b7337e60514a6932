"""Calls of hooks over real sockets: what each ending is called, and that no token leaves."""

from __future__ import annotations

import logging
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.remediation.hooks import Answer, Hooks
from checks.engine.runbook.remediation import Hook
from tests.bot.remediation.hook_server import (
    RESET,
    SILENT,
    TOKEN,
    VARIABLE,
    HookServer,
    answer,
    hook_server,
)
from tests.sources.certificates import Certificate, certificate


@asynccontextmanager
async def hooks(token: str = TOKEN, trusting: Certificate | None = None) -> AsyncGenerator[Hooks]:
    """What calls, with one token."""
    made = Hooks({VARIABLE: token}, tls=trusting.trusted() if trusting else None)
    yield made
    await made.close()


async def called(server: HookServer, *, seconds: float = 20) -> Answer:
    """What came of one call."""
    async with hooks() as made:
        return await made.call(server.hook(seconds=seconds), {"claim": "c1"}, key="k1")


@pytest.fixture
def trusted(tmp_path: Path) -> Certificate:
    """A certificate that the client trusts."""
    return certificate(tmp_path, until=datetime.now(UTC) + timedelta(days=30))


async def test_over_tls_with_its_token_and_key(trusted: Certificate) -> None:
    """A POST of JSON with the bearer token, and the key that tells one wish from another."""
    async with hook_server(answer(201, "queued"), tls=trusted.server()) as server:
        async with hooks(trusting=trusted) as made:
            came = await made.call(server.hook(), {"claim": "c1"}, key="k1")
        assert (came.good, came.words, came.lines) == (True, "answered 201", ("queued",))
        (asked,) = server.asked
        assert asked.body == {"claim": "c1"}
        assert asked.headers["authorization"] == f"Bearer {TOKEN}"
        assert asked.headers["idempotency-key"] == "k1"


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
async def test_refused(status: int) -> None:
    """Not taken, and that is known; why it says so is kept."""
    async with hook_server(answer(status, f"no, {TOKEN} is not allowed\nline two")) as server:
        came = await called(server)
    assert (came.good, came.unsure, came.words) == (False, False, f"answered {status}")
    assert came.lines == ("no, [MASKED] is not allowed", "line two")


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(status: int) -> None:
    """The token goes nowhere else, not even to another port of the same host."""
    async with hook_server() as other:
        async with hook_server(answer(status, "", f"Location: {other.url}")) as server:
            came = await called(server)
        assert other.asked == []
    assert not came.good
    assert came.words == f"answered {status}, a redirect, which is not followed"


async def test_no_answer_in_time_leaves_it_open() -> None:
    """It was asked, and may do it all the same."""
    async with hook_server(SILENT) as server:
        came = await called(server, seconds=0.5)
    assert (came.good, came.unsure, came.status) == (False, True, None)
    assert came.words == "gave no answer (connected, but no answer in time)"


async def test_a_connection_that_is_reset_leaves_it_open() -> None:
    """The same: the request was read."""
    async with hook_server(RESET) as server:
        came = await called(server)
        assert len(server.asked) == 1
    assert (came.good, came.unsure) == (False, True)
    assert came.words == "gave no answer (the connection broke off)"


async def test_nobody_there_is_known() -> None:
    """A refused connection carried no request."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        hook = Hook(url=f"http://127.0.0.1:{port}/", timeout=timedelta(seconds=20), token=VARIABLE)
        async with hooks() as made:
            came = await made.call(hook, {}, key="k")
    assert (came.good, came.unsure) == (False, False)
    assert came.words == "gave no answer (connection refused)"


async def test_a_certificate_that_is_not_trusted(trusted: Certificate) -> None:
    """Nothing is sent to whoever shows it."""
    async with hook_server(tls=trusted.server()) as server:
        came = await called(server)
        assert server.asked == []
    assert (came.good, came.unsure) == (False, False)
    assert came.words == "gave no answer (TLS certificate not valid (self-signed certificate))"


async def test_a_port_without_tls() -> None:
    """An https:// address whose port waits for plain text: nothing was sent in the clear."""
    async with hook_server() as server:
        url = server.url.replace("http:", "https:")
        async with hooks() as made:
            came = await made.call(
                Hook(url=url, timeout=timedelta(seconds=1), token=VARIABLE), {}, key="k"
            )
        assert server.asked == []
    assert (came.good, came.unsure) == (False, False)


async def test_what_it_says_is_bounded() -> None:
    """Forty lines of three hundred characters, however much comes; no half of a secret in it."""
    body = "\n".join(f"{n} {'x' * 400}" for n in range(50)) + f"\n{TOKEN * 1_000}"
    async with hook_server(answer(200, body)) as server:
        came = await called(server)
    assert came.good
    assert len(came.lines) <= 40
    assert max(map(len, came.lines)) <= 300
    border = "z " * 8_185 + TOKEN
    async with hook_server(answer(200, border)) as server:
        came = await called(server)
    assert TOKEN[:10] not in "".join(came.lines)


async def test_a_body_that_was_packed_unasked_or_breaks_off() -> None:
    """The status counts; the words are left out, or end."""
    async with hook_server(answer(200, "\x1f\x8b...", "Content-Encoding: gzip")) as server:
        came = await called(server)
    assert (came.good, came.lines) == (True, ())
    broken = answer(200, "one two").replace(b"Content-Length: 7", b"Content-Length: 70")
    async with hook_server(broken) as server:
        came = await called(server)
    assert (came.good, came.lines) == (True, ("one",))


@pytest.mark.parametrize("token", ["with space", "line\nbreak", "pässword-of-the-hook"])
async def test_a_token_that_no_header_may_have(token: str) -> None:
    """Said by the variable's name; nothing is sent."""
    async with hook_server() as server:
        async with hooks(token) as made:
            came = await made.call(server.hook(), {}, key="k")
        assert server.asked == []
    assert came.words == "cannot be called: DEPLOY holds what no HTTP header may have"


async def test_a_token_that_is_not_listed() -> None:
    """Its variable is not among GOLIVE_SECRETS: it would not be masked, so it is not used."""
    async with hook_server() as server:
        made = Hooks({})
        came = await made.call(server.hook(), {}, key="k")
        await made.close()
        assert server.asked == []
    assert came.words == "cannot be called: DEPLOY is not in GOLIVE_SECRETS"


async def test_no_library_logs_the_token(caplog: pytest.LogCaptureFixture) -> None:
    """Not even where everything is logged; nor is it in what stands for the answer."""
    caplog.set_level(logging.DEBUG)
    async with hook_server(answer(500, TOKEN)) as server:
        came = await called(server)
    assert TOKEN not in caplog.text
    assert TOKEN not in repr(came)
