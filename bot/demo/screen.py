"""What the demo prints: a heading a checkpoint, the report of the real renderer, short pulses."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from datetime import datetime

from rich.console import Console
from rich.rule import Rule
from rich.text import Text

from bot.render.terminal import render_report, verdict_line
from bot.render.words import clean, level_word
from checks.engine.model import Finding, Level, Report
from checks.engine.runbook import SchedulePoint

_WORSE = {Level.OK: 0, Level.UNKNOWN: 1, Level.WARNING: 2, Level.CRITICAL: 3}


class Screen:
    """Prints the course of the hour.

    Args:
        console: where to print.
        deployed_at: T+0.
    """

    def __init__(self, console: Console, deployed_at: datetime) -> None:
        self._console = console
        self._deployed_at = deployed_at

    def opening(self, *, quiet: bool, seconds: float) -> None:
        """Say what is about to play, and for how long."""
        kind = "A quiet hour" if quiet else "An hour with an incident"
        pace = f", in about {seconds:.0f} s" if seconds >= 1 else ""
        self._console.print(
            Text(
                f"{kind} after a deploy{pace}: an invented application, its own PostgreSQL, "
                "simulated time, real checks. Ctrl-C ends it and leaves nothing behind."
            )
        )

    def playing(self, now: datetime, lines: int) -> AbstractContextManager[object]:
        """Show on a terminal how far the hour has come."""
        if not self._console.is_terminal:
            return nullcontext()
        return self._console.status(Text(f"{self._mark(now)}  {lines} log lines"))

    def report(self, point: SchedulePoint, report: Report, last: Report | None) -> None:
        """Print what a point of the schedule found; a pulse only in short."""
        self._console.print()
        name = {"health": "health", "pulse": "pulse"}.get(point.run, "")
        title = f"{self._mark(report.taken_at)} {name}".rstrip()
        self._console.print(Rule(Text(title, style="bold"), align="left", style="dim"))
        if point.run == "health":
            for finding in report.findings:
                self._console.print(_line(finding))
        elif point.run == "pulse":
            self._console.print(verdict_line(report))
            for finding in _worse(report, last):
                self._console.print(_line(finding))
        else:
            self._console.print(render_report(report))

    def interrupted(self) -> None:
        """Say that nothing is left."""
        self._console.print(Text("Stopped. The server and its files are gone."))

    def _mark(self, instant: datetime) -> str:
        return f"T+{(instant - self._deployed_at).total_seconds() // 60:.0f}"


def _line(finding: Finding) -> Text:
    return Text(clean(f"{level_word(finding)}  {finding.title}: {finding.summary}"))


def _worse(report: Report, last: Report | None) -> list[Finding]:
    """The findings whose level got worse since the last report."""
    before = {} if last is None else {finding.check: finding.level for finding in last.findings}
    return [
        finding
        for finding in report.findings
        if _WORSE[finding.level] > _WORSE[before.get(finding.check, Level.OK)]
    ]
