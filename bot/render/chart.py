"""The picture of the hour, and what it says in words for whoever cannot see it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.render import limits
from bot.render.blocks import cut
from bot.render.drawing import draw
from bot.render.message import Picture
from bot.render.series import Hour, RuleOf, Series, hour_of
from bot.watch.model import Taken
from checks.engine.model import Report

NAME = "golive-hour.png"


def picture_of_hour(
    report: Report, deployed_at: datetime, taken: Sequence[Taken], rule_of: RuleOf
) -> Picture:
    """The hour as small multiples: running totals with their bounds, events a minute, checkpoints.

    Args:
        report: the measurement; its window is what is drawn.
        deployed_at: T+0.
        taken: the points to draw in.
        rule_of: a check's id to its rule, `lambda check: runbook.rule(check, "final")`.
    """
    hour = hour_of(report, deployed_at, taken, rule_of)
    return Picture(name=NAME, alt=alt_text(hour), png=draw(hour))


def alt_text(hour: Hour) -> str:
    """Totals, peaks, bounds that were crossed, and what could not be drawn."""
    last = hour.first + hour.minutes
    said = [f"Log events from T{hour.first:+d} to T{last:+d}, in minutes after the deploy."]
    said += [_words(series, hour.first) for series in hour.series]
    if hour.marks:
        marks = ", ".join(f"{mark.name} {mark.symbol}" for mark in hour.marks)
        said.append(f"Checkpoints: {marks}.")
    return cut(" ".join(said), limits.FILE_ALT_TEXT)


def _words(series: Series, first: int) -> str:
    if series.counts is None:
        return f"{series.name}: not known, {series.missing}."
    if not series.total:
        return f"{series.name}: none."
    peak = max(series.counts)
    at = first + series.counts.index(peak)
    said = f"{series.name}: {series.total:,} in all, peak {peak:,} a minute at T{at:+d}"
    for bound, word in ((series.critical, "critical"), (series.warning, "warning")):
        if bound is not None and series.total >= bound:
            crossed = next(n for n, total in enumerate(series.running) if total >= bound)
            return f"{said}, {word} ({bound:g}) reached at T{first + crossed:+d}."
    return f"{said}."
