"""The runbook's rollback and success criteria, from what the checks measured."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from checks.engine.model import Criterion, Finding, Level, Quantity
from checks.engine.runbook import CriterionRule
from checks.engine.runbook.model import FINAL
from checks.engine.runbook.spec import NO_CRITICAL
from checks.engine.thresholds import Bound, Op

_WORDS = {
    Op.AT_LEAST: "at least {0}",
    Op.ABOVE: "more than {0}",
    Op.AT_MOST: "at most {0}",
    Op.BELOW: "less than {0}",
}


def rollback(
    rules: Sequence[CriterionRule], findings: Sequence[Finding], *, min_sample: int
) -> tuple[Criterion, ...]:
    """Evaluate the rollback criteria: one is met if any of its sources says so.

    A share of fewer than `min_sample` events never rolls a release back. A criterion whose sources
    were not measured is not verified (None), unless another source of it is met.
    """
    by_check = {f.check: f for f in findings}
    return tuple(_any_source(rule, by_check, min_sample, success=False) for rule in rules)


def success(
    rules: Sequence[CriterionRule],
    findings: Sequence[Finding],
    *,
    min_sample: int,
    judged: Sequence[Finding] | None = None,
    earlier: Mapping[str, str] | None = None,
) -> tuple[Criterion, ...]:
    """Evaluate the success criteria.

    Args:
        rules: the runbook's success criteria.
        findings: everything that was measured.
        min_sample: events that a share needs once one of them was bad.
        judged: the findings that the checkpoint shows, which `no_critical` is about; default all.
        earlier: checks that were CRITICAL before in this watch, and where (id → checkpoint).
    """
    by_check = {f.check: f for f in findings}
    return tuple(
        _no_critical(rule.id, findings if judged is None else judged, earlier or {})
        if rule.id == NO_CRITICAL
        else _any_source(rule, by_check, min_sample, success=True)
        for rule in rules
    )


def waived(
    rules: Sequence[CriterionRule],
    criteria: Sequence[Criterion],
    findings: Sequence[Finding],
    switched_off: Collection[str] = (),
) -> dict[str, str]:
    """Success criteria that nobody can verify, by somebody's decision.

    That is: each check that they rest on is UNKNOWN and accepted, or the runbook switches it off.
    A criterion that is known not to be met is never waived.

    Returns: criterion id → who decided so.
    """
    accepted = {
        f.check: f.accepted_by
        for f in findings
        if f.level is Level.UNKNOWN and f.accepted_by is not None
    }
    accepted.update(dict.fromkeys(switched_off, "the runbook, which switches its check off"))
    unverified = {c.id for c in criteria if c.met is None}
    out: dict[str, str] = {}
    for rule in rules:
        sources = [check for check, _, _ in rule.any_of]
        if rule.id in unverified and sources and all(check in accepted for check in sources):
            out[rule.id] = ", ".join(dict.fromkeys(accepted[check] for check in sources))
    return out


def _any_source(
    rule: CriterionRule, findings: Mapping[str, Finding], min_sample: int, *, success: bool
) -> Criterion:
    sources = [
        _source(findings.get(check), check, quantity, bound, min_sample, success=success)
        for check, quantity, bound in rule.any_of
    ]
    # Met anywhere is met; otherwise a source that could look decides for one that could not.
    for wanted in (True, False, None):
        whys = [why for met, why in sources if met is wanted]
        if whys:
            return Criterion(id=rule.id, met=wanted, why=" ".join(whys))
    return Criterion(id=rule.id, met=None, why="The runbook names no check for it.")


def _source(
    finding: Finding | None,
    check: str,
    name: str,
    bound: Bound,
    min_sample: int,
    *,
    success: bool,
) -> tuple[bool | None, str]:
    """Whether one source says that the criterion is met, and the sentence for it."""
    if finding is None:
        return None, f"The check {check} was not run."
    quantity = finding.quantities.get(name)
    if quantity is None:
        reason = finding.unknown
        return None, f"{finding.title}: {reason or 'this was not measured.'}"
    said = f"{finding.title}: {name.replace('_', ' ')} {_amount(quantity)}"
    if quantity.sample is not None and quantity.sample < min_sample:
        small = _small_sample(quantity, quantity.sample, min_sample, success=success)
        return small[0], f"{said}; {small[1]}"
    met = bound.holds(quantity.value)
    share = quantity.sample is not None
    limit = _WORDS[bound.op].format(_number(bound.value, share=share))
    return met, f"{said}, {'' if met else 'not '}{limit}."


def _small_sample(
    quantity: Quantity, sample: int, min_sample: int, *, success: bool
) -> tuple[bool | None, str]:
    """What a share says that has too few events to be judged by its bound."""
    if not success:
        return False, f"fewer than {min_sample} are no reason to roll back."
    if sample == 0:
        return None, "there was nothing to take a share of."
    if quantity.bad == 0:
        return True, "few, but none was bad."
    return None, f"{min_sample - sample} more are needed to judge a share."


def _amount(quantity: Quantity) -> str:
    share = quantity.sample is not None
    return _number(quantity.value, share=share) + (f" of {quantity.sample}" if share else "")


def _number(value: float, *, share: bool) -> str:
    return f"{round(value * 100, 1):g} %" if share else f"{round(value, 1):.12g}"


def _no_critical(
    criterion: str, findings: Sequence[Finding], earlier: Mapping[str, str]
) -> Criterion:
    now = [f.title for f in findings if f.level is Level.CRITICAL]
    before = [
        f"{check} at {'the final review' if where == FINAL else f'checkpoint {where}'}"
        for check, where in earlier.items()
    ]
    if now or before:
        said = [f"CRITICAL now: {', '.join(now)}."] if now else []
        said += [f"CRITICAL before: {', '.join(before)}."] if before else []
        return Criterion(id=criterion, met=False, why=" ".join(said))
    unseen = sum(f.level is Level.UNKNOWN for f in findings)
    if unseen == len(findings):
        return Criterion(id=criterion, met=None, why="Nothing could be measured.")
    rest = f", but {unseen} could not be looked at" if unseen else ""
    return Criterion(id=criterion, met=True, why=f"No check is CRITICAL{rest}.")
