"""Bounds from the runbook, and how they turn a measurement into a level."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from checks.engine.model import Finding, Json, Level, Measurement, Problem, Quantity
from checks.engine.shares import SampleRule, lower_limit


class Op(StrEnum):
    """How a bound is compared. `at_least` is what a plain number in the runbook means."""

    AT_LEAST = "at_least"
    ABOVE = "above"
    AT_MOST = "at_most"
    BELOW = "below"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """The values from which on a level holds."""

    op: Op
    value: float

    def holds(self, value: float) -> bool:
        """Whether `value` lies in this bound's range."""
        match self.op:
            case Op.AT_LEAST:
                return value >= self.value
            case Op.ABOVE:
                return value > self.value
            case Op.AT_MOST:
                return value <= self.value
            case Op.BELOW:
                return value < self.value

    @property
    def rises(self) -> bool:
        """Whether it is the greater values that lie in its range."""
        return self.op in (Op.AT_LEAST, Op.ABOVE)

    @property
    def opposite(self) -> Bound:
        """The bound of all values that do not lie in this one's range."""
        return Bound(op=_OPPOSITE[self.op], value=self.value)

    def json(self) -> Json:
        """The bound as the JSON interface shows it: a bare number for "so many or more"."""
        number = int(self.value) if float(self.value).is_integer() else self.value
        return number if self.op is Op.AT_LEAST else {self.op.value: number}


_OPPOSITE = {
    Op.AT_LEAST: Op.BELOW,
    Op.ABOVE: Op.AT_MOST,
    Op.AT_MOST: Op.ABOVE,
    Op.BELOW: Op.AT_LEAST,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """The bounds of one quantity of a check. `says` names it in a sentence ("failed")."""

    quantity: str
    warning: Bound | None = None
    critical: Bound | None = None
    says: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What the runbook says about one check at one checkpoint.

    window: the last span that the check looks at; None means all since the deploy
    params: the check's own numbers, in the unit that the runbook's key names (`…_seconds`, …)
    sample: when its shares are evidence enough; None where each is judged as it stands
    """

    check: str
    thresholds: tuple[Threshold, ...]
    window: timedelta | None = None
    params: Mapping[str, float] = field(default_factory=dict[str, float])
    sample: SampleRule | None = None

    def bound(self, quantity: str) -> Bound | None:
        """From where on a quantity is no longer OK; None where it has no bound."""
        found = (t.warning or t.critical for t in self.thresholds if t.quantity == quantity)
        return next(found, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The level of a measurement, and the problem that makes it UNKNOWN."""

    level: Level
    unknown: Problem | None = None
    deciding: Threshold | None = None


_ORDER = {Level.OK: 0, Level.UNKNOWN: 1, Level.WARNING: 2, Level.CRITICAL: 3}


def judge(measurement: Measurement, rule: Rule) -> Judgement:
    """Give a measurement its level: the worst that any of its quantities reaches.

    A share of too few events to be judged (see `reached`) is UNKNOWN, with the number still needed;
    a plain count needs no sample. A worse level of another quantity outranks that UNKNOWN. A
    measurement without any quantity that the rule bounds is UNKNOWN: nothing was judged.
    """
    if measurement.unknown is not None:
        return Judgement(level=Level.UNKNOWN, unknown=measurement.unknown)
    bounded = [threshold.quantity for threshold in rule.thresholds]
    if measurement.quantities.keys().isdisjoint(bounded):
        return Judgement(level=Level.UNKNOWN, unknown=_nothing_to_judge(bounded))
    worst = Judgement(level=Level.OK)
    for threshold in rule.thresholds:
        quantity = measurement.quantities.get(threshold.quantity)
        if quantity is None:
            continue
        found = _judge_one(quantity, threshold, rule.sample)
        if _ORDER[found.level] > _ORDER[worst.level]:
            worst = found
    return worst


def reached(quantity: Quantity, bound: Bound, rule: SampleRule | None) -> bool | None:
    """Whether a quantity is in the range of a bound that is bad to reach; None if that is open.

    A count is compared as it is, and so is a share from `min_sample` events on. A share of fewer
    reaches the bound if its limit does, with `min_bad` bad events at least; it does not if none
    was bad; in between more events are needed.
    """
    if rule is None or quantity.sample is None:
        return bound.holds(quantity.value)
    enough = quantity.sample >= rule.min_sample
    if enough and not rule.by_limit:
        return bound.holds(quantity.value)
    if _proven(quantity.bad, quantity.sample, bound, rule):
        return True
    return False if enough or quantity.bad == 0 else None


def limit(bad: int, sample: int, bound: Bound, confidence: float) -> float:
    """The share that is nearest to good, of those that so many bad events leave plausible.

    Where the bound's range is that of small shares, the share is one of good events.
    """
    lowest = lower_limit(bad, sample, confidence)
    return lowest if bound.rises else 1 - lowest


def _proven(bad: int, sample: int, bound: Bound, rule: SampleRule) -> bool:
    return bad >= max(1, rule.min_bad) and bound.holds(limit(bad, sample, bound, rule.confidence))


def left(quantity: Quantity, bound: Bound, rule: SampleRule | None) -> bool:
    """Whether a quantity that was in the range of a bad bound is shown to have left it.

    A count is compared as it is. A share has left the range once none is bad, or once its limit on
    the good side is outside: a share about as large as the bound is inside and outside by turns.
    """
    if rule is None or quantity.sample is None:
        return not bound.holds(quantity.value)
    if quantity.bad == 0:
        return True
    good = lower_limit(quantity.sample - quantity.bad, quantity.sample, rule.confidence)
    return not bound.holds(1 - good if bound.rises else good)


def still_needed(quantity: Quantity, bound: Bound, rule: SampleRule) -> str:
    """How many more events decide whether a share of too few reaches a bound, as a sentence."""
    bad, sample = quantity.bad, quantity.sample or 0
    more = rule.min_sample - sample
    worse = 1 + bisect_left(
        range(1, more), True, key=lambda n: _proven(bad + n, sample + n, bound, rule)
    )
    fewest = min(worse, more)
    are, they_go = ("is", "it goes") if fewest == 1 else ("are", "they go")
    if fewest == more:
        return f"{more} more {are} needed."
    return f"{fewest} more {are} needed if {they_go} wrong too, otherwise {more}."


def _nothing_to_judge(bounded: Sequence[str]) -> Problem:
    return Problem(
        what=f"The check measured none of what the runbook bounds ({', '.join(bounded)}).",
        mend="Let the check report it, or correct the names in the runbook.",
    )


def _judge_one(quantity: Quantity, threshold: Threshold, rule: SampleRule | None) -> Judgement:
    open_bound: Bound | None = None
    for level, bound in (
        (Level.CRITICAL, threshold.critical),
        (Level.WARNING, threshold.warning),
    ):
        if bound is None:
            continue
        found = reached(quantity, bound, rule)
        if found:
            return Judgement(level=level, deciding=threshold)
        if found is None:
            open_bound = bound
    if open_bound is None or rule is None:
        return Judgement(level=Level.OK)
    return Judgement(
        level=Level.UNKNOWN,
        deciding=threshold,
        unknown=Problem(
            what=f"{quantity.bad} of {quantity.sample} is too small a sample to judge a share.",
            mend=still_needed(quantity, open_bound, rule),
        ),
    )


def finding_of(check: str, title: str, measurement: Measurement, rule: Rule) -> Finding:
    """Judge a measurement and keep everything that a reader or a later decision needs."""
    judgement = judge(measurement, rule)
    unknown = judgement.level is Level.UNKNOWN
    details = dict(measurement.details)
    threshold = _threshold_json(rule)
    if threshold is None:
        details["threshold"] = describe(rule)
    return Finding(
        check=check,
        title=title,
        level=judgement.level,
        value=None if unknown else measurement.value,
        unit=measurement.unit,
        summary=_summary(measurement, judgement),
        threshold=threshold,
        details=details,
        evidence=measurement.evidence,
        window=measurement.window,
        quantities=measurement.quantities,
        unknown=judgement.unknown,
        would_change=_would_change(measurement, rule, judgement),
    )


def _summary(measurement: Measurement, judgement: Judgement) -> str:
    if judgement.unknown is None or measurement.unknown is not None:
        return measurement.summary or str(judgement.unknown or "")
    return f"{measurement.summary} {judgement.unknown}"


def _threshold_json(rule: Rule) -> dict[str, Json] | None:
    if len(rule.thresholds) != 1:
        return None
    (only,) = rule.thresholds
    share = is_share(only.quantity)
    bounds = {"warning": only.warning, "critical": only.critical}
    return {
        name: {bound.op.value: bound.value} if share else _smallest(bound).json()
        for name, bound in bounds.items()
        if bound is not None
    }


def _smallest(bound: Bound) -> Bound:
    """A count's bound as the smallest value of its level: "above 5" is "6 or more"."""
    if bound.op is Op.ABOVE and float(bound.value).is_integer():
        return Bound(op=Op.AT_LEAST, value=bound.value + 1)
    return bound


def is_share(quantity: str) -> bool:
    """Whether a quantity is a share (0.0–1.0): its name says so."""
    return quantity.endswith("share")


_BETTER = {
    Op.AT_LEAST: "fewer than {0}",
    Op.ABOVE: "{0} or fewer",
    Op.AT_MOST: "more than {0}",
    Op.BELOW: "{0} or more",
}
_WORSE = {
    Op.AT_LEAST: "{0} or more",
    Op.ABOVE: "more than {0}",
    Op.AT_MOST: "{0} or fewer",
    Op.BELOW: "fewer than {0}",
}


def _words(patterns: Mapping[Op, str], bound: Bound, *, share: bool) -> str:
    number = f"{bound.value * 100:g} %" if share else f"{bound.value:g}"
    said = patterns[bound.op].format(number)
    return said.replace("fewer", "less") if share else said


def needs(bound: Bound, *, share: bool) -> str:
    """What a value must be so that this bound does not hold: "5 or fewer", "no", "10 % or less"."""
    if bound.op is Op.AT_LEAST and not share and float(bound.value).is_integer():
        return "no" if bound.value <= 1 else f"{bound.value - 1:g} or fewer"
    return _words(_BETTER, bound, share=share)


def describe(rule: Rule) -> str:
    """A rule's bounds in words, as `details["threshold"]` shows compound ones."""
    parts: list[str] = []
    for threshold in rule.thresholds:
        share = is_share(threshold.quantity)
        name = _name(threshold, "")
        for level, bound in (
            (Level.CRITICAL, threshold.critical),
            (Level.WARNING, threshold.warning),
        ):
            if bound is not None:
                any_at_all = bound == Bound(op=Op.AT_LEAST, value=1) and not share
                words = "any" if any_at_all else _words(_WORSE, bound, share=share)
                parts.append(f"{level}: {_named(words, name, share=share)}")
    return "; ".join(parts)


def _name(threshold: Threshold, unit: str) -> str:
    """What a quantity is called in a sentence; the plain `value` of a check has its unit."""
    if threshold.says or (threshold.quantity == "value" and unit):
        return threshold.says or unit
    return threshold.quantity.replace("_", " ")


def _named(words: str, name: str, *, share: bool) -> str:
    """A count goes before what is counted, a share after: "5 or fewer retries"."""
    return f"{name} of {words}" if share else f"{words} {name}"


def _would_change(measurement: Measurement, rule: Rule, judgement: Judgement) -> str:
    if judgement.level is Level.OK:
        return ""
    if judgement.unknown is not None:
        return judgement.unknown.mend
    wanted: list[str] = []
    for threshold in rule.thresholds:
        quantity = measurement.quantities.get(threshold.quantity)
        bound = threshold.warning or threshold.critical
        if quantity is None or bound is None:
            continue
        if _judge_one(quantity, threshold, rule.sample).level in (
            Level.WARNING,
            Level.CRITICAL,
        ):
            share = is_share(threshold.quantity)
            name = _name(threshold, measurement.unit)
            article = "a " if share else ""
            wanted.append(article + _named(needs(bound, share=share), name, share=share))
    return f"GO needs {_listed(wanted)}." if wanted else ""


def _listed(words: Sequence[str]) -> str:
    return " and ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)
