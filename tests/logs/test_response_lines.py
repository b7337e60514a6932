"""Responses that stand on one line each: read all at once, they are what a strict reader finds."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.logs import access, counts, profiles, scan_text, text

CLIENTS = (
    *("203.0.113.10 - -", "2001:db8::7 - ana", "::1 - -", "[::1] - -", "crm.example.com - a b"),
    *("203.0.113.10", "x  -", "x -  ", "[x] [y] -"),
)
TIMES = ("[23/Nov/2026:21:54:30 +0000]", "[23/Nov/2026:18:54:30 -0300]")
REQUESTS = (
    *('"GET /leads HTTP/1.1"', '"OPTIONS * HTTP/1.0"', '"POST /a?b[]=1 HTTP/2.0"', '"GET /old"'),
    *(
        '"GET /health HTTP/1.1"',
        '"HEAD /health HTTP/1.0"',
        '"GET /health"',
        '"GET /health/ HTTP/3"',
    ),
    *('"PROPFIND /dav HTTP/1.1"', '"get /small HTTP/1.1"', '"\\x16\\x03\\x01"', '""', '"-"'),
    *(
        '"DELETE /say"hi" HTTP/1.1"',
        '"PATCH /a b HTTP/1.1"',
        '"GET /a\tb HTTP/1.1"',
        '"GET  / HTTP"',
    ),
)
STATUSES = ("200", "204", "401", "403", "429", "500", "503", "-", "099", "600", "5000", "20")
ENDS = (
    *('512 "-" "curl/8.5.0"', '0 "" ""', '- "https://a.example/?q=\\" 500 " "x"', "0"),
    *('512 "-" "x HTTP/1.1" 500 "', '7 "-" "[FBAN/FBIOS;FBAV/1] \\x22 500 "', '1 "-" "é\x7f\x00"'),
)
FOREIGN = (
    *("", " ", "garbage", 'he said "foo" 500 times', '"GET /x HTTP/1.1" 500 0 "-" "-"'),
    *('] "GET /x HTTP/1.1" 500 0', 'x[23/Nov/2026:21:54:30 +0000] "GET /x HTTP/1.1" 500 0'),
    '[23/Nov/2026:21:54:30 +0000] "GET /x HTTP/1.1" 500 0',
    '  at x (y:1) [z] "GET /x HTTP/1.1" 200 1',
)
written = st.builds(
    lambda *parts: " ".join(parts),
    *map(st.sampled_from, (CLIENTS, TIMES, REQUESTS, STATUSES, ENDS)),
)
lines = st.lists(written | st.sampled_from(FOREIGN), min_size=1, max_size=40)
PLAIN = [access(200, "/leads")] * 20


def strictly(found: list[str]) -> dict[str, int]:
    """What the profile's pattern finds, line by line."""
    profile = next(profile for profile in profiles() if profile.name == "access-log")
    assert profile.line is not None
    count = Counter[str]()
    for line in found:
        match = profile.line.match(line.encode())
        if match is None:
            continue
        status = int(match["status"] or 0)
        count["http_responses"] += 1
        count[{401: "http_401", 403: "http_403", 429: "http_429"}.get(status, "")] += 1
        count["http_5xx"] += status >= 500
        count["http_health"] += match["path"] == b"/health"
        count["http_health_5xx"] += match["path"] == b"/health" and status >= 500
    return {signal: n for signal, n in count.items() if signal and n}


@given(odd=lines)
@example(
    odd=[
        '203.0.113.10 - - [23/Nov/2026:21:54:30 +0000] "POST /a?b[]=1 HTTP/2.0" 200 0 "" ""',
        '] "GET /x HTTP/1.1" 500 0',
    ]
)
@settings(max_examples=200)
def test_lines_read_at_once_are_what_the_pattern_finds(
    tmp_path_factory: pytest.TempPathFactory, odd: list[str]
) -> None:
    """Whatever stands between plain lines, every count is that of a reader of single lines."""
    path = tmp_path_factory.mktemp("odd") / "access.log"
    whole = [*PLAIN, *odd, *PLAIN]
    evidence = scan_text(path, text(whole))
    assert {s: n for s, n in counts(evidence).items() if n and s.startswith("http_")} == {
        signal: n for signal, n in strictly(whole).items() if not signal.startswith("http_health")
    }
    assert evidence.lines == len(whole)
    health = {s: evidence.signals[s].count for s in ("http_health", "http_health_5xx")}
    assert {s: n for s, n in health.items() if n} == {
        signal: n for signal, n in strictly(whole).items() if signal.startswith("http_health")
    }


@given(odd=lines)
@settings(max_examples=200)
def test_a_request_is_what_the_pattern_reads(odd: list[str]) -> None:
    """The quicker way to read whose request it was gives the same, of whatever response."""
    profile = next(profile for profile in profiles() if profile.name == "access-log")
    assert profile.line is not None
    assert profile.blocks is not None
    for line in (line for one in odd for line in one.split("\n")):
        match = profile.line.match(line.encode())
        if match is None:
            continue
        request = profile.blocks.request(f"x\n{line}\n".encode(), 2)
        client = None if match["client"] == b"-" else match["client"]
        read = (request.method, request.path, request.client, request.unit)
        assert read == (match["method"], match["path"], client, None)


def test_a_response_may_name_its_client_alone(tmp_path: Path) -> None:
    """A format of one's own leaves the two names out; without a client it is no record of one."""
    bare = [line.replace(" - - [", " [") for line in PLAIN]
    told = scan_text(tmp_path / "access.log", text([*bare, bare[0].replace(" [", "[")]))
    assert (told.profile, told.signals["http_responses"].count) == ("access-log", len(bare))


def test_a_failed_health_response_is_one_among_many_lines(tmp_path: Path) -> None:
    """The health path's own failures are counted apart in plain lines too."""
    whole = [*PLAIN * 20, access(503, "/health"), access(500, "/leads"), access(200, "/health")]
    evidence = scan_text(tmp_path / "access.log", text([*whole, *PLAIN * 20]))
    assert evidence.signals["http_5xx"].count == 2
    assert evidence.signals["http_health"].count == 2
    assert evidence.signals["http_health_5xx"].count == 1


def test_a_line_without_a_status_hides_no_forged_one(tmp_path: Path) -> None:
    """One line lacks its status, another writes one more: sums would not show it, lines do."""
    aborted = access(200).replace('" 200 512', '" x 512')
    forged = access(404, agent='x HTTP/1.1" 500 512 "')
    evidence = scan_text(tmp_path / "access.log", text([*PLAIN * 20, aborted, forged, *PLAIN * 20]))
    assert evidence.signals["http_responses"].count == len(PLAIN) * 40 + 1
    assert evidence.signals["http_5xx"].count == 0
