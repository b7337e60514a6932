"""Where the hour plays: a log file and a database, written as far as the demo's clock has come."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Self, TypeAlias, TypeVar

from psycopg import AsyncConnection

from bot.demo.events import Event
from bot.demo.formats import Format, Layout, Line, Prefix, lines
from bot.demo.hour import Hour
from bot.demo.past import past
from bot.demo.rows import rows
from bot.demo.tables import Change
from bot.demo.world import Dice

LOG_FORMAT = Format(Layout.CONSOLE, Prefix.DOCKER)
"""The application's own format, with the times that `docker logs -t` puts before each line."""

_FLUSH = "SELECT pg_stat_force_next_flush()"
_Timed = TypeVar("_Timed", Line, Change)
_Queue: TypeAlias = list[tuple[datetime, int, _Timed]]


class Stage:
    """Writes what the application would have written by a given instant.

    Args:
        hour: what happens.
        log: the file to write; it is made anew.
        database: a connection in autocommit mode to a database with the application's tables.
        told: is given the lines of the log as they are written.
    """

    def __init__(
        self,
        hour: Hour,
        *,
        log: Path,
        database: AsyncConnection,
        told: Callable[[Sequence[str]], None] | None = None,
    ) -> None:
        self._log = log
        self._database = database
        self._told = told
        self._past: Sequence[Change] = past(hour.world, Dice(0))
        self._numbers = itertools.count()
        self._lines: _Queue[Line] = []
        self._changes: _Queue[Change] = []
        self.add(hour.everything)

    def add(self, events: Iterable[Event], changes: Iterable[Change] | None = None) -> None:
        """Let more happen: the events' lines, and their own rows unless others are given."""
        several = tuple(events)
        self._put(self._lines, lines(several, LOG_FORMAT))
        self._put(self._changes, rows(several) if changes is None else changes)

    async def set_up(self) -> Self:
        """Write what was there before the deploy: old rows, and the log's last minutes."""
        self._log.write_bytes(b"")
        await self._run(self._past)
        return self

    async def advance(self, until: datetime) -> None:
        """Write everything with an instant before `until`.

        Rows first: whoever looks in between finds a row without a line, never the reverse.
        """
        await self._run(_taken(self._changes, until))
        fresh = [line.text for line in _taken(self._lines, until)]
        with self._log.open("a", encoding="utf-8", newline="") as log:
            log.writelines(f"{text}\n" for text in fresh)
        if fresh and self._told is not None:
            self._told(fresh)

    def _put(self, queue: _Queue[_Timed], several: Iterable[_Timed]) -> None:
        for one in several:
            heapq.heappush(queue, (one.at, next(self._numbers), one))

    async def _run(self, changes: Sequence[Change]) -> None:
        async with self._database.transaction(), self._database.pipeline():
            for change in changes:
                await self._database.execute(change.sql, change.values)
        # the counters of pg_stat_user_tables are otherwise up to a second late
        await self._database.execute(_FLUSH)


def _taken(queue: _Queue[_Timed], until: datetime) -> list[_Timed]:
    """What lies before an instant, in the order of time; it leaves the queue."""
    out: list[_Timed] = []
    while queue and queue[0][0] < until:
        out.append(heapq.heappop(queue)[2])
    return out
