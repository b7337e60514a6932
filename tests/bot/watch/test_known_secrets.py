"""Secrets that were live: looked for as long as a watch that saw them live, and no longer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.watch.known_secrets import KnownSecrets
from checks.engine.model import DatabaseEvidence
from checks.sources.database import LiveSecrets
from checks.sources.database.snapshot import Work
from tests.support.hand import HandClock

T0 = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)


@dataclass(slots=True)
class Application:
    """Implements `Database`: these secrets are live."""

    live: tuple[str, ...]

    async def secrets(self) -> LiveSecrets:
        """Those."""
        return LiveSecrets(values=self.live)

    async def collect(self, work: Work) -> DatabaseEvidence:
        """Nothing was asked."""
        del work
        return DatabaseEvidence()


async def test_a_replaced_secret_is_looked_for_in_the_watch_that_saw_it_live() -> None:
    """A later watch looks for the present one only; each is named once."""
    clock, application = HandClock(T0), Application(("old-secret-of-norte",))
    known = KnownSecrets(clock)
    assert (await known.beside(application, T0).secrets()).values == ("old-secret-of-norte",)
    clock.instant += timedelta(minutes=5)
    application.live = ("new-secret-of-norte",)
    both = ("new-secret-of-norte", "old-secret-of-norte")
    assert (await known.beside(application, T0).secrets()).values == both
    assert (await known.beside(application, clock.instant).secrets()).values == both[:1]
    assert (await known.beside(application, None).secrets()).values == both


async def test_a_database_that_is_away_takes_no_secret_away() -> None:
    """What it said last is looked for still."""
    known = KnownSecrets(HandClock(T0))
    known.note(("told-by-the-fix-itself",))
    assert (await known.beside(Application(()), T0).secrets()).values == ("told-by-the-fix-itself",)


async def test_nothing_is_remembered_for_ever() -> None:
    """Beyond the longest watch nobody looks for it."""
    clock = HandClock(T0)
    known = KnownSecrets(clock)
    known.note(("old-secret-of-norte",))
    clock.instant += timedelta(hours=37)
    known.note(())
    assert known.since(None) == ()
