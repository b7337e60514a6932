"""Minutes: where the time of a line comes from, and that every event lies in its own minute."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.engine.masking import SHAPES
from checks.engine.model import LogEvidence, minute_of
from checks.sources.logs.times import SYSLOG, Clock, read_syslog, read_value
from tests.support.logs import (
    NOW,
    access,
    exchange,
    fixture_log,
    profiles,
    retry,
    scan,
    some,
    stamp,
    stamped,
    text,
)

SAO_PAULO = ZoneInfo("America/Sao_Paulo")
BEGIN = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)


def minutes(evidence: LogEvidence) -> dict[str, dict[int, int]]:
    """Signal → epoch minute → events, without empty minutes."""
    return {
        name: {minute: n for minute, n in found.minutes.items() if n}
        for name, found in evidence.signals.items()
        if found.count
    }


def response_signals(status: int, header: str) -> Iterator[str]:
    """The signals that one response counts for."""
    yield "http_responses"
    if status in (401, 403, 429):
        yield f"http_{status}"
    if status >= 500:
        yield "http_5xx"
    if re.match(r"\[INFO\] \[RES\] GET /health[ ?]", header):
        yield "http_health"


def reference(lines: list[tuple[datetime, str]]) -> dict[str, dict[int, int]]:
    """What a plain reader counts, line by line, each in its own minute."""
    console = next(profile for profile in profiles() if profile.name == "crm-console")
    patterns = {p.signal: re.compile(p.source.decode()) for p in console.patterns}
    leaks = [shape.compiled() for shape in SHAPES]
    found: dict[str, Counter[int]] = {}

    def add(signal: str, at: datetime) -> None:
        found.setdefault(signal, Counter())[minute_of(at)] += 1

    header: tuple[datetime, str] | None = None
    for at, line in lines:
        for signal, pattern in patterns.items():
            if pattern.match(line):
                add(signal, at)
        if any(shape.search(line.encode()) for shape in leaks):
            add("secret_leak", at)
        if line.startswith("[INFO] [RES] "):
            header = (at, line)
        status = re.match(r"  status: (\d{3}),$", line)
        if header and status:
            for signal in response_signals(int(status[1]), header[1]):
                add(signal, header[0])
        if not line.startswith("  "):
            header = header if line.startswith("[INFO] [RES] ") else None
    return {signal: dict(counter) for signal, counter in found.items()}


@pytest.mark.parametrize("hours", [0.02, 1, 30])
def test_every_event_lies_in_its_own_minute(tmp_path: Path, hours: float) -> None:
    """The recorded log, spread over a while: per-minute counts equal those of a plain reader."""
    raw = fixture_log("app").decode("utf-8", "replace").split("\n")[:9_000]
    step = timedelta(hours=hours) / len(raw)
    lines = [(BEGIN + step * n, line) for n, line in enumerate(raw)]
    path = tmp_path / "app.log"
    path.write_bytes(text(f"{stamp(at)} {line}" for at, line in lines))
    evidence = scan(path)
    truth = reference(lines)
    assert len(truth) >= 14
    assert minutes(evidence) == truth
    for name, found in evidence.signals.items():
        if found.count:
            assert found.last is not None
            assert minute_of(found.last) == max(truth[name])


@given(
    gaps=st.lists(st.sampled_from([0, 0, 1, 7, 59, 60, 61, 200]), min_size=1, max_size=60),
    pad=st.sampled_from([0, 1, 900]),
)
@settings(max_examples=40)
def test_minutes_are_right_for_any_pace(
    tmp_path_factory: pytest.TempPathFactory, gaps: list[int], pad: int
) -> None:
    """Bursts, pauses and empty minutes: an event counts to the minute that its line names."""
    path = tmp_path_factory.mktemp("pace") / "app.log"
    at, lines, truth = BEGIN, list[str](), Counter[int]()
    for gap in gaps:
        at += timedelta(seconds=gap)
        truth[minute_of(at)] += 1
        lines += [
            f"{stamp(at)} {retry()}",
            *(f"{stamp(at)} [INFO] {'x' * pad}" for _ in "ab" if pad),
        ]
    path.write_bytes(text(lines))
    assert minutes(scan(path)) == {"retry": dict(truth)}


@pytest.mark.parametrize("count", [1, 40, 4_000])
def test_access_lines_lie_in_their_own_minutes(tmp_path: Path, count: int) -> None:
    """Whole blocks counted at once are cut where a minute ends."""
    path = tmp_path / "access.log"
    ats = [BEGIN + timedelta(seconds=n * 7_200 / count) for n in range(count)]
    path.write_bytes(text(access(500 if n % 7 == 0 else 200, at=at) for n, at in enumerate(ats)))
    found = minutes(scan(path))
    assert found["http_responses"] == dict(Counter(map(minute_of, ats)))
    assert found["http_5xx"] == dict(Counter(map(minute_of, ats[::7])))


@pytest.mark.parametrize(
    ("written", "zone", "instant"),
    [
        ("2026-11-23T21:54:30Z ", UTC, "2026-11-23T21:54:30+00:00"),
        ("2026-11-23T21:54:30.123456789Z ", SAO_PAULO, "2026-11-23T21:54:30+00:00"),
        ("2026-11-23T18:54:30-03:00 ", UTC, "2026-11-23T21:54:30+00:00"),
        ("2026-11-23T18:54:30-0300 ", UTC, "2026-11-23T21:54:30+00:00"),
        ("2026-11-23 21:54:30,123 ", UTC, "2026-11-23T21:54:30+00:00"),
        ("[2026-11-23 21:54:30] ", UTC, "2026-11-23T21:54:30+00:00"),
        ("2026-11-23T21:54:30 ", UTC, "2026-11-23T21:54:30+00:00"),
        ("2026-11-23T18:54:30: ", SAO_PAULO, "2026-11-23T21:54:30+00:00"),
        ("Nov 23 21:54:30 host crm[1]: ", UTC, "2026-11-23T21:54:30+00:00"),
        ("Nov 23 18:54:30 host crm[1]: ", SAO_PAULO, "2026-11-23T21:54:30+00:00"),
        ("Nov  3 18:54:30 host crm: ", SAO_PAULO, "2026-11-03T21:54:30+00:00"),
        ("2026-11-23T18:54:30-0300 host crm[1]: ", UTC, "2026-11-23T21:54:30+00:00"),
        (
            '<14>1 2026-11-23T18:54:30-03:00 host crm 1 - [x@1 a="b"] ',
            UTC,
            "2026-11-23T21:54:30+00:00",
        ),
    ],
)
def test_times_are_read_in_their_zone(
    tmp_path: Path, written: str, zone: tzinfo, instant: str
) -> None:
    """An offset in the line is obeyed; a time without one is in the configured zone."""
    path = tmp_path / "app.log"
    path.write_bytes(text(written + retry(n) for n in range(3)))
    evidence = scan(path, zone=zone)
    assert evidence.timed
    assert minutes(evidence) == {"retry": {minute_of(datetime.fromisoformat(instant)): 3}}


@pytest.mark.parametrize(
    ("line", "instant"),
    [
        ('{"time":1763935470000,"msg":"M"}', "2025-11-23T22:04:30+00:00"),
        ('{"time":1763935470.5,"msg":"M"}', "2025-11-23T22:04:30+00:00"),
        ('{"timestamp":"2026-11-23T21:54:30.000Z","message":"M"}', "2026-11-23T21:54:30+00:00"),
        ('{"@timestamp":"2026-11-23T18:54:30-03:00","message":"M"}', "2026-11-23T21:54:30+00:00"),
        ('{"ts":"1763935470000","message":"M"}', "2025-11-23T22:04:30+00:00"),
    ],
)
def test_json_lines_carry_their_times_in_a_field(tmp_path: Path, line: str, instant: str) -> None:
    """Numbers are seconds or milliseconds, strings are ISO-8601."""
    path = tmp_path / "app.log"
    path.write_bytes(text([line.replace('"M"', f'"{retry()}"')] * 2))
    at = minute_of(datetime.fromisoformat(instant))
    assert minutes(scan(path)) == {"retry": {at: 2}}


@pytest.mark.parametrize("value", [None, True, "yesterday", "", [], {}, "2026-13-45T99:99:99Z"])
def test_what_is_no_time_is_none(value: object) -> None:
    """A field that holds no instant gives none, and raises nothing."""
    assert read_value(value, Clock(zone=UTC, now=NOW)) is None


@pytest.mark.parametrize(
    ("written", "now", "year"),
    [
        (b"Dec 31 23:59:59", "2027-01-01T00:00:10+00:00", 2026),
        (b"Jan  1 00:00:05", "2027-01-01T00:00:10+00:00", 2027),
        (b"Jan  1 00:00:05", "2026-12-31T23:59:58+00:00", 2027),
        (b"Jan  3 00:00:00", "2026-12-31T23:59:58+00:00", 2026),
        (b"Nov 23 21:54:30", "2026-11-23T21:55:00+00:00", 2026),
        (b"Nov 25 21:54:30", "2026-11-23T21:55:00+00:00", 2025),
        (b"Feb 29 12:00:00", "2028-03-01T00:00:00+00:00", 2028),
    ],
)
def test_a_date_without_a_year_is_the_last_one(written: bytes, now: str, year: int) -> None:
    """Around New Year a syslog line belongs to the year that puts it last before now."""
    match = re.match(SYSLOG, written)
    assert match is not None
    instant = read_syslog(match, Clock(zone=UTC, now=datetime.fromisoformat(now)))
    assert instant is not None
    assert datetime.fromtimestamp(instant, UTC).year == year


def test_new_year_in_a_syslog_file(tmp_path: Path) -> None:
    """The hour that holds New Year is one hour: the years are told apart line by line."""
    path = tmp_path / "syslog"
    midnight = datetime(2027, 1, 1, tzinfo=UTC)
    ats = [midnight + timedelta(minutes=n) for n in range(-30, 30)]
    path.write_bytes(
        text(f"{at:%b} {at.day:2d} {at:%H:%M:%S} host crm[1]: {retry()}" for at in ats)
    )
    found = minutes(scan(path, now=midnight + timedelta(minutes=30)))
    assert found == {"retry": {minute_of(at): 1 for at in ats}}


def test_a_late_line_counts_to_the_minute_around_it(tmp_path: Path) -> None:
    """Time is the running maximum: a line stamped earlier than its neighbours is no border."""
    path = tmp_path / "app.log"
    ats = [0, 10, 61, 20, 62, 30, 121, 119, 122]
    path.write_bytes(text(f"{stamp(BEGIN + timedelta(seconds=s))} {retry()}" for s in ats))
    first = minute_of(BEGIN)
    assert minutes(scan(path)) == {"retry": {first: 2, first + 1: 4, first + 2: 3}}


def test_a_record_belongs_to_the_minute_of_its_first_line(tmp_path: Path) -> None:
    """A response that is written over a minute's end counts to the minute in which it began."""
    path = tmp_path / "app.log"
    lines = stamped(exchange(1, 500), BEGIN, timedelta(seconds=13))
    path.write_bytes(text([*lines, f"{stamp(BEGIN + timedelta(minutes=5))} {retry()}"]))
    found = minutes(scan(path))
    assert found["http_5xx"] == {minute_of(BEGIN): 1}


def test_lines_without_a_time_belong_to_the_minute_before_them(tmp_path: Path) -> None:
    """A stray line without the platform's prefix counts to the minute of the line before it."""
    path = tmp_path / "app.log"
    lines = [
        *stamped([retry(1)], BEGIN),
        retry(2),
        *stamped([retry(3)], BEGIN + timedelta(minutes=1)),
        *stamped([retry(4)], BEGIN + timedelta(minutes=1)),
        retry(5),
    ]
    path.write_bytes(text(lines))
    first = minute_of(BEGIN)
    assert minutes(scan(path)) == {"retry": {first: 2, first + 1: 3}}


def test_a_window_without_times_is_unwindowed(tmp_path: Path) -> None:
    """Where no line carries a time, counts are shown, but none is said to lie in a window."""
    path = tmp_path / "app.log"
    path.write_bytes(text([retry(), *exchange(1, 500)]))
    evidence = scan(path)
    assert evidence.unwindowed is not None
    assert "--since-offset" in evidence.unwindowed.mend
    assert (evidence.timed, evidence.by_offset) == (False, False)
    assert some(evidence) == {"retry": 1, "http_responses": 1, "http_5xx": 1}
    assert not any(found.minutes for found in evidence.signals.values())
    assert scan(path, since_offset=0).unwindowed is None
