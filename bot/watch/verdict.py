"""The present verdict of a watch: pure, from the last point's report and what was found since.

A point is judged by what it saw itself. Between two points the same thresholds hold all the time;
what is bad then, or was at the point, is a cause of the present NO-GO until it was better for a
while. So there is one verdict at any instant, and each message that shows one reads it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.watch.model import Cause, Present, Taken
from checks.engine import runner
from checks.engine.decision import is_accepted
from checks.engine.model import Criterion, Decision, Finding, Level, Report
from checks.engine.runbook import Runbook
from checks.engine.runbook.model import CriterionRule
from checks.engine.thresholds import Bound, Rule, left

ROLLBACK = "rollback:"
"""How a cause's id begins that is a rollback criterion."""

_UNSEEN = "Whether that is better cannot be seen now."
_NO_GO = Decision.NO_GO


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One look between two points.

    plain:   judged as a point is
    limited: the same evidence, with each share judged by its limit
    due:     the checks that the present checkpoint judges; of others only what proves a rollback
             criterion counts
    tried:   the checks that rest on one try of the health probe
    """

    plain: Report
    limited: Report
    due: frozenset[str]
    tried: frozenset[str]

    @property
    def at(self) -> datetime:
        """The instant of the look."""
        return self.plain.taken_at


def before_any(base: Taken) -> Present:
    """The verdict of a watch of which nothing was judged yet."""
    return Present(at=base.taken_at, base=base.point.key, base_at=base.taken_at)


def of_point(taken: Taken, report: Report, runbook: Runbook) -> Present:
    """The verdict after a point, where nothing is known of what was before."""
    bad = _bad(report, report.findings, runbook)
    calm = before_any(taken).episode if report.verdict.decision is _NO_GO else taken.point.key
    present = Present(
        at=taken.taken_at,
        base=taken.point.key,
        base_at=taken.taken_at,
        verdict=report.verdict,
        causes=_causes((), bad, taken.taken_at),
    )
    return _with_stretch(present, calm, taken.taken_at)


def shown(base: Report, present: Present, runbook: Runbook) -> Report | None:
    """The present verdict as a report: that of its point, with what was found since in it."""
    if present.verdict is None:
        return None
    report = base
    if present.findings or present.criteria:
        report = runner.decided_anew(
            base, runbook, findings=present.findings, rollback=present.criteria
        )
    return replace(report, verdict=present.verdict, taken_at=max(present.at, base.taken_at))


def after_point(
    before: Present,
    standing: Report | None,
    taken: Taken,
    report: Report,
    runbook: Runbook,
    *,
    looked_at: datetime | None = None,
) -> tuple[Present, Report]:
    """The verdict after a point, and the report that shows it.

    The point decides by what it saw, and by the causes before it that are not over yet.

    Args:
        before: the verdict until then.
        standing: the report that showed it; None before anything was judged.
        taken: the point.
        report: what it saw.
        runbook: its rules.
        looked_at: the last look between two points; None where there was none.
    """
    at = report.taken_at
    # Points that were missed are taken within seconds, and are about instants far apart.
    last = before.base_at if standing is None else standing.evidence.now
    watched = report.evidence.now - max(last, looked_at or last) < runbook.between.over_after
    carried = _carried(before, standing, report, runbook, watched=watched)
    findings = tuple(found for _, found in carried if isinstance(found, Finding))
    criteria = tuple(found for _, found in carried if isinstance(found, Criterion))
    shows = report
    if carried:
        shows = runner.decided_anew(report, runbook, findings=findings, rollback=criteria)
    still = {cause.id: cause for cause, _ in carried}
    causes = _causes(before.causes, {*_bad(shows, shows.findings, runbook)}, at)
    present = replace(
        before,
        at=at,
        base=taken.point.key,
        base_at=taken.taken_at,
        verdict=shows.verdict,
        findings=findings,
        criteria=criteria,
        causes=tuple(still.get(cause.id, cause) for cause in causes),
        suspected={},
    )
    return _with_stretch(present, taken.point.key, at), shows


def after_health(
    before: Present, standing: Report | None, report: Report, runbook: Runbook
) -> tuple[Present, Report]:
    """The same after the point that looked at the health check alone: the rest stands.

    What was bad and is better there is over as it is between two points: after a while.
    """
    at = report.taken_at
    bad = {*_bad(report, report.findings, runbook)}
    found = {f.check: f for f in report.findings if f.level is not Level.UNKNOWN}
    known = {cause.id for cause in before.causes}
    still = [
        replace(cause, better_since=cause.better_since or at)
        if cause.id in found and cause.id not in bad
        else cause
        for cause in before.causes
        if cause.id not in bad
    ]
    fresh = tuple(f for f in report.findings if f.check not in known or f.check in bad)
    shows = report
    if standing is not None:
        shows = runner.decided_anew(standing, runbook, findings=fresh, rollback=())
    present = replace(
        before,
        at=at,
        verdict=shows.verdict,
        findings=tuple({f.check: f for f in (*before.findings, *fresh)}.values()),
        causes=(*still, *_causes(before.causes, bad, at)),
    )
    return _with_stretch(present, None, at), replace(shows, taken_at=at)


def after_look(
    before: Present, base: Report, look: Look, runbook: Runbook, key: str
) -> tuple[Present, Report | None]:
    """The verdict after a look between two points, and the report that shows it, if any does.

    Args:
        before: the verdict until then.
        base: the report of the point that it builds on.
        look: what was seen.
        runbook: its rules.
        key: names the instant of the look, as "T+12".
    """
    known = {cause.id: cause for cause in before.causes}
    seen = [f for f in look.limited.findings if f.check in look.due | _proof(look, runbook)]
    bad = _bad(look.limited, seen, runbook)
    suspected = {
        cause: before.suspected.get(cause, 0) + 1
        for cause, found in bad.items()
        if cause not in known and not _at_once(cause, found, look, runbook)
    }
    opened = {
        cause: found
        for cause, found in bad.items()
        if cause not in known
        and suspected.get(cause, runbook.between.looks) >= runbook.between.looks
    }
    looked = _looked_at(look)
    unseen = {cause: n for cause, n in before.suspected.items() if cause not in looked}
    causes, over = _watched(before.causes, look, runbook)
    changed = bool(opened or over)
    findings = {finding.check: finding for finding in before.findings}
    criteria = {criterion.id: criterion for criterion in before.criteria}
    for found in (*opened.values(), *over):
        if isinstance(found, Finding):
            findings[found.check] = found
        else:
            criteria[found.id] = found
    for check in _proof(look, runbook):
        findings |= {f.check: f for f in seen if f.check == check and opened}
    present = replace(
        before,
        findings=tuple(findings.values()),
        criteria=tuple(criteria.values()),
        causes=(*causes, *(Cause(id=cause, since=look.at) for cause in sorted(opened))),
        suspected={**unseen, **{c: n for c, n in suspected.items() if c not in opened}},
    )
    if not changed:
        return present, shown(base, present, runbook)
    report = runner.decided_anew(
        base, runbook, findings=present.findings, rollback=present.criteria
    )
    present = replace(present, at=look.at, verdict=report.verdict)
    return _with_stretch(present, key, look.at), replace(
        report, taken_at=look.at, evidence=look.plain.evidence, window=look.plain.window
    )


def beside(standing: Report, live: Report) -> tuple[Report, tuple[Finding, ...]]:
    """A live look as it is shown: its findings, under the present verdict.

    Returns: that, and what the look found CRITICAL and the verdict does not know yet.
    """
    known = {f.check for f in standing.findings if f.level is Level.CRITICAL}
    fresh = tuple(f for f in live.findings if f.level is Level.CRITICAL and f.check not in known)
    shows = replace(
        live,
        verdict=standing.verdict,
        rollback_criteria=standing.rollback_criteria,
        success_criteria=standing.success_criteria,
    )
    return shows, fresh


def titles(report: Report, causes: Sequence[Cause]) -> tuple[str, ...]:
    """What causes are called, each once: checks by their titles, rollback criteria by their ids."""
    named = {finding.check: finding.title for finding in report.findings}
    ids = [cause.id for cause in causes]
    return tuple(
        named.get(one) or f"rollback criterion {one.removeprefix(ROLLBACK)}"
        for one in dict.fromkeys(ids)
    )


def _with_stretch(present: Present, calm: str | None, at: datetime) -> Present:
    """When the stretch of NO-GO began, or that it is over.

    calm: names the instant, where it says of everything how it stands
    """
    if present.decision is _NO_GO:
        return replace(present, no_go_since=present.no_go_since or at)
    return replace(present, no_go_since=None, episode=calm or present.episode)


def _causes(before: Sequence[Cause], bad: Collection[str], at: datetime) -> tuple[Cause, ...]:
    """What is bad now, and since when that has been known."""
    known = {cause.id: cause.since for cause in before}
    found = [Cause(id=cause, since=known.get(cause, at)) for cause in bad]
    return tuple(sorted(found, key=lambda cause: (cause.since, cause.id)))


def _bad(
    report: Report, findings: Sequence[Finding], runbook: Runbook
) -> dict[str, Finding | Criterion]:
    """What makes a NO-GO by itself or with others, by the id of its cause."""
    out: dict[str, Finding | Criterion] = {
        ROLLBACK + criterion.id: criterion
        for criterion in report.rollback_criteria
        if criterion.met
    }
    out |= {f.check: f for f in findings if f.level is Level.CRITICAL}
    warnings = [
        f
        for f in findings
        if f.level is Level.WARNING and f.check in runbook.matrix and not is_accepted(f)
    ]
    if len(warnings) >= runbook.decision.matrix_warnings:
        out |= {f.check: f for f in warnings}
    return out


def _watched(
    causes: Sequence[Cause], look: Look, runbook: Runbook
) -> tuple[list[Cause], list[Finding | Criterion]]:
    """The causes that are not over, and what was found of those that are."""
    bad = {*_bad(look.plain, look.plain.findings, runbook)}
    bad |= {*_bad(look.limited, look.limited.findings, runbook)}
    looked = _looked_at(look)
    still: list[Cause] = []
    over: list[Finding | Criterion] = []
    for cause in causes:
        found = looked.get(cause.id)
        if found is None:
            still.append(cause)
        elif isinstance(found, Finding) and found.details.get("silenced"):
            over.append(found)
        elif cause.id in bad or not _left(cause.id, found, look.plain, runbook):
            still.append(replace(cause, better_since=None))
        elif look.at - (cause.better_since or look.at) >= runbook.between.over_after:
            over.append(found)
        else:
            still.append(replace(cause, better_since=cause.better_since or look.at))
    return still, over


def _looked_at(look: Look) -> dict[str, Finding | Criterion]:
    """What this look could say something of, by the id of its cause; what is silenced, too."""
    out: dict[str, Finding | Criterion] = {
        ROLLBACK + c.id: c for c in look.plain.rollback_criteria if c.met is not None
    }
    return out | {
        f.check: f
        for f in look.plain.findings
        if f.level is not Level.UNKNOWN or f.details.get("silenced")
    }


def _left(cause: str, found: Finding | Criterion, report: Report, runbook: Runbook) -> bool:
    """Whether each share behind a cause is shown to be within its bound."""
    return all(
        left(quantity, bound, runbook.sample)
        for finding, name, bound in _bounds(cause, found, report, runbook)
        if (quantity := finding.quantities.get(name)) is not None and quantity.sample is not None
    )


def _carried(
    before: Present, standing: Report | None, report: Report, runbook: Runbook, *, watched: bool
) -> list[tuple[Cause, Finding | Criterion]]:
    """The causes that are not over yet for a point, though it does not find them bad itself.

    Each comes with what the point says of it: it is better, or cannot be seen now. What somebody
    silenced or accepted is left out.

    watched: whether somebody looked within the time after which what is better is over
    """
    if standing is None:
        return []
    bad = _bad(report, report.findings, runbook)
    was = {f.check: f for f in standing.findings}
    met = {c.id: c for c in standing.rollback_criteria}
    now = {f.check: f for f in report.findings}
    now_met = {c.id: c for c in report.rollback_criteria}
    out: list[tuple[Cause, Finding | Criterion]] = []
    for cause in before.causes:
        name = cause.id.removeprefix(ROLLBACK)
        found = now.get(name) if cause.id == name else now_met.get(name)
        if found is None or cause.id in bad or _other_bounds(name, standing, report, runbook):
            continue
        if found.met is None if isinstance(found, Criterion) else found.level is Level.UNKNOWN:
            kept = _unseen(found, was.get(name), met.get(name))
            out += [(cause, kept)] if kept is not None else []
            continue
        since = cause.better_since or report.taken_at
        short = watched and report.taken_at - since < runbook.between.over_after
        if not short and _left(cause.id, found, report, runbook):
            continue
        why = "not for long enough" if short else "not shown to be by so few events"
        if isinstance(found, Criterion):
            said = f"{found.why} It was met before: that is better, but {why}."
            out.append((replace(cause, better_since=since), replace(found, met=True, why=said)))
        elif name in was:
            said = f"{found.summary} That is better than before, but {why}."
            level = was[name].level
            out.append(
                (replace(cause, better_since=since), replace(found, level=level, summary=said))
            )
    return out


def _unseen(
    found: Finding | Criterion, was: Finding | None, met: Criterion | None
) -> Finding | Criterion | None:
    """What was found before, where nothing can be seen of it now; None where people decided so."""
    if isinstance(found, Criterion):
        return None if met is None else replace(met, met=True, why=f"{met.why} {_UNSEEN}")
    if was is None or found.details.get("silenced") or is_accepted(found):
        return None
    return replace(was, summary=f"{was.summary} {_UNSEEN}")


def _other_bounds(check: str, standing: Report, report: Report, runbook: Runbook) -> bool:
    """Whether a check is judged by other bounds than it was: then what it was says nothing."""
    before, now = (_thresholds(check, one, runbook) for one in (standing, report))
    return before is not None and now is not None and before.thresholds != now.thresholds


def _at_once(cause: str, found: Finding | Criterion, look: Look, runbook: Runbook) -> bool:
    """Whether one look is enough: for counts, as they stand."""
    if cause in look.tried:
        return False
    return any(
        quantity.sample is None and bound.holds(quantity.value)
        for finding, name, bound in _bounds(cause, found, look.limited, runbook)
        if (quantity := finding.quantities.get(name)) is not None
    )


def _bounds(
    cause: str, found: Finding | Criterion, report: Report, runbook: Runbook
) -> list[tuple[Finding, str, Bound]]:
    """The bounds that a cause is beyond, or was: finding, quantity and bound."""
    if isinstance(found, Criterion):
        by_check = {finding.check: finding for finding in report.findings}
        rule = _rule_of(cause, runbook)
        sources = () if rule is None else rule.any_of
        return [
            (by_check[source.check], source.quantity, source.bound)
            for source in sources
            if source.check in by_check
        ]
    rule = _thresholds(found.check, report, runbook)
    if rule is None:
        return []
    warned = found.level is Level.WARNING and found.check in runbook.matrix
    bounds = [(t.quantity, t.warning if warned else t.critical) for t in rule.thresholds]
    return [(found, quantity, bound) for quantity, bound in bounds if bound is not None]


def _thresholds(check: str, report: Report, runbook: Runbook) -> Rule | None:
    known = (check, report.checkpoint) in runbook.rules
    return runbook.rule(check, report.checkpoint) if known else None


def _rule_of(cause: str, runbook: Runbook) -> CriterionRule | None:
    name = cause.removeprefix(ROLLBACK)
    return next((rule for rule in runbook.rollback_criteria if rule.id == name), None)


def _proof(look: Look, runbook: Runbook) -> set[str]:
    """The checks that a rollback criterion rests on which is met."""
    met = {criterion.id for criterion in look.limited.rollback_criteria if criterion.met}
    rules = [rule for rule in runbook.rollback_criteria if rule.id in met]
    return {source.check for rule in rules for source in rule.any_of}
