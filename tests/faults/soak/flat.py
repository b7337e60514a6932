"""Whether figures stay flat: each round is held against the same round of the cycle before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from tests.faults.soak.figures import Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a round may leave behind.

    heap:     bytes of Python's objects. Some it leaves on purpose: of what Slack delivered the
        last 10,000 keys are kept, about a hundred bytes each, which a day does not fill
    native:   bytes that malloc gave out: Python's larger objects, and what libraries in C hold
    resident: bytes of the process, whose free memory lies between what is used
    each:     things of one kind, from which on it is too much: three watches end in a round, so
        that what each of them leaves is three. Of what there are hundreds of, a hundredth part
    """

    heap: int = 16 * 1024
    native: int = 32 * 1024
    resident: int = 1024 * 1024
    each: float = 1


def grown(figures: Sequence[Figures], *, cycle: int, bounds: Bounds | None = None) -> list[str]:
    """What grows, a line each; empty where all is flat.

    The later half of the rounds is looked at, when what golive keeps for some hours is full. The
    growth of a round is the median of what each has more than the one a cycle before it, so that
    neither what comes once counts as growth, nor what one kind of round has more of than another.

    Args:
        figures: of each round, in order.
        cycle: after how many rounds the same kind of round comes again.
        bounds: what a round may leave behind; the day's unless given.

    Raises:
        ValueError: too few rounds to say anything.
    """
    allowed = bounds or Bounds()
    later = range(max(cycle, len(figures) // 2), len(figures))
    if len(later) < max(cycle, 2):
        raise ValueError(f"{len(figures)} rounds say nothing about a cycle of {cycle}.")

    def growth(of: Callable[[Figures], int]) -> float:
        return median(of(figures[i]) - of(figures[i - cycle]) for i in later) / cycle

    bytes_of = {
        "Python's objects": (growth(lambda one: one.heap), allowed.heap),
        "what malloc gave out": (growth(lambda one: one.native), allowed.native),
        "the process": (growth(lambda one: one.resident), allowed.resident),
    }
    counts: dict[str, Callable[[Figures], int]] = {
        "tasks": lambda one: one.tasks,
        "jobs of the timer": lambda one: one.jobs,
        "connections to the store": lambda one: one.store,
        "connections to the application's database": lambda one: one.watched,
        "open files": lambda one: one.files,
    }
    for name in sorted({name for i in later for name in figures[i].types}):
        counts[name] = lambda one, name=name: one.types.get(name, 0)
    return [
        *(
            f"{name}: {more / 1024:.1f} KiB more a round"
            for name, (more, bound) in bytes_of.items()
            if more > bound
        ),
        *(
            f"{name}: {more:g} more a round"
            for name, of in counts.items()
            if (more := growth(of)) >= max(allowed.each, of(figures[-1]) / 100)
        ),
    ]
