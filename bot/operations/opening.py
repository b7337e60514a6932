"""Operations as one thing: what the bot tells, and the port on which that can be read."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from importlib import metadata
from typing import Final

import httpx

from bot.clock import Clock, Timer
from bot.operations.measured import MeasuredLog
from bot.operations.metrics import UNMEASURED, Metrics
from bot.operations.prometheus import PrometheusMetrics
from bot.operations.pulse import PING_SECONDS, Ping, Pulse
from bot.operations.readiness import Readiness
from bot.operations.server import serve
from bot.settings import Settings
from checks.engine.runner import Sources

_AGENT: Final = {"User-Agent": "golive"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Operations:
    """What the bot tells, and whom it tells what it is made of.

    port: on which it can be read; None where nobody asked for one
    """

    metrics: Metrics
    pulse: Pulse
    readiness: Readiness
    port: int | None = None

    def measured(self, sources: Sources) -> Sources:
        """The same sources, whose reading is counted."""
        if sources.log is None or self.metrics is UNMEASURED:
            return sources
        return replace(sources, log=MeasuredLog(sources.log, self.metrics))


@asynccontextmanager
async def open_operations(
    settings: Settings, *, clock: Clock, timer: Timer, checks: Iterable[str]
) -> AsyncGenerator[Operations, None]:
    """Count, answer and ping until the block ends, as far as the settings ask for it.

    Raises:
        SettingsError: nobody can listen on the port.
    """
    async with AsyncExitStack() as stack:
        counted = None
        if settings.metrics_port is not None:
            counted = PrometheusMetrics(
                checks=checks, now=clock.now, version=metadata.version("golive")
            )
        metrics: Metrics = counted or UNMEASURED
        ping = await _ping(settings, metrics, stack)
        pulse = Pulse(timer=timer, clock=clock, metrics=metrics, ping=ping)
        stack.push_async_callback(pulse.stop)
        readiness = Readiness(now=clock.now)
        stack.push_async_callback(readiness.close)
        port = None
        if settings.metrics_port is not None and counted is not None:
            pulse.start()
            port = await stack.enter_async_context(
                serve(
                    port=settings.metrics_port,
                    host=settings.metrics_host,
                    pulse=pulse,
                    readiness=readiness,
                    metrics=counted,
                )
            )
        yield Operations(metrics=metrics, pulse=pulse, readiness=readiness, port=port)


async def _ping(settings: Settings, metrics: Metrics, stack: AsyncExitStack) -> Ping | None:
    if settings.ping_url is None:
        return None
    client = await stack.enter_async_context(
        httpx.AsyncClient(timeout=PING_SECONDS, headers=_AGENT)
    )
    return Ping(client, settings.ping_url, metrics)
