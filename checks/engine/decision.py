"""GO, MONITOR or NO-GO: the runbook's decision matrix, and why.

One pure function over findings and criteria. It never looks at a number's meaning: what is bad
was said by the runbook's thresholds, and what is known was said by the checks.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from checks.engine.model import Criterion, Decision, Finding, Json, Level, Problem, Verdict

ACCEPTABLE = frozenset({Level.WARNING, Level.UNKNOWN})
"""Levels that an operator may accept for the rest of a watch; a CRITICAL never."""

_RANK = {Level.CRITICAL: 0, Level.WARNING: 1, Level.UNKNOWN: 2, Level.OK: 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the decision depends on besides what was measured.

    matrix:          ids of the checks of the runbook's decision matrix
    critical:        so many CRITICAL findings are a NO-GO
    matrix_warnings: so many WARNINGs within the matrix are a NO-GO
    due:             ids of the success criteria that are judged at this checkpoint
    waived:          success criteria that could not be verified, because of what was accepted,
                     and by whom
    switched_off:    checks that the runbook switches off, and why
    only:            the checks that were asked for, when not all were
    """

    matrix: Collection[str]
    critical: int
    matrix_warnings: int
    due: Collection[str] = ()
    waived: Mapping[str, str] = field(default_factory=dict[str, str])
    switched_off: Mapping[str, str] = field(default_factory=dict[str, str])
    only: Collection[str] = ()


def decide(
    findings: Sequence[Finding],
    rollback: Sequence[Criterion],
    success: Sequence[Criterion],
    policy: Policy,
) -> Verdict:
    """Decide on one run of the checks.

    A rollback criterion that is met is a NO-GO whatever was accepted. What is UNKNOWN never adds
    up to a NO-GO and never allows a GO; neither does a run in which nothing was found to be OK.
    """
    case = _Case(findings=tuple(findings), success=tuple(success), policy=policy)
    stop = [f"Rollback criterion {c.id} is met: {c.why}" for c in rollback if c.met]
    if len(case.criticals) >= policy.critical:
        stop.extend(_reason(f) for f in case.criticals)
    if len(case.matrix_warnings) >= policy.matrix_warnings:
        stop.append(
            f"{len(case.matrix_warnings)} warnings among the {len(policy.matrix)} matrix metrics,"
            f" {policy.matrix_warnings} are a NO-GO."
        )
        stop.extend(_reason(f) for f in case.matrix_warnings)
    if stop:
        return Verdict(
            decision=Decision.NO_GO,
            because=(*stop, *case.footnotes()),
            missing=case.missing(),
            would_change=case.would_change(rollback),
        )
    hold = case.holds()
    if hold:
        return Verdict(
            decision=Decision.MONITOR,
            because=(*hold, *case.footnotes()),
            missing=case.missing(),
            would_change=case.would_change(rollback),
        )
    return Verdict(decision=Decision.GO, because=(*case.go(), *case.footnotes()))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """The findings and success criteria of one decision, asked from several sides."""

    findings: tuple[Finding, ...]
    success: tuple[Criterion, ...]
    policy: Policy

    @property
    def open(self) -> list[Finding]:
        """What is neither OK nor accepted, the worst first."""
        found = [f for f in self.findings if f.level is not Level.OK and not is_accepted(f)]
        return sorted(found, key=lambda f: _RANK[f.level])

    @property
    def criticals(self) -> list[Finding]:
        return [f for f in self.open if f.level is Level.CRITICAL]

    @property
    def matrix_warnings(self) -> list[Finding]:
        matrix = self.policy.matrix
        return [f for f in self.open if f.level is Level.WARNING and f.check in matrix]

    @property
    def unknowns(self) -> list[Finding]:
        return [f for f in self.open if f.level is Level.UNKNOWN]

    @property
    def blocking(self) -> list[Criterion]:
        """The due success criteria that are not met, or not verified and not waived."""
        due, waived = self.policy.due, self.policy.waived
        return [
            c
            for c in self.success
            if c.id in due and (c.met is False or (c.met is None and c.id not in waived))
        ]

    def holds(self) -> list[str]:
        """Why this is no GO; empty when it is one."""
        out = [_reason(f) for f in self.open if f.level is not Level.UNKNOWN]
        out.extend(
            f"Success criterion {c.id} is not met: {c.why}" for c in self.blocking if c.met is False
        )
        if self.unknowns:
            out.append(f"Not known: {_names(self.unknowns)}.")
        unverified = [c.id for c in self.blocking if c.met is None]
        if unverified:
            out.append(f"Not verified: {', '.join(unverified)}.")
        absent = [i for i in self.policy.due if i not in {c.id for c in self.success}]
        if absent:
            out.append(f"Not evaluated: {', '.join(absent)}.")
        if not out and not any(f.level is Level.OK for f in self.findings):
            out.append("Nothing was found to be OK: a GO needs at least one measurement.")
        return out

    def go(self) -> list[str]:
        good = sum(f.level is Level.OK for f in self.findings)
        later = [c.id for c in self.success if c.id not in self.policy.due]
        opening = "GO so far: " if later and not self.policy.due else ""
        out = [f"{opening}{_checks(good)} OK."]
        if self.policy.due:
            met = sum(c.met is True for c in self.success if c.id in self.policy.due)
            out.append(f"{met} of {len(self.policy.due)} success criteria met.")
        elif later:
            out.append(f"Not due yet: {', '.join(later)}.")
        return out

    def footnotes(self) -> list[str]:
        """What was left out of the judgement: every verdict names it."""
        out = [
            f"Accepted by {f.accepted_by}: {f.title} ({f.level})."
            for f in self.findings
            if is_accepted(f)
        ]
        out.extend(
            f"Not verified, accepted by {who}: {criterion}."
            for criterion, who in self.policy.waived.items()
            if criterion in self.policy.due
        )
        out.extend(
            f"Switched off: {check} ({_stop(reason)})."
            for check, reason in self.policy.switched_off.items()
        )
        if self.policy.only:
            out.append(f"Only these were looked at: {', '.join(self.policy.only)}.")
        return out

    def missing(self) -> tuple[str, ...]:
        """What could not be looked at, with how to provide it, one line a reason."""
        by_problem: dict[Problem, list[Finding]] = {}
        for finding in self.unknowns:
            problem = finding.unknown or Problem(what=finding.summary, mend="")
            by_problem.setdefault(problem, []).append(finding)
        out = [
            f"{_names(found)}: {problem} Or accept it in Slack: /golive accept"
            f" {found[0].check if len(found) == 1 else 'CHECK'} REASON"
            for problem, found in by_problem.items()
        ]
        said = [str(problem) for problem in by_problem]
        out.extend(
            f"Success criterion {c.id}: {c.why}"
            for c in self.blocking
            if c.met is None and not any(reason in c.why for reason in said)
        )
        return tuple(out)

    def would_change(self, rollback: Sequence[Criterion]) -> tuple[str, ...]:
        """What would have to be different for a better verdict."""
        out = [f"Rollback criterion {c.id} must no longer be met." for c in rollback if c.met]
        out.extend(
            f"{f.title}: {f.would_change}"
            for f in self.open
            if f.would_change and f.level is not Level.UNKNOWN
        )
        if self.unknowns:
            out.append(f"GO needs these measured or accepted: {_names(self.unknowns)}.")
        if self.blocking:
            out.append(
                f"GO needs these success criteria: {', '.join(c.id for c in self.blocking)}."
            )
        return tuple(dict.fromkeys(out))


def is_accepted(finding: Finding) -> bool:
    """Whether a person accepted this finding, and its level is one that can be accepted."""
    return finding.accepted_by is not None and finding.level in ACCEPTABLE


def bounds_of_value(finding: Finding) -> dict[str, Json]:
    """The bounds of a finding's headline value; empty where they are about another number.

    A check may count one thing (masked URLs) and be judged by another (whether there were none).
    """
    about = any(q.value == finding.value for q in finding.quantities.values())
    return dict(finding.threshold or {}) if about else {}


def _reason(finding: Finding) -> str:
    """One finding as a reason: what was measured, and the bound that it is beyond."""
    beyond = _beyond(bounds_of_value(finding).get(finding.level.lower()))
    return f"{finding.title}: {finding.summary} {beyond} is {finding.level}."


_WORDS = {
    "above": "More than {0}",
    "at_most": "{0} or less",
    "below": "Less than {0}",
    "at_least": "{0} or more",
}


def _beyond(bound: Json) -> str:
    """A bound as the JSON interface writes it, in words; "That" where a number adds nothing."""
    match bound:
        case bool() | None:
            return "That"
        case int():
            return f"More than {bound - 1}" if bound > 1 else "That"
        case float():
            return f"{bound:g} or more"
        case {**ratio} if len(ratio) == 1:
            ((op, value),) = ratio.items()
            if op in _WORDS and isinstance(value, int | float):
                return _WORDS[op].format(f"{value * 100:g} %")
            return "That"
        case _:
            return "That"


def _names(findings: Sequence[Finding]) -> str:
    return ", ".join(f.check for f in findings)


def _checks(number: int) -> str:
    return "1 check" if number == 1 else f"{number} checks"


def _stop(text: str) -> str:
    return text.strip().rstrip(".")
