"""The hour as a line: a mark a point, what is late, what comes next."""

from __future__ import annotations

from datetime import datetime

from bot.render.mrkdwn import clock, escape
from bot.render.phrases import duration, late_words
from bot.render.words import DECISION_SYMBOLS, SYMBOLS
from bot.watch.model import Point, Taken, WatchView
from checks.engine.model import Decision, Level

_TO_COME = "·"
_MOST = 14
_NAMES = {
    "baseline": "start",
    "health": "health check",
    "final": "final review",
    "pulse": "pulse",
    "follow-up": "follow-up",
    "manual": "asked for",
}


def timeline(view: WatchView) -> list[str]:
    """A line a point that was taken or a NO-GO between two, the last ones where there are many.

    Then what is to come.
    """
    found = [(taken.taken_at, _taken_line(taken)) for taken in view.taken]
    found += [(at, _between_line(at, why)) for at, why in view.between]
    hidden = max(0, len(found) - _MOST)
    lines = [f"_… {hidden} earlier_"] if hidden else []
    lines += [line for _, line in sorted(found, key=lambda each: each[0])[hidden:]]
    if view.upcoming:
        to_come = [f"{_TO_COME} {escape(p.key, 12)} {clock(p.due_at)}" for p in view.upcoming[:8]]
        lines.append("   ".join(to_come))
    return lines


def next_words(view: WatchView) -> str:
    """What comes next and when; "" where nothing does."""
    if not view.upcoming:
        return ""
    point = view.upcoming[0]
    late = view.now - point.due_at
    overdue = f", {duration(late)} overdue" if late.total_seconds() >= 60 else ""
    return f"Next: {point_name(point)} ({escape(point.key, 12)}) at {clock(point.due_at)}{overdue}"


def point_name(point: Point) -> str:
    """What happens at a point, in words."""
    if point.run == "checkpoint":
        return f"checkpoint {escape(point.checkpoint or '', 12)}".rstrip()
    return _NAMES.get(point.run) or escape(point.run, 24)


def mark(taken: Taken) -> str:
    """The outcome of a point as one symbol."""
    if taken.decision is None:
        worst = _worst(taken)
        return SYMBOLS[worst or Level.OK]
    if taken.levels and set(taken.levels.values()) == {Level.UNKNOWN}:
        return SYMBOLS[Level.UNKNOWN]
    return DECISION_SYMBOLS[taken.decision]


def _worst(taken: Taken) -> Level | None:
    order = (Level.CRITICAL, Level.WARNING, Level.UNKNOWN, Level.OK)
    return next((level for level in order if level in taken.levels.values()), None)


def _between_line(at: datetime, why: str) -> str:
    decision = Decision.NO_GO
    said = (f"{DECISION_SYMBOLS[decision]} {clock(at)}", "between checkpoints", str(decision))
    return " · ".join([*said, escape(why, 150)])


def _taken_line(taken: Taken) -> str:
    said = [f"{mark(taken)} {escape(taken.point.key, 12)} {clock(taken.taken_at)}"]
    said.append(point_name(taken.point))
    if taken.decision is not None:
        said.append(str(taken.decision))
    if late_words(taken):
        said.append(late_words(taken))
    return " · ".join(said)
