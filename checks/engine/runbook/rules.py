"""What the shape of runbook.yaml cannot say: names that exist, bounds that can be reached.

Works on the file as written, part by part, so that one mistake hides no other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from checks.engine.check import Check
from checks.engine.model import Json
from checks.engine.profiles import ProfileSpec
from checks.engine.runbook.issues import meant
from checks.engine.runbook.profile_rules import profile_faults
from checks.engine.runbook.reach import is_empty, no_flag, span, unreachable, wrong_value
from checks.engine.runbook.source import Fault, Loc
from checks.engine.runbook.spec import (
    NO_CRITICAL,
    BoundSpec,
    PointSpec,
    SourceSpec,
    ThresholdSpec,
    salvage,
)
from checks.engine.thresholds import Bound

_COLUMNS = ("checkpoint", "final", "any")
_ORDER = ("checkpoint 1", "checkpoint 2", "checkpoint 3", "final")


def rule_faults(data: Mapping[str, Json], checks: Sequence[Check]) -> Iterator[Fault]:
    """Everything that is wrong with a runbook beyond its shape."""
    known = {check.id: check for check in checks}
    yield from _checks(_mapping(data.get("checks")), known)
    yield from _matrix(data.get("decision"), known)
    for kind in ("rollback", "success"):
        for name, written in _mapping(data.get(kind)).items():
            yield from _criterion(name, written, known, (kind, name))
    yield from _schedule(data.get("schedule"))
    yield from _history(data.get("history"), known)
    profiles = _mapping(_mapping(data.get("log")).get("profiles"))
    for name, written in profiles.items():
        spec = salvage(ProfileSpec, written)
        if spec is not None:
            yield from profile_faults(name, spec, profiles, ("log", "profiles", name))


def _mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}


def _history(value: Json, known: Mapping[str, Check]) -> Iterator[Fault]:
    names = _mapping(value).get("raises")
    for i, name in enumerate(names if isinstance(names, list) else []):
        if isinstance(name, str) and name not in known:
            loc: Loc = ("history", "raises", i)
            yield Fault(loc=loc, message=f"unknown check; {meant(name, tuple(known))}")


# --- checks -------------------------------------------------------------------------------------


def _checks(written: Mapping[str, Json], known: Mapping[str, Check]) -> Iterator[Fault]:
    for name, value in written.items():
        at: Loc = ("checks", name)
        if name not in known:
            yield Fault(loc=at, message=f"unknown check; {meant(name, tuple(known))}")
        elif isinstance(value, dict):
            yield from _check(known[name], value, at)
    for name in known:
        if name not in written:
            message = f"{name} is missing; configure it, or give enabled: false and a reason"
            yield Fault(loc=("checks",), message=message)


def _check(check: Check, written: Mapping[str, Json], at: Loc) -> Iterator[Fault]:
    if written.get("enabled") is False:
        if "reason" not in written:
            yield Fault(loc=at, message="is switched off without a reason; add reason: …")
    else:
        yield from _complete(check, written, at)
    for column in _COLUMNS:
        for quantity, value in _mapping(written.get(column)).items():
            here = (*at, column, quantity)
            if quantity not in check.quantities:
                hint = meant(quantity, check.quantities)
                yield Fault(loc=here, message=f"unknown quantity; {hint}")
            else:
                yield from _threshold(check, quantity, value, here)
    for param in _mapping(written.get("params")):
        if param not in check.params:
            hint = meant(param, check.params)
            yield Fault(loc=(*at, "params", param), message=f"unknown param; {hint}")


def _complete(check: Check, written: Mapping[str, Json], at: Loc) -> Iterator[Fault]:
    """Whether a check that is switched on has all that it needs."""
    either, both = "any" in written, [c for c in ("checkpoint", "final") if c in written]
    if either and both:
        message = f"gives any and also {' and '.join(both)}; give any, or checkpoint and final"
        yield Fault(loc=(*at, "any"), message=message)
    elif not either and not both:
        message = "has no thresholds; give any, or checkpoint and final"
        yield Fault(loc=at, message=message)
    elif len(both) == 1:
        (other,) = {"checkpoint", "final"} - set(both)
        message = f"gives {both[0]} but not {other}; give both, or any"
        yield Fault(loc=at, message=message)
    for column in _COLUMNS:
        if written.get(column) == {}:
            yield Fault(loc=(*at, column), message="must not be empty")
    given = _mapping(written.get("params"))
    for param in check.params:
        if param not in given:
            yield Fault(loc=(*at, "params"), message=f"the param {param} is missing")


def _threshold(check: Check, quantity: str, written: Json, at: Loc) -> Iterator[Fault]:
    bounds: dict[str, Bound] = {}
    wrong = False
    for level in ("warning", "critical"):
        spec = salvage(BoundSpec, _mapping(written).get(level))
        if spec is not None:
            bounds[level] = spec.bound
            message = wrong_value(spec.bound, quantity)
            if not message and quantity in check.flags:
                message = no_flag(spec.bound)
            if message:
                wrong = True
                yield Fault(loc=(*at, level), message=message)
    if not wrong and salvage(ThresholdSpec, written) is not None:
        message = unreachable(bounds.get("warning"), bounds.get("critical"), quantity)
        if message:
            yield Fault(loc=at, message=message)


# --- decision and criteria ----------------------------------------------------------------------


def _matrix(decision: Json, known: Mapping[str, Check]) -> Iterator[Fault]:
    matrix = _mapping(decision).get("matrix")
    seen: set[str] = set()
    for i, name in enumerate(matrix if isinstance(matrix, list) else ()):
        at: Loc = ("decision", "matrix", i)
        if not isinstance(name, str):
            continue
        if name not in known:
            yield Fault(loc=at, message=f"unknown check {name!r}; {meant(name, tuple(known))}")
        if name in seen:
            yield Fault(loc=at, message=f"{name} is listed twice")
        seen.add(name)


def _criterion(name: str, written: Json, known: Mapping[str, Check], at: Loc) -> Iterator[Fault]:
    sources = _mapping(written).get("any_of")
    if not isinstance(sources, list):
        sources = []
    if name == NO_CRITICAL and at[0] == "success":
        if sources:
            message = "is about the levels of all checks and has no any_of"
            yield Fault(loc=(*at, "any_of"), message=message)
        return
    if not sources:
        yield Fault(loc=at, message="names no check; give any_of: a check, a quantity, a bound")
    for i, source in enumerate(sources):
        yield from _source(source, known, (*at, "any_of", i))


def _source(written: Json, known: Mapping[str, Check], at: Loc) -> Iterator[Fault]:
    name, quantity = _mapping(written).get("check"), _mapping(written).get("quantity")
    if not isinstance(name, str):
        return
    if name not in known:
        hint = meant(name, tuple(known))
        yield Fault(loc=(*at, "check"), message=f"unknown check {name!r}; {hint}")
        return
    if not isinstance(quantity, str):
        return
    if quantity not in known[name].quantities:
        hint = meant(quantity, known[name].quantities)
        message = f"{name} has no quantity {quantity!r}; {hint}"
        yield Fault(loc=(*at, "quantity"), message=message)
        return
    spec = salvage(SourceSpec, written)
    if spec is not None:
        message = wrong_value(spec.bound, quantity)
        if not message and is_empty(span(spec.bound, quantity)):
            message = f"no value of {quantity} can meet this"
        if message:
            yield Fault(loc=(*at, spec.bound.op.value), message=message)


# --- schedule -----------------------------------------------------------------------------------


def _schedule(written: Json) -> Iterator[Fault]:
    points = [
        (i, salvage(PointSpec, value))
        for i, value in enumerate(written if isinstance(written, list) else ())
    ]
    before: timedelta | None = None
    for i, point in points:
        if point is None:
            continue
        if before is not None and point.at <= before:
            yield Fault(loc=("schedule", i, "at"), message="is not later than the point before it")
        before = point.at
    whole = [point for _, point in points if point is not None]
    if not whole or len(whole) < len(points):
        return
    if whole[0].run != "baseline" or whole[0].at:
        yield Fault(loc=("schedule", 0), message="must be the baseline at 0m")
    if whole[-1].run != "final":
        message = "the last point must be the final review"
        yield Fault(loc=("schedule", len(whole) - 1), message=message)
    yield from _each_once([point.run for point in whole])


def _each_once(runs: Sequence[str]) -> Iterator[Fault]:
    if runs.count("baseline") > 1:
        yield Fault(loc=("schedule",), message="there can be only one baseline")
    for name in _ORDER:
        if runs.count(name) != 1:
            often = "is missing" if name not in runs else f"stands {runs.count(name)} times"
            yield Fault(loc=("schedule",), message=f"{name} {often}; each runs once")
    found = [run for run in runs if run in _ORDER]
    if sorted(found) == sorted(_ORDER) and tuple(found) != _ORDER:
        yield Fault(loc=("schedule",), message=f"must be in this order: {', '.join(_ORDER)}")
