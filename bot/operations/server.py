"""The port of its own on which golive is asked whether it lives, is ready, and what it counted."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

from bot.listening import listen
from bot.operations.prometheus import CONTENT_TYPE, PrometheusMetrics
from bot.operations.pulse import Pulse
from bot.operations.readiness import Part, Readiness

_FINISH: Final = 2.0
"""Seconds that open requests get when the bot ends."""


@asynccontextmanager
async def serve(
    *,
    port: int,
    host: str | None,
    pulse: Pulse,
    readiness: Readiness,
    metrics: PrometheusMetrics,
) -> AsyncGenerator[int, None]:
    """Answer until the block ends; gives the port, which for 0 is a free one.

    Raises:
        SettingsError: nobody can listen there.
    """

    async def healthz(_request: web.Request) -> web.Response:
        return _told((Part(name="timer", why=pulse.trouble),))

    async def readyz(_request: web.Request) -> web.Response:
        return _told(await readiness.parts())

    async def exposition(_request: web.Request) -> web.Response:
        body = metrics.exposition(await readiness.measured())
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", exposition)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_FINISH)
    await runner.setup()
    try:
        yield await listen(runner, host, port, setting="GOLIVE_METRICS_PORT")
    finally:
        await runner.cleanup()


def _told(parts: tuple[Part, ...]) -> web.Response:
    ok = all(part.ok for part in parts)
    told = {
        "ok": ok,
        "parts": {part.name: {"ok": part.ok, "why": part.why or ""} for part in parts},
    }
    return web.json_response(told, status=200 if ok else 503)
