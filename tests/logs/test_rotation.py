"""Rotation between two scans: renamed, copied and truncated, compressed, twice."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

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
