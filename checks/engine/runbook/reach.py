"""Which values of a quantity a bound takes: what is needed to tell whether a level can occur.

Three kinds of quantity are told apart by name. A share lies in 0–1, `…_seconds` is any number from
0 on, and everything else is counted: 0, 1, 2, …
"""

from __future__ import annotations

import math
from typing import TypeAlias

from checks.engine.thresholds import Bound, Op, is_share

Span: TypeAlias = tuple[tuple[float, int], tuple[float, int]]
"""A half-open range between two cuts. A cut (v, 0) lies just before v, (v, 1) just behind it."""


def is_count(quantity: str) -> bool:
    """Whether a quantity is counted in whole numbers."""
    return not is_share(quantity) and not quantity.endswith("seconds")


def domain(quantity: str) -> Span:
    """All values that a quantity can have."""
    return ((0.0, 0), (1.0 if is_share(quantity) else math.inf, 1))


def span(bound: Bound, quantity: str) -> Span:
    """The values of a quantity for which a bound holds. May be empty."""
    value, op = bound.value, bound.op
    if is_count(quantity) and op is Op.ABOVE:
        value, op = math.floor(value) + 1, Op.AT_LEAST
    if is_count(quantity) and op is Op.BELOW:
        value, op = math.ceil(value) - 1, Op.AT_MOST
    low, high = domain(quantity)
    match op:
        case Op.AT_LEAST:
            return (max(low, (value, 0)), high)
        case Op.ABOVE:
            return (max(low, (value, 1)), high)
        case Op.AT_MOST:
            return (low, min(high, (value, 1)))
        case Op.BELOW:
            return (low, min(high, (value, 0)))


def is_empty(values: Span) -> bool:
    """Whether a range has no value in it."""
    return values[0] >= values[1]


def within(inner: Span, outer: Span) -> bool:
    """Whether every value of `inner` is one of `outer`."""
    return is_empty(inner) or (outer[0] <= inner[0] and inner[1] <= outer[1])


def common(one: Span, other: Span) -> Span:
    """The values that two ranges share."""
    return (max(one[0], other[0]), min(one[1], other[1]))


def rises(bound: Bound) -> bool:
    """Whether more is worse."""
    return bound.op in (Op.AT_LEAST, Op.ABOVE)


def wrong_value(bound: Bound, quantity: str) -> str:
    """Why a bound cannot be right for a quantity of this kind; "" if it can."""
    if is_share(quantity) and not 0 <= bound.value <= 1:
        example = f"; {bound.value:g} % is {bound.value / 100:g}"
        hint = example if 1 < bound.value <= 100 else ""
        return f"{bound.value:g} is no share: a share lies between 0 and 1{hint}"
    if bound.value < 0:
        return f"{bound.value:g} can never be reached: {quantity} is never negative"
    if is_count(quantity) and not float(bound.value).is_integer():
        return f"{bound.value:g} is not a whole number, and {quantity} is counted"
    return ""


def no_flag(bound: Bound) -> str:
    """Why a bound makes no sense for a quantity that is only ever 0 or 1; "" if it does."""
    if bound.holds(1) and not bound.holds(0):
        return ""
    return f"{words(bound)} does not tell 0 from 1, and it is only ever 0 or 1; write 1"


def unreachable(warning: Bound | None, critical: Bound | None, quantity: str) -> str:
    """Why one of the levels of a quantity could never occur; "" if each can.

    Both bounds are right for the quantity (`wrong_value`). OK, WARNING and CRITICAL each need a
    value of their own; a level without a bound is left out.
    """
    levels = {"WARNING": warning, "CRITICAL": critical}
    taken = {name: span(bound, quantity) for name, bound in levels.items() if bound is not None}
    for name, values in taken.items():
        if is_empty(values):
            return f"no value of {quantity} can be {name}"
    if any(within(domain(quantity), values) for values in taken.values()):
        return f"every value of {quantity} would be bad: none is left for OK"
    if warning is None or critical is None:
        return ""
    if rises(warning) != rises(critical):
        return "warning and critical point in opposite directions: is more worse, or less?"
    easy, hard = span(warning, quantity), span(critical, quantity)
    if within(easy, hard):
        return (
            f"critical ({words(critical)}) is reached before or together with warning"
            f" ({words(warning)}), so no value is WARNING"
        )
    return ""


def words(bound: Bound) -> str:
    """A bound as it is written in the runbook."""
    return f"{bound.op.value.replace('_', ' ')} {bound.value:g}"
