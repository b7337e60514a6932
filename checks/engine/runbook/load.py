"""From runbook.yaml to the frozen runbook, or to everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from checks.engine.check import Check
from checks.engine.model import Decision, Json
from checks.engine.runbook.issues import Issue, RunbookError, issues_of, shape_faults
from checks.engine.runbook.model import (
    CHECKPOINTS,
    FINAL,
    LOKI_LAG,
    BetweenRule,
    CriterionRule,
    CriterionSource,
    DatabaseRule,
    DecisionRule,
    HistoryRule,
    LogRule,
    Phase,
    Runbook,
    SchedulePoint,
)
from checks.engine.runbook.remediation import remediation_of
from checks.engine.runbook.rules import rule_faults
from checks.engine.runbook.source import YamlSource, read_yaml
from checks.engine.runbook.spec import (
    BetweenSpec,
    CheckSpec,
    CriterionSpec,
    DatabaseSpec,
    HistorySpec,
    PhaseSpec,
    PointSpec,
    RunbookSpec,
    Thresholds,
    WindowSpec,
)
from checks.engine.shares import SampleRule
from checks.engine.thresholds import Rule, Threshold

_NAME = "runbook.yaml"

LATER: Final[tuple[tuple[str, ...], ...]] = (
    ("min_bad",),
    ("confidence",),
    ("checks", "connection_stability", "params", "pairing_seconds"),
    ("checks", "campaigns", "params", "overdue_seconds"),
    ("checks", "service_down", "params", "least_responses"),
    ("checks", "service_down", "params", "least_touched"),
)
"""What version 0.1.0 did not know: where it is missing, what the shipped runbook says holds.

What else is missing is an error; `lint` names what was completed.
"""


def load_runbook(path: Path | None = None, *, checks: Sequence[Check]) -> Runbook:
    """Load a runbook and check it against the checks that exist.

    Args:
        path: the file; None for the one that golive ships.
        checks: all checks that the file must configure or switch off.

    Raises:
        RunbookError: the file cannot be used; it carries everything that is wrong at once.
    """
    where = shipped_runbook() if path is None else path
    try:
        raw = where.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        message = f"cannot be read: {reason}. Check the path and its permissions."
        raise RunbookError([Issue(path=where, line=0, where="", message=message)]) from error
    return parse_runbook(raw, path=where, checks=checks)


def shipped_runbook() -> Path:
    """Where the runbook lies that golive brings: in the wheel, or beside the source tree."""
    package = files("checks")
    packed = Path(str(package.joinpath("manifests", _NAME)))
    return packed if packed.is_file() else Path(str(package)).parent / "manifests" / _NAME


def parse_runbook(raw: bytes, *, path: Path, checks: Sequence[Check]) -> Runbook:
    """Like `load_runbook`, from the bytes of a file; `path` is for messages only."""
    source = read_yaml(path, raw)
    faults = list(source.faults)
    if any(not fault.loc and source.data is None for fault in faults):
        raise RunbookError(issues_of(source, faults))
    spec: RunbookSpec | None = None
    empty = {fault.loc for fault in faults}
    data = _with_later(source.data)
    try:
        spec = RunbookSpec.model_validate(data)
    except ValidationError as error:
        faults.extend(f for f in shape_faults(error, source) if f.loc not in empty)
    if isinstance(data, dict):
        faults.extend(rule_faults(data, checks))
    if spec is None or faults:
        raise RunbookError(issues_of(source, faults))
    return _runbook(spec, source)


def lacks_later(data: Json) -> Iterator[tuple[str, ...]]:
    """The places of `LATER` that a runbook's file does not have, of checks that it configures."""
    for place in LATER:
        found = data
        for depth, key in enumerate(place):
            if not isinstance(found, dict) or (depth == 2 and found.get("enabled") is False):
                break
            if key not in found and depth != 1:
                yield place
                break
            found = found.get(key)


def _with_later(data: Json) -> Json:
    """A runbook's file with what it lacks of `LATER`, as the shipped runbook has it."""
    lacking = list(lacks_later(data))
    if not lacking:
        return data
    filled = deepcopy(data)
    shipped = _shipped_file().data
    for *parents, last in lacking:
        here, there = filled, shipped
        for key in parents:
            if isinstance(here, dict) and isinstance(there, dict):
                here, there = here.setdefault(key, {}), there[key]
        if isinstance(here, dict) and isinstance(there, dict):
            here[last] = there[last]
    return filled


# --- from the file's shape to the engine's ------------------------------------------------------


def _runbook(spec: RunbookSpec, source: YamlSource) -> Runbook:
    off = {name: check.reason for name, check in spec.checks.items() if not check.enabled}
    follow = spec.follow_up
    by_decision = {
        Decision.GO: follow.go,
        Decision.MONITOR: follow.monitor,
        Decision.NO_GO: follow.no_go,
    }
    return Runbook(
        rules=_rules(spec),
        switched_off={name: reason or "" for name, reason in off.items()},
        matrix=tuple(spec.decision.matrix),
        decision=DecisionRule(
            critical=spec.decision.critical, matrix_warnings=spec.decision.matrix_warnings
        ),
        escalation=spec.escalation.critical,
        remind_after=spec.escalation.remind_after,
        links=dict(spec.escalation.links),
        between=BetweenRule() if spec.between is None else _between(spec.between),
        rollback_criteria=_criteria(spec.rollback),
        success_criteria=_criteria(spec.success),
        schedule=_schedule(spec.schedule),
        follow_up={k: _phases(v) for k, v in by_decision.items()},
        log=LogRule(
            timezone=spec.log.timezone,
            profiles=spec.log.profiles,
            loki_lag=spec.log.loki.lag if spec.log.loki is not None else LOKI_LAG,
        ),
        database=DatabaseRule() if spec.database is None else _database(spec.database),
        default_window=spec.default_window,
        sample=_sample(spec),
        off=_off(spec),
        history=None if spec.history is None else _history(spec.history),
        remediation=None if spec.remediation is None else remediation_of(spec.remediation),
        evolution_hosts=() if spec.evolution is None else tuple(spec.evolution.hosts),
        source=source,
    )


def _sample(spec: RunbookSpec) -> SampleRule:
    return SampleRule(min_sample=spec.min_sample, min_bad=spec.min_bad, confidence=spec.confidence)


def _between(spec: BetweenSpec) -> BetweenRule:
    return BetweenRule(
        every=spec.every,
        database_every=spec.database_every,
        looks=spec.looks,
        over_after=spec.over_after,
        mention_every=spec.mention_every,
    )


def _database(spec: DatabaseSpec) -> DatabaseRule:
    return DatabaseRule(timezone=spec.timezone, lag=spec.lag, clock_offset=spec.clock_offset)


def _history(spec: HistorySpec) -> HistoryRule:
    return HistoryRule(checks=frozenset(spec.raises), below=spec.below)


def _rules(spec: RunbookSpec) -> dict[tuple[str, str], Rule]:
    return {
        (name, checkpoint): _rule(name, check, checkpoint, _sample(spec))
        for name, check in spec.checks.items()
        if check.enabled
        for checkpoint in CHECKPOINTS
    }


def _off(spec: RunbookSpec) -> dict[tuple[str, str], Rule]:
    """The rules of checks that are switched off, completed from the runbook that golive ships."""
    off = {name: check for name, check in spec.checks.items() if not check.enabled}
    shipped = _shipped().checks if off else {}
    return {
        (name, checkpoint): _rule(name, _completed(check, shipped.get(name)), checkpoint, sample)
        for name, check in off.items()
        for checkpoint in CHECKPOINTS
        for sample in (_sample(spec),)
    }


def _completed(check: CheckSpec, shipped: CheckSpec | None) -> CheckSpec:
    if shipped is None:
        return check
    bounded = check if check.both or check.checkpoint or check.final else shipped
    return shipped.model_copy(
        update={
            "window": check.window or shipped.window,
            "params": {**shipped.params, **check.params},
            "both": bounded.both,
            "checkpoint": bounded.checkpoint,
            "final": bounded.final,
        }
    )


@cache
def _shipped_file() -> YamlSource:
    path = shipped_runbook()
    return read_yaml(path, path.read_bytes())


@cache
def _shipped() -> RunbookSpec:
    return RunbookSpec.model_validate(_shipped_file().data)


def _rule(name: str, check: CheckSpec, checkpoint: str, sample: SampleRule) -> Rule:
    final = checkpoint == FINAL
    window = check.window or WindowSpec(checkpoint=None, final=None)
    column = check.both or (check.final if final else check.checkpoint)
    return Rule(
        check=name,
        thresholds=_thresholds(column or {}),
        window=window.final if final else window.checkpoint,
        params=dict(check.params),
        sample=sample,
    )


def _thresholds(written: Thresholds) -> tuple[Threshold, ...]:
    return tuple(
        Threshold(
            quantity=quantity,
            warning=spec.warning.bound if spec.warning else None,
            critical=spec.critical.bound if spec.critical else None,
            says=spec.says,
        )
        for quantity, spec in written.items()
    )


def _criteria(written: Mapping[str, CriterionSpec]) -> tuple[CriterionRule, ...]:
    return tuple(
        CriterionRule(
            id=name,
            any_of=tuple(CriterionSource(s.check, s.quantity, s.bound) for s in spec.any_of),
        )
        for name, spec in written.items()
    )


def _schedule(written: Sequence[PointSpec]) -> tuple[SchedulePoint, ...]:
    points: list[SchedulePoint] = []
    checkpoint: str | None = None
    for point in written:
        run, _, number = point.run.partition(" ")
        checkpoint = FINAL if run == FINAL else number or checkpoint
        points.append(SchedulePoint(at=point.at, run=run, checkpoint=checkpoint))
    return tuple(points)


def _phases(written: Sequence[PhaseSpec]) -> tuple[Phase, ...]:
    return tuple(
        Phase(every=phase.every, lasts=phase.lasts, decide=phase.then == "decide")
        for phase in written
    )
