"""`golive check`: the checks once, and the verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bot import arguments
from bot.cli.configuration import RunbookOption, environment, now, runbook_of
from bot.cli.ending import Finished, wait
from bot.cli.once import Options, check_once, exit_code, occasion, targets
from bot.cli.output import say, show
from bot.cli.progress import ScanProgress
from bot.render.markdown import render_markdown
from bot.render.report_json import render_json
from bot.render.terminal import render_report
from checks import CHECKS
from checks.engine.model import Report

_FORMATS = ("text", "json", "markdown")


def check(  # noqa: PLR0917 - the options, each by its name on the command line
    log: Annotated[
        list[Path] | None, typer.Option(metavar="PATH", help="The application's log; repeatable.")
    ] = None,
    loki: Annotated[
        str | None, typer.Option(metavar="URL", help="Loki, in place of a log file.")
    ] = None,
    selector: Annotated[
        str | None, typer.Option(metavar="{…}", help='The stream in Loki, such as {app="crm"}.')
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Its PostgreSQL, by a read-only role. Rather set GOLIVE_DATABASE_URL, or"
            " GOLIVE_DATABASE_URL_FILE: everybody on this machine can read arguments.",
        ),
    ] = None,
    base_url: Annotated[str | None, typer.Option(metavar="URL", help="Its public address.")] = None,
    checkpoint: Annotated[str, typer.Option(help="1, 2, 3 or final.")] = "final",
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="ISO-8601, or a duration: 60m.")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Default: now.")] = None,
    since_offset: Annotated[
        int | None,
        typer.Option(metavar="BYTES", min=0, help="Log from this byte on; 0 = the whole file."),
    ] = None,
    runbook: RunbookOption = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="ID,…", help="Run these checks alone.")
    ] = None,
    output: Annotated[str, typer.Option("--format", help="text, json or markdown.")] = "text",
) -> None:
    """Run the checks once and print the verdict.

    Exit code: 0 GO, 1 MONITOR, 2 NO-GO, 3 nothing could be measured, 64 bad usage.
    """
    arguments.one_of("--format", output, _FORMATS)
    settings = environment()
    book = runbook_of(runbook, settings)
    options = Options(
        logs=log or (),
        loki=loki,
        selector=selector,
        database=database,
        base_url=base_url,
        checkpoint=checkpoint,
        since=since,
        until=until,
        since_offset=since_offset,
        only=only or (),
    )
    looked_at = targets(options, settings)
    about = occasion(options, settings, looked_at, checks=CHECKS, runbook=book, now=now())
    progress = ScanProgress(Console(stderr=True))
    report = wait(check_once(looked_at, CHECKS, book, about, progress))
    _print(report, output)
    raise Finished(exit_code(report))


def _print(report: Report, output: str) -> None:
    if output == "json":
        say(render_json(report))
    elif output == "markdown":
        say(render_markdown(report).rstrip("\n"))
    else:
        show(render_report(report))
