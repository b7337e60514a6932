"""What the messages have in common: the verdict line, a check's line, reasons, changes, curves."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from bot.render.budget import Part
from bot.render.mrkdwn import bold, clock, code, date, escape, people, user
from bot.render.words import DECISION_SYMBOLS, SYMBOLS, limits
from bot.watch.model import Deployment, Note, NoteKind, Taken, WatchView
from checks.engine.decision import is_accepted
from checks.engine.model import Decision, Finding, Level, Report, Verdict, minute_of

# Okabe and Ito's colours: told apart by every kind of colour vision, on light and on dark.
DECISION_COLOURS: Mapping[Decision, str] = {
    Decision.GO: "#009E73",
    Decision.MONITOR: "#E69F00",
    Decision.NO_GO: "#D55E00",
}
NEUTRAL = "#56B4E9"
UNKNOWN_COLOUR = "#999999"

TO_DO: Mapping[Decision, str] = {
    Decision.GO: "nothing to do",
    Decision.MONITOR: "keep watching",
    Decision.NO_GO: "roll back, or fix what is red",
}
WORST = {Level.CRITICAL: 0, Level.WARNING: 1, Level.UNKNOWN: 2, Level.OK: 3}
COUNTED: Mapping[str, tuple[str, ...]] = {
    "http_5xx": ("http_5xx",),
    "auth_errors": ("http_401", "http_403"),
    "unknown_instances": ("unknown_instance",),
    "secret_leaks": ("secret_leak",),
    "message_errors": ("send_given_up", "inbound_failed"),
    "retries": ("retry",),
    "inbound_flow": ("inbound_created",),
    "rate_limits": ("http_429",),
}
"""The signals whose minutes are a check's curve; other checks have none."""
_BARS = "▁▂▃▄▅▆▇█"
_MOST_BARS = 30
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


def verdict_line(decision: Decision | None, *about: str, so_far: bool = False) -> str:
    """The first line of a message: symbol, decision, what it is about, what to do.

    `about` is mrkdwn, escaped already, and short.
    """
    if decision is None:
        return " · ".join(["*No verdict yet*", *about])
    said = f"{DECISION_SYMBOLS[decision]} {decision}{' so far' if so_far else ''}"
    return " · ".join([bold(said), *about, TO_DO[decision]])


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


def verdict_parts(verdict: Verdict, known: Iterable[str] = (), *, skip: int = 0) -> list[Part]:
    """Because (what the text above does not say), missing, and what would change it."""
    who = list(known)
    found = (
        ("Because, also" if skip else "Because", verdict.because[skip:], 1, "reasons"),
        ("Missing", verdict.missing, 2, "missing things"),
        ("What would change it", verdict.would_change, 2, "conditions"),
    )
    return [
        Part(title=title, lines=bullets(lines, who), rank=rank, noun=noun, at_most=6)
        for title, lines, rank, noun in found
        if lines
    ]


def more_reasons(verdict: Verdict, known: Iterable[str] = ()) -> list[Part]:
    """The parts of a verdict whose first reasons already stand in the text above."""
    return verdict_parts(verdict, known, skip=said_in_text(verdict))


def bullets(lines: Iterable[str], known: Sequence[str] = ()) -> list[str]:
    """Sentences of the engine as bullets."""
    return [f"• {people(escape(line), known)}" for line in lines]


def check_line(
    finding: Finding, *, before: Finding | None = None, report: Report | None = None
) -> str:
    """One check: level, title, what was measured against its bounds, its change, its curve."""
    said = f"{level_of(finding)} {bold(escape(finding.title, 80))}: {escape(finding.summary)}"
    bounds = escape(limits(finding), 80)
    tail = [
        f"({bounds})" if bounds and not is_accepted(finding) else "",
        change(finding, before),
        curve(finding.check, report) if report is not None else "",
    ]
    return "  ".join([said, *(part for part in tail if part)])


def short_line(finding: Finding, before: Finding | None = None) -> str:
    """One check in a few words: level, title, value, change."""
    said = f"{level_of(finding)} {escape(finding.title, 80)}{_value(finding)}"
    return "  ".join(part for part in (said, change(finding, before)) if part)


def level_of(finding: Finding) -> str:
    """The level by symbol and word, with who accepted it."""
    said = f"{SYMBOLS[finding.level]} {finding.level}"
    return f"{said}, accepted" if is_accepted(finding) else said


def folded(findings: Sequence[Finding]) -> list[str]:
    """Findings in short: a line for each that is not OK, one line for all that are."""
    worse = [check_line(f) for f in worst_first(findings) if f.level is not Level.OK]
    good = [f for f in findings if f.level is Level.OK]
    if not good:
        return worse
    names = ", ".join(f"{escape(f.title, 60)}{_value(f)}" for f in good[:20])
    more = f", and {len(good) - 20} more" if len(good) > 20 else ""
    return [*worse, f"{SYMBOLS[Level.OK]} OK: {names}{more}"]


def worst_first(findings: Sequence[Finding]) -> list[Finding]:
    """The worst level first; among equals the runbook's order."""
    return sorted(findings, key=lambda finding: WORST[finding.level])


def _value(finding: Finding) -> str:
    if finding.value is None:
        return ""
    if "share" in finding.unit:
        return f" {finding.value * 100:.1f} %"
    return f" {number(finding.value)}"


def number(value: float) -> str:
    """A count with its thousands apart; a fraction with two digits."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2f}"


def change(finding: Finding, before: Finding | None) -> str:
    """The change since the previous checkpoint: `↑ 4`, `↓ 2`, `=`; "" where nobody can say."""
    if before is None or before.value is None or finding.value is None:
        return ""
    moved = finding.value - before.value
    if not moved:
        return "="
    share = "share" in finding.unit
    size = f"{abs(moved) * 100:.1f} points" if share else number(abs(moved))
    return f"{'↑' if moved > 0 else '↓'} {size}"


def before_of(report: Report | None) -> dict[str, Finding]:
    """Findings of an earlier report by check."""
    return {} if report is None else {finding.check: finding for finding in report.findings}


def curve(check: str, report: Report) -> str:
    """A bar a minute of the window (of several where it is long); "" without times or events."""
    log, window = report.evidence.log, report.evidence.window
    signals = [log.signals[s] for s in COUNTED.get(check, ()) if s in log.signals]
    if not log.timed or not any(signal.minutes for signal in signals):
        return ""
    first, last = minute_of(window.since), minute_of(window.until - timedelta(seconds=1))
    width = max(1, -(-(last - first + 1) // _MOST_BARS))
    sums = [0] * max(1, (last - first) // width + 1)
    for signal in signals:
        for minute, count in signal.minutes.items():
            if first <= minute <= last:
                sums[(minute - first) // width] += count
    return _bars(sums) if any(sums) else ""


def _bars(sums: Sequence[int]) -> str:
    # Nothing is the lowest bar, and only nothing: one event is already seen.
    top = max(sums)
    steps = len(_BARS) - 1
    return "".join(_BARS[-(-n * steps // top)] if n > 0 else _BARS[0] for n in sums)


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
        case NoteKind.SILENCE:
            return f"{who} silenced {check} {until}{reason}"


def late_words(taken: Taken) -> str:
    """How late a point was taken; "" where it was in time."""
    return f"{duration(taken.late)} late" if taken.late >= timedelta(minutes=1) else ""


def window_fine(report: Report) -> str:
    """The span that a report is about, for the fine print."""
    if report.window is None:
        return "the log carries no times"
    return f"{date(report.window.since)} to {clock(report.window.until)}"
