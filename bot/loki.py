"""The stream in Loki that the settings or the command line name, and the source that reads it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.settings import Settings, SettingsError
from checks.engine.model import Problem
from checks.engine.runbook import Runbook
from checks.sources.logs.profile import compile_profiles
from checks.sources.loki.address import Loki, loki_of
from checks.sources.loki.client import LokiClient
from checks.sources.loki.source import LokiLog
from checks.sources.loki.transport import Transport


def loki_stream(
    settings: Settings, *, url: str | None = None, selector: str | None = None
) -> Loki | Problem | None:
    """The stream in Loki that was typed, else that of the settings; None where there is none."""
    url = url or (settings.loki_url.get_secret_value() if settings.loki_url else None)
    selector = selector or settings.loki_selector
    if url is None or selector is None:
        return None
    token = settings.loki_token.get_secret_value() if settings.loki_token else None
    return loki_of(url, selector, token=token, tenant=settings.loki_tenant)


def loki_target(
    settings: Settings, *, url: str | None = None, selector: str | None = None
) -> Loki | None:
    """`loki_stream`, for where a wrong one ends the command.

    Raises:
        SettingsError: the address or the selector cannot be used.
    """
    found = loki_stream(settings, url=url, selector=selector)
    if isinstance(found, Problem):
        raise SettingsError((str(found),))
    return found


def loki_log(transport: Transport, runbook: Runbook, clock: Callable[[], datetime]) -> LokiLog:
    """A stream in Loki, read by the runbook's profiles, time zone and lag."""
    return LokiLog(
        LokiClient(transport),
        profiles=compile_profiles(runbook.log.profiles),
        zone=ZoneInfo(runbook.log.timezone),
        now=clock,
        lag=runbook.log.loki_lag,
    )
