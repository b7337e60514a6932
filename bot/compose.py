"""The one place where sources are built, for the command line and for the demo alike."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from checks.engine.runbook import Runbook
from checks.engine.runner import Sources
from checks.sources.database import PostgresDatabase
from checks.sources.http import HttpHealthProbe
from checks.sources.logs.file_log import FileLog
from checks.sources.logs.profile import compile_profiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """Where the application can be looked at; empty or None for what was not given."""

    logs: tuple[Path, ...] = ()
    database_url: str | None = None
    base_url: str | None = None

    def __bool__(self) -> bool:
        return bool(self.logs or self.database_url or self.base_url)


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
            database = await stack.enter_async_context(PostgresDatabase(targets.database_url))
        yield Sources(
            log=file_log(targets.logs, runbook, clock) if targets.logs else None,
            database=database,
            health=HttpHealthProbe(targets.base_url) if targets.base_url else None,
        )
