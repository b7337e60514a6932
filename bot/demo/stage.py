"""Where the hour plays: a log file and a database, written as far as the demo's clock has come."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Self, TypeVar

from psycopg import AsyncConnection

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


class Stage:
    """Writes what the application would have written by a given instant.

    Args:
        hour: what happens.
        log: the file to write; it is made anew.
        database: a connection in autocommit mode to a database with the application's tables.
    """

    def __init__(self, hour: Hour, *, log: Path, database: AsyncConnection) -> None:
        self._log = log
        self._database = database
        self._past: Sequence[Change] = past(hour.world, Dice(0))
        self._lines = lines(hour.everything, LOG_FORMAT)
        self._changes = rows(hour.everything)
        self.lines_written = 0
        self._changes_made = 0

    async def set_up(self) -> Self:
        """Write what was there before the deploy: old rows, and the log's last minutes."""
        self._log.write_bytes(b"")
        await self._run(self._past)
        return self

    async def advance(self, until: datetime) -> None:
        """Write everything with an instant before `until`.

        Rows first: whoever looks in between finds a row without a line, never the reverse.
        """
        changes = _before(self._changes[self._changes_made :], until)
        await self._run(changes)
        self._changes_made += len(changes)
        fresh = _before(self._lines[self.lines_written :], until)
        with self._log.open("a", encoding="utf-8", newline="") as log:
            log.writelines(f"{line.text}\n" for line in fresh)
        self.lines_written += len(fresh)

    async def _run(self, changes: Sequence[Change]) -> None:
        async with self._database.transaction(), self._database.pipeline():
            for change in changes:
                await self._database.execute(change.sql, change.values)
        # the counters of pg_stat_user_tables are otherwise up to a second late
        await self._database.execute(_FLUSH)


def _before(timed: Sequence[_Timed], until: datetime) -> Sequence[_Timed]:
    """The head of a list in time order that lies before an instant."""
    for number, one in enumerate(timed):
        if one.at >= until:
            return timed[:number]
    return timed
