"""Sockets and signed HTTP: how Slack reaches the bot, what breaks on the way, how it ends."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncGenerator
from datetime import timedelta

import aiohttp
import pytest

from bot.demo.workspace.journal import Traffic
from bot.demo.workspace.people import MEMBER, OPERATOR, RELEASES
from bot.slack.sockets import Sockets
from tests.bot.slack.hands import MemoryStore
from tests.bot.slack.rig import Rig, connected, posted_to, rigged


@pytest.fixture
async def rig() -> AsyncGenerator[Rig]:
    """A bot that is connected over a socket."""
    async with connected(MemoryStore()) as rig:
        yield rig


# --- sockets ------------------------------------------------------------------------------------


async def test_everything_goes_over_the_base_url(rig: Rig) -> None:
    """Sockets too: nothing is asked of slack.com."""
    assert rig.side.connected or rig.workspace.sockets.connected
    assert len(rig.workspace.journal.calls("apps.connections.open")) == 1


async def test_a_refresh_moves_to_a_new_socket(rig: Rig) -> None:
    """Slack announces it; commands go on."""
    await rig.workspace.sockets.disconnect()
    await rig.workspace.connected()
    await rig.workspace.actor.command(MEMBER, RELEASES, "/golive status")
    await rig.told(MEMBER)


async def test_a_wedged_reconnect_asks_for_another_address() -> None:
    """The client alone would try the first, used-up address for ever."""
    async with rigged(MemoryStore()) as rig:
        rig.workspace.faults.wire.refuse_sockets = 2
        side = rig.side

        async def nothing(*_: object) -> None: ...

        sockets = Sockets(
            side.gateway.web,
            app_token=rig.workspace.credentials.app_token,
            handle=nothing,
            pause=side.gateway.pause,
            ping=0.01,
        )
        await sockets.start()
        await rig.settle(lambda: len(rig.workspace.sockets.connected) == 1, step=5)
        assert len(rig.workspace.journal.calls("apps.connections.open")) >= 2
        await rig.settle(lambda: sockets.connected, step=5)
        await sockets.quiet()
        seen = len(rig.workspace.journal.entries(Traffic.SOCKET, "hello"))
        with pytest.raises(TimeoutError):  # ten of its pings later it has not come back
            await rig.workspace.until(
                lambda: len(rig.workspace.journal.entries(Traffic.SOCKET, "hello")) > seen,
                seconds=0.1,
            )
        await sockets.close()


async def test_two_sockets_and_a_payload_on_any_of_them() -> None:
    """Two replicas: each command is done once, by one of them."""
    store = MemoryStore()
    async with (
        connected(store) as first,
        rigged(store, time=first.time, workspace=first.workspace, owner="two") as second,
    ):
        token = first.workspace.credentials.app_token
        await second.side.start_sockets(second.desk, app_token=token)
        await first.workspace.connected(2)
        first.workspace.faults.wire.duplicate = 6
        for _ in range(6):
            await first.workspace.actor.command(MEMBER, RELEASES, "/golive status")
        await first.idle()
        await second.idle()
        assert len(first.desk.names) + len(second.desk.names) == 6


async def test_order_does_not_matter(rig: Rig) -> None:
    """Slack keeps none between envelopes."""
    rig.workspace.faults.wire.hold = 2
    both = [
        asyncio.create_task(rig.workspace.actor.command(MEMBER, RELEASES, f"/golive {name}"))
        for name in ("status", "history")
    ]
    while rig.workspace.faults.wire.held < 2:  # noqa: ASYNC110 - the faults tell nobody
        await asyncio.sleep(0)
    await rig.workspace.faults.wire.release(reverse=True)
    assert [outcome.error for outcome in await asyncio.gather(*both)] == [None, None]
    await rig.idle()
    assert sorted(rig.desk.names) == ["history", "status"]


async def test_stopping_waits_for_what_runs(rig: Rig) -> None:
    """The socket goes first, so nothing new comes; the answer still arrives."""
    rig.desk.gate = asyncio.Event()
    await rig.workspace.actor.command(MEMBER, RELEASES, "/golive status")
    stopping = asyncio.create_task(rig.side.stop(grace=5))
    await rig.workspace.until(lambda: not rig.workspace.sockets.connected)
    assert (await rig.workspace.actor.command(MEMBER, RELEASES, "/golive status")).error is not None
    assert not stopping.done()
    rig.desk.gate.set()
    await stopping
    assert rig.desk.names == ["status"]
    assert rig.said_to(MEMBER) == ["The desk did status."]


async def test_work_that_does_not_end_is_cut_off(rig: Rig) -> None:
    """After its grace; the process must end."""
    rig.desk.gate = asyncio.Event()
    await rig.workspace.actor.command(MEMBER, RELEASES, "/golive status")
    await rig.side.stop(grace=0.05)
    assert rig.side.delivery.running == 0


async def test_a_stopped_bot_does_not_connect_again(rig: Rig) -> None:
    """Not even when Slack cuts the socket."""
    await rig.side.stop()
    await rig.time.advance(60)
    assert rig.workspace.sockets.connected == ()
    assert len(rig.workspace.journal.entries(Traffic.SOCKET, "hello")) == 1


# --- HTTP ---------------------------------------------------------------------------------------


async def test_a_signed_command_is_done() -> None:
    """Acknowledged in the answer, and done afterwards."""
    async with posted_to() as (rig, _):
        outcome = await rig.workspace.actor.command(OPERATOR, RELEASES, "/golive close")
        assert outcome.error is None
        assert await rig.told(OPERATOR) == "The desk did close."


async def test_a_command_may_have_any_words() -> None:
    """Also those by which Bolt would take it for a click."""
    async with posted_to() as (rig, _):
        outcome = await rig.workspace.actor.command(OPERATOR, RELEASES, "/golive start payload=v2")
        assert outcome.error is None
        await rig.told(OPERATOR)
        ((name, _, words),) = rig.desk.asked
        assert (name, words[0]) == ("start", "payload=v2")


async def test_slack_s_check_of_the_address_is_answered() -> None:
    """Bolt answers the challenge."""
    async with posted_to() as (rig, url):
        assert await rig.workspace.deliver_to(url, stamp=rig.time.now).verify()


async def test_an_event_that_is_sent_again_is_one_event() -> None:
    """With its retry headers; the first ack was lost."""
    async with posted_to() as (rig, url):
        body = {
            "type": "event_callback",
            "team_id": "T0GOLIVE001",
            "event_id": "Ev42",
            "event": {"type": "app_home_opened", "user": MEMBER, "tab": "home"},
        }
        for _ in range(3):
            await rig.deliver("events_api", body)
        await rig.idle()
        assert [user for user, _ in rig.desk.homes] == [MEMBER]
        del url


@pytest.mark.parametrize("minutes", [-6, 6])
async def test_a_signature_of_another_time_is_refused(minutes: int) -> None:
    """Beyond five minutes: nobody can send again what they recorded."""
    async with posted_to() as (rig, url):
        http = rig.workspace.deliver_to(
            url, stamp=lambda: rig.time.now() + timedelta(minutes=minutes)
        )
        assert not await http.verify()


async def test_without_the_secret_nothing_is_done() -> None:
    """401, and no listener hears of it."""
    async with posted_to() as (rig, url), aiohttp.ClientSession() as session:
        form = {"command": "/golive", "text": "close", "user_id": OPERATOR, "trigger_id": "t"}
        for headers in ({}, {"X-Slack-Signature": "v0=0", "X-Slack-Request-Timestamp": "1"}):
            async with session.post(url, data=form, headers=headers) as answer:
                assert answer.status == 401
        async with session.get(url) as answer:
            assert answer.status == 405
        async with session.post(url, data=io.BytesIO(b"x" * 2_000_000)) as answer:
            assert answer.status == 413
        assert rig.desk.asked == []


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"\xff\xfe", "application/json"),
        (b"{", "application/json"),
        (b"payload=%7B", "application/x-www-form-urlencoded"),
    ],
)
async def test_what_is_not_even_readable_is_refused_in_silence(body: bytes, kind: str) -> None:
    """Anybody can post to an open address; nothing of it is logged."""
    async with (
        posted_to() as (_, url),
        aiohttp.ClientSession() as session,
        session.post(url, data=body, headers={"Content-Type": kind}) as answer,
    ):
        assert answer.status in {400, 401}
        assert await answer.text() in {"", '{"error": "invalid request"}'}


async def test_a_request_that_is_recorded_and_sent_again_is_done_once() -> None:
    """Within five minutes the signature still holds; the trigger does not."""
    async with posted_to() as (rig, _):
        rig.workspace.faults.wire.duplicate = 1
        await rig.workspace.actor.command(OPERATOR, RELEASES, "/golive checkpoint")
        await rig.told(OPERATOR)
        await rig.idle()
        assert rig.desk.names == ["checkpoint"]


async def test_stopping_http_waits_for_what_runs() -> None:
    """As with sockets."""
    async with posted_to() as (rig, _):
        rig.desk.gate = asyncio.Event()
        await rig.workspace.actor.command(MEMBER, RELEASES, "/golive status")
        stopping = asyncio.create_task(rig.side.stop(grace=5))
        while rig.side.connected:  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0)
        assert not stopping.done()
        rig.desk.gate.set()
        await stopping
        assert rig.said_to(MEMBER) == ["The desk did status."]
