"""A report as Markdown: for a ticket, a pull request, or a post-mortem."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.render.words import (
    DECISION_SYMBOLS,
    clean,
    level_word,
    limits,
    met_word,
    moment_name,
    notes,
    rule_text,
    span,
    window_words,
)
from checks.engine.model import Criterion, Finding, Level, Report

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~#!])")


def render_markdown(report: Report) -> str:
    """The whole report, the verdict first."""
    verdict = report.verdict
    decision = verdict.decision
    out = [
        f"# {DECISION_SYMBOLS[decision]} {decision} — {moment_name(report.checkpoint)}",
        "",
        f"Taken {report.taken_at.strftime('%Y-%m-%d %H:%M:%S')} UTC; {window_words(report)}.",
        "",
        *_bullets("Because", verdict.because),
        *_bullets("Missing", verdict.missing),
        *_bullets("What would change it", verdict.would_change),
        *_bullets("Notes on the log", notes(report)),
        *_table(report.findings),
        *_criteria("Rollback criteria", report.rollback_criteria),
        *_criteria("Success criteria", report.success_criteria),
        *_evidence(report.findings),
    ]
    return "\n".join(out).rstrip() + "\n"


def escape(text: str) -> str:
    """Text from outside, with everything that Markdown or HTML would interpret made literal."""
    return _SPECIAL.sub(r"\\\1", clean(text))


def _bullets(title: str, lines: Sequence[str]) -> list[str]:
    if not lines:
        return []
    return [f"## {title}", "", *(f"- {escape(line)}" for line in lines), ""]


def _table(findings: Sequence[Finding]) -> list[str]:
    rows = [
        f"| {level_word(f)} | {escape(f.title)} | {escape(f.summary)} |"
        f" {escape(limits(f) or rule_text(f))} | {span(f.window) if f.window else '–'} |"
        for f in findings
    ]
    head = ["| Level | Check | Measured | Limits | Window |", "| --- | --- | --- | --- | --- |"]
    return ["## Checks", "", *head, *rows, ""]


def _criteria(title: str, criteria: Sequence[Criterion]) -> list[str]:
    lines = [f"- `{clean(c.id)}` {met_word(c.met)}: {escape(c.why)}" for c in criteria]
    return [f"## {title}", "", *lines, ""] if lines else []


def _evidence(findings: Sequence[Finding]) -> list[str]:
    out: list[str] = []
    for finding in findings:
        if finding.level is Level.OK or not finding.evidence:
            continue
        lines = [clean(line) for line in finding.evidence]
        longest = max((len(run) for line in lines for run in re.findall(r"`+", line)), default=0)
        fence = "`" * max(3, longest + 1)
        out += [f"### {escape(finding.title)}", "", f"{fence}text", *lines, fence, ""]
    return ["## Evidence", "", *out] if out else []
