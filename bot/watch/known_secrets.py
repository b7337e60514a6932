"""Which webhook secrets were live, and when last: one that was replaced is looked for all the same.

They are kept in memory alone: a secret has no place in golive's own tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from bot.clock import Clock
from checks.engine.model import DatabaseEvidence
from checks.sources.database import Database, LiveSecrets
from checks.sources.database.snapshot import Work

_KEPT: Final = timedelta(hours=36)
"""Longer than a watch lasts, with its whole follow-up."""


class KnownSecrets:
    """Remembers what the database said.

    Args:
        clock: gives the instant.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._live: dict[str, datetime] = {}

    def note(self, secrets: Sequence[str]) -> None:
        """These are live now."""
        now = self._clock.now()
        known = {**self._live, **dict.fromkeys(secrets, now)}
        self._live = {secret: at for secret, at in known.items() if at >= now - _KEPT}

    def since(self, instant: datetime | None) -> tuple[str, ...]:
        """Those that were live at an instant or later; None gives all that are remembered."""
        return tuple(s for s, at in self._live.items() if instant is None or at >= instant)

    def beside(self, database: Database, instant: datetime | None) -> Database:
        """A database whose secrets are also those that were live at an instant or later."""
        return _Remembering(self, database, instant)


class _Remembering:
    """Implements `Database` by another one, whose secrets it remembers."""

    def __init__(self, known: KnownSecrets, database: Database, since: datetime | None) -> None:
        self._known = known
        self._database = database
        self._since = since

    async def secrets(self) -> LiveSecrets:
        """The live webhook secrets, and those that were; also while the database is away."""
        found = await self._database.secrets()
        self._known.note(found.values)
        remembered = self._known.since(self._since)
        return replace(found, values=tuple(dict.fromkeys((*found.values, *remembered))))

    async def collect(self, work: Work) -> DatabaseEvidence:
        """See `Database.collect`."""
        return await self._database.collect(work)
