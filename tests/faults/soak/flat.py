"""Whether figures stay flat: each round is held against the same round of the cycle before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

from tests.faults.soak.figures import Figures

HEAP = 16 * 1024
"""Bytes that Python's objects may grow by in a round, which is 8 MiB in a month of days like this.

By so much they do on purpose: of what Slack delivered, the last 10,000 keys are kept.
"""

NATIVE = 32 * 1024
"""The same of what malloc gave out: Python's larger objects are in it, and what C libraries hold."""

RESIDENT = 1024 * 1024
"""The same of the process: its free memory lies between what is used, and is not given back."""

_COUNTED: tuple[tuple[str, Callable[[Figures], int]], ...] = (
    ("tasks", lambda one: one.tasks),
    ("jobs of the timer", lambda one: one.jobs),
    ("connections to the store", lambda one: one.store),
    ("connections to the application's database", lambda one: one.watched),
    ("open files", lambda one: one.files),
)


def grown(figures: Sequence[Figures], *, cycle: int) -> list[str]:
    """What grows, a sentence each; empty where all is flat.

    The later half of the rounds is looked at, when what golive keeps for some hours is full. The
    growth of a round is the median of what each has more than the one a cycle before it: neither
    what comes once, nor what one kind of round has more of than another, counts as growth. Of
    things that are counted none may grow, of memory no more than the bounds above.

    Args:
        figures: of each round, in order; at least two cycles more than the first half.
        cycle: after how many rounds the same kind of round comes again.

    Raises:
        ValueError: too few rounds to say anything.
    """
    later = range(max(cycle, len(figures) // 2), len(figures))
    if len(later) < cycle + 1:
        raise ValueError(f"{len(figures)} rounds say nothing about a cycle of {cycle}.")

    def growth(of: Callable[[Figures], int]) -> float:
        return median(of(figures[i]) - of(figures[i - cycle]) for i in later) / cycle

    wrong: list[str] = []
    for name, bound, of in (
        ("Python's objects", HEAP, lambda one: one.heap),
        ("what malloc gave out", NATIVE, lambda one: one.native),
        ("the process", RESIDENT, lambda one: one.resident),
    ):
        if (found := growth(of)) > bound:
            wrong.append(f"{name}: {found / 1024:.1f} KiB more a round")
    for name, of in _COUNTED:
        if (found := growth(of)) > 0:
            wrong.append(f"{name}: {found:g} more a round")
    types = sorted({name for i in later for name in figures[i].types})
    each = ((name, growth(lambda one, name=name: one.types.get(name, 0))) for name in types)
    return [*wrong, *(f"{name}: {found:g} more a round" for name, found in each if found > 1)]
