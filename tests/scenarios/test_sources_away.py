"""What a watch looks at goes away and comes back: it goes on, and says what it does not know."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.demo.workspace.server import Workspace
from checks.engine.model import Finding, Level
from checks.sources.http import HttpHealthProbe, Timeouts
from tests.bot.watch.bench import Application, Bench, bench
from tests.bot.watch.bench import at as after
from tests.support.evidence import log as showing
from tests.support.hand import HandClock
from tests.support.logs import exchanges, stamped
from tests.support.pg_proxy import Proxy
from tests.support.slack_bot import at, settings_for, staged
from tests.support.typing_people import T0, Ground, Play, playing, words_of

BLIND = {"database_activity", "connection_stability", "secret_leaks"}
IN_HASTE = Timeouts(connect=5.0, write=5.0, read=0.05, whole=5.0)


async def levels(play: Play) -> dict[str, Level]:
    """What each check was at the newest point."""
    (watch,) = await play.stage.bot.store.open_watches()
    return dict((await play.stage.bot.store.taken(watch.id))[-1].levels)


async def test_the_database_goes_away_and_comes_back(
    tmp_path: Path, crm_database: str, store_database: str
) -> None:
    """Checkpoints come on time; what needs it is UNKNOWN with the reason, and known again after."""
    async with Proxy(upstream=crm_database) as proxy:
        ground = Ground(folder=tmp_path, database=crm_database, store=store_database, url=proxy.url)
        async with playing(ground) as play:
            await play.to(18)
            await play.type("start v1 18m")
            await play.to(19.8)
            proxy.go_away()
            await play.to(20.2)
            second = play.one("checkpoint 2 (T+20)")
            assert second.text.startswith("*▲ MONITOR so far*")
            during = await levels(play)
            assert {check for check, level in during.items() if level is Level.UNKNOWN} == BLIND
            for told in (words_of(second), await play.type("status")):
                assert "Not known: database_activity, connection_stability, secret_leaks." in told
                assert "could not be reached" in told
                assert "Check GOLIVE_DATABASE_URL" in told
            proxy.refuses = False
            assert "Checkpoint taken: GO" in await play.type("checkpoint")
            after = await levels(play)
            assert after == {**during, **dict.fromkeys(BLIND, Level.OK)}  # nothing flapped either


async def test_a_log_that_is_not_there_at_the_start_appears_later(
    tmp_path: Path, store_database: str
) -> None:
    """The first post says that there is none; from its first line on it is counted."""
    clock, path = HandClock(T0), tmp_path / "app.log"
    async with Workspace(now=clock.now) as workspace:
        settings = settings_for(workspace, store_database, log=path)
        async with staged(workspace, settings, clock) as stage:
            await stage.command("/golive start v1")
            await stage.timer.reach(at(T0, 7))
            started = next(post for post in stage.posts if "Watch started" in post.text)
            assert "some checks cannot look yet" in started.text
            assert str(path) in words_of(started)
            lines = exchanges(1, *([200] * 40), 500, 500, 500, 500)
            path.write_text("".join(f"{line}\n" for line in stamped(lines, at(T0, 7))))
            await stage.timer.reach(at(T0, 11))
            first = next(post for post in stage.posts if "checkpoint 1 (T+10)" in post.text)
            assert "4 of 44 responses" in words_of(first)
            assert stage.timer.failures == []


@asynccontextmanager
async def silent_server() -> AsyncGenerator[str]:
    """A server that takes every request and answers none; its base URL."""
    held: list[asyncio.StreamWriter] = []

    async def hold(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for writer in held:
            writer.close()


async def health(bed: Bench, key: str) -> Finding:
    """The health check's finding at a point of the only watch."""
    (watch,) = await bed.store.open_watches()
    report = (await bed.store.reports(watch.id, [key]))[key]
    return next(one for one in report.findings if one.check == "health")


async def test_a_health_endpoint_that_hangs_holds_up_neither_points_nor_ticks(
    store_database: str,
) -> None:
    """CRITICAL where nothing else answers; golive's own trouble where the log shows answers."""
    async with silent_server() as url:
        hanging = HttpHealthProbe(url, tries=2, pause=0, timeouts=IN_HASTE)
        seen = Application(probe=hanging, quick=hanging)
        async with bench(store_database, seen=seen) as bed:
            deployment = await bed.begin()
            seen.log.evidence = showing({"http_responses": {55: 40}})
            for key in ("T+0", "T+5"):
                assert await bed.take(deployment, key)
            found = await health(bed, "T+5")
            assert found.level is Level.UNKNOWN
            assert "golive cannot reach BASE_URL, the application answers" in found.summary
            bed.clock.instant = after(6)
            assert await bed.ticker.tick(deployment)
            state = await bed.store.state(deployment.id)
            assert state.observed is not None
            assert set(state.observed.probes.values()) == {False}
            assert await bed.take(deployment, "T+10")
            found = await health(bed, "T+10")
            assert found.level is Level.CRITICAL
            assert "No 200 in 2 tries" in found.summary
