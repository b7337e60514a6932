"""The one message of a watch that is edited in place, and what `/golive status` says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from bot.render.budget import Draft, Part, button_row, to_message
from bot.render.findings import before_of, check_line, short_line, worst_first
from bot.render.message import Button, Message
from bot.render.mrkdwn import clock, date, escape, user
from bot.render.phrases import (
    UNKNOWN_COLOUR,
    colour_of,
    duration,
    elapsed,
    known_people,
    more_reasons,
    note_line,
    reasons,
    rollback_lines,
    verdict_line,
    version,
    window_fine,
)
from bot.render.timeline import next_words, timeline
from bot.watch.model import WatchView
from checks.engine.model import Level, Report

_FILE = ("golive-status.txt", "The whole status")


def watch_status(view: WatchView, *, buttons: Sequence[Button] = ()) -> Message:
    """A watch at a glance: verdict, what to do, the hour so far, each check, who decided what."""
    report = view.report
    decision = report.verdict.decision if report is not None else None
    who = known_people(view)
    draft = Draft(
        verdict=_first_line(view),
        reasons=reasons(report.verdict) if report is not None else [_not_yet(view)],
        parts=[
            Part(title="golive itself", lines=_problems(view.problems), rank=0, at_most=5),
            *_reasons(report, who),
            Part(lines=_unjudged(view), rank=0),
            Part(lines=_standing(view), rank=1, noun="decisions", at_most=12),
            Part(title="The hour", lines=timeline(view), rank=2, noun="points"),
            button_row(buttons),
            Part(title="Checks", lines=_checks(view), rank=3, noun="checks", at_most=20),
        ],
        fine=_fine(view),
        colour=colour_of(decision),
        file=_FILE,
    )
    return to_message(draft)


def live_status(
    report: Report, *, age: timedelta, problems: Sequence[str] = (), hint: str = ""
) -> Message:
    """All checks over the last hour, outside a watch.

    Args:
        report: the measurement.
        age: how old it is.
        problems: what golive itself cannot do (its store is down), as sentences.
        hint: what the reader may do next, as a sentence of ours.
    """
    verdict = report.verdict
    rows = [check_line(f, report=report) for f in worst_first(report.findings)]
    unknown = report.findings and all(f.level is Level.UNKNOWN for f in report.findings)
    measured = (
        "measured just now" if age < timedelta(seconds=5) else f"measured {duration(age)} ago"
    )
    draft = Draft(
        verdict=verdict_line(verdict.decision, "the last hour, no watch", measured, report=report),
        reasons=reasons(verdict),
        parts=[
            Part(title="golive itself", lines=_problems(problems), rank=0, at_most=5),
            *more_reasons(verdict, listed=report.findings),
            Part(title="Checks", lines=rows, rank=3, noun="checks", at_most=20),
            Part(lines=[escape(hint)] if hint else [], rank=1),
        ],
        fine=f"Judged by the final thresholds · {window_fine(report)}",
        colour=UNKNOWN_COLOUR if unknown else colour_of(verdict.decision),
        file=_FILE,
    )
    return to_message(draft)


def _first_line(view: WatchView) -> str:
    deployment = view.deployment
    about = [version(deployment)]
    if deployment.closed_at is not None:
        about.append("watch closed")
    else:
        about.append(elapsed(deployment.deployed_at, view.now))
    decision = view.report.verdict.decision if view.report is not None else None
    final = any(taken.point.run == "final" for taken in view.taken)
    return verdict_line(decision, *about, report=view.report, so_far=not final)


def _reasons(report: Report | None, known: Sequence[str]) -> list[Part]:
    if report is None:
        return []
    return more_reasons(report.verdict, known, listed=report.findings)


def _not_yet(view: WatchView) -> str:
    return next_words(view) or "Nothing was measured yet."


def _problems(problems: Sequence[str]) -> list[str]:
    return [f"▲ {escape(problem)}" for problem in problems]


def _unjudged(view: WatchView) -> list[str]:
    """What was measured just now, and is judged at the next look."""
    if not view.unjudged:
        return []
    named = ", ".join(f"{escape(f.title, 80)} ({f.level})" for f in view.unjudged)
    return [f"*Measured just now, and not in the verdict yet:* {named}. golive looks again soon."]


def _standing(view: WatchView) -> list[str]:
    """Where a rollback stands, and what people decided."""
    holding = [note_line(note) for note in view.notes if note.holds(view.now)]
    return [*rollback_lines(view), *holding]


def _checks(view: WatchView) -> list[str]:
    """A line a check, the worst first; what is OK in short, what is switched off by name."""
    report = view.report
    if report is None:
        return []
    before = before_of(view.previous)
    rows = [
        check_line(finding, before=before.get(finding.check), report=report)
        if finding.level is not Level.OK
        else short_line(finding, before.get(finding.check))
        for finding in worst_first(report.findings)
    ]
    return [*rows, *(f"– {escape(check, 60)}: switched off" for check in report.switched_off)]


def _fine(view: WatchView) -> str:
    deployment = view.deployment
    said = [
        f"Deployed {date(deployment.deployed_at)}, watch started by {user(deployment.started_by)}"
    ]
    if deployment.closed_at is not None:
        said.append(
            f"closed {date(deployment.closed_at)} by {user(deployment.closed_by or 'golive')}"
        )
    elif next_words(view):
        said.append(next_words(view))
    if view.report is not None:
        said.append(f"{'live ' if view.live else ''}measured at {clock(view.report.taken_at)}")
    return " · ".join(said)
