"""`golive signals`: how a log is understood."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bot.cli.configuration import RunbookOption, environment, now, runbook_of
from bot.cli.ending import NOTHING_MEASURED, Finished, wait
from bot.cli.output import complain, show
from bot.cli.progress import ScanProgress
from bot.cli.reading import read_log
from bot.render.signals import render_signals
from bot.sources import known_secrets
from checks.engine.model import Problem


def signals(
    log: Annotated[Path, typer.Argument(metavar="LOG", help="The application's log.")],
    runbook: RunbookOption = None,
) -> None:
    """Show how a log is understood: its format, and how often each signal occurs in it.

    A signal that never occurs is quiet (nothing like it in this log), dead (its pattern is broken)
    or not carried by the format.
    """
    settings = environment()
    book = runbook_of(runbook, settings)
    progress = ScanProgress(Console(stderr=True))
    known = known_secrets(settings)
    found = wait(read_log(log, book, known=known, now=now(), progress=progress))
    if isinstance(found, Problem):
        complain([str(found)])
        raise Finished(NOTHING_MEASURED)
    show(render_signals(found.form, found.log))
