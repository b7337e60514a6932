"""Whether golive lives: the timer's own beat, the ticks, and the dead man's switch behind them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import httpx
import structlog
from pydantic import SecretStr

from bot.clock import Clock, Timer
from bot.operations.metrics import Metrics

BEAT: Final = timedelta(seconds=10)
TIMER_LATE: Final = 60.0
"""Seconds without a beat after which the timer counts as dead."""

TICK_LATE: Final = 300.0
"""Seconds without a tick, done or failed, after which the watches count as stuck."""

PING_SECONDS: Final = 5.0
_KEY: Final = "operations:beat"

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


class Ping:
    """The dead man's switch: an address that raises the alarm when it is no longer requested.

    Args:
        client: makes the requests.
        url: whoever knows it can keep the alarm silent, so it is shown nowhere.
        metrics: is told whether it was heard.
    """

    def __init__(self, client: httpx.AsyncClient, url: SecretStr, metrics: Metrics) -> None:
        self._client = client
        self._url = url
        self._metrics = metrics

    async def send(self) -> None:
        """Say that golive lives; where that fails, only the log says so."""
        why = await self._request()
        self._metrics.pinged(ok=why is None)
        if why is not None:
            _log.warning("the dead man's switch was not reached", why=why)

    async def _request(self) -> str | None:
        try:
            async with asyncio.timeout(PING_SECONDS):
                answer = await self._client.get(self._url.get_secret_value())
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            return type(error).__name__
        return None if answer.is_success else f"HTTP {answer.status_code}"


class Pulse:
    """What the last beat and the last tick were. It goes by a clock that nobody can set.

    Args:
        timer: is alive if it calls back.
        clock: the timer's.
        metrics: are told of ticks.
        ping: the dead man's switch; None for none.
        seconds: a clock that only goes forward.
    """

    def __init__(
        self,
        *,
        timer: Timer,
        clock: Clock,
        metrics: Metrics,
        ping: Ping | None = None,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._timer = timer
        self._clock = clock
        self._metrics = metrics
        self._ping = ping
        self._seconds = seconds
        self._beat_at = seconds()
        self._ticked_at: float | None = None
        self._pinging: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to beat."""
        self._beat_at = self._seconds()
        self._again()

    async def stop(self) -> None:
        """Beat no more."""
        self._timer.cancel(_KEY)
        pinging, self._pinging = self._pinging, None
        if pinging is not None:
            pinging.cancel()
            await asyncio.gather(pinging, return_exceptions=True)

    def ticked(self, ok: bool) -> None:
        """Note a tick, and let the dead man's switch know of one that succeeded."""
        self._ticked_at = self._seconds()
        self._metrics.ticked(ok=ok)
        if ok and self._ping is not None and (self._pinging is None or self._pinging.done()):
            self._pinging = asyncio.create_task(self._ping.send(), name="ping")

    @property
    def trouble(self) -> str | None:
        """Why golive does not live, as a sentence; None if it does."""
        now = self._seconds()
        if now - self._beat_at > TIMER_LATE:
            return f"The timer has not called back for {now - self._beat_at:.0f} s."
        if self._ticked_at is not None and now - self._ticked_at > TICK_LATE:
            return f"No tick has ended for {now - self._ticked_at:.0f} s."
        return None

    async def _beat(self) -> None:
        self._beat_at = self._seconds()
        self._again()

    def _again(self) -> None:
        self._timer.at(self._clock.now() + BEAT, _KEY, self._beat)
