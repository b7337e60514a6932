"""Windows: where counting begins and ends, and how little is read to find that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.logs import (
    AGES,
    access,
    exchange,
    exchanges,
    request,
    response,
    retry,
    scan,
    some,
    span,
    stamp,
    stamped,
    text,
)

BEGIN = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    """An instant of the test, in seconds."""
    return BEGIN + timedelta(seconds=seconds)


def retries(seconds: list[float]) -> bytes:
    """An event at each of these instants."""
    return text(f"{stamp(at(s))} {retry()}" for s in seconds)


class Read:
    """How many bytes a scan says that it reads."""

    def __init__(self) -> None:
        self.done = 0
        self.total = 0

    def __call__(self, done: int, total: int) -> None:
        """Take note."""
        self.done, self.total = done, total


def test_a_window_is_half_open(tmp_path: Path) -> None:
    """What happened at its beginning is in, what happened at its end is not."""
    path = tmp_path / "app.log"
    path.write_bytes(retries([9, 10, 10.000001, 19.999999, 20, 21]))
    assert some(scan(path, window=span(at(10), at(20)))) == {"retry": 3}
    assert some(scan(path, window=span(at(20), at(20)))) == {}


@given(
    seconds=st.lists(st.integers(0, 400), min_size=1, max_size=80).map(sorted),
    since=st.integers(-10, 410),
    length=st.integers(0, 420),
)
@settings(max_examples=60)
def test_a_window_holds_what_lies_in_it(
    tmp_path_factory: pytest.TempPathFactory, seconds: list[float], since: int, length: int
) -> None:
    """For any events and any window, exactly those with `since <= t < until` are counted."""
    path = tmp_path_factory.mktemp("window") / "app.log"
    path.write_bytes(retries(seconds))
    evidence = scan(path, window=span(at(since), at(since + length)))
    inside = [s for s in seconds if since <= s < since + length]
    assert some(evidence).get("retry", 0) == len(inside)


@pytest.mark.parametrize("late", [0.5, 20, 59])
def test_lines_may_be_a_minute_out_of_order(tmp_path: Path, late: float) -> None:
    """Where lines are up to 60 s late, none of the window's own first lines is missed."""
    path = tmp_path / "app.log"
    seconds = [float(s) for s in range(0, 4_000, 2)]
    seconds += [s + 1 - late for s in range(0, 4_000, 10)]
    seconds = sorted(seconds, key=lambda s: s if s % 2 == 0 else s + late)
    path.write_bytes(retries(seconds))
    found = some(scan(path, window=span(at(1_000), at(3_000))))["retry"]
    inside = sum(1_000 <= s < 3_000 for s in seconds)
    # Lines whose own time lies a little outside may count with those around them.
    assert inside - 10 <= found <= inside + 10
    assert some(scan(path, window=span(at(1_000), at(3_990))))["retry"] >= found


def test_the_beginning_is_found_without_reading_the_file(tmp_path: Path) -> None:
    """The window's begin is bisected: of a log of many hours only the last part is read."""
    path = tmp_path / "access.log"
    count = 60_000
    path.write_bytes(text(access(at=at(n)) for n in range(count)))
    read = Read()
    window = span(at(count - 600), at(count))
    assert some(scan(path, window=window, progress=read)) == {"http_responses": 600}
    assert read.done <= read.total
    assert read.total < path.stat().st_size / 20


def test_a_hole_in_the_file_is_skipped(tmp_path: Path) -> None:
    """A window at the end of a file is found by its times, across a gigabyte without any."""
    path = tmp_path / "app.log"
    path.write_bytes(retries([float(s) for s in range(2_000)]))
    hole = 1 << 30
    with path.open("r+b") as log:
        log.seek(hole)
        log.write(b"\n" + retries([float(s) for s in range(5_000, 9_000)]))
    read = Read()
    assert some(scan(path, window=span(at(8_000), at(9_000)), progress=read)) == {"retry": 1_000}
    assert read.total < 1 << 20


def test_a_window_may_end_before_the_file_does(tmp_path: Path) -> None:
    """What was written after the window is neither counted nor read to its end."""
    path = tmp_path / "access.log"
    path.write_bytes(text(access(at=at(n)) for n in range(60_000)))
    read = Read()
    evidence = scan(path, window=span(at(0), at(60)), progress=read)
    assert some(evidence) == {"http_responses": 60}
    assert evidence.lines == 60
    assert read.done < path.stat().st_size / 20


def test_a_window_after_or_before_everything_is_empty(tmp_path: Path) -> None:
    """A log that has nothing in the window has no counts, and no problem either."""
    path = tmp_path / "app.log"
    path.write_bytes(retries([0, 1, 2]))
    for window in (span(at(100), at(200)), span(at(-200), at(-100))):
        evidence = scan(path, window=window)
        assert (some(evidence), evidence.problem) == ({}, None)
        assert "retry" in evidence.carries


def test_a_response_in_the_window_may_answer_an_earlier_request(tmp_path: Path) -> None:
    """Requests before the window's begin are known, so their answers count and nothing is odd."""
    path = tmp_path / "app.log"
    lines = [
        *stamped(exchange(1, 500), at(0)),
        *stamped(request(2), at(9.9)),
        *stamped(response(2, 503), at(10.1)),
        *stamped(request(3), at(19)),
        *stamped(response(3, 500), at(20)),
    ]
    path.write_bytes(text(lines))
    evidence = scan(path, window=span(at(10), at(20)))
    assert some(evidence) == {"http_responses": 1, "http_5xx": 1}
    assert evidence.unpaired == 0


def test_a_request_may_be_a_minute_before_the_window(tmp_path: Path) -> None:
    """The lead-in holds the requests of the last minute before the window, in a long log too."""
    path = tmp_path / "app.log"
    lines = [
        *stamped([retry()] * 6_000, at(0), timedelta(seconds=0.1)),
        *stamped(request(1), at(605)),
        *stamped([retry()] * 100, at(610), timedelta(seconds=0.1)),
        *stamped(response(1, 500), at(661)),
    ]
    path.write_bytes(text(lines))
    evidence = scan(path, window=span(at(660), at(700)))
    assert some(evidence) == {"http_responses": 1, "http_5xx": 1}
    assert evidence.unpaired == 0


# --- from a byte on -------------------------------------------------------------------------------


def test_counting_from_a_byte_on(tmp_path: Path) -> None:
    """`--since-offset` counts lines and records that begin at or after it, whatever their times."""
    path = tmp_path / "app.log"
    head = text([*exchanges(1, 500, 500), retry()])
    path.write_bytes(head + text([*exchange(3, 401), retry(), retry()]))
    evidence = scan(path, since_offset=len(head))
    assert some(evidence) == {"http_responses": 1, "http_401": 1, "retry": 2}
    assert (evidence.by_offset, evidence.unwindowed) == (True, None)
    assert evidence.lines == 13


@given(offset=st.integers(0, 900))
@settings(max_examples=60)
def test_an_offset_may_lie_anywhere(tmp_path_factory: pytest.TempPathFactory, offset: int) -> None:
    """In the middle of a line or of a record: what began before the offset is not counted."""
    path = tmp_path_factory.mktemp("offset") / "app.log"
    lines = [*exchange(1, 500), retry(), *exchange(2, 401), retry(), *exchange(3, 429)]
    path.write_bytes(text(lines))
    truth: dict[str, int] = {}
    names = {7: "http_5xx", 19: "http_401", 31: "http_429"}
    place = 0
    for number, line in enumerate(lines):
        if place >= offset:
            if line == retry():
                truth["retry"] = truth.get("retry", 0) + 1
            status = {4: "http_5xx", 16: "http_401", 28: "http_429"}.get(number)
            if status is not None:
                truth[status] = 1
                truth["http_responses"] = truth.get("http_responses", 0) + 1
        place += len(line) + 1
    assert len(names) == 3
    evidence = scan(path, since_offset=offset)
    assert some(evidence) == truth
    assert evidence.unpaired == 0


@pytest.mark.parametrize("timed", [False, True])
def test_the_requests_before_an_offset_are_known(tmp_path: Path, timed: bool) -> None:
    """A response after the offset is paired with its request before it."""
    path = tmp_path / "app.log"
    before, after = [*exchange(1, 500), *request(2)], [*response(2, 502), retry()]
    if timed:
        before, after = stamped(before, at(0)), stamped(after, at(5))
    path.write_bytes(text([*before, *after]))
    evidence = scan(path, since_offset=len(text(before)))
    assert some(evidence) == {"http_responses": 1, "http_5xx": 1, "retry": 1}
    assert evidence.unpaired == 0


def test_an_offset_of_a_timed_log_keeps_the_minutes(tmp_path: Path) -> None:
    """From a byte on, a timed log still says in which minute an event was."""
    path = tmp_path / "app.log"
    path.write_bytes(retries([0, 70, 140]))
    evidence = scan(path, since_offset=len(retries([0])))
    minute = int(at(0).timestamp()) // 60
    assert dict(evidence.signals["retry"].minutes) == {minute + 1: 1, minute + 2: 1}


def test_an_offset_beyond_the_end_counts_nothing(tmp_path: Path) -> None:
    """Nothing has been written after that byte yet."""
    path = tmp_path / "app.log"
    path.write_bytes(text([*exchange(1, 500), retry()]))
    evidence = scan(path, since_offset=1 << 40)
    assert (some(evidence), evidence.problem) == ({}, None)


def test_the_whole_file_is_read_for_offset_zero(tmp_path: Path) -> None:
    """Offset 0 is the whole file, also of a timed log whose times lie outside the window."""
    path = tmp_path / "app.log"
    path.write_bytes(retries([0, 1, 2]))
    late = span(AGES.until - timedelta(hours=1), AGES.until)
    assert some(scan(path, window=late, since_offset=0)) == {"retry": 3}
