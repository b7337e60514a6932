"""Whether golive can do its work now: the store answers, Slack reaches it and lets it speak."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Generic, Protocol, TypeVar

from bot.operations.prometheus import Now
from bot.storage.values import Backlog, StoreUnavailable

ANSWER_WITHIN: Final = 3.0
"""Seconds that a question may take; the store's own bound is longer than a probe waits."""

FRESH: Final = 1.0
"""Seconds for which an answer of the store serves whoever else asks."""

SLACK_FRESH: Final = 15.0
"""Seconds for which an answer of Slack does: its limit for such questions is 50 a minute."""

_STARTING: Final = "golive is starting."


class AnsweringStore(Protocol):
    """The part of the store that is asked."""

    async def backlog(self, now: datetime) -> Backlog:
        """What waits in the outbox; may raise StoreUnavailable."""
        ...


class ConnectedSlack(Protocol):
    """The part of Slack's side that is asked."""

    @property
    def connected(self) -> bool:
        """Whether Slack reaches the bot."""
        ...

    async def trouble(self) -> str | None:
        """Why the bot can say nothing in Slack; None where it can, or where Slack does not say."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Something that must work; `why` says why it does not."""

    name: str
    why: str | None = None

    @property
    def ok(self) -> bool:
        """Whether it works."""
        return self.why is None


T = TypeVar("T")


class _Question(Generic[T]):
    """Asks one thing for everybody who wants to know it at about the same time.

    It goes on when nobody waits for it any more: giving up half way would cost a connection.

    Args:
        ask: gives the answer.
        fresh: seconds for which an answer serves.
        seconds: a clock that only goes forward.
    """

    def __init__(
        self,
        ask: Callable[[], Coroutine[None, None, T]],
        *,
        fresh: float,
        seconds: Callable[[], float],
    ) -> None:
        self._ask = ask
        self._fresh = fresh
        self._seconds = seconds
        self._task: asyncio.Task[T] | None = None
        self._answered_at = 0.0

    async def answer(self, otherwise: T) -> T:
        """The answer, or what to say where there is none in time."""
        task = self._task
        if task is None or (task.done() and self._seconds() - self._answered_at >= self._fresh):
            task = self._task = asyncio.create_task(self._asked(), name="ask")
        done, _ = await asyncio.wait({task}, timeout=ANSWER_WITHIN)
        return task.result() if done else otherwise

    async def close(self) -> None:
        """Wait for no answer any more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _asked(self) -> T:
        try:
            return await self._ask()
        finally:
            self._answered_at = self._seconds()


class Readiness:
    """Asks the store and Slack's side.

    Args:
        now: gives the instant.
        seconds: a clock that only goes forward.
    """

    def __init__(
        self, *, now: Callable[[], datetime], seconds: Callable[[], float] = time.monotonic
    ) -> None:
        self._now = now
        self._store: AnsweringStore | None = None
        self._slack: ConnectedSlack | None = None
        self._ending = False
        self._backlog: _Question[Backlog | str] = _Question(
            self._ask_store, fresh=FRESH, seconds=seconds
        )
        self._trouble: _Question[str | None] = _Question(
            self._ask_slack, fresh=SLACK_FRESH, seconds=seconds
        )

    def attach(self, *, store: AnsweringStore, slack: ConnectedSlack) -> None:
        """What is to be asked from now on."""
        self._store, self._slack = store, slack

    def end(self) -> None:
        """From now on golive is not ready: it takes nothing more."""
        self._ending = True

    async def close(self) -> None:
        """Wait for no answer any more."""
        await self._backlog.close()
        await self._trouble.close()

    async def parts(self) -> tuple[Part, ...]:
        """Everything that must work, and whether it does."""
        backlog, slack = await asyncio.gather(self._known_backlog(), self._slack_trouble())
        parts = [
            Part(name="store", why=backlog if isinstance(backlog, str) else None),
            Part(name="slack", why=slack),
        ]
        if self._ending:
            parts.append(Part(name="process", why="golive is ending."))
        return tuple(parts)

    async def measured(self) -> Now:
        """The same as numbers."""
        backlog = await self._known_backlog()
        outbox = None
        if not isinstance(backlog, str):
            age = backlog.age.total_seconds() if backlog.age is not None else 0.0
            outbox = (backlog.depth, max(0.0, age))
        return Now(outbox=outbox, slack_connected=self._connected)

    @property
    def _connected(self) -> bool:
        return self._slack is not None and self._slack.connected

    async def _known_backlog(self) -> Backlog | str:
        """What waits in the outbox, or why that is not known."""
        if self._store is None:
            return _STARTING
        return await self._backlog.answer("The store does not answer in time.")

    async def _slack_trouble(self) -> str | None:
        if not self._connected:
            return "Slack does not reach the bot."
        return None if self._ending else await self._trouble.answer(None)

    async def _ask_store(self) -> Backlog | str:
        if self._store is None:
            return _STARTING
        try:
            return await self._store.backlog(self._now())
        except StoreUnavailable as error:
            return error.problem.what

    async def _ask_slack(self) -> str | None:
        return None if self._slack is None else await self._slack.trouble()
