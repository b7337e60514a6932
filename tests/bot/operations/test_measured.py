"""How much of the log was read, and the command inside the image that asks whether golive lives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from bot.operations import probe
from bot.operations.measured import MeasuredLog
from bot.operations.prometheus import Now, PrometheusMetrics
from bot.settings import Settings, SettingsError
from checks.engine.model import LogEvidence, Window
from checks.sources.logs.source import ScanRequest
from tests.bot.operations.telling import T0, Seconds
from tests.support.fakes import FakeLog

REQUEST = ScanRequest(window=Window(since=T0, until=T0 + timedelta(minutes=5)))


def counted() -> tuple[PrometheusMetrics, Callable[[], str]]:
    """Metrics, and what they say."""
    metrics = PrometheusMetrics(checks=(), now=lambda: datetime.now(UTC), version="0")
    return metrics, lambda: metrics.exposition(Now(outbox=None, slack_connected=False)).decode()


async def test_bytes_and_seconds_of_a_scan_are_told() -> None:
    """By what the source says it has read, not by how large the log is."""
    metrics, text = counted()
    seconds = Seconds()
    log = MeasuredLog(FakeLog(evidence=LogEvidence(source="x", bytes=4096)), metrics, seconds)
    progress: list[int] = []

    def note(done: int, _total: int) -> None:
        progress.append(done)
        seconds.at += 2

    await log.scan(REQUEST, None, note)
    await log.scan(REQUEST)
    assert progress == [4096]
    assert "golive_scan_bytes_total 8192.0" in text()
    assert "golive_scan_seconds_total 2.0" in text()
    assert (await log.tail(3), await log.marks()) == ((), ())


async def test_a_scan_that_breaks_is_told_too() -> None:
    """The time was spent."""
    metrics, text = counted()
    log = MeasuredLog(
        FakeLog(evidence=LogEvidence(source="x"), breaks=RuntimeError("x")), metrics, Seconds()
    )
    with pytest.raises(RuntimeError):
        await log.scan(REQUEST)
    assert "golive_scan_bytes_total 0.0" in text()


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
async def test_the_probe_says_what_healthz_says(
    monkeypatch: pytest.MonkeyPatch, status: int, code: int
) -> None:
    """As an exit code, for engines without HTTP checks."""

    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({}, status=status)

    app = web.Application()
    app.router.add_get("/healthz", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    monkeypatch.setenv("GOLIVE_METRICS_PORT", str(runner.addresses[0][1]))
    assert await asyncio.to_thread(probe.main) == code
    await runner.cleanup()


@pytest.mark.parametrize("port", ["", "1", "no-port"])
def test_the_probe_fails_where_nobody_listens(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    """And where nothing is set."""
    monkeypatch.setenv("GOLIVE_METRICS_PORT", port)
    assert probe.main() == 1


def test_the_settings_of_operations() -> None:
    """A port, a host, and an address that nothing prints."""
    url = "https://hc-ping.com/uuid-planted?x=1"
    settings = Settings.from_environment(
        {
            "GOLIVE_METRICS_PORT": "9464",
            "GOLIVE_METRICS_HOST": "127.0.0.1",
            "GOLIVE_PING_URL": url,
        }
    )
    assert (settings.metrics_port, settings.metrics_host) == (9464, "127.0.0.1")
    assert settings.ping_url is not None
    assert settings.ping_url.get_secret_value() == url
    assert "uuid-planted" not in f"{settings!r}{settings.model_dump_json()}"
    assert url in settings.hidden


def test_an_address_that_cannot_be_pinged_is_refused_without_being_shown() -> None:
    """It may be a secret in the wrong place."""
    with pytest.raises(SettingsError) as refused:
        Settings.from_environment({"GOLIVE_PING_URL": "uuid-planted", "GOLIVE_METRICS_PORT": "0"})
    assert [error.partition(" ")[0] for error in refused.value.errors] == [
        "GOLIVE_METRICS_PORT",
        "GOLIVE_PING_URL",
    ]
    assert "planted" not in str(refused.value)
