"""The `golive` command line."""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console, RenderableType

from bot import arguments
from bot.arguments import UsageError
from bot.logs import configure_logging, report_crash
from bot.once import (
    NOTHING_MEASURED,
    Options,
    check_once,
    exit_code,
    known_secrets,
    occasion,
    targets,
)
from bot.progress import ScanProgress
from bot.reading import read_log
from bot.render.doctor import examination_json, render_examination
from bot.render.markdown import render_markdown
from bot.render.replay import render_replay, replay_json
from bot.render.report_json import render_json
from bot.render.signals import render_signals
from bot.render.terminal import render_report
from bot.render.words import clean
from bot.settings import Settings, SettingsError
from bot.storage.values import StoreUnavailable
from bot.watch.replaying import replayed
from checks import CHECKS
from checks.engine.model import Problem, Report
from checks.engine.runbook import (
    RunbookError,
    lint,
    load_runbook,
    schema,
    shipped_runbook,
)

USAGE = 64
INTERRUPTED = 130
_CLICK_USAGE = 2
_PIPE_WIDTH = 120
_FORMATS = ("text", "json", "markdown")

app = typer.Typer(
    name="golive",
    help="Runs the hour after a deploy: measures, judges by the runbook, decides.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # its tracebacks show local variables, and so secrets
)
_runbook_app = typer.Typer(help="Looks after runbook.yaml.", no_args_is_help=True)
app.add_typer(_runbook_app, name="runbook")
_audit_app = typer.Typer(help="Looks after the audit of fixes.", no_args_is_help=True)
app.add_typer(_audit_app, name="audit")


class Finished(Exception):  # noqa: N818 - an outcome: it carries an exit code past the parser
    """A command ended with this exit code, which the parser must not confuse with its own."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code."""
    configure_logging()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a symbol must not fail for want of an encoding
            stream.reconfigure(errors="replace")
    try:
        app(args=None if argv is None else list(argv), prog_name="golive")
    except Finished as finished:
        return finished.code
    except (UsageError, SettingsError) as error:
        return _complain(error.errors)
    except RunbookError as error:
        return _complain(str(error).splitlines())
    except KeyboardInterrupt:
        return INTERRUPTED
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 0
        return USAGE if code == _CLICK_USAGE else code
    return 0


def _complain(errors: Sequence[str]) -> int:
    console = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)
    for error in errors:
        console.print(clean(error))
    return USAGE


def _console() -> Console:
    """Results: as wide as the terminal, and wide enough for a line a finding in a pipe."""
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else _PIPE_WIDTH
    return Console(highlight=False, markup=False, emoji=False, width=width)


def _show(result: RenderableType) -> None:
    """Print without the blanks that pad a table's cells: results are piped and diffed."""
    console = _console()
    with console.capture() as captured:
        console.print(result)
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


_T = TypeVar("_T")


def _wait(work: Coroutine[None, None, _T]) -> _T:
    """Run to the end; Ctrl-C ends the command without a traceback."""
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        raise Finished(INTERRUPTED) from None


def _now() -> datetime:
    return datetime.now(UTC)


# --- golive check -------------------------------------------------------------------------------

_RunbookOption = Annotated[
    Path | None, typer.Option("--runbook", metavar="PATH", help="Default: the one golive ships.")
]


@app.command()
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
        str | None, typer.Option(metavar="URL", help="Its PostgreSQL, by a read-only role.")
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
    runbook: _RunbookOption = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="ID,…", help="Run these checks alone.")
    ] = None,
    output: Annotated[str, typer.Option("--format", help="text, json or markdown.")] = "text",
) -> None:
    """Run the checks once and print the verdict.

    Exit code: 0 GO, 1 MONITOR, 2 NO-GO, 3 nothing could be measured, 64 bad usage.
    """
    arguments.one_of("--format", output, _FORMATS)
    settings = Settings.from_environment(os.environ)
    book = load_runbook(runbook or settings.runbook, checks=CHECKS)
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
    about = occasion(options, settings, looked_at, checks=CHECKS, runbook=book, now=_now())
    progress = ScanProgress(Console(stderr=True))
    report = _wait(check_once(looked_at, CHECKS, book, about, progress))
    _print_report(report, output)
    raise Finished(exit_code(report))


def _print_report(report: Report, output: str) -> None:
    if output == "text":
        _show(render_report(report))
        return
    text = render_json(report) if output == "json" else render_markdown(report).rstrip("\n")
    sys.stdout.write(f"{text}\n")


# --- golive signals -----------------------------------------------------------------------------


@app.command()
def signals(
    log: Annotated[Path, typer.Argument(metavar="LOG", help="The application's log.")],
    runbook: _RunbookOption = None,
) -> None:
    """Show how a log is understood: its format, and how often each signal occurs in it.

    A signal that never occurs is quiet (nothing like it in this log), dead (its pattern is broken)
    or not carried by the format.
    """
    settings = Settings.from_environment(os.environ)
    book = load_runbook(runbook or settings.runbook, checks=CHECKS)
    progress = ScanProgress(Console(stderr=True))
    known = known_secrets(settings)
    found = _wait(read_log(log, book, known=known, now=_now(), progress=progress))
    if isinstance(found, Problem):
        _complain([str(found)])
        raise Finished(NOTHING_MEASURED)
    _show(render_signals(found.form, found.log))


# --- golive doctor ------------------------------------------------------------------------------


@app.command()
def doctor(
    runbook: _RunbookOption = None,
    output: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
) -> None:
    """Test every connection, grant, scope, column and pattern; a line each, with the mend.

    Exit code: 0 everything that is configured works, 1 something does not, 64 bad configuration.
    """
    # Here, not above: it brings Slack's and the store's libraries, which no other command needs.
    from bot.doctor.probes import Subject, examine_all  # noqa: PLC0415

    arguments.one_of("--format", output, ("text", "json"))
    settings = Settings.from_environment(os.environ)
    where = runbook or settings.runbook or shipped_runbook()
    book = load_runbook(where, checks=CHECKS)
    subject = Subject(
        settings=settings,
        runbook=book,
        notes=tuple(str(note) for note in lint(book)),
        where=str(where),
        checks=CHECKS,
        clock=_now,
    )
    found = _wait(examine_all(subject))
    if output == "json":
        sys.stdout.write(f"{examination_json(found)}\n")
    else:
        _show(render_examination(found))
    raise Finished(1 if found.failed else 0)


# --- golive replay ------------------------------------------------------------------------------


@app.command()
def replay(
    watch: Annotated[str, typer.Argument(metavar="WATCH", help="An id, a version, or last.")],
    runbook: _RunbookOption = None,
    output: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
) -> None:
    """Judge a past watch again from what it saw, to try proposed thresholds on it.

    Exit code: 0 every point came out as it is stored, 1 some findings moved.
    """
    arguments.one_of("--format", output, ("text", "json"))
    settings = Settings.from_environment(os.environ)
    if settings.store_url is None:
        raise UsageError("GOLIVE_STORE_URL is not set. It is where past watches are kept.")
    book = load_runbook(runbook or settings.runbook, checks=CHECKS)
    try:
        found = _wait(replayed(settings.store_url.get_secret_value(), watch, CHECKS, book))
    except StoreUnavailable as error:
        raise UsageError(str(error)) from error
    if found is None:
        raise UsageError(f"There is no watch {watch!r}. `/golive history` lists them.")
    if output == "json":
        sys.stdout.write(f"{replay_json(*found)}\n")
    else:
        _show(render_replay(*found))
    raise Finished(1 if any(one.moved for one in found[1]) else 0)


# --- golive run ---------------------------------------------------------------------------------


@app.command()
def run(
    runbook: _RunbookOption = None,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
    log_format: Annotated[
        str | None, typer.Option(help="json or console. Default: console on a terminal.")
    ] = None,
) -> None:
    """Run the bot: watch deploys, post checkpoints, answer /golive. Ends at SIGTERM or Ctrl-C."""
    # Here, not above: Slack's libraries and the chart's would slow every other command down.
    from bot.run import run_bot  # noqa: PLC0415

    level, form = arguments.logging_of(log_level, log_format, terminal=sys.stderr.isatty())
    settings = Settings.from_environment(os.environ)
    lacking = settings.lacks_to_run()
    if lacking:
        raise SettingsError(lacking)
    book = load_runbook(runbook or settings.runbook, checks=CHECKS)
    configure_logging(level, form=form, secrets=settings.hidden)
    sys.excepthook = report_crash
    try:
        _wait(run_bot(settings, book))
    except StoreUnavailable as error:
        raise UsageError(str(error)) from error


# --- golive runbook, golive demo ----------------------------------------------------------------


@_audit_app.command("verify")
def audit_verify(
    head: Annotated[
        str | None,
        typer.Option(metavar="NUMBER:DIGEST", help="As a final review posted it."),
    ] = None,
) -> None:
    """Find an entry that was changed, removed or inserted.

    Exit code: 0 the audit is whole, 1 it is not, 64 it cannot be looked at.
    """
    # Here, not above: it brings the database's pool, which most other commands do not need.
    from bot.auditing import head_of, sentence, verified  # noqa: PLC0415

    known = head_of(head)
    checked = _wait(verified(Settings.from_environment(os.environ), known))
    sys.stdout.write(f"{sentence(checked)}\n")
    raise Finished(0 if checked.whole else 1)


@_runbook_app.command("lint")
def runbook_lint(
    path: Annotated[Path | None, typer.Argument(metavar="[PATH]")] = None,
    runbook: _RunbookOption = None,
) -> None:
    """Validate runbook.yaml and report contradictions, all of them at once."""
    settings = Settings.from_environment(os.environ)
    where = path or runbook or settings.runbook or shipped_runbook()
    try:
        book = load_runbook(where, checks=CHECKS)
    except RunbookError as error:
        for issue in error.issues:
            sys.stdout.write(f"{clean(str(issue))}\n")
        raise Finished(USAGE) from error
    notes = lint(book)
    for note in notes:
        sys.stdout.write(f"{clean(str(note))}\n")
    if not notes:
        sys.stdout.write(f"{where}: no errors, no contradictions.\n")
    raise Finished(1 if notes else 0)


@_runbook_app.command("schema")
def runbook_schema() -> None:
    """Print the JSON Schema of runbook.yaml."""
    sys.stdout.write(f"{json.dumps(schema(), indent=2, ensure_ascii=False)}\n")


@app.command()
def demo(
    *,
    scenario: Annotated[
        str, typer.Option(metavar="NAME", help="Which hour plays; `list` shows them.")
    ] = "incident",
    quiet_hour: Annotated[bool, typer.Option(help="The same as --scenario quiet-hour.")] = False,
    speed: Annotated[float, typer.Option(min=0.1, help="How many times faster than life.")] = 60.0,
    headless: Annotated[
        bool, typer.Option(help="Open no browser. The default where there is no display.")
    ] = False,
    stay: Annotated[
        bool | None,
        typer.Option("--stay/--exit", help="Go on after the final review, or end. [browser: stay]"),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the page, if free.")] = 8484,
    seed: Annotated[int, typer.Option(help="Another seed plays another hour.")] = 1,
) -> None:
    """Play a whole go-live in the browser: without Slack, database or keys of your own."""
    # Here, not above: the demo brings its own PostgreSQL, which is an extra.
    from bot.demo.command import demonstrate  # noqa: PLC0415

    code = demonstrate(
        "quiet-hour" if quiet_hour else scenario,
        speed=speed,
        headless=headless,
        stay=stay,
        port=port,
        seed=seed,
        console=_console(),
    )
    raise Finished(code)


if __name__ == "__main__":
    sys.exit(main())
