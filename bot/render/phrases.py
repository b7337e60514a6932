"""What the messages have in common: the verdict line, a check's line, reasons, changes, curves."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from bot.render.budget import Part
from bot.render.mrkdwn import bold, clock, code, date, escape, people, user
from bot.render.words import DECISION_SYMBOLS
from bot.watch.model import LATE, Deployment, Note, NoteKind, Taken, WatchView
from checks.engine.model import Decision, Finding, Report, Verdict

# Okabe and Ito's colours: told apart by every kind of colour vision, on light and on dark.
DECISION_COLOURS: Mapping[Decision, str] = {
    Decision.GO: "#009E73",
    Decision.MONITOR: "#E69F00",
    Decision.NO_GO: "#D55E00",
}
NEUTRAL = "#56B4E9"
UNKNOWN_COLOUR = "#999999"

_TO_DO: Mapping[Decision, str] = {
    Decision.GO: "nothing to do",
    Decision.MONITOR: "keep watching",
    Decision.NO_GO: "roll back, or fix what is red",
}
_REASONS_IN_TEXT = 3
_PERSON = re.compile(r"\bby [UW][A-Z0-9]{2,20}\b")


def version(deployment: Deployment) -> str:
    """The version as a reader finds it in every line about it."""
    return code(deployment.version, 60)


def elapsed(since: datetime, now: datetime) -> str:
    """Whole minutes since the deploy, as `T+37`."""
    return f"T+{max(0, int((now - since).total_seconds() // 60))}"


def duration(span: timedelta) -> str:
    """A span in the largest whole unit that says it: `40 s`, `22 min`, `2 h`, `2 h 5 min`."""
    seconds = max(0, int(span.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    hours, minutes = divmod(seconds // 60, 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def colour_of(decision: Decision | None) -> str:
    """The bar's colour; a calm blue where nothing was judged."""
    return NEUTRAL if decision is None else DECISION_COLOURS[decision]


def verdict_line(
    decision: Decision | None, *about: str, report: Report | None = None, so_far: bool = False
) -> str:
    """The first line of a message: symbol, decision, what it is about, what to do.

    `about` is mrkdwn, escaped already, and short.
    """
    if decision is None:
        return " · ".join(["*No verdict yet*", *about])
    said = f"{DECISION_SYMBOLS[decision]} {decision}{' so far' if so_far else ''}"
    return " · ".join([bold(said), *about, to_do(decision, report)])


def to_do(decision: Decision, report: Report | None = None) -> str:
    """What the decision asks of the reader; a rollback criterion leaves no choice."""
    met = report is not None and any(criterion.met for criterion in report.rollback_criteria)
    return "roll back now" if met and decision is Decision.NO_GO else _TO_DO[decision]


def reasons(verdict: Verdict) -> list[str]:
    """Why, for the text that notifications show."""
    shown = [escape(line) for line in verdict.because[: said_in_text(verdict)]]
    more = len(verdict.because) - len(shown)
    return [*shown, f"… and {more} more"] if more else shown


def said_in_text(verdict: Verdict) -> int:
    """How many reasons the text says: three, but none that names a person by an id.

    In the text a mention would call that person; beside the colour it only shows the name.
    """
    for number, reason in enumerate(verdict.because[:_REASONS_IN_TEXT]):
        if number and _PERSON.search(reason):
            return number
    return min(_REASONS_IN_TEXT, len(verdict.because))


def verdict_parts(
    verdict: Verdict,
    known: Iterable[str] = (),
    *,
    skip: int = 0,
    listed: Sequence[Finding] = (),
) -> list[Part]:
    """Because (what is said nowhere else), missing, and what would change it.

    Args:
        verdict: the verdict.
        known: user ids that its sentences may name.
        skip: how many of its reasons the text above says.
        listed: findings that have a line of their own in the message, which says the reason too.
    """
    who = list(known)
    titles = tuple({f"{finding.title}: " for finding in listed})
    because = [line for line in verdict.because[skip:] if not line.startswith(titles)]
    found = (
        ("Because, also" if skip else "Because", because, 1, "reasons"),
        ("Missing", verdict.missing, 2, "missing things"),
        ("What would change it", verdict.would_change, 2, "conditions"),
    )
    return [
        Part(title=title, lines=bullets(lines, who), rank=rank, noun=noun, at_most=6)
        for title, lines, rank, noun in found
        if lines
    ]


def more_reasons(
    verdict: Verdict, known: Iterable[str] = (), *, listed: Sequence[Finding] = ()
) -> list[Part]:
    """The parts of a verdict whose first reasons already stand in the text above."""
    return verdict_parts(verdict, known, skip=said_in_text(verdict), listed=listed)


def bullets(lines: Iterable[str], known: Sequence[str] = ()) -> list[str]:
    """Sentences of the engine as bullets."""
    return [f"• {people(escape(line), known)}" for line in lines]


def number(value: float) -> str:
    """A count with its thousands apart; a fraction with two digits."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"


def known_people(view: WatchView) -> list[str]:
    """The user ids that sentences of the engine may name."""
    return list(dict.fromkeys([view.deployment.started_by, *(note.by for note in view.notes)]))


def note_line(note: Note) -> str:
    """Who decided what, since when and until when."""
    who = user(note.by)
    reason = f": {escape(note.reason, 200)}" if note.reason else ""
    check = code(note.check) if note.check else "everything"
    until = f"until {date(note.until)}" if note.until else "until the watch ends"
    match note.kind:
        case NoteKind.ACK:
            return f"{who} acknowledged the alarm at {clock(note.at)}{reason}"
        case NoteKind.ACCEPT:
            return f"{who} accepted {check} {until}{reason}"
        case NoteKind.ROLLBACK:
            return f"Rollback {escape(note.reason, 200)} at {clock(note.at)}"
        case NoteKind.SILENCE:
            return f"{who} silenced {check} {until}{reason}"


def rollback_lines(view: WatchView) -> list[str]:
    """Where a rollback stands, for every message of a watch; [] where none was declared."""
    if not view.rollback:
        return []
    named = [found.removeprefix("by ") for found in _PERSON.findall(view.rollback)]
    return [f"*Rollback:* {people(escape(view.rollback, 400), named)}"]


def late_words(taken: Taken) -> str:
    """How late a point was taken; "" where it was in time."""
    return f"{duration(taken.late)} late" if taken.late >= LATE else ""


def window_fine(report: Report) -> str:
    """The span that a report is about, for the fine print."""
    if report.window is None:
        return "the log carries no times"
    return f"{date(report.window.since)} to {clock(report.window.until)}"
