"""Rotation: renamed, copied and truncated, compressed, twice between two scans."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from checks.sources.logs.files import predecessors
from tests.support.logs import (
    exchange,
    request,
    response,
    retry,
    scan,
    scan_on,
    some,
    span,
    stamp,
    stamped,
    text,
)

BEGIN = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    """An instant of the test."""
    return BEGIN + timedelta(minutes=minutes)


def retries(*minutes: float) -> bytes:
    """An event at each of these minutes."""
    return text(f"{stamp(at(m))} {retry()}" for m in minutes)


def append(path: Path, raw: bytes) -> None:
    """Write at the end of a file."""
    with path.open("ab") as log:
        log.write(raw)


def compress(path: Path, *, at_minute: float | None = None) -> Path:
    """Replace a file by its compressed form, as logrotate does, and keep its age."""
    packed = path.with_name(f"{path.name}.gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    seen = path.stat()
    stamped_at = seen.st_mtime if at_minute is None else at(at_minute).timestamp()
    os.utime(packed, (stamped_at, stamped_at))
    path.unlink()
    return packed


def aged(path: Path, minute: float) -> None:
    """Set when a file was last written."""
    written = at(minute).timestamp()
    os.utime(path, (written, written))


# --- between two scans ----------------------------------------------------------------------------


def rename(path: Path) -> None:
    """Rotate as logrotate does by default."""
    older = path.with_name(f"{path.name}.1")
    if older.exists():
        older.rename(path.with_name(f"{path.name}.2"))
    path.rename(older)
    path.touch()


def rename_and_compress(path: Path) -> None:
    """Rotate and compress at once (no delaycompress)."""
    rename(path)
    compress(path.with_name(f"{path.name}.1"))


def rename_with_date(path: Path) -> None:
    """Rotate as logrotate does with dateext."""
    path.rename(path.with_name(f"{path.name}-20261123"))
    path.touch()


def rename_with_dashes(path: Path) -> None:
    """Rotate as logging libraries do by day."""
    path.rename(path.with_name(f"{path.name}.2026-11-23"))
    path.touch()


def copytruncate(path: Path) -> None:
    """Rotate under an application that never reopens its file."""
    shutil.copy2(path, path.with_name(f"{path.name}.1"))
    os.truncate(path, 0)


def copytruncate_and_compress(path: Path) -> None:
    """Copy, truncate, compress the copy."""
    copytruncate(path)
    compress(path.with_name(f"{path.name}.1"))


ROTATIONS = (
    rename,
    rename_and_compress,
    rename_with_date,
    rename_with_dashes,
    copytruncate,
    copytruncate_and_compress,
)


@pytest.mark.parametrize("rotate", ROTATIONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("timed", [False, True])
def test_a_rotation_between_two_scans_loses_and_doubles_nothing(
    tmp_path: Path, rotate: object, timed: bool
) -> None:
    """The rest of the old file and the new one are read; a pair across the rotation is one."""
    turn = next(one for one in ROTATIONS if one is rotate)

    def lines(minute: float, *records: list[str]) -> bytes:
        flat = [line for record in records for line in record]
        return text(stamped(flat, at(minute)) if timed else flat)

    path = tmp_path / "app.log"
    offset = None if timed else 0
    path.write_bytes(lines(0, exchange(1, 500), [retry()]))
    first, state = scan_on(path, since_offset=offset)
    append(path, lines(1, exchange(2, 401), request(3)))
    turn(path)
    append(path, lines(2, response(3, 503), exchange(4, 200), [retry()]))
    second, state = scan_on(path, state, since_offset=offset)
    third, _ = scan_on(path, state, since_offset=offset)
    assert some(first) == {"http_responses": 1, "http_5xx": 1, "retry": 1}
    assert some(second) == {"http_responses": 4, "http_5xx": 2, "http_401": 1, "retry": 2}
    assert some(third) == some(second)
    assert second.unpaired == 0
    assert second.notes == third.notes == ()
    assert second.bytes == len(lines(0, exchange(1), [retry()])) + len(
        lines(1, exchange(2), request(3))
    ) + len(lines(2, response(3), exchange(4), [retry()]))
    assert (second.grew, third.grew) == (True, False)


@pytest.mark.parametrize("packed", [False, True])
def test_two_rotations_between_two_scans(tmp_path: Path, packed: bool) -> None:
    """The file known before is found two places further back; what lies between is read whole."""
    path = tmp_path / "app.log"
    path.write_bytes(text([*exchange(1, 500), retry()]))
    _, state = scan_on(path, since_offset=0)
    append(path, text([retry(), *request(2)]))
    aged(path, 1)
    path.rename(tmp_path / "app.log.2")
    between = tmp_path / "app.log.1"
    between.write_bytes(text([*response(2, 401), retry(), *request(3)]))
    aged(between, 2)
    if packed:
        compress(tmp_path / "app.log.2")
        compress(between)
    path.write_bytes(text([*response(3, 429), retry()]))
    evidence, _ = scan_on(path, state, since_offset=0)
    assert some(evidence) == {
        "http_responses": 3,
        "http_5xx": 1,
        "http_401": 1,
        "http_429": 1,
        "retry": 4,
    }
    assert (evidence.unpaired, evidence.notes) == (0, ())


def test_a_predecessor_that_is_gone_is_said(tmp_path: Path) -> None:
    """What was counted stays counted, what may be missing is a note, and the new file counts."""
    path = tmp_path / "app.log"
    path.write_bytes(text([*exchange(1, 500), retry()]))
    _, state = scan_on(path, since_offset=0)
    append(path, text([*exchange(2, 500)]))
    path.unlink()
    path.write_bytes(text([*exchange(3, 401), retry()]))
    evidence, _ = scan_on(path, state, since_offset=0)
    assert some(evidence)["http_401"] == 1
    assert some(evidence)["http_5xx"] == 1
    assert len(evidence.notes) == 1
    assert "may be missing" in evidence.notes[0]


def test_truncated_in_place_is_a_new_file(tmp_path: Path) -> None:
    """A file emptied without a copy is read from its beginning, and that is said."""
    path = tmp_path / "app.log"
    path.write_bytes(text([*exchange(1, 500), *[retry()] * 50]))
    _, state = scan_on(path, since_offset=0)
    os.truncate(path, 0)
    append(path, text([*exchange(2, 401), retry()]))
    evidence, state = scan_on(path, state, since_offset=0)
    assert some(evidence)["http_401"] == 1
    assert any("may be missing" in note for note in evidence.notes)
    again, _ = scan_on(path, state, since_offset=0)
    assert some(again) == some(evidence)
    assert len(again.notes) == 1


def test_truncated_and_grown_beyond_its_old_size(tmp_path: Path) -> None:
    """A rewritten file that is larger than before is told by its beginning."""
    path = tmp_path / "app.log"
    path.write_bytes(text([*exchange(1, 500), retry()]))
    _, state = scan_on(path, since_offset=0)
    copytruncate(path)
    append(path, text([*exchange(2, 401), *[retry()] * 100]))
    evidence, _ = scan_on(path, state, since_offset=0)
    assert some(evidence) == {"http_responses": 2, "http_5xx": 1, "http_401": 1, "retry": 101}
    assert evidence.notes == ()


def test_an_empty_new_file_has_its_predecessors_format(tmp_path: Path) -> None:
    """Just rotated, the file is empty: its window lies in the predecessor, and no note is made."""
    path = tmp_path / "app.log"
    path.write_bytes(retries(0, 1, 2))
    rename(path)
    evidence, state = scan_on(path)
    assert (some(evidence), evidence.problem) == ({"retry": 3}, None)
    append(path, retries(3, 4))
    evidence, _ = scan_on(path, state)
    assert (some(evidence), evidence.notes) == ({"retry": 5}, ())


def test_a_broken_predecessor_does_not_hide_the_rest(tmp_path: Path) -> None:
    """A compressed predecessor that cannot be read is a note; the live file is counted."""
    path = tmp_path / "app.log"
    older = tmp_path / "app.log.1"
    older.write_bytes(retries(*range(10)))
    packed = compress(older, at_minute=10)
    packed.write_bytes(packed.read_bytes()[:-12])
    aged(packed, 10)
    path.write_bytes(retries(11, 12))
    evidence = scan(path, window=span(at(0), at(60)))
    assert some(evidence)["retry"] >= 2
    assert evidence.problem is None
    assert len(evidence.notes) == 1
    assert "app.log.1.gz cannot be read" in evidence.notes[0]


# --- in one scan ----------------------------------------------------------------------------------


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
