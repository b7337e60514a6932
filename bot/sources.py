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
    urls = (looked_at.database_url, looked_at.base_url)
    passwords = [password for url in urls if url and (password := password_of(url))]
    loki = looked_at.loki.secrets if looked_at.loki else ()
    return tuple(dict.fromkeys((*settings.literals, *passwords, *loki)))


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
