"""A line that a stranger can send never costs more than its length."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from checks.engine.linear import LinearPattern, LinearPatternError
from checks.engine.masking import SHAPES, mask_bytes
from checks.engine.runbook.dialect import pattern_fault
from checks.sources.logs.routes import route_of
from tests.security.patterns import MOST, Found, growth, hostile, patterns
from tests.support.logs import profiles, scan_on

_FOUND, _UNREAD = patterns()


def _text(begin: str, unit: str, size: int, *, raw: bool) -> Any:
    # What no pattern expects at the end: only where nothing fits, `re` goes back.
    text = begin + unit * (size // len(unit)) + "\x01"
    return text.encode("latin-1", "replace") if raw else text


def test_every_pattern_is_known() -> None:
    """One that is put together when the program runs is listed with what becomes of it."""
    assert _UNREAD == ()
    assert len(_FOUND) > 60


@pytest.mark.parametrize("found", _FOUND, ids=lambda found: found.where)
def test_no_pattern_goes_back(found: Found) -> None:
    """A text twice as long costs at most 2.5 times as much, to find and to replace."""
    pattern = found.pattern
    raw = isinstance(pattern.pattern, bytes)
    for begin, unit in hostile(pattern):
        make = partial(_text, begin, unit, raw=raw)
        anchored = found.uses <= {"match", "fullmatch"}
        for use in (pattern.match, pattern.fullmatch) if anchored else (pattern.search,):
            grown = growth(use, lambda size, make=make: make(size))
            assert grown <= MOST, f"{found.where}: {begin!r} and many {unit!r}: {grown:.1f} times"


def test_the_search_for_hard_texts_finds_the_known_kinds() -> None:
    """Patterns that are known to go back are caught, each by a text of its own alphabet."""
    for source in (
        rb"^(?P<client>\S+) .*?\[(?P<time>[^\]]+)\] \"(?P<method>[A-Z]+) ",
        rb"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.",
        rb"\s+$",
    ):
        pattern = re.compile(source)
        texts = hostile(pattern)
        worst = 0.0
        for begin, unit in texts:
            make = partial(_text, begin, unit, raw=True)
            worst = max(worst, growth(pattern.search, lambda size, make=make: make(size)))
            if worst > MOST:
                break
        assert worst > MOST, source


def test_patterns_of_runbooks_run_on_re2() -> None:
    """Whatever a profile brings is never compiled for `re`."""
    for profile in profiles():
        assert isinstance(profile.recognise, LinearPattern)
        assert all(isinstance(pattern.compiled, LinearPattern) for pattern in profile.patterns)
        assert profile.line is None or isinstance(profile.line, LinearPattern)


def test_a_runbook_pattern_that_re2_refuses_is_refused_with_its_words() -> None:
    """The sentence names RE2 and what it does not take."""
    fault = pattern_fault("(?:(?:(?:a{100}){100}){100})")
    assert fault
    with pytest.raises(LinearPatternError, match="repetition"):
        LinearPattern(b"a{2000}").checked()


_WHEN = "[24/Nov/2026:14:05:10 +0000]"
_MANY = {one: one * (8_000 // len(one)) for one in ("[", '[a] "G ', "eyJ", " ")}
_LINES = {
    "a request line of brackets": f'203.0.113.1 - - {_WHEN} "{_MANY["["]}" 400 0 "-" "-"',
    "a user of brackets": f'203.0.113.1 - {_MANY["["]} {_WHEN} "GET / HTTP/1.1" 200 1 "-" "-"',
    "brackets and quotes": "203.0.113.1 - - " + _WHEN + " " + _MANY['[a] "G '] + " 400 0",
    "a token that never ends": f'203.0.113.1 - - {_WHEN} "GET /{_MANY["eyJ"]} HTTP/1.1" 404 1',
    "blanks": f'203.0.113.1 - - {_WHEN} "GET {_MANY[" "]}" 400 0 "-" "-"',
}


@pytest.mark.parametrize("kind", _LINES)
def test_a_hundred_such_lines_are_read_at_once(tmp_path: Path, kind: str) -> None:
    """100 lines of 8 KB, among ordinary ones, cost well under a second of the processor."""
    ordinary = f'203.0.113.2 - - {_WHEN} "GET /leads HTTP/1.1" 200 1 "-" "-"'
    path = tmp_path / "access.log"
    path.write_text("\n".join([ordinary, _LINES[kind]] * 100) + "\n")
    begin = time.process_time()
    evidence, _ = scan_on(path, now=datetime(2026, 11, 24, 15, tzinfo=UTC))
    assert time.process_time() - begin < 2
    assert evidence.signals["http_responses"].count >= 100


@pytest.mark.parametrize("unit", [b"eyJ", b"Bearer ", b"token: ", b"sk-", b"/", b"<", b"[M"])
def test_masking_and_routes_take_their_time_by_length(unit: bytes) -> None:
    """Whatever repeats in a line."""
    uses: tuple[Callable[[bytes], object], ...] = (mask_bytes, partial(route_of, b"GET"))
    for use in uses:
        assert growth(use, lambda size: unit * (size // len(unit))) <= MOST


def test_the_shapes_still_find_what_they_found() -> None:
    """A shape that RE2 runs matches as it does for `re`."""
    token = b"eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl"
    assert mask_bytes(b"xx " + token + b" yy") == b"xx [MASKED] yy"
    assert mask_bytes(b"a" + token + b", " + token) == b"a[MASKED], [MASKED]"
    assert mask_bytes(b"eyJ" * 50) == b"eyJ" * 50
    for shape in SHAPES:
        assert shape.compiled().search(b"nothing of the kind") is None
