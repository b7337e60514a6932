"""Calling the lead: the mention of a NO-GO, the full escalation, its reminder and its end."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from bot.render import blocks
from bot.render.budget import TEXT_LIMIT, Draft, Form, Part, Row, button_row, to_message
from bot.render.checkpoint import evidence_part
from bot.render.criteria import criterion_name
from bot.render.findings import check_line
from bot.render.message import Button, Message, Picture
from bot.render.mrkdwn import bold, clock, escape, link, mention, shown, size, user
from bot.render.phrases import (
    DECISION_COLOURS,
    NEUTRAL,
    colour_of,
    duration,
    elapsed,
    known_people,
    number,
    reasons,
    rollback_lines,
    to_do,
    verdict_line,
    verdict_parts,
    version,
)
from bot.render.timeline import next_words
from bot.render.words import DECISION_SYMBOLS
from bot.watch.model import Affected, Alarm, Deployment, Note, WatchView
from checks.engine.model import Decision, Finding, Level
from checks.engine.wording import plural

_RED = DECISION_COLOURS[Decision.NO_GO]
_LINES = 50
_IN_TEXT = 2
_NAMES = 4
_WHY = 2
_NOBODY = "Nobody is called: GOLIVE_LEAD is not set."


def escalation(
    view: WatchView,
    alarm: Alarm,
    *,
    lead: str | None,
    affected: Affected,
    links: Mapping[str, str],
    lines: Sequence[str],
    picture: Picture | None,
    buttons: Sequence[Button] = (),
    secrets: Sequence[str] = (),
) -> Message:
    """The lead is called, with all that the runbook asks for.

    lead:    a mention, or the id of a user or a user group; None where nobody is set
    links:   label → address of the logs, the metrics, the database, the rollback guide
    lines:   the newest lines of the log, oldest first; the last 50 are shown
    secrets: live secrets, masked as literals in `lines`
    """
    draft = Draft(
        verdict=_line(view, alarm, lead),
        reasons=_reasons(view, lead),
        parts=[
            Part(lines=_facts(view, alarm, affected), rank=0, noun="facts"),
            button_row(buttons),
            Part(title="What is red", lines=_red(view), rank=1, noun="checks", at_most=8),
            _where(links),
            Row(blocks=[blocks.image(0, picture.alt)] if picture is not None else []),
            _log(lines, secrets),
            *_verdict(view, listed=_criticals(view)),
        ],
        fine=_next(alarm),
        colour=_RED,
        pictures=(picture,) if picture is not None else (),
        file=("golive-escalation.txt", "The last lines of the log, and all that is red"),
    )
    return to_message(draft)


def calling(message: Message, lead: str | None) -> Message:
    """The same message, with the lead called in its first line: a new NO-GO calls once."""
    first, newline, rest = message.text.partition("\n")
    called = mention(lead) or _NOBODY
    return replace(message, text=f"{first} {called}{newline}{rest}")


def no_go(
    view: WatchView, causes: Sequence[str], *, lead: str | None, buttons: Sequence[Button] = ()
) -> Message:
    """A NO-GO that a look between two points found.

    causes: ids of the checks behind it
    lead:   whom the first line calls; "" where the same cause called a moment ago
    """
    report = view.report
    found = [] if report is None else [f for f in report.findings if f.check in causes]
    about = (version(view.deployment), elapsed(view.deployment.deployed_at, view.now))
    said = verdict_line(Decision.NO_GO, *about, "between checkpoints", report=report)
    draft = Draft(
        verdict=said,
        reasons=[] if report is None else reasons(report.verdict),
        parts=[
            Part(lines=rollback_lines(view), rank=0),
            Part(
                title="What is bad now",
                lines=[check_line(finding, report=report) for finding in found],
                rank=1,
                noun="checks",
                at_most=8,
            ),
            button_row(buttons),
            evidence_part(found),
        ],
        fine=next_words(view),
        colour=_RED,
        file=("golive-no-go.txt", "All that is bad"),
    )
    message = to_message(draft)
    return message if lead == "" else calling(message, lead)


def recovered(view: WatchView, was: Sequence[str], *, better_for: timedelta) -> Message:
    """A NO-GO is over, told once.

    was: what it was because of, in a few words each
    """
    report = view.report
    verdict = None if report is None else report.verdict
    decision = None if verdict is None else verdict.decision
    about = (version(view.deployment), elapsed(view.deployment.deployed_at, view.now))
    over = f"The NO-GO is over: better for {duration(better_for)}."
    draft = Draft(
        verdict=verdict_line(decision, *about, report=report, so_far=not _reviewed(view)),
        reasons=[over, *(f"It was because of {escape(one)}." for one in was[:_IN_TEXT])],
        parts=[] if verdict is None else verdict_parts(verdict, known_people(view)),
        fine=next_words(view),
        colour=colour_of(decision),
        file=("golive-over.txt", "How it stands"),
    )
    return to_message(draft)


def edited_call(
    message: Message, gone: Collection[str], *, answered: Note | None = None, over: str = ""
) -> Message:
    """A call, or another post that said NO-GO, after somebody answered it, or when it is over.

    Its words stay; who answered and when, and since when it is over, stands below its first line.

    gone: the actions of the buttons that it loses
    over: how it ended, a sentence of ours; "" where it is not over
    """
    first, _, rest = message.text.partition("\n")
    lines = [
        f"{bold('Over')} · was {first}" if over else first,
        *([escape(over)] if over else []),
        *([f"{user(answered.by)} is on it since {clock(answered.at)}."] if answered else []),
        *rest.splitlines(),
    ]
    while len(lines) > 1 and size("\n".join(lines)) > TEXT_LIMIT:
        lines.pop()
    return replace(
        message,
        text="\n".join(lines),
        blocks=blocks.without_buttons(message.blocks, gone),
        coloured=blocks.without_buttons(message.coloured, gone),
        colour=NEUTRAL if over and message.colour is not None else message.colour,
        files=(),
    )


def reminder(
    view: WatchView,
    alarm: Alarm,
    *,
    lead: str | None,
    waited: timedelta,
    buttons: Sequence[Button] = (),
) -> Message:
    """The second and last call, because nobody acknowledged the first."""
    draft = Draft(
        verdict=_line(view, alarm, lead, f"not acknowledged for {duration(waited)}"),
        reasons=_reasons(view, lead),
        parts=[Part(lines=rollback_lines(view), rank=0), button_row(buttons)],
        fine="`/golive ack` says that you are on it. golive does not call again.",
        colour=_RED,
    )
    return to_message(draft)


def acknowledged(view: WatchView, alarm: Alarm, note: Note) -> Message:
    """Somebody is on it: the calling stops, the watch goes on."""
    about = [version(view.deployment), escape(alarm.title, 120)]
    reason = [escape(note.reason)] if note.reason else []
    said = f"{bold('Acknowledged')} · {' · '.join(about)} · {user(note.by)} is on it"
    return to_message(
        Draft(verdict=said, reasons=[*reason, f"At {clock(note.at)}. The watch goes on."])
    )


def shared_channel(deployment: Deployment, lead: str | None) -> Message:
    """People from outside read along now: where the lead finds what they do not see."""
    said = (
        f"{bold('Shared channel')} · {version(deployment)} · people from outside can read here, so"
        " golive posts only its verdicts. Members find the rest in golive's App Home and by"
        " `/golive report`."
    )
    return to_message(Draft(verdict=f"{said} {mention(lead)}".rstrip()))


def undecided(
    view: WatchView, *, lead: str | None, waited: timedelta, buttons: Sequence[Button] = ()
) -> Message:
    """Still MONITOR after the follow-up's first stretch: the lead accepts it, or closes."""
    about = f"{version(view.deployment)} · still open after {duration(waited)}"
    said = f"{bold(f'{DECISION_SYMBOLS[Decision.MONITOR]} MONITOR')} · {about} · accept or close"
    called = mention(lead)
    draft = Draft(
        verdict=f"{said} {called}".rstrip(),
        reasons=_reasons(view, lead),
        parts=[
            Part(lines=rollback_lines(view), rank=0),
            *_verdict(view),
            button_row(buttons),
        ],
        fine="`/golive accept CHECK REASON` accepts, `/golive close` ends the watch.",
        colour=DECISION_COLOURS[Decision.MONITOR],
        file=("golive-open.txt", "All that is open"),
    )
    return to_message(draft)


def affected_words(affected: Affected) -> str:
    """Whom it touches, in numbers that are not zero; what cannot be counted is said, and why."""
    if affected.everybody:
        return f"everybody: {escape(affected.everybody)}"
    counted = [
        words
        for words in (
            _units(affected),
            _some(affected.contacts, "contact"),
            _some(affected.clients, "client"),
        )
        if words
    ]
    why = "; ".join(escape(clause, 200) for clause in affected.not_counted[:_WHY])
    if not counted:
        return f"cannot be counted: {why or 'nothing tells whom it touches'}"
    return ", ".join(counted) + (f"; beyond that it cannot be counted: {why}" if why else "")


def _units(affected: Affected) -> str:
    if not affected.units:
        return ""
    total = affected.of_units
    known = total is not None and total >= affected.units
    many = f"{number(affected.units)} of {number(total or 0)}" if known else number(affected.units)
    named = ", ".join(escape(name, 40) for name in affected.names[:_NAMES])
    more = ", …" if affected.units > _NAMES and named else ""
    one = affected.units == 1 and not known
    return f"{many} unit{'' if one else 's'}" + (f" ({named}{more})" if named else "")


def _some(many: int, noun: str) -> str:
    return f"{number(many)} {noun}{'' if many == 1 else 's'}" if many else ""


def _line(view: WatchView, alarm: Alarm, lead: str | None, *more: str) -> str:
    decision = Decision.NO_GO
    said = [
        bold(f"{DECISION_SYMBOLS[decision]} {decision}"),
        version(view.deployment),
        elapsed(view.deployment.deployed_at, view.now),
        escape(alarm.title, 150),
        *more,
        to_do(decision, view.report),
    ]
    called = mention(lead)
    return f"{' · '.join(said)} {called}".rstrip()


def _reasons(view: WatchView, lead: str | None) -> list[str]:
    because = view.report.verdict.because if view.report is not None else ()
    nobody = [] if lead else [_NOBODY]
    return [*(escape(reason) for reason in because[:_IN_TEXT]), *nobody]


def _reviewed(view: WatchView) -> bool:
    return any(taken.point.run == "final" for taken in view.taken)


def _where(links: Mapping[str, str]) -> Part:
    where = " · ".join(link(url, label) for label, url in list(links.items())[:8])
    return Part(lines=[where] if where else [], rank=1)


def _log(lines: Sequence[str], secrets: Sequence[str]) -> Part:
    """The newest lines, masked; of many the end is kept."""
    log = [shown(line, 400, secrets) for line in lines[-_LINES:]]
    return Part(
        title=f"The last {plural(len(log), 'line')} of the log",
        lines=log or ["No line could be read."],
        form=Form.LOG,
        rank=3,
        tail=True,
    )


def _facts(view: WatchView, alarm: Alarm, affected: Affected) -> list[str]:
    criteria = ", ".join(criterion_name(each) for each in alarm.criteria[:8])
    return [
        f"*Issue:* {escape(alarm.title, 150)}",
        *([f"*Rollback criterion met:* {criteria}"] if criteria else []),
        f"*Affected:* {affected_words(affected)}",
        f"*Rollback:* {escape(view.rollback) if view.rollback else 'not started'}",
    ]


def _red(view: WatchView) -> list[str]:
    return [check_line(finding, report=view.report) for finding in _criticals(view)]


def _criticals(view: WatchView) -> list[Finding]:
    found = view.report.findings if view.report is not None else ()
    return [finding for finding in found if finding.level is Level.CRITICAL]


def _verdict(view: WatchView, *, listed: Sequence[Finding] = ()) -> list[Part]:
    if view.report is None:
        return []
    return verdict_parts(view.report.verdict, known_people(view), skip=_IN_TEXT, listed=listed)


def _next(alarm: Alarm) -> str:
    if alarm.reminder:
        return "This is the second call; golive does not call again."
    return "`/golive ack` says that you are on it; otherwise golive calls once more."
