"""The final review at T+60: the hour's totals, the decision matrix, the criteria, what follows."""

from __future__ import annotations

from collections.abc import Sequence

from bot.render import blocks
from bot.render.budget import Draft, Part, Row, button_row, to_message
from bot.render.checkpoint import evidence_part
from bot.render.comparison import comparison_part
from bot.render.criteria import criteria_lines
from bot.render.findings import check_line, worst_first
from bot.render.message import Button, Message, Picture
from bot.render.mrkdwn import bold, code, escape
from bot.render.phrases import (
    colour_of,
    duration,
    known_people,
    late_words,
    more_reasons,
    number,
    reasons,
    rollback_lines,
    verdict_line,
    version,
    window_fine,
)
from bot.render.timeline import next_words
from bot.render.words import SYMBOLS, limits, rule_text
from bot.watch.model import Taken, WatchView
from checks.engine.model import Decision, Finding, Json, Report
from checks.engine.runbook import Phase, Runbook

_TOTALS = (
    ("5xx errors", "http_5xx"),
    ("401/403", "auth_errors"),
    ("Unknown instances", "unknown_instances"),
    ("Message retries", "retries"),
    ("429 rate limits", "rate_limits"),
)
_PROCESSED = ("inbound_created", "send_ok")
_NEXT_STEPS = {
    Decision.GO: (
        "Put the metrics on the standard dashboards.",
        "Write down what went wrong and how it was mended: `/golive report`.",
    ),
    Decision.MONITOR: (
        "Mend what is a warning, provide what is missing, or accept it:"
        " `/golive accept CHECK REASON`.",
    ),
    Decision.NO_GO: (
        "Roll back now, `/golive rollback`, unless a fix is certain.",
        "Leave the database as it is: new columns are nullable and do not break the old code.",
        "Then write down what failed, why, and how to prevent it: `/golive report`.",
    ),
}


def final_review(
    view: WatchView,
    taken: Taken,
    runbook: Runbook,
    *,
    picture: Picture | None = None,
    buttons: Sequence[Button] = (),
    restarted: bool = False,
    audit: str = "",
) -> Message:
    """GO, MONITOR or NO-GO, with everything that the decision rests on.

    restarted: golive was started anew since the review was due.
    audit:     number and digest of the last entry in the audit of fixes; "" where there is none.
    """
    report = taken.report or view.report
    if report is None:
        return to_message(Draft(verdict=_first_line(view, taken, None, restarted=restarted)))
    decision = taken.decision or report.verdict.decision
    others = [f for f in report.findings if f.check not in runbook.matrix]
    rows = [check_line(f, report=report) for f in worst_first(others)]
    draft = Draft(
        verdict=_first_line(view, taken, decision, restarted=restarted),
        reasons=reasons(report.verdict),
        parts=[
            Part(lines=rollback_lines(view), rank=0),
            *more_reasons(report.verdict, known_people(view), listed=others),
            Part(title="Next", lines=next_steps(decision, runbook), rank=1),
            button_row(buttons),
            Row(blocks=[blocks.fields(bold("The hour in numbers"), totals(report))]),
            Row(blocks=[matrix(report, runbook)]),
            *_criteria(report),
            Row(blocks=[blocks.image(0, picture.alt)] if picture is not None else []),
            Part(title="Other checks", lines=rows, rank=4, noun="checks", at_most=20),
            comparison_part(report.findings),
            evidence_part(report.findings),
        ],
        fine=" · ".join(
            said for said in (next_words(view), window_fine(report), _audit(audit)) if said
        ),
        colour=colour_of(decision),
        pictures=(picture,) if picture is not None else (),
        file=("golive-final-review.txt", "The whole final review"),
    )
    return to_message(draft)


def _audit(head: str) -> str:
    return f"audit of fixes ends at {code(head)}" if head else ""


def _criteria(report: Report) -> list[Part]:
    success = criteria_lines(report.success_criteria, bad=False)
    back = criteria_lines(report.rollback_criteria, bad=True)
    return [
        Part(title="Success criteria", lines=success, rank=2, noun="criteria", at_most=12),
        Part(title="Rollback criteria", lines=back, rank=2, noun="criteria", at_most=12),
    ]


def _first_line(
    view: WatchView, taken: Taken, decision: Decision | None, *, restarted: bool
) -> str:
    about = [version(view.deployment), f"final review ({escape(taken.point.key, 12)})"]
    if late_words(taken):
        about.append(late_words(taken))
    if restarted:
        about.append("taken after a restart")
    return verdict_line(decision, *about, report=taken.report or view.report)


def totals(report: Report) -> list[str]:
    """The runbook's summary, a line each; what was not measured is said."""
    found = {finding.check: finding for finding in report.findings}
    lines = [f"{name}: {bold(_counted(found.get(check)))}" for name, check in _TOTALS]
    log = report.evidence.log
    if log.problem is not None or log.unwindowed is not None or not log.carries & {*_PROCESSED}:
        return [*lines, f"Messages processed: {bold('not known')}"]
    processed = [log.signals[signal].count for signal in _PROCESSED if signal in log.signals]
    return [*lines, f"Messages processed: {bold(number(sum(processed)))}"]


def _counted(finding: Finding | None) -> str:
    return "not known" if finding is None or finding.value is None else number(finding.value)


def matrix(report: Report, runbook: Runbook) -> blocks.Block:
    """The decision matrix: each metric's value, the bounds, and the level that came out."""
    found = {finding.check: finding for finding in report.findings}
    rows = [("Metric", "Value", "OK", "Warning", "Critical", "Level")]
    for check in runbook.matrix[:20]:
        finding = found.get(check)
        if finding is None:
            off = "switched off" if check in runbook.switched_off else "not measured"
            rows.append((check, "–", "–", "–", "–", off))
            continue
        level = f"{SYMBOLS[finding.level]} {finding.level}"
        rows.append((finding.title, _counted(finding), *_ranges(finding), level))
    return blocks.table(rows)


def _ranges(finding: Finding) -> tuple[str, str, str]:
    """The bounds of a count as the runbook writes them: 0–5, 6–15, > 15."""
    warning, critical = (_whole((finding.threshold or {}).get(n)) for n in ("warning", "critical"))
    if warning is None or critical is None:
        words = limits(finding) or rule_text(finding)
        return "–", words, "–"
    return f"0–{warning - 1}", f"{warning}–{critical - 1}", f"> {critical - 1}"


def _whole(bound: Json) -> int | None:
    return bound if isinstance(bound, int) and not isinstance(bound, bool) else None


def next_steps(decision: Decision, runbook: Runbook) -> list[str]:
    """What to do now, and how golive goes on watching."""
    steps = [f"• {step}" for step in _NEXT_STEPS[decision]]
    return [*steps, f"• {cadence(runbook.follow_up.get(decision, ()))}"]


def cadence(phases: Sequence[Phase]) -> str:
    """The follow-up as a sentence: "golive looks every 1 h for 8 h, then every 4 h for 24 h."."""
    if not phases:
        return "golive stops looking."
    said = [
        f"every {duration(phase.every)}"
        f"{f' for {duration(phase.lasts)}' if phase.lasts else ' until the watch is closed'}"
        f"{' and decides again' if phase.decide else ''}"
        for phase in phases
    ]
    return f"golive looks {', then '.join(said)}."
