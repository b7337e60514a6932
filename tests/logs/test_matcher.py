"""The rare patterns: searched in few lines only, or by a literal first, they miss nothing."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.engine.masking import SHAPES
from checks.sources.logs.lines import LineTable
from checks.sources.logs.matcher import Matcher

_EVENTS = (
    rb"^\[SEC\] Failed: [^\n]* - (to [a-z]+|at) once",
    rb"^\[SEC\] Failed: never$",
    rb"^GET (?P<id>[0-9]+)",
)
_ANYWHERE = (rb"^abc|def", rb"^GET [^x]*y", rb"^GET\s+y", rb"GET ", rb"^(?i:get) ", rb"^G?ET ")
_PIECES = (
    *(
        "[SEC] Failed: ",
        "[SEC] Failed: never",
        " - to us",
        " - at",
        " once",
        "GET ",
        "42",
        "x",
        "y",
    ),
    *("abc", "def", "Bearer ", "a" * 19, "a" * 20, "apikey: ", "'", "[MASKED]", "evoKey12", " "),
    *("hub.verify_token=", "[MASKEX]", "tok", "sk-", "s" * 16, "eyJ", "eyJa.b.", "."),
    *("/webhooks/whatsapp/", "/WEBHOOKS/whatsapp/", "evolution/"),
)
_TEXTS = st.lists(st.lists(st.sampled_from(_PIECES), max_size=6).map("".join), max_size=20).map(
    lambda lines: "".join(f"{line}\n" for line in lines).encode()
)


@given(_TEXTS)
def test_lines_that_begin_with_a_literal_hold_every_hit(data: bytes) -> None:
    """Searching those lines alone gives the same places as searching everything."""
    matcher = Matcher(_EVENTS, ())
    assert matcher.events_in(LineTable(data)) == matcher.events(data)


@pytest.mark.parametrize("pattern", _ANYWHERE)
@given(data=_TEXTS)
def test_a_pattern_that_may_match_elsewhere_is_searched_everywhere(
    pattern: bytes, data: bytes
) -> None:
    """No literal at the start, an alternative to it, or a hit that goes on to the next line."""
    matcher = Matcher((pattern, *_EVENTS), ())
    assert matcher.events_in(LineTable(data)) == matcher.events(data)


@given(_TEXTS)
def test_a_literal_first_loses_no_secret(data: bytes) -> None:
    """Every line in which `re` sees a secret is hit, and no other."""
    found = Matcher((), ()).secrets(data)
    for shape, ends in zip(SHAPES, found, strict=True):
        hit = {data.count(b"\n", 0, end - 1) for end in ends}
        pattern = re.compile(shape.probe.encode(), re.IGNORECASE if shape.caseless else 0)
        lines = data.split(b"\n")
        assert hit == {n for n, line in enumerate(lines) if pattern.search(line)}
