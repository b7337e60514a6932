"""Calls of the Web API and answers through a response_url: what is repeated, and what is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from aiohttp import web

from bot.demo.workspace.people import MEMBER, OPERATORS, RELEASES
from bot.slack.gateway import Gateway
from bot.slack.trouble import Permanent, RetryLater
from bot.slack.waiting import Limiter, Pause
from bot.slack.web import METHODS, TRIES, Web
from tests.bot.slack.hands import START, HandTime, MemoryStore
from tests.bot.slack.rig import Rig, rigged


@pytest.fixture
async def rig() -> AsyncGenerator[Rig]:
    """A side of which only the gateway is used."""
    async with rigged(MemoryStore()) as rig:
        yield rig


@asynccontextmanager
async def server(
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> AsyncGenerator[str]:
    """A server that answers everything in one way."""
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


def statuses(*several: int, seen: list[int]) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Answers with one status after the other."""
    rest = iter(several)

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        status = next(rest)
        seen.append(status)
        return web.Response(status=status, headers={"Retry-After": "2"})

    return answer


def gateway_at(rig: Rig, url: str) -> Gateway:
    """A gateway whose SLACK_API_URL is that server's."""
    pause = rig.side.gateway.pause
    return Gateway(Web(rig.session, token="xoxb-1", base_url=f"{url}api/", pause=pause), pause)


async def through(rig: Rig, work: Awaitable[object], step: float = 0.5) -> object:
    """The end of something that waits, with time moved whenever it does."""
    task = asyncio.ensure_future(work)
    await rig.settle(task.done, step=step)
    return task.result()


async def test_reading_waits_as_long_as_slack_asks(rig: Rig) -> None:
    """A 429 is waited out, by the injected clock."""
    rig.workspace.faults.api.rate_limit("users.info", retry_after=7)
    await through(rig, rig.side.gateway.person(MEMBER))
    first, second = rig.workspace.journal.calls("users.info")
    assert second.at - first.at >= timedelta(seconds=7)


async def test_reading_survives_a_broken_connection(rig: Rig) -> None:
    """A question may be asked twice."""
    rig.workspace.faults.api.reset("users.info", applied=True)
    await through(rig, rig.side.gateway.person(MEMBER))
    assert len(rig.workspace.journal.calls("users.info")) == 2


async def test_reading_ends_after_some_tries(rig: Rig) -> None:
    """With what was wrong, as a sentence."""
    rig.workspace.faults.api.server_error("users.info", times=9)
    with pytest.raises(RetryLater, match="trouble of its own"):
        await through(rig, rig.side.gateway.person(MEMBER))
    assert len(rig.workspace.journal.calls("users.info")) == TRIES


async def test_a_post_is_never_repeated_by_the_gateway(rig: Rig) -> None:
    """Not after a 429, not after a 500, and not after a reset, as the client's default would."""
    api, gateway = rig.workspace.faults.api, rig.side.gateway
    api.rate_limit("chat.postMessage", retry_after=9)
    api.server_error("chat.postMessage")
    api.reset("chat.postMessage", applied=True)
    troubles: list[RetryLater] = []
    for _ in range(3):
        with pytest.raises(RetryLater) as trouble:
            await gateway.post(RELEASES, {"text": "x"}, post_id="1")
        troubles.append(trouble.value)
    assert [trouble.unsure for trouble in troubles] == [False, True, True]
    assert troubles[0].after == timedelta(seconds=9)
    assert len(rig.workspace.journal.calls("chat.postMessage")) == 3


async def test_refused_connections_are_certainly_not_applied(rig: Rig) -> None:
    """Nothing was sent, so nothing has to be looked up."""
    await rig.workspace.refuse()
    with pytest.raises(RetryLater) as trouble:
        await rig.side.gateway.post(RELEASES, {"text": "x"}, post_id="1")
    assert not trouble.value.unsure


@pytest.mark.parametrize(
    ("code", "mend"),
    [
        ("not_in_channel", "Invite it"),
        ("invalid_auth", "SLACK_BOT_TOKEN"),
        ("missing_scope", "Add it"),
        ("cant_be_known", "cant_be_known"),
    ],
)
async def test_a_refusal_is_a_sentence(rig: Rig, code: str, mend: str) -> None:
    """With the mend where there is one."""
    rig.workspace.faults.api.error("chat.postMessage", code)
    with pytest.raises(Permanent, match=mend) as refused:
        await rig.side.gateway.post(RELEASES, {"text": "x"}, post_id="1")
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("<html>proxy</html>", "text/html"),
        ("it works", "text/plain"),
        ("{", "application/json"),
        ("[]", "application/json"),
        ("null", "application/json"),
        ('{"ok": true}', "application/json"),
    ],
)
async def test_an_answer_that_is_none_of_slack_s(rig: Rig, body: str, kind: str) -> None:
    """A proxy's page, a broken answer, one without a ts: it may have been posted."""

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(text=body, content_type=kind)

    async with server(answer) as url:
        with pytest.raises(RetryLater) as trouble:
            await gateway_at(rig, url).post(RELEASES, {"text": "x"}, post_id="1")
    assert trouble.value.unsure


async def test_an_answer_is_repeated_on_429_and_5xx(rig: Rig) -> None:
    """As Slack asks; the SDK's own way of responding does not."""
    seen: list[int] = []
    async with server(statuses(429, 503, 200, seen=seen)) as url:
        await through(rig, gateway_at(rig, url).respond(f"{url}actions/1", {"text": "x"}))
    assert seen == [429, 503, 200]
    assert rig.time.now() - START >= timedelta(seconds=4)


async def test_an_answer_ends_after_some_tries(rig: Rig) -> None:
    """Five uses are all that Slack gives."""
    seen: list[int] = []
    async with server(statuses(*[500] * 5, seen=seen)) as url:
        with pytest.raises(RetryLater):
            await through(rig, gateway_at(rig, url).respond(f"{url}actions/1", {"text": "x"}))
    assert len(seen) == TRIES


async def test_a_used_up_address_is_not_tried_again(rig: Rig) -> None:
    """404 stays 404."""
    seen: list[int] = []
    async with server(statuses(404, seen=seen)) as url:
        with pytest.raises(Permanent):
            await gateway_at(rig, url).respond(f"{url}actions/1", {"text": "x"})
    assert seen == [404]


async def test_twenty_calls_a_minute_where_slack_allows_no_more(rig: Rig) -> None:
    """The calls over user groups wait for their turn, so that none is refused."""
    calls = asyncio.gather(*(rig.side.gateway.members_of(OPERATORS) for _ in range(25)))
    await through(rig, calls, 10)
    made = rig.workspace.journal.calls("usergroups.users.list")
    assert {call.status for call in made} == {200}
    assert made[20].at - made[0].at >= timedelta(minutes=1)


async def test_a_found_post_is_the_bot_s_own_by_its_id(rig: Rig) -> None:
    """Among many, page by page; another id is not there."""
    gateway = rig.side.gateway
    ts = await gateway.post(RELEASES, {"text": "x"}, post_id="mine")
    for n in range(450):
        rig.workspace.actor.say(MEMBER, RELEASES, f"chatter {n}")
    assert await gateway.find_post(RELEASES, "mine", None) == ts
    assert await gateway.find_post(RELEASES, "other", None) is None
    assert len(rig.workspace.journal.calls("conversations.history")) == 6


async def test_a_limiter_is_exact() -> None:
    """Never more than so many in any span, whatever came before."""
    time = HandTime()
    limiter = Limiter(Pause(time, time), calls=3, span=timedelta(seconds=10))
    turns = [(limiter.take() - START).total_seconds() for _ in range(7)]
    assert turns == [0, 0, 0, 10, 10, 10, 20]
    limiter.hold(START + timedelta(seconds=60))
    assert (limiter.free_at() - START).total_seconds() == 60
    assert limiter.free_at("another") == START


def test_every_method_is_one_of_the_workspace() -> None:
    """The stand-in knows each, and the scopes that it wants are the ones asked for."""
    from bot.demo.workspace.methods import METHODS as KNOWN  # noqa: PLC0415

    for name, method in METHODS.items():
        wanted = KNOWN[name].scope
        if wanted is None:
            assert method.scopes == ()
        elif wanted.startswith("*:"):
            right = wanted.removeprefix("*:")
            # Direct conversations are looked at, and what was said in them is not.
            direct = {"im:read", "mpim:read"} if right == "read" else set[str]()
            assert set(method.scopes) == {f"channels:{right}", f"groups:{right}", *direct}
        else:
            assert method.scopes == (wanted,)
