"""Where the application can be looked at, and the sources that look there."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.loki import loki_log, loki_target
from bot.settings import Settings
from bot.wellformed import password_of
from checks.engine.runbook import Runbook
from checks.engine.runner import Sources
from checks.sources.database import PostgresDatabase
from checks.sources.database.problems import in_words_of
from checks.sources.database.url import passwords_in, target_of
from checks.sources.evolution import ServerSettings
from checks.sources.http import HttpHealthProbe
from checks.sources.logs.file_log import FileLog
from checks.sources.logs.profile import compile_profiles
from checks.sources.logs.source import LogSource
from checks.sources.loki.address import Loki
from checks.sources.loki.transport import Transport


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """Where the application can be looked at; empty or None for what was not given."""

    logs: tuple[Path, ...] = ()
    loki: Loki | None = None
    database_url: str | None = None
    base_url: str | None = None

    def __bool__(self) -> bool:
        return bool(self.logs or self.loki or self.database_url or self.base_url)


NOWHERE = Targets()


def configured(settings: Settings) -> Targets:
    """Where the environment says.

    Raises:
        SettingsError: Loki's address or selector cannot be used.
    """
    url = settings.database_url
    return Targets(
        logs=(settings.log,) if settings.log else (),
        loki=loki_target(settings),
        database_url=url.get_secret_value() if url else None,
        base_url=settings.base_url,
    )


def known_secrets(settings: Settings, looked_at: Targets = NOWHERE) -> tuple[str, ...]:
    """All that golive was given and that the log must not show."""
    database = passwords_in(looked_at.database_url or "")
    base = password_of(looked_at.base_url or "")
    loki = looked_at.loki.secrets if looked_at.loki else ()
    found = (*settings.literals, *database, *((base,) if base else ()), *loki)
    return tuple(dict.fromkeys(found))


def unusable_urls(settings: Settings) -> tuple[str, ...]:
    """Why connection URLs cannot be used, a sentence each; empty where all can."""
    urls = {
        "GOLIVE_DATABASE_URL": settings.database_url,
        "GOLIVE_REMEDIATION_DATABASE_URL": settings.remediation_database_url,
        "GOLIVE_STORE_URL": settings.store_url,
    }
    found = {
        name: target_of(url.get_secret_value()).problem
        for name, url in urls.items()
        if url is not None
    }
    return tuple(str(in_words_of(why, name)) for name, why in found.items() if why is not None)


def evolution_server(settings: Settings, runbook: Runbook) -> ServerSettings:
    """Evolution's address and key for connections that name none, and the hosts that may be."""
    key = settings.evolution_api_key
    return ServerSettings(
        url=settings.evolution_api_url,
        key=key.get_secret_value() if key else None,
        hosts=runbook.evolution_hosts,
    )


def file_log(paths: Sequence[Path], runbook: Runbook, clock: Callable[[], datetime]) -> FileLog:
    """Log files, read by the runbook's profiles and time zone."""
    return FileLog(
        paths,
        profiles=compile_profiles(runbook.log.profiles),
        zone=ZoneInfo(runbook.log.timezone),
        now=clock,
    )


@asynccontextmanager
async def open_sources(
    targets: Targets, runbook: Runbook, clock: Callable[[], datetime]
) -> AsyncGenerator[Sources, None]:
    """The sources that the targets name, closed again at the end."""
    async with AsyncExitStack() as stack:
        database = None
        if targets.database_url:
            database = await stack.enter_async_context(
                PostgresDatabase(targets.database_url, rule=runbook.database)
            )
        log: LogSource | None = file_log(targets.logs, runbook, clock) if targets.logs else None
        if targets.loki is not None:
            transport = await stack.enter_async_context(Transport(targets.loki))
            log = loki_log(transport, runbook, clock)
        yield Sources(
            log=log,
            database=database,
            health=HttpHealthProbe(targets.base_url) if targets.base_url else None,
        )
