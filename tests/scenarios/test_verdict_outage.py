"""How long an outage must last before the channel is told to roll back, as people there read it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from bot.demo.workspace.server import Workspace
from tests.support.hand import HandClock
from tests.support.logs import exchange, stamped
from tests.support.replicas import Replicas, replicas
from tests.support.slack_bot import settings_for
from tests.support.typing_people import LEAD, T0, words_of

ROUTES = ("/leads", "/inbox")
DOWN_AT = 145
"""Seconds after the deploy at which the outages begin, in the middle of a minute."""
MET = "Rollback criterion service_down is met"


@dataclass(slots=True)
class Traffic:
    """An application that writes its log, and a bot that watches it."""

    log: Path
    bots: Replicas
    second: int = 0
    number: int = 0

    async def to(self, end: int, status: int) -> None:
        """Answer every route so until a second after the deploy, with what else is asked.

        /health answers every ten seconds whatever else fails, and a stranger asks for what is
        not there.
        """
        for second in range(self.second, end):
            answered: list[tuple[str, int]] = []
            if second % 5 == 0:
                answered.append((ROUTES[second // 5 % 2], status))
            if second % 10 == 1:
                answered.append(("/health", 200))
            if second % 10 == 7:
                answered.append(("/wp-login.php", 404))
            self._write(second, answered)
            if second % 30 == 29:
                await self.bots.timer.reach(T0 + timedelta(seconds=second + 1))
        self.second = end

    def _write(self, second: int, answered: Iterable[tuple[str, int]]) -> None:
        with self.log.open("a") as log:
            for path, status in answered:
                self.number += 1
                lines = exchange(self.number, status, path=path)
                stamps = stamped(lines, T0 + timedelta(seconds=second))
                log.writelines(f"{line}\n" for line in stamps)


@asynccontextmanager
async def watched(folder: Path, store: str) -> AsyncGenerator[Traffic]:
    """A watch since the deploy, of an application whose log is all that is known of it."""
    log = folder / "app.log"
    log.write_text("")
    clock = HandClock(T0)
    async with Workspace(now=clock.now) as workspace:
        settings = settings_for(workspace, store, log=log)
        async with replicas(workspace, settings, clock, "first") as bots:
            await bots.command("start v1")
            yield Traffic(log, bots)


async def test_an_outage_of_6_min_50_s_calls_the_lead_once(
    tmp_path: Path, store_database: str
) -> None:
    """At the first look after five minutes of it; the checkpoint says the same and calls nobody."""
    async with watched(tmp_path, store_database) as traffic:
        await traffic.to(DOWN_AT, 200)
        await traffic.to(DOWN_AT + 300, 503)
        assert traffic.bots.headed("The service is down") == []
        await traffic.to(DOWN_AT + 411, 503)
        await traffic.to(630, 200)
        (call,) = traffic.bots.headed("The service is down")
        head = call.text.partition("\n")[0]
        assert "T+8" in head
        assert "roll back now" in head
        assert LEAD in head
        assert MET in call.text
        (checkpoint,) = traffic.bots.headed("checkpoint 1 (T+10)")
        assert "Down for 6 min 50 s (21:02:25–21:09:15 UTC)" in words_of(checkpoint)
        assert LEAD not in checkpoint.text


async def test_an_outage_of_4_min_40_s_is_no_reason_to_roll_back(
    tmp_path: Path, store_database: str
) -> None:
    """Its length is told, and no post says that the criterion is met."""
    async with watched(tmp_path, store_database) as traffic:
        await traffic.to(DOWN_AT, 200)
        await traffic.to(DOWN_AT + 281, 503)
        await traffic.to(630, 200)
        assert traffic.bots.headed("The service is down") == []
        assert not [post for post in traffic.bots.posts if MET in words_of(post)]
        (checkpoint,) = traffic.bots.headed("checkpoint 1 (T+10)")
        assert "Down for 4 min 40 s (21:02:25–21:07:05 UTC)" in words_of(checkpoint)
