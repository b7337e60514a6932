"""What one run is about, and which checks and criteria belong to it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from checks.engine.check import Check
from checks.engine.history import Past
from checks.engine.model import Criterion, Finding, LogEvidence, Observed, Window
from checks.engine.runbook import CriterionRule, Runbook
from checks.engine.runbook.model import FINAL
from checks.engine.runbook.spec import NO_CRITICAL
from checks.engine.thresholds import Rule
from checks.sources.logs.source import Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What one run is about.

    checkpoint:      "1", "2", "3" or "final" (follow-ups are judged as final)
    window:          since the deploy, or the part of the past that is looked at
    now:             the instant that ages are measured from; the window's end for a past window
    since_offset:    count the log from this byte on, whatever its times say
    secrets:         what golive itself was given and must not occur in the log
    fingerprint_key: key of the HMAC that names a leaked secret
    marks:           sizes of the log at known instants, for logs without times
    observed:        what a watch has seen; None in a single run
    own_probes:      signal → events in the log that golive's own probes caused
    own_events:      the names of golive's own test events, which are looked up in the log
    accepted:        check id → who accepted its WARNING or UNKNOWN
    silenced:        check id → by whom and until when, as a sentence; it counts as UNKNOWN
    earlier:         check id → the checkpoint at which it was CRITICAL before in this watch
    between:         instants at which a NO-GO was posted between two checkpoints, as "T+12"
    past:            check id → what it found at this checkpoint of the deployment before
    only:            ids of the checks to run; empty = all that are due
    looked_at:       when golive really looks, for a checkpoint that is taken late
    present:         whose thresholds hold at that instant; "" where it is not late
    superseded:      whether a later checkpoint is due as well, which says how things stand now
    """

    checkpoint: str
    window: Window
    now: datetime
    since_offset: int | None = None
    secrets: tuple[str, ...] = ()
    fingerprint_key: bytes = b""
    marks: tuple[Mark, ...] = ()
    observed: Observed | None = None
    own_probes: Mapping[str, int] = field(default_factory=dict[str, int])
    own_events: tuple[str, ...] = ()
    accepted: Mapping[str, str] = field(default_factory=dict[str, str])
    silenced: Mapping[str, str] = field(default_factory=dict[str, str])
    earlier: Mapping[str, str] = field(default_factory=dict[str, str])
    between: tuple[str, ...] = ()
    past: Mapping[str, Past] = field(default_factory=dict[str, Past])
    only: tuple[str, ...] = ()
    looked_at: datetime | None = None
    present: str = ""
    superseded: bool = False


def due(checks: Sequence[Check], occasion: Occasion) -> list[Check]:
    """The checks that this checkpoint lists: its own first, then the earlier ones."""
    if occasion.only:
        return [check for check in checks if check.id in occasion.only]
    if occasion.checkpoint == FINAL:
        return list(checks)
    listed = [check for check in checks if check.checkpoint <= int(occasion.checkpoint)]
    return sorted(listed, key=lambda check: -check.checkpoint)


def measured(
    checks: Sequence[Check], runbook: Runbook, occasion: Occasion, log: LogEvidence | None = None
) -> list[tuple[Check, Rule]]:
    """The checks to measure, with their rules: what is due, and what the criteria rest on.

    What a late look cannot tell for the checkpoint's own time has the rule of the present phase.

    Args:
        checks: all checks.
        runbook: their rules.
        occasion: which checkpoint it is, and how late.
        log: what was seen of the log; before that was looked at, it is taken to carry times.
    """
    listed = due(checks, occasion)
    wanted = set[str]() if occasion.only else _sources_of(_all_criteria(runbook))
    ids = {check.id for check in listed}
    order = [*listed, *(check for check in checks if check.id in wanted - ids)]
    rules = [
        (check, runbook.rule(check.id, _phase(check, occasion, log) or occasion.checkpoint))
        for check in order
    ]
    return [(check, rule) for check, rule in rules if rule is not None]


def is_of_its_time(check: Check, occasion: Occasion, log: LogEvidence | None) -> bool:
    """Whether a check measures the instant that is judged, however late it is looked at.

    Rows carry times, and so does a log, or golive has marked how it grew. What /health answers is
    how things stand at the look.
    """
    if occasion.looked_at is None:
        return True
    whole = log is not None and log.until is not None and log.until > occasion.window.until
    return not check.probes and not (check.signals and whole)


def _phase(check: Check, occasion: Occasion, log: LogEvidence | None) -> str:
    return "" if is_of_its_time(check, occasion, log) else occasion.present


def _all_criteria(runbook: Runbook) -> tuple[CriterionRule, ...]:
    return (*runbook.rollback_criteria, *runbook.success_criteria)


def _sources_of(rules: Sequence[CriterionRule]) -> set[str]:
    return {check for rule in rules for check, _, _ in rule.any_of}


def due_criteria(runbook: Runbook, checkpoint: str, only: Collection[str] = ()) -> tuple[str, ...]:
    """Success criteria to judge now: at the end, and of a chosen few checks only their own."""
    if checkpoint != FINAL:
        return ()
    chosen = set(only)
    return tuple(
        rule.id
        for rule in runbook.success_criteria
        if not chosen or rule.id == NO_CRITICAL or _sources_of([rule]) & chosen
    )


def shown(
    found: Sequence[tuple[bool, Finding]],
    rules: Sequence[CriterionRule],
    rollback: Sequence[Criterion],
) -> tuple[Finding, ...]:
    """The findings that are due, and those not due that a met rollback criterion rests on."""
    met = {criterion.id for criterion in rollback if criterion.met}
    proof = _sources_of([rule for rule in rules if rule.id in met])
    return tuple(finding for is_due, finding in found if is_due or finding.check in proof)
