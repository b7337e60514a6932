"""What counts as growth: not what comes once, not what one kind of round has more of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from tests.faults.soak.figures import Figures
from tests.faults.soak.flat import grown

_KINDS = (0, 40, 7, 90)
"""What the rounds of a cycle hold more of, each in its own way."""


def _day(
    *, heap: Sequence[int] = (0,) * 16, files: int = 0, types: Mapping[str, int] | None = None
) -> list[Figures]:
    """Sixteen rounds; what is given grows by so much in each, the heap as it is told."""
    return [
        Figures(
            hours=1.5 * number,
            heap=64_000_000 + 1000 * _KINDS[number % 4] + heap[number],
            native=40_000_000,
            resident=200_000_000 + 4096 * _KINDS[-1 - number % 4],
            own=1300,
            tasks=25 + _KINDS[number % 4],
            jobs=5 + number % 2,
            store=4,
            watched=7,
            files=50 + _KINDS[number % 4] + files * number,
            types={name: 300 + more * number for name, more in (types or {}).items()},
        )
        for number in range(16)
    ]


def test_the_same_cycle_again_and_again_is_flat() -> None:
    """Rounds differ, cycles do not."""
    assert grown(_day(), cycle=4) == []


def test_what_comes_once_is_no_growth() -> None:
    """A cache that is made late, and the first hours, in which all caches are."""
    once = [0, 600_000, 900_000, *[1_000_000] * 8, *[1_400_000] * 5]
    assert grown(_day(heap=once), cycle=4) == []


def test_what_each_round_leaves_is_found() -> None:
    """Bytes beyond the bound, a file a round, and three things of a type, one for each watch."""
    left = _day(heap=[number * 20_000 for number in range(16)], files=1, types={"bot.A": 4})
    assert grown(left, cycle=4) == [
        "Python's objects: 19.5 KiB more a round",
        "open files: 1 more a round",
        "bot.A: 4 more a round",
    ]


def test_a_few_rounds_say_nothing() -> None:
    """Without a cycle to compare with, nothing can be flat."""
    with pytest.raises(ValueError, match="5 rounds say nothing about a cycle of 4"):
        grown(_day()[:5], cycle=4)
