"""Contradictions in a runbook that loads: rules that cannot both be meant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from checks.engine.model import Decision
from checks.engine.runbook.issues import Issue, issues_of
from checks.engine.runbook.lint_criteria import criteria_faults
from checks.engine.runbook.lint_remediation import remediation_faults
from checks.engine.runbook.load import lacks_later
from checks.engine.runbook.model import CHECKPOINTS, FINAL, Phase, Runbook
from checks.engine.runbook.reach import (
    is_count,
    rises,
    span,
    within,
    words,
)
from checks.engine.runbook.source import Fault, Loc
from checks.engine.thresholds import Bound, Rule, Threshold


@dataclass(frozen=True, slots=True, kw_only=True)
class LintNote(Issue):
    """A contradiction: the runbook can be used, but not everything in it can be meant."""


def lint(runbook: Runbook) -> tuple[LintNote, ...]:
    """Everything in a runbook that contradicts itself, in the order of the file."""
    faults = [
        *_levels(runbook),
        *_decision(runbook),
        *criteria_faults(runbook),
        *_between(runbook),
        *_follow_up(runbook),
        *remediation_faults(runbook),
        *_lag(runbook),
        *_profiles(runbook),
        *_completed(runbook),
    ]
    return tuple(
        LintNote(path=i.path, line=i.line, where=i.where, message=i.message)
        for i in issues_of(runbook.source, faults)
    )


def _completed(runbook: Runbook) -> Iterator[Fault]:
    for place in lacks_later(runbook.source.data):
        message = f"{place[-1]} is missing, so what the shipped runbook says holds; write it down"
        yield Fault(loc=place[:-1], message=message)


# --- levels -------------------------------------------------------------------------------------


def _levels(runbook: Runbook) -> Iterator[Fault]:
    for check in _enabled(runbook):
        checkpoint, final = runbook.rule(check, "1"), runbook.rule(check, FINAL)
        if checkpoint is not None and final is not None:
            yield from _lost_later(checkpoint, final)
            yield from _stricter_later(checkpoint, final)
            for rule, column in ((checkpoint, "checkpoint"), (final, FINAL)):
                yield from _too_old(rule, column, runbook.default_window)
        if ("checks", check, "reason") in runbook.source.lines:
            message = "gives a reason, but the check is switched on; add enabled: false, or drop it"
            yield Fault(loc=("checks", check, "reason"), message=message)


def _enabled(runbook: Runbook) -> list[str]:
    return list(dict.fromkeys(check for check, _ in runbook.rules))


def _lost_later(checkpoint: Rule, final: Rule) -> Iterator[Fault]:
    """What is bad at a checkpoint must have a bound at the final review, and the other way."""
    for one, other, column in ((checkpoint, final, "checkpoint"), (final, checkpoint, FINAL)):
        bounded = {(t.quantity, level) for t in other.thresholds for level in _bounds(t)}
        for threshold in one.thresholds:
            for level in _bounds(threshold):
                if (threshold.quantity, level) not in bounded:
                    message = f"has a {level} bound only here; give it in the other column too"
                    loc = ("checks", one.check, column, threshold.quantity)
                    yield Fault(loc=loc, message=message)


def _bounds(threshold: Threshold) -> dict[str, Bound]:
    both = {"warning": threshold.warning, "critical": threshold.critical}
    return {level: bound for level, bound in both.items() if bound is not None}


def _stricter_later(checkpoint: Rule, final: Rule) -> Iterator[Fault]:
    """A count since the deploy only grows: its bound must not shrink."""
    if checkpoint.window is not None or final.window is not None:
        return
    earlier = {threshold.quantity: threshold for threshold in checkpoint.thresholds}
    for threshold in final.thresholds:
        before = earlier.get(threshold.quantity)
        if before is None or not is_count(threshold.quantity):
            continue
        for level, new in _bounds(threshold).items():
            old = _bounds(before).get(level)
            if old is None or not rises(old):
                continue
            if not within(span(new, threshold.quantity), span(old, threshold.quantity)):
                yield Fault(
                    loc=("checks", final.check, FINAL, threshold.quantity, level),
                    message=f"the final review is stricter ({words(new)}) than the checkpoints"
                    f" ({words(old)}), although the count runs since the deploy",
                )


def _too_old(rule: Rule, column: str, default: timedelta) -> Iterator[Fault]:
    """What has to be older than the window is never in it."""
    window = default if rule.window is None else rule.window
    for name, value in rule.params.items():
        if name.endswith("_seconds") and timedelta(seconds=value) >= window:
            yield Fault(
                loc=("checks", rule.check, "params", name),
                message=f"is {value:g} s, but the window ({column}) is only"
                f" {window.total_seconds():g} s, so nothing can be that old",
            )
    if rule.window is not None and rule.window > default:
        yield Fault(
            loc=("checks", rule.check, "window"),
            message=f"is longer ({column}) than default_window, which a follow-up looks at",
        )


# --- decision -----------------------------------------------------------------------------------


def _decision(runbook: Runbook) -> Iterator[Fault]:
    at: Loc = ("decision", "matrix")
    able = 0
    for i, check in enumerate(runbook.matrix):
        if check in runbook.switched_off:
            yield Fault(loc=(*at, i), message=f"{check} is a matrix metric but switched off")
        elif not _reaches(runbook, check, "warning"):
            message = f"{check} is a matrix metric but has no warning bound"
            yield Fault(loc=(*at, i), message=message)
        else:
            able += 1
    wanted = runbook.decision.matrix_warnings
    if wanted > able:
        yield Fault(
            loc=("decision", "matrix_warnings"),
            message=f"{wanted} warnings can never come together: {able} matrix metrics can warn",
        )
    critical = sum(_reaches(runbook, check, "critical") for check in _enabled(runbook))
    for loc, number in (
        (("decision", "critical"), runbook.decision.critical),
        (("escalation", "critical"), runbook.escalation),
    ):
        if number > critical:
            message = f"{number} CRITICAL can never come together: {critical} checks can be so"
            yield Fault(loc=loc, message=message)
    if runbook.escalation < runbook.decision.critical:
        yield Fault(
            loc=("escalation", "critical"),
            message=f"{runbook.escalation} CRITICAL would be escalated in full although"
            f" it takes {runbook.decision.critical} for a NO-GO (decision.critical)",
        )


def _reaches(runbook: Runbook, check: str, level: str) -> bool:
    rules = (runbook.rule(check, checkpoint) for checkpoint in CHECKPOINTS)
    return any(
        level in _bounds(threshold)
        for rule in rules
        if rule is not None
        for threshold in rule.thresholds
    )


# --- between and after --------------------------------------------------------------------------


def _between(runbook: Runbook) -> Iterator[Fault]:
    """A span that is shorter than the one that it counts in."""
    rule = runbook.between
    pairs = (
        ("database_every", rule.database_every, "every", rule.every),
        ("over_after", rule.over_after, "every", rule.every),
        ("mention_every", rule.mention_every, "over_after", rule.over_after),
    )
    for name, given, least, bound in pairs:
        if given < bound:
            message = f"is shorter than {least} ({bound.total_seconds():g} s)"
            yield Fault(loc=("between", name), message=message)


def _follow_up(runbook: Runbook) -> Iterator[Fault]:
    for decision, phases in runbook.follow_up.items():
        for i, phase in enumerate(phases):
            at: Loc = ("follow_up", decision.value, i)
            last = i == len(phases) - 1
            yield from _phase(phase, at, last=last)
            if not last and phases[i + 1].every < phase.every:
                message = "looks more often than the stretch before it, although time has passed"
                yield Fault(loc=("follow_up", decision.value, i + 1, "every"), message=message)
    order = (Decision.NO_GO, Decision.MONITOR, Decision.GO)
    for worse, better in pairwise(order):
        slow, fast = runbook.follow_up[worse][0].every, runbook.follow_up[better][0].every
        if slow > fast:
            message = f"is looked at less often than {better.value}, which is better"
            yield Fault(loc=("follow_up", worse.value, 0, "every"), message=message)


def _phase(phase: Phase, at: Loc, *, last: bool) -> Iterator[Fault]:
    if phase.lasts is None:
        if not last:
            yield Fault(loc=at, message="lasts until the watch is closed: what follows never comes")
        if phase.decide:
            message = "decides at its end, but has none; give it lasts: …"
            yield Fault(loc=(*at, "then"), message=message)
    elif phase.every > phase.lasts:
        yield Fault(loc=(*at, "every"), message="is longer than the stretch lasts: it never looks")
    elif phase.lasts % phase.every:
        message = "is no multiple of every, so the last look is cut off"
        yield Fault(loc=(*at, "lasts"), message=message)


# --- the log ------------------------------------------------------------------------------------


def _lag(runbook: Runbook) -> Iterator[Fault]:
    """A window that ends before the lag must have something left of it."""
    spans = [rule.window for rule in runbook.rules.values() if rule.window is not None]
    shortest = min((runbook.default_window, *spans))
    loc: Loc = ("log", "loki", "lag")
    if loc in runbook.source.lines and runbook.log.loki_lag >= shortest:
        message = f"leaves nothing of a window of {shortest.total_seconds():g} s in Loki"
        yield Fault(loc=loc, message=message)


def _profiles(runbook: Runbook) -> Iterator[Fault]:
    for name, spec in runbook.log.profiles.items():
        users: dict[str, list[str]] = defaultdict(list)
        for signal, one in spec.signals.items():
            users[one.pattern].append(signal)
        for signals in users.values():
            for signal in signals[1:]:
                yield Fault(
                    loc=("log", "profiles", name, "signals", signal, "pattern"),
                    message=f"is also the pattern of {signals[0]}: one event would count as both",
                )
