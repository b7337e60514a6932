"""`golive doctor`: whether everything that is configured works."""

from __future__ import annotations

from typing import Annotated

import typer

from bot import arguments
from bot.cli.configuration import RunbookOption, environment, now, runbook_of, runbook_path
from bot.cli.ending import Finished, wait
from bot.cli.output import say, show
from bot.render.doctor import examination_json, render_examination
from checks import CHECKS
from checks.engine.runbook import lint


def doctor(
    runbook: RunbookOption = None,
    output: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
) -> None:
    """Test every connection, grant, scope, column and pattern; a line each, with the mend.

    Exit code: 0 everything that is configured works, 1 something does not, 64 bad configuration.
    """
    # Here, not above: Slack's libraries would slow every other command down.
    from bot.doctor.probes import Subject, examine_all  # noqa: PLC0415

    arguments.one_of("--format", output, ("text", "json"))
    settings = environment()
    book = runbook_of(runbook, settings)
    subject = Subject(
        settings=settings,
        runbook=book,
        notes=tuple(str(note) for note in lint(book)),
        where=str(runbook_path(runbook, settings)),
        checks=CHECKS,
        clock=now,
    )
    found = wait(examine_all(subject))
    if output == "json":
        say(examination_json(found))
    else:
        show(render_examination(found))
    raise Finished(1 if found.failed else 0)
