"""What Slack delivers: once each, bounded after the ack, and finished before the process ends."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import datetime
from enum import Enum, auto
from typing import Final, Protocol

import structlog

from bot.clock import Clock
from bot.storage.values import StoreUnavailable

WORKERS: Final = 16
WAITING: Final = 496
"""Room for a whole company that asks at once: 512 in all, each a few kilobytes."""
REMEMBERED: Final = 10_000

_log = structlog.get_logger(__name__)


class Deliveries(Protocol):
    """The part of the store that remembers deliveries for all replicas."""

    async def deliver_once(self, key: str, at: datetime) -> bool:
        """Whether this delivery is new; may raise StoreUnavailable."""
        ...


class Taken(Enum):
    """What became of a delivery."""

    ACCEPTED = auto()
    DUPLICATE = auto()
    BUSY = auto()


class Delivery:
    """Runs the work behind what Slack delivers.

    Args:
        deliveries: remembers what came, for all replicas.
        clock: gives the instant.
        workers: how much runs at a time.
        waiting: how much more may wait.
    """

    def __init__(
        self,
        deliveries: Deliveries,
        clock: Clock,
        *,
        workers: int = WORKERS,
        waiting: int = WAITING,
    ) -> None:
        self._deliveries = deliveries
        self._clock = clock
        self._slots = asyncio.Semaphore(workers)
        self._most = workers + waiting
        self._tasks: set[asyncio.Task[None]] = set()
        self._seen: OrderedDict[str, None] = OrderedDict()

    @property
    def running(self) -> int:
        """How much work runs or waits."""
        return len(self._tasks)

    def submit(self, key: str, work: Callable[[], Awaitable[None]]) -> Taken:
        """Begin the work of a delivery in its own task, unless it came before or is too much.

        Args:
            key: the same for every copy of the delivery.
            work: what is to be done; it raises nothing.
        """
        if key in self._seen:
            self._seen.move_to_end(key)
            return Taken.DUPLICATE
        if len(self._tasks) >= self._most:
            return Taken.BUSY
        self._seen[key] = None
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        task = asyncio.create_task(self._run(key, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return Taken.ACCEPTED

    async def drain(self, seconds: float) -> int:
        """Wait for what runs; after so many seconds cancel the rest, and say how much that was."""
        if not self._tasks:
            return 0
        _, late = await asyncio.wait(self._tasks, timeout=seconds)
        for task in late:
            task.cancel()
        if late:
            _log.warning("work was cut off at the end", tasks=len(late))
            await asyncio.wait(late)
        return len(late)

    async def _run(self, key: str, work: Callable[[], Awaitable[None]]) -> None:
        async with self._slots:
            if await self._is_new(key):
                await work()

    async def _is_new(self, key: str) -> bool:
        try:
            return await self._deliveries.deliver_once(key, self._clock.now())
        except StoreUnavailable as error:
            # This replica's own memory already said that it is new here.
            _log.warning("deliveries are told apart here only", why=str(error.problem))
            return True
