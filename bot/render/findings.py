"""Findings as lines: level, title, what was measured against its bounds, its change, its curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from bot.render.mrkdwn import bold, escape
from bot.render.phrases import number
from bot.render.words import SYMBOLS, limits
from checks.engine.decision import is_accepted
from checks.engine.model import Finding, Level, Report, minute_of

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


def check_line(
    finding: Finding, *, before: Finding | None = None, report: Report | None = None
) -> str:
    """One check: level, title, what was measured against its bounds, its change, its curve."""
    # How to mend an UNKNOWN stands under what is missing.
    what = finding.unknown.what if finding.unknown is not None else finding.summary
    said = f"{level_of(finding)} {bold(escape(finding.title, 80))}: {escape(what)}"
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
    """Findings in short: a line for what is bad, for each reason of an UNKNOWN, for all OK."""
    worse = [
        check_line(f) for f in worst_first(findings) if f.level in (Level.CRITICAL, Level.WARNING)
    ]
    worse += _unknown_lines([f for f in findings if f.level is Level.UNKNOWN])
    good = [f for f in findings if f.level is Level.OK]
    if not good:
        return worse
    names = ", ".join(f"{escape(f.title, 60)}{_value(f)}" for f in good[:20])
    more = f", and {len(good) - 20} more" if len(good) > 20 else ""
    return [*worse, f"{SYMBOLS[Level.OK]} OK: {names}{more}"]


def _unknown_lines(findings: Sequence[Finding]) -> list[str]:
    """A line a reason: one missing source makes many checks UNKNOWN."""
    by_reason: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        what = finding.unknown.what if finding.unknown is not None else finding.summary
        by_reason.setdefault((level_of(finding), what), []).append(finding)
    return [
        f"{level} {_titles(found)}: {escape(what)}" for (level, what), found in by_reason.items()
    ]


def _titles(findings: Sequence[Finding]) -> str:
    names = ", ".join(bold(escape(finding.title, 60)) for finding in findings[:12])
    return f"{names} and {len(findings) - 12} more" if len(findings) > 12 else names


def worst_first(findings: Sequence[Finding]) -> list[Finding]:
    """The worst level first; among equals the runbook's order."""
    return sorted(findings, key=lambda finding: WORST[finding.level])


def _value(finding: Finding) -> str:
    if finding.value is None:
        return ""
    if "share" in finding.unit:
        return f" {finding.value * 100:.1f} %"
    return f" {number(finding.value)}"


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
