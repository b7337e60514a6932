"""The `golive` command line: its commands, and the exit code that one of them ends with."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Sequence

import typer

from bot.arguments import UsageError
from bot.cli import audit, runbook
from bot.cli.check import check
from bot.cli.demo import demo
from bot.cli.doctor import doctor
from bot.cli.ending import BROKEN, INTERRUPTED, USAGE, Finished
from bot.cli.output import complain
from bot.cli.replay import replay
from bot.cli.run import run
from bot.cli.signals import signals
from bot.logs import configure_logging, report_crash
from bot.settings import SettingsError
from checks.engine.runbook import RunbookError

_CLICK_USAGE = 2
_BROKE = (
    "golive itself broke: this is no verdict. The line above names the place; please send it to"
    " golive's maintainers."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code."""
    configure_logging()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a symbol must not fail for want of an encoding
            stream.reconfigure(errors="replace")
    return outcome(_commands(), None if argv is None else list(argv))


def outcome(commands: typer.Typer, argv: list[str] | None) -> int:
    """Run one of the commands and return the exit code, whatever becomes of it."""
    try:
        commands(args=argv, prog_name="golive")
    except Finished as finished:
        return finished.code
    except (UsageError, SettingsError, RunbookError) as error:
        complain(str(error).splitlines() if isinstance(error, RunbookError) else error.errors)
        return USAGE
    except KeyboardInterrupt:
        return INTERRUPTED
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 0
        return USAGE if code == _CLICK_USAGE else code
    except Exception as error:  # noqa: BLE001 - Python's own end, 1, would be read as MONITOR
        report_crash(type(error), error, error.__traceback__)
        complain([_BROKE])
        return BROKEN
    return 0


def _commands() -> typer.Typer:
    """All commands, in the order in which the help shows them."""
    app = typer.Typer(
        name="golive",
        help="Runs the hour after a deploy: measures, judges by the runbook, decides.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,  # its tracebacks show local variables, and so secrets
    )
    _fill(app, check, signals, doctor, replay, run, demo)
    for name, about, commands in (
        ("runbook", "Looks after runbook.yaml.", (runbook.lint, runbook.schema)),
        ("audit", "Looks after the audit of fixes.", (audit.verify, audit.list_)),
    ):
        group = typer.Typer(help=about, no_args_is_help=True)
        _fill(group, *commands)
        app.add_typer(group, name=name)
    return app


def _fill(app: typer.Typer, *commands: Callable[..., None]) -> None:
    for command in commands:
        app.command(command.__name__.strip("_"))(command)


if __name__ == "__main__":
    sys.exit(main())
