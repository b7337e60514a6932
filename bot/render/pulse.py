"""The pulse between two checkpoints, which posts only what got worse."""

from __future__ import annotations

from collections.abc import Sequence

from bot.render.budget import Draft, Part, button_row, to_message
from bot.render.checkpoint import evidence_part
from bot.render.findings import WORST, before_of, check_line, worst_first
from bot.render.message import Button, Message
from bot.render.mrkdwn import escape
from bot.render.phrases import (
    colour_of,
    late_words,
    reasons,
    rollback_lines,
    verdict_line,
    version,
    window_fine,
)
from bot.render.timeline import next_words
from bot.watch.model import Taken, WatchView
from checks.engine.model import Finding, Level, Report


def worse_findings(report: Report, previous: Report | None) -> list[Finding]:
    """The checks whose level is worse than it was, the worst first."""
    before = before_of(previous)
    levels = {check: finding.level for check, finding in before.items()}
    return [
        finding
        for finding in worst_first(report.findings)
        if WORST[finding.level] < WORST[levels.get(finding.check, Level.OK)]
    ]


def pulse_message(view: WatchView, taken: Taken, *, buttons: Sequence[Button] = ()) -> Message:
    """What got worse since the last checkpoint, and nothing else."""
    report = taken.report or view.report
    about = [version(view.deployment), escape(taken.point.key, 12)]
    if late_words(taken):
        about.append(late_words(taken))
    if report is None:
        return to_message(Draft(verdict=verdict_line(taken.decision, *about)))
    worse = worse_findings(report, view.previous)
    count = f"{len(worse)} got worse" if worse else "nothing got worse"
    before = before_of(view.previous)
    rows = [_line(finding, before.get(finding.check), report) for finding in worse]
    decision = taken.decision or report.verdict.decision
    draft = Draft(
        verdict=verdict_line(decision, *about, count, report=report, so_far=True),
        reasons=reasons(report.verdict),
        parts=[
            Part(lines=rollback_lines(view), rank=0),
            Part(title="Got worse", lines=rows, rank=1, noun="checks", at_most=20),
            button_row(buttons),
            evidence_part(worse),
        ],
        fine=" · ".join(said for said in (next_words(view), window_fine(report)) if said),
        colour=colour_of(decision),
        file=("golive-pulse.txt", f"All of {taken.point.key}"),
    )
    return to_message(draft)


def _line(finding: Finding, before: Finding | None, report: Report) -> str:
    line = check_line(finding, before=before, report=report)
    return f"{line}  was {before.level}" if before is not None else line
