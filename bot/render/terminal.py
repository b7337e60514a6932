"""A report for a terminal: levels by colour, symbol and word, so that it reads without colour.

Nothing here is parsed as markup: text from outside only enters as `Text`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bot.render.words import (
    DECISION_SYMBOLS,
    clean,
    level_word,
    limits,
    met_word,
    moment_name,
    notes,
    rule_text,
    window_words,
)
from checks.engine.model import Criterion, Decision, Finding, Level, Report

_STYLES = {
    Level.OK: "green",
    Level.WARNING: "yellow",
    Level.CRITICAL: "bold red",
    Level.UNKNOWN: "magenta",
}
_DECISION_STYLES = {
    Decision.GO: "bold green",
    Decision.MONITOR: "bold yellow",
    Decision.NO_GO: "bold red",
}


def render_report(report: Report) -> RenderableType:
    """The whole report, the verdict first."""
    verdict = report.verdict
    parts: list[RenderableType] = [verdict_line(report)]
    parts.extend(_bullets("", verdict.because))
    parts.extend(_bullets("Missing", verdict.missing))
    parts.extend(_bullets("What would change it", verdict.would_change))
    parts.extend(_bullets("Notes on the log", notes(report)))
    parts.extend([Text(), findings_table(report.findings), Text()])
    parts.extend(_criteria("Rollback criteria", report.rollback_criteria, bad=True))
    parts.extend(_criteria("Success criteria", report.success_criteria, bad=False))
    parts.extend(_proof(report.findings))
    return Group(*parts)


def verdict_line(report: Report) -> Text:
    """The decision, the checkpoint and the window in one line."""
    decision = report.verdict.decision
    line = Text(f"{DECISION_SYMBOLS[decision]} {decision}", style=_DECISION_STYLES[decision])
    return line.append(
        f"  {moment_name(report.checkpoint)} · {window_words(report)}", style="default not bold"
    )


def findings_table(findings: Sequence[Finding]) -> Table:
    """One row a finding: level, check, what was measured, and the bounds."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("Level", no_wrap=True)
    table.add_column("Check", min_width=12)
    table.add_column("Measured", ratio=1, overflow="fold")
    table.add_column("Limits", max_width=26)
    for finding in findings:
        style = _STYLES[finding.level]
        table.add_row(
            Text(level_word(finding), style=style),
            Text(clean(finding.title)),
            Text(clean(finding.summary)),
            Text(clean(limits(finding)), style="dim"),
        )
    return table


def _bullets(title: str, lines: Sequence[str]) -> Iterable[RenderableType]:
    if not lines:
        return
    if title:
        yield Text(f"{title}:", style="bold")
    for line in lines:
        yield _hanging("•", line)


def _hanging(mark: str, text: str, style: str = "") -> RenderableType:
    """A line whose continuation is indented below its text."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(ratio=1, overflow="fold")
    grid.add_row(Text(f"  {mark}"), Text(clean(text), style=style))
    return grid


def _criteria(title: str, criteria: Sequence[Criterion], *, bad: bool) -> Iterable[RenderableType]:
    if not criteria:
        return
    yield Text(f"{title}:", style="bold")
    for criterion in criteria:
        mark = "?" if criterion.met is None else ("✖" if criterion.met is bad else "✔")
        yield _hanging(mark, f"{criterion.id} {met_word(criterion.met)}: {criterion.why}")


def _proof(findings: Sequence[Finding]) -> Iterable[RenderableType]:
    """The evidence lines and the rule of what is not OK."""
    for finding in findings:
        if finding.level is Level.OK or not finding.evidence:
            continue
        lines = [Text(clean(line), style="dim", overflow="fold") for line in finding.evidence]
        if rule_text(finding):
            lines.append(Text(f"Limits: {clean(rule_text(finding))}", style="dim"))
        yield Text()
        yield Text(f"{level_word(finding)}  {clean(finding.title)}", style=_STYLES[finding.level])
        yield Padding(Group(*lines), (0, 0, 0, 2))
