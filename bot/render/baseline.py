"""The first two posts of a watch: that it runs, and the quick health check at T+5."""

from __future__ import annotations

from collections.abc import Sequence

from bot.render.budget import Draft, Part, button_row, to_message
from bot.render.checkpoint import evidence_part
from bot.render.message import Button, Message
from bot.render.mrkdwn import bold, clock, date, escape, user
from bot.render.phrases import (
    DECISION_COLOURS,
    NEUTRAL,
    UNKNOWN_COLOUR,
    elapsed,
    late_words,
    version,
)
from bot.render.timeline import next_words, point_name
from bot.render.words import SYMBOLS
from bot.watch.model import Taken, WatchView
from checks.engine.model import Decision, Finding, Level, Problem

LEVEL_COLOURS = {
    Level.OK: DECISION_COLOURS[Decision.GO],
    Level.WARNING: DECISION_COLOURS[Decision.MONITOR],
    Level.CRITICAL: DECISION_COLOURS[Decision.NO_GO],
    Level.UNKNOWN: UNKNOWN_COLOUR,
}
_HEALTH_WORDS = {
    Level.OK: ("Healthy", "nothing to do"),
    Level.WARNING: ("Health check", "look at it"),
    Level.CRITICAL: ("Not healthy", "look at it now: start the service, or roll back"),
    Level.UNKNOWN: ("Health not known", "provide what is missing"),
}


def baseline_message(
    view: WatchView,
    *,
    recorded: Sequence[str] = (),
    cannot: Sequence[Problem] = (),
    uncalled: str | None = None,
    buttons: Sequence[Button] = (),
) -> Message:
    """The watch has begun: what was recorded at T+0, what comes when, what cannot be looked at.

    Args:
        view: the watch.
        recorded: what was counted at the start, as sentences.
        cannot: what cannot be looked at now; by default what the report says is UNKNOWN.
        uncalled: why nobody can be called on escalation, as a sentence.
        buttons: what can be done.
    """
    blind = list(cannot) or _unknowns(view)
    ready = ["▲ some checks cannot look yet" if blind else "everything can be looked at"]
    if uncalled is not None:
        ready.append("▲ nobody is called on escalation")
    deployment = view.deployment
    at = elapsed(deployment.deployed_at, view.now)
    draft = Draft(
        verdict=" · ".join([bold("Watch started"), version(deployment), at, *ready]),
        reasons=[next_words(view)] if view.upcoming else [],
        parts=[
            Part(lines=_uncalled(uncalled), rank=0),
            Part(
                title="Cannot look at", lines=[_problem(p) for p in blind], noun="problems", rank=1
            ),
            Part(title="What comes", lines=_schedule(view), rank=2, noun="points", at_most=12),
            Part(
                title="Recorded now", lines=_recorded(recorded), rank=3, noun="things", at_most=12
            ),
            button_row(buttons),
        ],
        fine=f"Deployed {date(deployment.deployed_at)}, started by {user(deployment.started_by)}",
        colour=UNKNOWN_COLOUR if blind else NEUTRAL,
        file=("golive-start.txt", "What golive recorded at the start"),
    )
    return to_message(draft)


def health_message(view: WatchView, taken: Taken, *, buttons: Sequence[Button] = ()) -> Message:
    """Whether the application answers its health check, five minutes after the deploy."""
    report = taken.report or view.report
    found = _health(report.findings if report is not None else ())
    level = found.level if found is not None else taken.levels.get("health", Level.UNKNOWN)
    word, to_do = _HEALTH_WORDS[level]
    about = [version(view.deployment), escape(taken.point.key, 12)]
    late = [late_words(taken)] if late_words(taken) else []
    draft = Draft(
        verdict=" · ".join([bold(f"{SYMBOLS[level]} {word}"), *about, *late, to_do]),
        reasons=[escape(found.summary)] if found is not None else [],
        parts=[
            Part(lines=[_level_line(level, found)], rank=0),
            button_row(buttons),
            evidence_part([found] if found is not None else []),
        ],
        fine=next_words(view),
        colour=LEVEL_COLOURS[level],
    )
    return to_message(draft)


def _health(findings: Sequence[Finding]) -> Finding | None:
    return next((finding for finding in findings if finding.check == "health"), None)


def _level_line(level: Level, found: Finding | None) -> str:
    said = f"{SYMBOLS[level]} {level} *Health check*"
    if found is None or not found.would_change:
        return said
    return f"{said}: {escape(found.would_change)}"


def _unknowns(view: WatchView) -> list[Problem]:
    """The reasons of the report's UNKNOWN findings, each once."""
    if view.report is None:
        return []
    found = [
        f.unknown or Problem(what=f.summary, mend="")
        for f in view.report.findings
        if f.level is Level.UNKNOWN
    ]
    return list(dict.fromkeys(found))


def _problem(problem: Problem) -> str:
    return f"{SYMBOLS[Level.UNKNOWN]} {escape(problem.what)} {escape(problem.mend)}".rstrip()


def _uncalled(why: str | None) -> list[str]:
    return [] if why is None else [f"▲ Nobody is called on escalation. {escape(why)}"]


def _schedule(view: WatchView) -> list[str]:
    return [
        f"· {escape(point.key, 12)} {clock(point.due_at)} {point_name(point)}"
        for point in view.upcoming
    ]


def _recorded(sentences: Sequence[str]) -> list[str]:
    return [f"• {escape(sentence)}" for sentence in sentences]
