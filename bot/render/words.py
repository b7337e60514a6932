"""What every rendering has in common: symbols, clean text, short forms of times and bounds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from checks.engine.decision import bounds_of_value
from checks.engine.masking import harmless, mask
from checks.engine.model import Decision, Finding, Json, Level, Report, Window

SYMBOLS: Mapping[Level, str] = {
    Level.OK: "✔",
    Level.WARNING: "▲",
    Level.CRITICAL: "✖",
    Level.UNKNOWN: "?",
}
DECISION_SYMBOLS: Mapping[Decision, str] = {
    Decision.GO: "✔",
    Decision.MONITOR: "▲",
    Decision.NO_GO: "✖",
}
_MAX_TEXT = 4000


def clean(text: str) -> str:
    """Text as it may leave the process: secrets masked, control characters visible."""
    return harmless(mask(text), _MAX_TEXT)


def level_word(finding: Finding) -> str:
    """The level by symbol and word, with the name of who accepted it."""
    said = f"{SYMBOLS[finding.level]} {finding.level}"
    return f"{said} (accepted)" if finding.accepted_by else said


def moment_name(checkpoint: str) -> str:
    """A checkpoint as the runbook calls it."""
    return "Final review" if checkpoint == "final" else f"Checkpoint {checkpoint}"


def window_words(report: Report) -> str:
    """The span that the report is about, for a person."""
    if report.window is None:
        return "the log carries no times"
    return span(report.window)


def span(window: Window) -> str:
    """A window as `2026-11-23 21:00–22:00 UTC`."""
    same_day = window.since.date() == window.until.date()
    return f"{_at(window.since)}–{_at(window.until)[11 if same_day else 0 :]} UTC"


def _at(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%d %H:%M:%S" if instant.second else "%Y-%m-%d %H:%M")


def limits(finding: Finding) -> str:
    """The bounds of a finding's value in a few words; "" where they are not about that value."""
    return ", ".join(
        f"{_SHORT.get(level, level)} {_bound(bound)}"
        for level, bound in bounds_of_value(finding).items()
    )


def rule_text(finding: Finding) -> str:
    """A compound rule as a sentence; "" where `limits` says it all."""
    text = finding.details.get("threshold")
    return text if isinstance(text, str) else ""


_SHORT = {"warning": "warn", "critical": "crit"}
_COMPARE = {"above": ">", "at_most": "≤", "below": "<", "at_least": "≥"}


def _bound(bound: Json) -> str:
    if isinstance(bound, dict):
        return " ".join(
            f"{_COMPARE.get(op, op)} {value * 100:g} %"
            for op, value in bound.items()
            if isinstance(value, int | float)
        )
    return f"≥ {bound:g}" if isinstance(bound, int | float) else str(bound)


def met_word(met: bool | None) -> str:
    """Whether a criterion is met, as a word."""
    return {True: "met", False: "not met", None: "not verified"}[met]


def notes(report: Report) -> tuple[str, ...]:
    """What a reader should know about the log besides the findings; not yet cleaned."""
    log = report.evidence.log
    out = list(log.notes)
    if log.unpaired:
        out.append(
            f"{log.unpaired} responses were not counted: their ids have not exactly one request"
            " and one response, so they are forged or cut."
        )
        out.extend(log.unpaired_lines)
    return tuple(out)
