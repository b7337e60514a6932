"""`golive runbook`: looks after runbook.yaml."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.configuration import RunbookOption, environment, runbook_path
from bot.cli.ending import USAGE, Finished
from bot.cli.output import say
from bot.render.words import clean
from checks import CHECKS
from checks.engine import runbook as runbooks
from checks.engine.runbook import RunbookError, load_runbook


def lint(
    path: Annotated[Path | None, typer.Argument(metavar="[PATH]")] = None,
    runbook: RunbookOption = None,
) -> None:
    """Validate runbook.yaml and report contradictions, all of them at once."""
    where = runbook_path(path or runbook, environment())
    try:
        book = load_runbook(where, checks=CHECKS)
    except RunbookError as error:
        for issue in error.issues:
            say(clean(str(issue)))
        raise Finished(USAGE) from error
    notes = runbooks.lint(book)
    for note in notes:
        say(clean(str(note)))
    if not notes:
        say(f"{where}: no errors, no contradictions.")
    raise Finished(1 if notes else 0)


def schema() -> None:
    """Print the JSON Schema of runbook.yaml."""
    say(json.dumps(runbooks.schema(), indent=2, ensure_ascii=False))
