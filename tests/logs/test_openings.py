"""Patterns that say how a line begins: found many lines at a time, as `re` finds them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.engine.linear import LinearPattern
from checks.sources.logs.lines import LineTable, Scratch
from checks.sources.logs.openings import Openings, one_way, parts_of
from tests.support.logs import profiles

PATTERNS = (
    rb"^\[Hook:[^\]\n]*\] Sent (?P<id>[0-9a-f]{8}-[0-9a-f-]{27})",
    rb"^\[Hook:[^\]\n]*\] Sent nothing",
    rb"^\[Hook:[^\]\n]*\] Failed after [0-9]+/\d+ tries",
    rb"^\[IN\] \[RE[QS]\] [A-Z]+ /hooks/[a-z0-9_-]+/\[MASKED\]",
    rb"^=a+b",
    rb"^GET ",
    rb"^\[a literal of more than thirty-two bytes in all\] so it is",
)
_PIECES = (
    "[Hook:",
    "[Hook:no-id] ",
    "] ",
    "Sent ",
    "Sent nothing",
    "19bc8f2c-95a4-41b6-9ef5-99ee3220b837",
    "Failed after 3/4 tries",
    "Failed after /4 tries",
    "[IN] [REQ] ",
    "[IN] [RES] ",
    "[IN] [REX] ",
    "POST ",
    "PROPPATCHES ",
    "GET ",
    "/hooks/evolution/[MASKED]",
    "/hooks//[MASKED]",
    "=",
    "aab",
    "b",
    "\0",
    "[a literal of more than thirty-two bytes in all] so it is",
    "x" * 71,
    "x" * 72,
    "x" * 73,
    "A" * 90,
)
_LINES = st.lists(st.sampled_from(_PIECES), max_size=5).map("".join)


@given(st.lists(_LINES, max_size=30))
def test_openings_are_what_the_patterns_find(lines: list[str]) -> None:
    """Every line that a pattern matches at its start is found, once, and no other."""
    data = "".join(f"{line}\n" for line in lines).encode()
    compiled = [LinearPattern(pattern) for pattern in PATTERNS]
    openings = Openings(compiled)
    assert openings.taken == frozenset(range(len(PATTERNS)))
    found = openings.find(LineTable(data, Scratch()))
    for index, pattern in enumerate(compiled):
        starts = [0, *(m.end() for m in re.finditer(rb"\n", data))]
        expected = [start for start in starts if pattern.match(data, start)]
        places = found.get(index)
        assert ([] if places is None else places.tolist()) == expected


@given(st.lists(_LINES, max_size=30))
def test_a_chain_reads_the_groups_that_re2_reads(lines: list[str]) -> None:
    """It gives nothing back, and finds the same for it, at every line."""
    for pattern in PATTERNS:
        fast, strict = one_way(pattern), LinearPattern(pattern)
        assert fast is not None
        for line in lines:
            found, expected = fast.match(line.encode()), strict.match(line.encode())
            assert (found is None) == (expected is None)
            if found is not None and expected is not None:
                assert found.groupdict() == expected.groupdict()
                assert found.end() == expected.end()


@pytest.mark.parametrize(
    "pattern",
    [
        rb"no anchor",
        rb"^[a-z]+ begins with a run",
        rb"^a[a-z]*z has two ways to match",
        rb"^a[^]]* may cross a line",
        rb"^a(b|c)",
        rb"^ab?c",
        rb"^a{2,3}b",
        rb"^a.*b",
        rb"^a\bb",
        rb"^a[0-9]+[0-9]*b",
        rb"^a(?P<id>b)+",
        rb"^a[0-9]{0}b",
        rb"^ab$",
    ],
)
def test_other_patterns_are_left_to_hyperscan(pattern: bytes) -> None:
    """Where a line may match in several ways, or in none that is understood here."""
    assert parts_of(pattern) is None
    assert one_way(pattern) is None


def test_of_the_shipped_patterns_only_alternatives_are_left() -> None:
    """Hyperscan stops at every hit for Python; it searches what nothing else can."""
    console = next(profile for profile in profiles() if profile.name == "crm-console")
    left = [console.patterns[index].signal for index in console.searched]
    assert left == ["cross_tenant_blocked"]
