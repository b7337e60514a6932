"""The runbook's rollback and success criteria, from what the checks measured."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from checks.engine.model import Criterion, Finding, Level, Quantity
from checks.engine.runbook import CriterionRule
from checks.engine.runbook.model import FINAL
from checks.engine.runbook.spec import NO_CRITICAL
from checks.engine.shares import SampleRule
from checks.engine.thresholds import Bound, Op, limit, reached, still_needed

_WORDS = {
    Op.AT_LEAST: "at least {0}",
    Op.ABOVE: "more than {0}",
    Op.AT_MOST: "at most {0}",
    Op.BELOW: "less than {0}",
}


def rollback(
    rules: Sequence[CriterionRule], findings: Sequence[Finding], *, sample: SampleRule
) -> tuple[Criterion, ...]:
    """Evaluate the rollback criteria: one is met if any of its sources says so.

    A criterion whose sources were not measured, or are shares of too few events to be judged, is
    not verified (None), unless another source of it is met.
    """
    by_check = {f.check: f for f in findings}
    return tuple(_any_source(rule, by_check, sample, success=False) for rule in rules)


def success(
    rules: Sequence[CriterionRule],
    findings: Sequence[Finding],
    *,
    sample: SampleRule,
    judged: Sequence[Finding] | None = None,
    earlier: Mapping[str, str] | None = None,
    between: Sequence[str] = (),
) -> tuple[Criterion, ...]:
    """Evaluate the success criteria.

    Args:
        rules: the runbook's success criteria.
        findings: everything that was measured.
        sample: when a share is evidence enough to be judged.
        judged: the findings that the checkpoint shows, which `no_critical` is about; default all.
        earlier: checks that were CRITICAL before in this watch, and where (id → checkpoint).
        between: instants at which a NO-GO was posted between two checkpoints.
    """
    by_check = {f.check: f for f in findings}
    return tuple(
        _no_critical(rule.id, findings if judged is None else judged, earlier or {}, between)
        if rule.id == NO_CRITICAL
        else _any_source(rule, by_check, sample, success=True)
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
    rule: CriterionRule, findings: Mapping[str, Finding], sample: SampleRule, *, success: bool
) -> Criterion:
    sources = [
        _source(findings.get(check), check, quantity, bound, sample, success=success)
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
    sample: SampleRule,
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
    if success and quantity.sample == 0:
        return None, f"{said}; there was nothing to take a share of."
    bad = bound.opposite if success else bound
    found = reached(quantity, bad, sample)
    if found is None:
        return None, f"{said} is too small a sample to judge. {still_needed(quantity, bad, sample)}"
    met = found is not success
    share = quantity.sample is not None
    wanted = _WORDS[bound.op].format(_number(bound.value, share=share))
    return met, f"{said}{_by_limit(quantity, bad, sample)}, {'' if met else 'not '}{wanted}."


def _by_limit(quantity: Quantity, bad: Bound, rule: SampleRule) -> str:
    """The limit that a share of few events was judged by, where it was."""
    sample = quantity.sample
    if sample is None or not quantity.bad or (sample >= rule.min_sample and not rule.by_limit):
        return ""
    least = _number(limit(quantity.bad, sample, bad, rule.confidence), share=True)
    most = "at least" if bad.rises else "at most"
    return f", which is {most} {least} with {rule.confidence * 100:g} % confidence"


def _amount(quantity: Quantity) -> str:
    share = quantity.sample is not None
    return _number(quantity.value, share=share) + (f" of {quantity.sample}" if share else "")


def _number(value: float, *, share: bool) -> str:
    return f"{round(value * 100, 1):g} %" if share else f"{round(value, 1):.12g}"


def _no_critical(
    criterion: str,
    findings: Sequence[Finding],
    earlier: Mapping[str, str],
    between: Sequence[str],
) -> Criterion:
    now = [f.title for f in findings if f.level is Level.CRITICAL]
    before = [
        f"{check} at {'the final review' if where == FINAL else f'checkpoint {where}'}"
        for check, where in earlier.items()
    ]
    if now or before or between:
        said = [f"CRITICAL now: {', '.join(now)}."] if now else []
        said += [f"CRITICAL before: {', '.join(before)}."] if before else []
        said += [f"NO-GO between checkpoints: {', '.join(between)}."] if between else []
        return Criterion(id=criterion, met=False, why=" ".join(said))
    unseen = sum(f.level is Level.UNKNOWN for f in findings)
    if unseen == len(findings):
        return Criterion(id=criterion, met=None, why="Nothing could be measured.")
    rest = f", but {unseen} could not be looked at" if unseen else ""
    return Criterion(id=criterion, met=True, why=f"No check is CRITICAL{rest}.")
