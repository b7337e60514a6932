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
    resident: bytes of the process, whose free memory lies scattered between what is used: this
        finds only what neither Python nor malloc knows of
    each:     things of one kind, from which on it is too much: three watches end in a round, so
        that what each of them leaves is three. Of a type with hundreds of objects a hundredth part
    """

    heap: int = 16 * 1024
    native: int = 32 * 1024
    resident: int = 2 * 1024 * 1024
    each: float = 1


def grown(figures: Sequence[Figures], *, cycle: int, bounds: Bounds | None = None) -> list[str]:
    """What grows, a line each; empty where all is flat.

    Of each round of the later half, when what golive keeps for some hours is full, it is asked how
    much more there is than in the same round of the cycle before, and how much more there was then
    than in the one before that. The smaller of the two is by how much it grows: a leak goes on, but
    a cache fills once. The growth of a round is the median of these, by the rounds of a cycle.

    Args:
        figures: of each round, in order; three cycles at least.
        cycle: after how many rounds the same kind of round comes again.
        bounds: what a round may leave behind; the day's unless given.

    Raises:
        ValueError: too few rounds to say anything.
    """
    allowed = bounds or Bounds()
    if len(figures) < 3 * cycle:
        raise ValueError(f"{len(figures)} rounds say nothing about a cycle of {cycle}.")
    later = range(max(2 * cycle, len(figures) // 2), len(figures))

    def growth(of: Callable[[Figures], int]) -> float:
        values = [of(one) for one in figures]
        more = [now - before for now, before in zip(values[cycle:], values, strict=False)]
        return median(min(more[i - cycle], more[i - 2 * cycle]) for i in later) / cycle

    bytes_of: dict[str, tuple[Callable[[Figures], int], int]] = {
        "Python's objects": (lambda one: one.heap, allowed.heap),
        "what malloc gave out": (lambda one: one.native, allowed.native),
        "the process": (lambda one: one.resident, allowed.resident),
    }
    counts: dict[str, tuple[Callable[[Figures], int], float]] = {
        "tasks": (lambda one: one.tasks, allowed.each),
        "jobs of the timer": (lambda one: one.jobs, allowed.each),
        "connections to the store": (lambda one: one.store, allowed.each),
        "connections to the application's database": (lambda one: one.watched, allowed.each),
        "open files": (lambda one: one.files, allowed.each),
    }
    for name, number in figures[-1].types.items():
        bound = max(allowed.each, number / 100)
        counts[name] = (lambda one, name=name: one.types.get(name, 0), bound)
    return [
        *(
            f"{name}: {more / 1024:.1f} KiB more a round"
            for name, (of, bound) in bytes_of.items()
            if (more := growth(of)) > bound
        ),
        *(
            f"{name}: {more:g} more a round"
            for name, (of, bound) in counts.items()
            if (more := growth(of)) >= bound
        ),
    ]
