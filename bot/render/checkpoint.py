"""What a point of the watch posts into the thread: its own checks first, the earlier ones short."""

from __future__ import annotations

from collections.abc import Sequence

from bot.render.budget import Draft, Form, Part, button_row, to_message
from bot.render.comparison import comparison_part
from bot.render.findings import before_of, check_line, folded, worst_first
from bot.render.message import Button, Message
from bot.render.mrkdwn import escape, shown
from bot.render.phrases import (
    UNKNOWN_COLOUR,
    colour_of,
    known_people,
    late_words,
    more_reasons,
    reasons,
    rollback_lines,
    verdict_line,
    version,
    window_fine,
)
from bot.render.timeline import next_words, point_name
from bot.render.words import notes
from bot.watch.model import Taken, WatchView
from checks import CHECKS
from checks.engine.model import Finding, Level, Report

_FIRST = {check.id: str(check.checkpoint) for check in CHECKS}
"""The checkpoint at which the runbook first lists a check."""


def checkpoint_message(
    view: WatchView,
    taken: Taken,
    *,
    buttons: Sequence[Button] = (),
    restarted: bool = False,
) -> Message:
    """A checkpoint or a follow-up: verdict, its own checks, what is not OK with its evidence.

    restarted: golive was started anew since the point was due.
    """
    report = taken.report or view.report
    if report is None:
        return to_message(Draft(verdict=_first_line(view, taken, restarted=restarted)))
    own, earlier = _split(report.findings, taken)
    before = before_of(view.previous)
    rows = [check_line(f, before=before.get(f.check), report=report) for f in worst_first(own)]
    draft = Draft(
        verdict=_first_line(view, taken, restarted=restarted),
        reasons=reasons(report.verdict),
        parts=[
            Part(lines=rollback_lines(view), rank=0),
            *more_reasons(report.verdict, known_people(view), listed=report.findings),
            Part(title=_own_title(taken), lines=rows, rank=2, noun="checks", at_most=20),
            comparison_part(report.findings),
            button_row(buttons),
            evidence_part(report.findings),
            Part(title="Earlier checks", lines=folded(earlier), rank=3, noun="checks", at_most=20),
            Part(title="About the log", lines=_log_notes(report), rank=6, noun="notes", at_most=3),
        ],
        fine=" · ".join(said for said in (next_words(view), window_fine(report)) if said),
        colour=_colour(report, taken),
        file=("golive-checkpoint.txt", f"All of {taken.point.key}"),
    )
    return to_message(draft)


def evidence_part(findings: Sequence[Finding], secrets: Sequence[str] = ()) -> Part:
    """The log lines behind what is not OK, the worst first; for the file where they are many."""
    lines: list[str] = []
    for finding in worst_first(findings):
        if finding.level is Level.OK or not finding.evidence:
            continue
        lines.append(f"{shown(finding.title, 80)}:")
        lines.extend(f"  {shown(line, 400, secrets)}" for line in finding.evidence)
    return Part(title="Evidence", lines=lines, form=Form.LOG, rank=5, noun="lines", at_most=18)


def _split(findings: Sequence[Finding], taken: Taken) -> tuple[list[Finding], list[Finding]]:
    """A checkpoint's own checks and the earlier ones; a follow-up owns what is not OK."""
    at = taken.point.checkpoint if taken.point.run == "checkpoint" else None
    mine = [
        _FIRST.get(f.check, at) == at if at is not None else f.level is not Level.OK
        for f in findings
    ]
    own = [f for f, is_own in zip(findings, mine, strict=True) if is_own]
    return own, [f for f, is_own in zip(findings, mine, strict=True) if not is_own]


def _own_title(taken: Taken) -> str:
    if taken.point.run == "checkpoint":
        return f"Checks of {point_name(taken.point)}"
    return "Not OK"


def _first_line(view: WatchView, taken: Taken, *, restarted: bool) -> str:
    about = [version(view.deployment), f"{point_name(taken.point)} ({escape(taken.point.key, 12)})"]
    if late_words(taken):
        about.append(late_words(taken))
    if restarted:
        about.append("taken after a restart")
    report = taken.report or view.report
    decision = taken.decision or (report.verdict.decision if report is not None else None)
    so_far = taken.point.run == "checkpoint"
    return verdict_line(decision, *about, report=report, so_far=so_far)


def _colour(report: Report, taken: Taken) -> str:
    if report.findings and all(f.level is Level.UNKNOWN for f in report.findings):
        return UNKNOWN_COLOUR
    return colour_of(taken.decision or report.verdict.decision)


def _log_notes(report: Report) -> list[str]:
    return [f"• {escape(note)}" for note in notes(report)]
