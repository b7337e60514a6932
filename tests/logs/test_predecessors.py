"""Rotated files that one scan reads: as far as the window goes, each once, whatever their names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from checks.sources.logs.files import predecessors
from tests.logs.rotating import aged, append, at, compress, retries
from tests.support.logs import (
    exchange,
    request,
    response,
    retry,
    scan,
    scan_on,
    some,
    span,
    stamped,
    text,
)


def rotated_thrice(path: Path) -> None:
    """An hour in four files: the oldest two compressed."""
    path.write_bytes(retries(*range(45, 60)))
    for number, first in ((1, 30), (2, 15), (3, 0)):
        older = path.with_name(f"{path.name}.{number}")
        older.write_bytes(retries(*range(first, first + 15)))
        aged(older, first + 14.5)
    for number, first in ((2, 15), (3, 0)):
        compress(path.with_name(f"{path.name}.{number}"), at_minute=first + 14.5)


@pytest.mark.parametrize(
    ("since", "events", "size"),
    [(50, 10, 0), (45, 15, 0), (44, 16, 1), (31, 29, 1), (29, 31, 2), (10, 50, 3), (-5, 60, 3)],
)
def test_predecessors_are_read_as_far_as_the_window_goes(
    tmp_path: Path, since: float, events: int, size: int
) -> None:
    """Plain and compressed predecessors are read where the window begins before the file does."""
    path = tmp_path / "app.log"
    rotated_thrice(path)
    evidence = scan(path, window=span(at(since), at(60)))
    assert some(evidence) == {"retry": events}
    assert evidence.notes == ()
    # What was not needed was not read: each file holds about as many bytes as any other.
    assert evidence.bytes <= (size + 1) * len(retries(*range(15))) + 200


def test_predecessors_are_not_read_for_an_offset(tmp_path: Path) -> None:
    """An offset is one of the file itself: nothing before it belongs to it."""
    path = tmp_path / "app.log"
    rotated_thrice(path)
    assert some(scan(path, since_offset=0)) == {"retry": 15}


def test_a_pair_across_a_rotation_is_a_pair(tmp_path: Path) -> None:
    """A request at the end of a predecessor is answered in the live file."""
    path = tmp_path / "app.log"
    older = tmp_path / "app.log.1"
    older.write_bytes(text(stamped([*exchange(1, 500), *request(2)], at(0))))
    aged(older, 0.1)
    path.write_bytes(text(stamped([*response(2, 401), retry()], at(1))))
    evidence = scan(path)
    assert some(evidence) == {"http_responses": 2, "http_5xx": 1, "http_401": 1, "retry": 1}
    assert evidence.unpaired == 0


def test_dates_as_names_are_predecessors_too(tmp_path: Path) -> None:
    """Names of all usual kinds are predecessors, newest first; other neighbours are not."""
    path = tmp_path / "app.log"
    names = (
        "app.log.1",
        "app.log.2.gz",
        "app.log-20261121.gz",
        "app.log.2026-11-20",
        "app.log-20261119-1764021600",
        "app.log.2026-11-18_03-00",
    )
    for age, name in enumerate(names):
        (tmp_path / name).write_bytes(b"x")
        aged(tmp_path / name, -age)
    for name in (
        "app.log",
        "app.log.bak",
        "app.log.swp",
        "app.log.1.tmp",
        "app.log2",
        "my-app.log.1",
    ):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "app.log.9").mkdir()
    assert [file.path.name for file in predecessors(path)] == list(names)


def test_a_name_with_brackets_is_a_name(tmp_path: Path) -> None:
    """Brackets and stars in a path are no pattern."""
    path = tmp_path / "app[1]*.log"
    (tmp_path / "app[1]*.log.1").write_bytes(b"x")
    (tmp_path / "app1x.log.1").write_bytes(b"x")
    assert [file.path.name for file in predecessors(path)] == ["app[1]*.log.1"]


def test_hundreds_of_predecessors_are_searched_from_the_newest(tmp_path: Path) -> None:
    """Where years of logs lie beside the file, the newest ones are the ones that are looked at."""
    path = tmp_path / "app.log"
    for day in range(150):
        older = tmp_path / f"app.log-{20_260_000 + day}"
        older.write_bytes(b"x")
        aged(older, day)
    found = [file.path.name for file in predecessors(path)]
    assert found[0] == "app.log-20260149"
    assert len(found) == 100


def test_a_predecessor_that_is_named_itself_counts_once(tmp_path: Path) -> None:
    """`--log app.log --log app.log.1`: the second is a log of its own, not read twice."""
    path = tmp_path / "app.log"
    rotated_thrice(path)
    evidence = scan([path, tmp_path / "app.log.1", path], window=span(at(30), at(60)))
    assert some(evidence) == {"retry": 30}


# --- from a byte on -------------------------------------------------------------------------------


def bare(*minutes: float) -> bytes:
    """The same events in a log without times."""
    return text(retry() for _ in minutes)


@pytest.mark.parametrize("write", [retries, bare])
def test_counting_from_the_end_on_never_counts_what_stood_before_it(
    tmp_path: Path, write: Callable[..., bytes]
) -> None:
    """The last line was not known to be whole when the scan began; it is old all the same."""
    path = tmp_path / "app.log"
    path.write_bytes(write(1, 2, 3))
    seen, state = scan_on(path, since_offset=path.stat().st_size)
    assert some(seen) == {}
    again, state = scan_on(path, state, since_offset=path.stat().st_size)
    assert some(again) == {}
    append(path, write(4))
    last, _ = scan_on(path, state, since_offset=path.stat().st_size)
    assert some(last) == {"retry": 1}
