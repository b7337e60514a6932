"""A clock that a test moves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clock:
    """Stands still at 2026-11-23 21:00 UTC until it is moved."""

    def __init__(self) -> None:
        self._now = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)

    def now(self) -> datetime:
        """The instant."""
        return self._now

    def move(self, **span: float) -> None:
        """Move on by days, hours, minutes or seconds."""
        self._now += timedelta(**span)
