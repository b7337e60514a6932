"""Time as an argument: what gives the instant, and what calls back at one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Gives the instant."""

    def now(self) -> datetime:
        """The instant, aware, in UTC."""
        ...


class Timer(Protocol):
    """Calls back at an instant of the clock; nothing recurs and nothing is remembered.

    A job that is overdue runs at once. Jobs run one after the other for one key, and side by side
    for different ones.
    """

    def at(self, instant: datetime, key: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run a job at an instant; a job that waits under the same key is replaced."""
        ...

    def cancel(self, key: str) -> None:
        """Forget a waiting job; one that runs already goes on."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The instant, aware, in UTC."""
        return datetime.now(UTC)
