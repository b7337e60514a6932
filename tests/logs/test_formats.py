"""The recorded logs behind every platform's prefix, and generated events in every format."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.demo.formats import Format, Layout, Prefix
from checks.engine.model import LogEvidence, Problem
from checks.sources.logs.recognise import Recognised
from tests.scenarios.mixture import mixture
from tests.support.hours import FORMATS, render
from tests.support.logs import (
    FIXTURES,
    access,
    counts,
    exchange,
    exchanges,
    fixture_log,
    fixture_truth,
    log_of,
    retry,
    scan,
    scan_text,
    some,
    text,
)
from tests.support.truth import true_counts

BEGIN = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)


def bare(_at: datetime) -> str:
    """No prefix."""
    return ""


PREFIXES: dict[str, Callable[[datetime], str]] = {
    "docker logs -t": lambda at: f"{at:%Y-%m-%dT%H:%M:%S.%f}123Z ",
    "iso-8601 with an offset": lambda at: f"{at:%Y-%m-%dT%H:%M:%S}+00:00 ",
    "iso-8601 in brackets": lambda at: f"[{at:%Y-%m-%d %H:%M:%S.%f}Z] ",
    "PM2 --time": lambda at: f"{at:%Y-%m-%dT%H:%M:%S}: ",
    "syslog RFC 3164": lambda at: f"<14>{at:%b} {at.day:2d} {at:%H:%M:%S} host crm[123]: ",
    "syslog file": lambda at: f"{at:%b} {at.day:2d} {at:%H:%M:%S} host crm[123]: ",
    "syslog RFC 5424": lambda at: f"<14>1 {at:%Y-%m-%dT%H:%M:%S.%f}Z host crm 123 - - ",
    "journald short-iso": lambda at: f"{at:%Y-%m-%dT%H:%M:%S}+0000 host crm[123]: ",
    "docker compose -t": lambda at: f"crm-1  | {at:%Y-%m-%dT%H:%M:%S.%f}Z ",
    "docker compose": lambda _at: "crm-1  | ",
}
COLOURS = {b"[INFO]": b"\x1b[32m[INFO]\x1b[0m", b"  status: ": b"  status: \x1b[33m"}


def behind(raw: bytes, prefix: Callable[[datetime], str], end: bytes = b"\n") -> bytes:
    """The log with a prefix before each physical line, spread over an hour."""
    lines = raw.removesuffix(b"\n").split(b"\n")
    step = timedelta(hours=1) / len(lines)
    return b"".join(prefix(BEGIN + step * n).encode() + line + end for n, line in enumerate(lines))


def leaks(evidence: LogEvidence) -> dict[tuple[str, str, str], int]:
    """What leaked, without examples."""
    return {(leak.kind, leak.proof, leak.fingerprint): leak.count for leak in evidence.leaks}


@pytest.mark.parametrize("name", FIXTURES)
def test_the_recorded_logs_have_their_true_counts(tmp_path: Path, name: str) -> None:
    """All 21 signals and the number of lines are equal to what is known of the recording."""
    evidence = scan_text(tmp_path / "app.log", fixture_log(name))
    lines, truth = fixture_truth(name)
    assert counts(evidence) == truth
    assert evidence.lines == lines
    assert (evidence.profile, evidence.timed, evidence.unpaired) == ("crm-console", False, 0)
    assert evidence.bytes == len(fixture_log(name))


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_prefix_changes_no_count(tmp_path: Path, prefix: str) -> None:
    """The recorded log counts the same behind every platform's prefix, leaks included."""
    raw = fixture_log("app-old-schema")
    without = scan_text(tmp_path / "bare.log", raw)
    path = tmp_path / "app.log"
    path.write_bytes(behind(raw, PREFIXES[prefix]))
    evidence = scan(path, since_offset=0)
    assert counts(evidence) == counts(without) == fixture_truth("app-old-schema")[1]
    assert leaks(evidence) == leaks(without)
    assert evidence.lines == without.lines
    assert evidence.timed == (prefix != "docker compose")


@pytest.mark.parametrize("prefix", [None, "docker logs -t", "syslog file", "docker compose -t"])
def test_carriage_returns_change_no_count(tmp_path: Path, prefix: str | None) -> None:
    """Lines that end in CRLF count like lines that end in LF."""
    raw = fixture_log("app-old-schema")
    evidence = scan_text(
        tmp_path / "app.log", behind(raw, PREFIXES[prefix] if prefix else bare, b"\r\n")
    )
    assert counts(evidence) == fixture_truth("app-old-schema")[1]
    assert evidence.lines == fixture_truth("app-old-schema")[0]


@pytest.mark.parametrize("prefix", [None, "docker logs -t", "docker compose"])
def test_colours_change_no_count(tmp_path: Path, prefix: str | None) -> None:
    """ANSI codes around levels and values, and around a prefix, are no part of the text."""
    raw = fixture_log("app-old-schema")
    for plain, coloured in COLOURS.items():
        raw = raw.replace(plain, coloured)
    before = PREFIXES[prefix] if prefix else bare
    evidence = scan_text(
        tmp_path / "app.log", behind(raw, lambda at: f"\x1b[36m{before(at)}\x1b[0m")
    )
    assert counts(evidence) == fixture_truth("app-old-schema")[1]
    assert evidence.timed == (prefix == "docker logs -t")
    assert not any("\x1b" in line for signal in evidence.signals.values() for line in signal.lines)


@pytest.mark.parametrize("style", [*FORMATS, "json behind docker", "access log behind syslog"])
@given(seed=st.integers(0, 2**32), size=st.integers(3, 40))
@settings(max_examples=6)
def test_the_same_events_count_the_same_in_every_format(style: str, seed: int, size: int) -> None:
    """What a generator wrote is what is counted, in every format and for all that it carries."""
    others = {
        "json behind docker": Format(Layout.PINO, Prefix.DOCKER),
        "access log behind syslog": Format(Layout.NGINX, Prefix.SYSLOG),
    }
    form = FORMATS.get(style) or others[style]
    events = mixture(seed, size)
    written = render(events, form)
    if form.layout in (Layout.NGINX, Layout.MORGAN) and not written:
        return
    with TemporaryDirectory() as folder:
        evidence = scan_text(Path(folder) / "app.log", written)
    truth = true_counts(events, form)
    assert evidence.problem is None
    assert counts(evidence, truth) == truth
    assert evidence.timed == form.timed
    assert evidence.unpaired == (0 if form.layout is Layout.CONSOLE else None)


@pytest.mark.parametrize("style", FORMATS)
def test_a_format_says_which_signals_it_carries(tmp_path: Path, style: str) -> None:
    """An access log carries statuses and leaks only; no other format leaves anything out."""
    events = mixture(1, 30)
    evidence = scan_text(tmp_path / "app.log", render(events, style))
    assert set(true_counts(events, style)) - evidence.carries == set()
    assert ("retry" in evidence.carries) == (not style.startswith("access-log"))
    assert ("masked" in evidence.carries) == (not style.startswith("access-log"))


async def recognised(path: Path, raw: bytes) -> Recognised | Problem:
    """The format that a text is taken for."""
    path.write_bytes(raw)
    return await log_of(path).recognise(path)


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (b"", "is empty"),
        (b"\n\n\n", "is empty"),
        (b"lorem ipsum\ndolor sit\n" * 50, "was not recognised"),
        (b"\x7fELF\x02\x01\x01\x00" + bytes(range(256)) * 20, "was not recognised"),
        (b"\0" * 5_000, "was not recognised"),
    ],
)
async def test_what_no_profile_fits_is_a_problem(tmp_path: Path, raw: bytes, what: str) -> None:
    """An empty or foreign file is a problem with a reason and a mend, never a zero."""
    found = await recognised(tmp_path / "app.log", raw)
    assert isinstance(found, Problem)
    assert what in found.what
    assert found.mend


def test_an_unrecognised_log_has_no_counts(tmp_path: Path) -> None:
    """Where no format fits, the evidence carries nothing at all, and says what was tried."""
    evidence = scan_text(tmp_path / "app.log", b"lorem ipsum dolor\n" * 100)
    assert evidence.problem is not None
    assert "crm-console 0%" in evidence.problem.what
    assert (dict(evidence.signals), evidence.carries) == ({}, frozenset())


def test_a_response_in_json_is_a_record_with_a_path(tmp_path: Path) -> None:
    """A bare status in a logged error is not a response; one beside a path or in `res` is."""
    lines = [
        '{"level":"error","message":"[Evolution] SendMessage Error","status":500}',
        '{"level":"error","message":"upstream","statusCode":401}',
        '{"level":"info","message":"request","url":"/leads","status":403}',
        '{"level":30,"msg":"request completed","res":{"statusCode":429}}',
        '{"level":"info","message":"connection","status":"connected"}',
        '{"level":"info","message":"odd","url":"/leads","status":true}',
        '{"level":"info","message":"far","url":"/leads","status":99999}',
    ]
    evidence = scan_text(tmp_path / "app.log", text(lines))
    assert some(evidence) == {"http_responses": 2, "http_403": 1, "http_429": 1}


def test_a_newline_inside_a_json_message_begins_no_record(tmp_path: Path) -> None:
    """What a newline inside a string of a JSON log line forges is not counted."""
    lines = [
        '{"level":30,"msg":"hello"}',
        '{"level":30,"msg":"[Webhook:no-id] Unknown instance: x\\n'
        '[Message:a] Retry 1/3 after 1ms"}',
        '{"level":30,"msg":"\\ud800 lone surrogate, \\u0000 and \\u001b[31m"}',
        '{"level":30,"msg":"deep"' + ',"a":{"a":' * 400 + "1" + "}" * 800,
        '{"level":30,"msg":["no", "text"],"res":[200]}',
    ]
    evidence = scan_text(tmp_path / "app.log", text(lines))
    assert some(evidence) == {"unknown_instance": 1}
    assert evidence.lines == len(lines)


ODD_ACCESS = (
    access(500, "/a", agent='quoted \\" 200 agent'),
    access(200, "/b", agent='x" 500 512 "'),
    access(404, "/c/401/403/429"),
    access(200, "/d?status=500"),
    '203.0.113.10 - - [23/Nov/2026:21:54:30 +0000] "" 400 0 "-" "-"',
    '203.0.113.10 - - [23/Nov/2026:21:54:30 +0000] "\\x16\\x03\\x01" 400 157 "-" "-"',
    '::ffff:203.0.113.10 - - [23/Nov/2026:21:54:30 +0000] "GET /e HTTP/1.1" - - "-" "curl"',
    '203.0.113.10 - ana [23/Nov/2026:21:54:30 +0000] "GET /f HTTP/2.0" 429 0 "-" "-"',
    "garbage that some other program wrote",
    access(503, "/health"),
    access(200, "/health?deep=1"),
)


@pytest.mark.parametrize("around", [0, 400])
def test_odd_access_lines_count_by_their_status_field(tmp_path: Path, around: int) -> None:
    """Digits and quotes elsewhere in an access line are no status, also among many plain lines."""
    plain = [access(200, "/leads")] * around
    evidence = scan_text(tmp_path / "access.log", text([*plain, *ODD_ACCESS, *plain, access()]))
    found = counts(evidence)
    assert {name: n for name, n in found.items() if n} == {
        "http_responses": 2 * around + 8,
        "http_5xx": 2,
        "http_429": 1,
    }
    assert evidence.lines == 2 * around + len(ODD_ACCESS) + 1
    assert evidence.unpaired is None


def test_digits_in_other_places_are_no_status(tmp_path: Path) -> None:
    """UUIDs, durations and sizes full of 401, 403, 429 and 500 count as nothing."""
    lines = [
        line.replace("00000000-0000", "50042940-1403").replace("duration: 77", "duration: 1503")
        for line in exchanges(1, 200, 200)
    ]
    lines += ["[ERROR] [Evolution] SendMessage Error: {", "  status: 401,", "  error: 500", "}"]
    evidence = scan_text(tmp_path / "app.log", text(lines))
    assert some(evidence) == {"http_responses": 2}


def test_records_in_all_their_shapes_are_responses(tmp_path: Path) -> None:
    """One line or many, numbers or words as ids, another order of fields: a response is one."""
    lines = [
        *exchange(1, 500),
        "[INFO] [REQ] GET /health { requestId: 'short', ip: '::1' }",
        "[INFO] [RES] GET /health { requestId: 'short', status: 503, duration: 1 }",
        "[INFO] [REQ] GET /b { requestId: 'other', ip: '::1' }",
        *("[INFO] [RES] GET /b {", "  duration: 1,", "  status: 401,", "  requestId: 'other'", "}"),
        retry(),
    ]
    evidence = scan_text(tmp_path / "app.log", text(lines))
    assert some(evidence) == {
        "http_responses": 3,
        "http_5xx": 2,
        "http_401": 1,
        "http_health": 1,
        "http_health_5xx": 1,
        "retry": 1,
    }


def test_routes_are_named_without_ids_and_queries(tmp_path: Path) -> None:
    """Bad responses are broken down by route: ids, numbers and query strings are left out."""
    paths: Sequence[str] = (
        "/leads/4711",
        "/leads/4712?x=1",
        "/units/8370f0b0-788d-49f2-8481-a9d9b11916cd/send",
        "/units/b5d1c0a7-c851-42d6-b9f1-5856f4d573a3/send",
    )
    lines = [line for n, path in enumerate(paths) for line in exchange(n, 500, path)]
    evidence = scan_text(tmp_path / "app.log", text([*lines, *exchange(9, 401, "/login")]))
    assert evidence.routes == {
        "http_5xx": {"GET /leads/:id": 2, "GET /units/:id/send": 2},
        "http_401": {"GET /login": 1},
    }
