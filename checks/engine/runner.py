"""One run of the checks: look once, measure everything from what was seen, judge, decide.

`collect` is the only step that touches a source; `assess` is pure and turns the same evidence into
the same report again, so that a verdict can be replayed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from checks.engine import collecting, criteria, plan
from checks.engine.check import Check, View, unknown
from checks.engine.collecting import Progress, Sources
from checks.engine.decision import ACCEPTABLE, Policy, decide
from checks.engine.history import compare
from checks.engine.model import Criterion, Evidence, Finding, Level, Problem, Report, Window
from checks.engine.plan import Occasion
from checks.engine.runbook import Runbook
from checks.engine.thresholds import Rule, finding_of
from checks.sources.logs.source import ScanState

__all__ = ["Occasion", "Sources", "assess", "collect", "decided_anew", "run"]


async def run(
    checks: Sequence[Check],
    runbook: Runbook,
    sources: Sources,
    occasion: Occasion,
    *,
    progress: Progress | None = None,
) -> Report:
    """Collect the evidence once and judge it: a single run, which remembers nothing."""
    evidence, _ = await collect(checks, runbook, sources, occasion, progress=progress)
    return assess(checks, runbook, evidence, occasion)


async def collect(
    checks: Sequence[Check],
    runbook: Runbook,
    sources: Sources,
    occasion: Occasion,
    *,
    state: ScanState | None = None,
    progress: Progress | None = None,
) -> tuple[Evidence, ScanState | None]:
    """Look at every source that this occasion's checks need, once.

    Returns: the evidence, and what the next scan of the log needs so that it reads only new bytes.
    """
    return await collecting.collect(
        checks, runbook, sources, occasion, state=state, progress=progress
    )


def assess(
    checks: Sequence[Check], runbook: Runbook, evidence: Evidence, occasion: Occasion
) -> Report:
    """Measure, judge and decide on evidence that was collected for this occasion."""
    due = {check.id for check in plan.due(checks, occasion)}
    measured = [
        (check.id in due, _judged(check, rule, evidence, runbook, occasion))
        for check, rule in plan.measured(checks, runbook, occasion, evidence.log)
    ]
    # Whatever somebody silenced or accepted, a rollback criterion sees what was measured.
    rollback = criteria.rollback(
        runbook.rollback_criteria, [found for _, found in measured], sample=runbook.sample
    )
    listed = [(is_due, _as_decided(found, occasion)) for is_due, found in measured]
    everything = [finding for _, finding in listed]
    shown = plan.shown(listed, runbook.rollback_criteria, rollback)
    success = criteria.success(
        runbook.success_criteria,
        everything,
        sample=runbook.sample,
        judged=shown,
        earlier=occasion.earlier,
        between=occasion.between,
    )
    policy = _policy(runbook, occasion.checkpoint, success, everything, occasion.only)
    return Report(
        checkpoint=occasion.checkpoint,
        taken_at=evidence.taken_at,
        window=_window(evidence),
        findings=shown,
        rollback_criteria=rollback,
        success_criteria=success,
        verdict=decide(shown, rollback, success, policy),
        evidence=evidence,
        switched_off=runbook.switched_off,
    )


def decided_anew(
    report: Report,
    runbook: Runbook,
    *,
    findings: Sequence[Finding],
    rollback: Sequence[Criterion],
) -> Report:
    """A report with newer findings and rollback criteria in place of its own, decided again."""
    newer = {finding.check: finding for finding in findings}
    known = {finding.check for finding in report.findings}
    shown = (
        *(newer.get(finding.check, finding) for finding in report.findings),
        *(finding for finding in findings if finding.check not in known),
    )
    met = {criterion.id: criterion for criterion in (*report.rollback_criteria, *rollback)}
    success = report.success_criteria
    policy = _policy(runbook, report.checkpoint, success, shown)
    return replace(
        report,
        findings=shown,
        rollback_criteria=tuple(met.values()),
        verdict=decide(shown, tuple(met.values()), success, policy),
    )


def _policy(
    runbook: Runbook,
    checkpoint: str,
    success: Sequence[Criterion],
    findings: Sequence[Finding],
    only: Sequence[str] = (),
) -> Policy:
    return Policy(
        matrix=runbook.matrix,
        critical=runbook.decision.critical,
        matrix_warnings=runbook.decision.matrix_warnings,
        due=plan.due_criteria(runbook, checkpoint, only),
        waived=criteria.waived(runbook.success_criteria, success, findings, runbook.switched_off),
        switched_off=runbook.switched_off,
        only=only,
    )


def _finding(check: Check, rule: Rule, evidence: Evidence) -> Finding:
    try:
        measurement = check.measure(View(evidence=evidence, rule=rule))
        return finding_of(check.id, check.title, measurement, rule)
    except Exception as error:  # noqa: BLE001 - the runner is where crashes become UNKNOWN
        crashed = unknown("", collecting.bug(f"check {check.id}", error))
        return finding_of(check.id, check.title, crashed, rule)


def _judged(
    check: Check, rule: Rule, evidence: Evidence, runbook: Runbook, occasion: Occasion
) -> Finding:
    finding = _timely(check, rule, evidence, occasion)
    return _beside(finding, rule, runbook, occasion)


def _timely(check: Check, rule: Rule, evidence: Evidence, occasion: Occasion) -> Finding:
    """A finding, as far as it is about the time of the checkpoint.

    Of several that were missed the newest says how things stand now; trouble that cannot be told
    to be older is not held against the others.
    """
    finding = _finding(check, rule, evidence)
    bad = finding.level in (Level.WARNING, Level.CRITICAL)
    if not bad or not occasion.superseded:
        return finding
    if plan.is_of_its_time(check, occasion, evidence.log):
        return finding
    problem = Problem(
        what=f"How it was at {evidence.now:%H:%M} UTC is not known: golive looked at "
        f"{evidence.taken_at:%H:%M} UTC only.",
        mend="The newest checkpoint says what it sees now.",
    )
    return replace(
        finding,
        level=Level.UNKNOWN,
        value=None,
        summary=str(problem),
        unknown=problem,
        would_change="",
        quantities={},
        evidence=(),
        details={**finding.details, "seen_late": finding.summary},
    )


def _beside(finding: Finding, rule: Rule, runbook: Runbook, occasion: Occasion) -> Finding:
    """A finding beside the one of the deployment before, where that is known.

    It is context, unless the runbook lets a clear rise of this check be a WARNING.
    """
    past = occasion.past.get(finding.check)
    window = finding.window or occasion.window
    seconds = (window.until - window.since).total_seconds()
    found = None if past is None else compare(finding, rule, past, seconds)
    if past is None or found is None:
        return finding
    finding = replace(finding, details={**finding.details, "history": found.json()})
    raises = runbook.history
    if raises is None or finding.check not in raises.checks or found.p >= raises.below:
        return finding
    if finding.level is not Level.OK:
        return finding
    return replace(
        finding,
        level=Level.WARNING,
        summary=f"{finding.summary} That is {found.words}.",
        would_change=f"GO needs no clear rise against {past.version}.",
    )


def _as_decided(finding: Finding, occasion: Occasion) -> Finding:
    """A finding as people decided to see it: silenced, or accepted."""
    said = occasion.silenced.get(finding.check)
    if said is not None:
        finding = _silence(finding, said)
    return _accept(finding, occasion.accepted)


def _silence(finding: Finding, said: str) -> Finding:
    """A silenced finding: UNKNOWN, with what was measured beside it."""
    return replace(
        finding,
        level=Level.UNKNOWN,
        value=None,
        summary=f"{said} It would be {finding.level}: {finding.summary}",
        unknown=Problem(what=said, mend="It counts again when that ends."),
        would_change="",
        details={**finding.details, "silenced": True, "silenced_level": finding.level.value},
    )


def _accept(finding: Finding, accepted: Mapping[str, str]) -> Finding:
    who = accepted.get(finding.check)
    if who is None or finding.level not in ACCEPTABLE:
        return finding
    return replace(finding, accepted_by=who)


def _window(evidence: Evidence) -> Window | None:
    """The window that the numbers are about; None where the log carries no times."""
    untimed = evidence.log.profile is not None and not evidence.log.timed
    return None if untimed else evidence.logged
