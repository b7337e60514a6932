"""`golive run`: the bot."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from bot import arguments
from bot.arguments import UsageError
from bot.cli.configuration import RunbookOption, environment, runbook_of
from bot.cli.ending import wait
from bot.logs import configure_logging, report_all_trouble
from bot.settings import SettingsError
from bot.sources import unusable_urls


def run(
    runbook: RunbookOption = None,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
    log_format: Annotated[
        str | None, typer.Option(help="json or console. Default: console on a terminal.")
    ] = None,
) -> None:
    """Run the bot: watch deploys, post checkpoints, answer /golive. Ends at SIGTERM or Ctrl-C."""
    # Here, not above: Slack's libraries and the chart's would slow every other command down.
    from bot.run import run_bot  # noqa: PLC0415
    from bot.storage.values import StoreUnavailable  # noqa: PLC0415

    level, form = arguments.logging_of(log_level, log_format, terminal=sys.stderr.isatty())
    settings = environment()
    lacking = (*settings.lacks_to_run(), *unusable_urls(settings))
    if lacking:
        raise SettingsError(lacking)
    book = runbook_of(runbook, settings)
    configure_logging(level, form=form, secrets=settings.hidden)
    report_all_trouble()
    try:
        wait(run_bot(settings, book))
    except StoreUnavailable as error:
        raise UsageError(str(error)) from error
