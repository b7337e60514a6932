"""What commands are configured by: the environment, and the runbook that it or an option names."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bot.settings import Settings
from checks import CHECKS
from checks.engine.known_secrets import know
from checks.engine.runbook import Runbook, load_runbook, shipped_runbook

RunbookOption = Annotated[
    Path | None, typer.Option("--runbook", metavar="PATH", help="Default: the one golive ships.")
]


def environment() -> Settings:
    """The settings of this process, whose secrets nothing shows from now on.

    Raises:
        SettingsError: a variable cannot be used.
    """
    settings = Settings.from_environment(os.environ)
    know(settings.hidden)
    return settings


def runbook_path(typed: Path | None, settings: Settings) -> Path:
    """Where the runbook is: as it was typed, else as the environment says, else the shipped one."""
    return typed or settings.runbook or shipped_runbook()


def runbook_of(typed: Path | None, settings: Settings) -> Runbook:
    """The runbook at that place.

    Raises:
        RunbookError: it cannot be used.
    """
    return load_runbook(runbook_path(typed, settings), checks=CHECKS)


def now() -> datetime:
    """The present instant, in UTC."""
    return datetime.now(UTC)
