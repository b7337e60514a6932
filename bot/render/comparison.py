"""What is clearly more than at the same checkpoint of the deployment before."""

from __future__ import annotations

from collections.abc import Sequence

from bot.render.budget import Part
from bot.render.mrkdwn import bold, escape
from checks.engine.model import Finding

_SHOWN_BELOW = 0.05
"""Probability of so many by chance, from which on a difference is not worth a line."""


def comparison_part(findings: Sequence[Finding]) -> Part:
    """A line for each check that rose; what did not differ clearly is not mentioned."""
    lines = [line for finding in findings if (line := _line(finding))]
    return Part(title="Compared with last time", lines=lines, noun="checks", rank=4, at_most=8)


def _line(finding: Finding) -> str:
    history = finding.details.get("history")
    if not isinstance(history, dict):
        return ""
    p, words = history.get("p"), history.get("words")
    if not isinstance(p, int | float) or not isinstance(words, str) or p >= _SHOWN_BELOW:
        return ""
    return f"• {bold(escape(finding.title, 80))}: {escape(words)}"
