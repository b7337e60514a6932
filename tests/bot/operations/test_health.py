"""Whether golive lives and is ready, and what the dead man's switch is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import aiohttp
import httpx
import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from bot.operations import pulse as pulses
from bot.operations import readiness as ready
from bot.operations.metrics import UNMEASURED
from bot.operations.pulse import Ping, Pulse
from bot.operations.readiness import Readiness
from bot.operations.server import serve
from bot.settings import SettingsError
from bot.storage.values import Backlog
from tests.bot.operations.telling import T0, FakeSlack, FakeStore, Seconds, told
from tests.support.hand import HandClock, HandTimer

PATH = "/ping/6ad3f4c2-planted-path"


@dataclass(slots=True, kw_only=True)
class Rig:
    """A server with everything behind it moved by hand."""

    url: str
    seconds: Seconds
    timer: HandTimer
    pulse: Pulse
    readiness: Readiness
    store: FakeStore
    slack: FakeSlack
    session: aiohttp.ClientSession

    async def get(self, path: str) -> tuple[int, str, str]:
        """Status, type and body."""
        async with self.session.get(f"{self.url}{path}") as answer:
            return answer.status, answer.headers["Content-Type"], await answer.text()


@pytest.fixture
async def rig() -> AsyncGenerator[Rig]:
    """Running."""
    seconds, clock = Seconds(), HandClock(T0)
    timer = HandTimer(clock=clock)
    pulse = Pulse(timer=timer, clock=clock, metrics=UNMEASURED, seconds=seconds)
    readiness = Readiness(now=lambda: T0, seconds=seconds)
    pulse.start()
    async with (
        serve(port=0, host="127.0.0.1", pulse=pulse, readiness=readiness, metrics=told()) as port,
        aiohttp.ClientSession() as session,
    ):
        yield Rig(
            url=f"http://127.0.0.1:{port}",
            seconds=seconds,
            timer=timer,
            pulse=pulse,
            readiness=readiness,
            store=FakeStore(),
            slack=FakeSlack(),
            session=session,
        )
    await readiness.close()
    await pulse.stop()


# --- alive --------------------------------------------------------------------------------------


async def test_it_lives_while_the_timer_calls_back(rig: Rig) -> None:
    """The event loop answers, and the timer beats; else a restart is due."""
    rig.seconds.at = pulses.TIMER_LATE
    assert (await rig.get("/healthz"))[0] == 200
    rig.seconds.at += 1
    status, _, body = await rig.get("/healthz")
    assert status == 503
    assert "The timer has not called back for 61 s." in body
    await rig.timer.advance(pulses.BEAT)
    assert (await rig.get("/healthz"))[0] == 200


async def test_a_store_that_is_away_is_no_reason_to_restart(rig: Rig) -> None:
    """Failed ticks are ticks; only where none ends any more the watches are stuck."""
    rig.pulse.ticked(False)
    rig.seconds.at = pulses.TICK_LATE + 1
    await rig.timer.advance(pulses.BEAT)
    status, _, body = await rig.get("/healthz")
    assert (status, "No tick has ended" in body) == (503, True)
    rig.pulse.ticked(False)
    assert (await rig.get("/healthz"))[0] == 200


# --- ready --------------------------------------------------------------------------------------


async def test_it_is_not_ready_before_there_is_anything(rig: Rig) -> None:
    """A start that waits for Slack answers all the same."""
    status, kind, body = await rig.get("/readyz")
    assert (status, kind) == (503, "application/json; charset=utf-8")
    assert "golive is starting." in body


@pytest.mark.parametrize(
    ("answer", "connected", "status", "said"),
    [
        (Backlog(depth=1, age=None), True, 200, '"ok": true'),
        ("No answer from db:5432.", True, 503, '"why": "No answer from db:5432."'),
        (Backlog(depth=0, age=None), False, 503, '"why": "Slack does not reach the bot."'),
    ],
)
async def test_it_is_ready_when_the_store_answers_and_slack_reaches_it(
    rig: Rig, answer: Backlog | str, connected: bool, status: int, said: str
) -> None:
    """Each part with its reason."""
    rig.store.answer, rig.slack.connected = answer, connected
    rig.readiness.attach(store=rig.store, slack=rig.slack)
    found, _, body = await rig.get("/readyz")
    assert found == status
    assert said in body


async def test_it_is_not_ready_while_slack_lets_it_say_nothing(rig: Rig) -> None:
    """With Slack's reason; Slack is not asked by every probe."""
    rig.slack.why = "Slack refuses the token. Slack says: token_revoked."
    rig.readiness.attach(store=rig.store, slack=rig.slack)
    for _ in range(3):
        status, _, body = await rig.get("/readyz")
        assert (status, "token_revoked" in body) == (503, True)
    rig.slack.why = None
    assert rig.slack.asked == 1
    rig.seconds.at += ready.SLACK_FRESH
    assert (await rig.get("/readyz"))[0] == 200


async def test_it_is_not_ready_while_it_ends(rig: Rig) -> None:
    """What balances traffic looks elsewhere while golive finishes."""
    rig.readiness.attach(store=rig.store, slack=rig.slack)
    rig.readiness.end()
    status, _, body = await rig.get("/readyz")
    assert (status, "golive is ending." in body) == (503, True)


async def test_many_who_ask_make_one_question(rig: Rig) -> None:
    """Probes and scrapes do not add up on a store that is in trouble already."""
    rig.readiness.attach(store=rig.store, slack=rig.slack)
    await asyncio.gather(*(rig.get(path) for path in ("/readyz", "/metrics") * 10))
    assert rig.store.asked == 1
    rig.seconds.at += ready.FRESH
    await rig.get("/readyz")
    assert rig.store.asked == 2


async def test_a_store_that_hangs_holds_up_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The question goes on, the answer says so, and the end does not wait for it."""
    monkeypatch.setattr(ready, "ANSWER_WITHIN", 0.01)

    class Hangs:
        async def backlog(self, now: datetime) -> Backlog:
            await asyncio.Event().wait()
            return Backlog(depth=0, age=now - now)

    @dataclass(slots=True)
    class Silent(FakeSlack):
        async def trouble(self) -> str | None:
            await asyncio.Event().wait()
            return "never"

    readiness = Readiness(now=lambda: T0)
    readiness.attach(store=Hangs(), slack=Silent())
    (store, slack) = await readiness.parts()
    assert slack.ok
    assert store.why == "The store does not answer in time."
    assert (await readiness.measured()).outbox is None
    await readiness.close()


async def test_metrics_are_served_with_what_waits(rig: Rig) -> None:
    """In the format that Prometheus reads."""
    rig.store.answer = Backlog(depth=7, age=timedelta(seconds=4))
    rig.readiness.attach(store=rig.store, slack=rig.slack)
    status, kind, body = await rig.get("/metrics")
    assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert "golive_outbox_depth 7.0" in body
    assert "golive_outbox_oldest_age_seconds 4.0" in body


async def test_a_port_that_somebody_has_is_a_setting_to_change(rig: Rig) -> None:
    """Not a traceback."""
    port = int(rig.url.rpartition(":")[2])
    with pytest.raises(SettingsError, match="GOLIVE_METRICS_PORT: nobody can listen"):
        async with serve(
            port=port,
            host="127.0.0.1",
            pulse=rig.pulse,
            readiness=rig.readiness,
            metrics=told(),
        ):
            pass


# --- the dead man's switch ----------------------------------------------------------------------


@asynccontextmanager
async def switched(
    answer: Callable[[httpx.Request], httpx.Response],
) -> AsyncGenerator[tuple[Pulse, list[str]]]:
    """A pulse whose switch answers so, and what it was requested with."""
    seen: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(str(request.url))
        return answer(request)

    clock = HandClock(T0)
    async with httpx.AsyncClient(transport=httpx.MockTransport(handle)) as client:
        ping = Ping(client, SecretStr(f"https://hc.example.com{PATH}?rid=1"), UNMEASURED)
        pulse = Pulse(timer=HandTimer(clock=clock), clock=clock, metrics=UNMEASURED, ping=ping)
        yield pulse, seen
        await pulse.stop()


async def rest() -> None:
    """Let the request's task end."""
    tasks = [task for task in asyncio.all_tasks() if task.get_name() == "ping"]
    await asyncio.gather(*tasks)


async def test_each_successful_tick_is_told_and_a_failed_one_is_not() -> None:
    """Silence is the alarm."""
    async with switched(lambda _request: httpx.Response(200)) as (pulse, seen):
        pulse.ticked(True)
        await rest()
        pulse.ticked(False)
        await rest()
        pulse.ticked(True)
        await rest()
    assert seen == [f"https://hc.example.com{PATH}?rid=1"] * 2


def gone(_request: httpx.Request) -> httpx.Response:
    """A switch that was deleted."""
    return httpx.Response(404)


def broken(_request: httpx.Request) -> httpx.Response:
    """A connection that fails, in words that quote the address."""
    raise httpx.ConnectError(f"cannot reach {PATH}")


@pytest.mark.parametrize(
    ("answer", "why"),
    [(gone, "HTTP 404"), (broken, "ConnectError")],
)
async def test_a_switch_that_is_not_reached_is_logged_without_its_address(
    answer: Callable[[httpx.Request], httpx.Response], why: str
) -> None:
    """Whoever reads the log cannot feign that golive lives; and the tick goes on."""
    with capture_logs() as logged:
        async with switched(answer) as (pulse, _):
            pulse.ticked(True)
            await rest()
    assert [entry["why"] for entry in logged] == [why]
    assert PATH not in str(logged)
