"""Whether golive can do its work now: the store answers, and Slack reaches it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from bot.operations.prometheus import Now
from bot.storage.values import Backlog, StoreUnavailable

ANSWER_WITHIN: Final = 3.0
"""Seconds that a question may take; the store's own bound is longer than a probe waits."""

FRESH: Final = 1.0
"""Seconds for which an answer serves whoever else asks."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Something that must work; `why` says why it does not."""

    name: str
    why: str | None = None

    @property
    def ok(self) -> bool:
        """Whether it works."""
        return self.why is None


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
        self._seconds = seconds
        self._store: AnsweringStore | None = None
        self._slack: ConnectedSlack | None = None
        self._ending = False
        self._question: asyncio.Task[Backlog | str] | None = None
        self._answered_at: float | None = None

    def attach(self, *, store: AnsweringStore, slack: ConnectedSlack) -> None:
        """What is to be asked from now on."""
        self._store, self._slack = store, slack

    def end(self) -> None:
        """From now on golive is not ready: it takes nothing more."""
        self._ending = True

    async def close(self) -> None:
        """Wait for no answer any more."""
        if self._question is not None:
            self._question.cancel()
            await asyncio.gather(self._question, return_exceptions=True)

    async def parts(self) -> tuple[Part, ...]:
        """Everything that must work, and whether it does."""
        backlog = await self._backlog()
        slack = None if self._connected else "Slack does not reach the bot."
        parts = [
            Part(name="store", why=backlog if isinstance(backlog, str) else None),
            Part(name="slack", why=slack),
        ]
        if self._ending:
            parts.append(Part(name="process", why="golive is ending."))
        return tuple(parts)

    async def measured(self) -> Now:
        """The same as numbers."""
        backlog = await self._backlog()
        outbox = None
        if not isinstance(backlog, str):
            age = backlog.age.total_seconds() if backlog.age is not None else 0.0
            outbox = (backlog.depth, max(0.0, age))
        return Now(outbox=outbox, slack_connected=self._connected)

    @property
    def _connected(self) -> bool:
        return self._slack is not None and self._slack.connected

    async def _backlog(self) -> Backlog | str:
        """What waits in the outbox, or why that is not known.

        Everybody who asks meanwhile shares the question. It goes on when nobody waits for it any
        more: giving up half way would cost the store's connection.
        """
        if self._store is None:
            return _STARTING
        question = self._question
        if question is None or (question.done() and not self._fresh):
            question = self._question = asyncio.create_task(self._ask(self._store), name="ask")
        done, _ = await asyncio.wait({question}, timeout=ANSWER_WITHIN)
        return question.result() if done else "The store does not answer in time."

    @property
    def _fresh(self) -> bool:
        return self._answered_at is not None and self._seconds() - self._answered_at < FRESH

    async def _ask(self, store: AnsweringStore) -> Backlog | str:
        try:
            return await store.backlog(self._now())
        except StoreUnavailable as error:
            return error.problem.what
        finally:
            self._answered_at = self._seconds()
