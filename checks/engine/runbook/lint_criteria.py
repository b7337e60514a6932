"""Contradictions between the rollback and success criteria and the checks that they rest on."""

from __future__ import annotations

from collections.abc import Iterator

from checks.engine.runbook.model import FINAL, CriterionRule, Runbook
from checks.engine.runbook.reach import common, domain, is_empty, span, within, words
from checks.engine.runbook.source import Fault, Loc
from checks.engine.runbook.spec import NO_CRITICAL
from checks.engine.thresholds import Bound, Threshold

ROLLBACK_IDS = ("secret_leak", "tenant_leak", "messages_failing", "service_down")
SUCCESS_IDS = (
    NO_CRITICAL,
    "inbound_processed",
    "outbound_sent",
    "no_secret_leaked",
    "no_tenant_leak",
    "error_rate",
)
"""The criteria that every report names; a runbook may have more."""


def criteria_faults(runbook: Runbook) -> Iterator[Fault]:
    """Criteria that nothing stands behind, or that disagree with the checks' own levels."""
    groups = (
        ("rollback", runbook.rollback_criteria, ROLLBACK_IDS),
        ("success", runbook.success_criteria, SUCCESS_IDS),
    )
    for kind, criteria, ids in groups:
        for missing in sorted(set(ids) - {criterion.id for criterion in criteria}):
            message = f"{missing} is missing, so nothing ever meets it"
            yield Fault(loc=(kind,), message=message)
        for criterion in criteria:
            yield from _criterion(runbook, kind, criterion)
    yield from _both(runbook)


def _criterion(runbook: Runbook, kind: str, criterion: CriterionRule) -> Iterator[Fault]:
    at: Loc = (kind, criterion.id)
    off = [s.check for s in criterion.any_of if s.check in runbook.switched_off]
    if criterion.any_of and len(off) == len(criterion.any_of):
        names = ", ".join(dict.fromkeys(off))
        message = f"no enabled check stands behind it ({names}: switched off)"
        yield Fault(loc=at, message=message)
    for i, (check, quantity, bound) in enumerate(criterion.any_of):
        here = (*at, "any_of", i)
        if within(domain(quantity), span(bound, quantity)):
            message = f"every value of {quantity} meets this ({words(bound)})"
            yield Fault(loc=here, message=message)
        elif check not in runbook.switched_off:
            yield from _disagrees(runbook, kind, (check, quantity, bound), here)


def _disagrees(
    runbook: Runbook, kind: str, source: tuple[str, str, Bound], at: Loc
) -> Iterator[Fault]:
    """A rollback that is due must be CRITICAL, and a success must not be."""
    check, quantity, bound = source
    for column, checkpoint in (("the checkpoints", "1"), ("the final review", FINAL)):
        threshold = _threshold(runbook, check, checkpoint, quantity)
        if threshold is None:
            continue
        met = span(bound, quantity)
        critical = threshold.critical
        said = words(critical) if critical else "no bound"
        if kind == "rollback" and not (critical and within(met, span(critical, quantity))):
            message = (
                f"is met ({words(bound)}) where {check} is not CRITICAL at {column}"
                f" (critical: {said})"
            )
            yield Fault(loc=at, message=message)
            return
        if kind == "success" and critical and not is_empty(common(met, span(critical, quantity))):
            message = (
                f"is met ({words(bound)}) where {check} is CRITICAL at {column} (critical: {said})"
            )
            yield Fault(loc=at, message=message)
            return


def _threshold(runbook: Runbook, check: str, checkpoint: str, quantity: str) -> Threshold | None:
    rule = runbook.rule(check, checkpoint)
    found = [t for t in rule.thresholds if t.quantity == quantity] if rule else []
    return found[0] if found else None


def _both(runbook: Runbook) -> Iterator[Fault]:
    """The same value must not be a success and a reason to roll back."""
    for success in runbook.success_criteria:
        for i, (check, quantity, good) in enumerate(success.any_of):
            for rollback in runbook.rollback_criteria:
                for other_check, other_quantity, bad in rollback.any_of:
                    same = (check, quantity) == (other_check, other_quantity)
                    if same and not is_empty(common(span(good, quantity), span(bad, quantity))):
                        yield Fault(
                            loc=("success", success.id, "any_of", i),
                            message=f"is met ({words(good)}) by values that also meet the"
                            f" rollback criterion {rollback.id} ({words(bad)})",
                        )
