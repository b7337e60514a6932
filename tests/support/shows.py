"""The demo's whole go-live in a test: with its time moved by hand, or running fast."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.demo.databases import make_databases
from bot.demo.postgres import EmbeddedPostgres
from bot.demo.scenarios import BY_NAME
from bot.demo.show import Show, Times, open_show
from bot.demo.workspace import Message
from checks.engine.model import Decision
from tests.support.hand import HandClock, HandTimer
from tests.support.secrecy.databases import hear_database
from tests.support.secrecy.planted import Kind, plant, plant_password
from tests.support.slack_bot import come_to_rest

T0 = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)
_STEP = timedelta(seconds=60)
_SYMBOLS = {"✔ GO": Decision.GO, "▲ MONITOR": Decision.MONITOR, "✖ NO-GO": Decision.NO_GO}


@dataclass(frozen=True, slots=True, kw_only=True)
class ByHand:
    """A show that goes on when it is told to."""

    show: Show
    timer: HandTimer

    async def reach(self, minute: float) -> None:
        """Play on to so many minutes after the deploy."""
        await self.timer.reach(T0 + timedelta(minutes=minute))
        await self.timer.rest()


@asynccontextmanager
async def by_hand(
    scenario: str,
    server: EmbeddedPostgres,
    folder: Path,
    *,
    before: Callable[[Show], None] | None = None,
) -> AsyncGenerator[ByHand, None]:
    """A scenario at T+0, with the watch begun."""
    clock = HandClock(T0)
    timer = HandTimer(clock=clock)
    times = Times(clock=clock, timer=timer, life=clock)
    databases = make_databases(server)
    plant_password(databases.reader)
    async with open_show(
        BY_NAME[scenario],
        seed=1,
        times=times,
        databases=databases,
        folder=folder,
        step=_STEP,
        before=before,
    ) as show:
        plant(Kind.TOKEN, show.application.token)

        async def quiet() -> None:
            await come_to_rest(show.bot, timer)

        timer.quiet = quiet
        await show.start_watch()
        await timer.rest()
        yield ByHand(show=show, timer=timer)
        timer.quiet = None
    hear_database(databases.owner)
    hear_database(databases.store)


def decision_of(post: Message) -> Decision:
    """The verdict in a post's first line."""
    first = post.text.partition("\n")[0].lstrip("*")
    return next(found for symbol, found in _SYMBOLS.items() if first.startswith(symbol))
