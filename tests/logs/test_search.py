"""What a pattern finds at a log's end: in raw lines, read backwards, block by block."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.engine.model import Problem
from checks.sources.logs.file_log import FileLog
from checks.sources.logs.files import identify
from checks.sources.logs.reader import found_in, last_lines

SENT = re.compile(rb"sent (\w+)")


def log(*paths: Path) -> FileLog:
    """Files that nobody scans."""
    return FileLog(paths, profiles=(), zone=UTC, now=lambda: datetime(2026, 11, 23, 21, tzinfo=UTC))


async def test_each_once_in_order(tmp_path: Path) -> None:
    """Only group 1, as it stands there; other lines and another file's trouble do not matter."""
    path = tmp_path / "app.log"
    path.write_bytes(b"sent a1\nnoise sk-aaaaaaaaaaaaaaaaaaaaaaaa\nsent b2\nsent a1\nsent c3")
    assert await log(path, tmp_path / "none.log").search(SENT, 50) == (b"a1", b"b2", b"c3")


async def test_only_the_end(tmp_path: Path) -> None:
    """A file is read from its end, in whole lines, and not to its beginning."""
    path = tmp_path / "app.log"
    path.write_bytes(
        b"sent first\n" + b"x" * 99 * 80 + b"\n" + b"filler\n" * 200_000 + b"sent last\n"
    )
    assert await log(path).search(SENT, 100) == (b"last",)


async def test_why_nothing_can_be_said(tmp_path: Path) -> None:
    """A file that is not there is a problem with a mend."""
    found = await log(tmp_path / "none.log").search(SENT, 5)
    assert isinstance(found, Problem)
    assert "does not exist" in found.what


@given(
    widths=st.lists(st.integers(0, 70_000), max_size=12),
    asked=st.integers(1, 15),
    newline=st.booleans(),
)
def test_the_last_lines_are_whole(
    tmp_path_factory: pytest.TempPathFactory, widths: list[int], asked: int, newline: bool
) -> None:
    """What is read ends as the file does and begins where a line does; no asked line is missing."""
    lines = [b"%d:" % n + b"y" * width for n, width in enumerate(widths)]
    whole = b"\n".join(lines) + (b"\n" if newline and lines else b"")
    path = tmp_path_factory.getbasetemp() / "lines.log"
    path.write_bytes(whole)
    raw = last_lines(identify(path), asked)
    assert whole.endswith(raw)
    assert raw in (whole, b"") or whole[: len(whole) - len(raw)].endswith(b"\n")
    within = lines[-asked:] if sum(map(len, lines[-asked:])) + asked <= asked * 4_096 else []
    assert not within or raw.splitlines()[-asked:] == within


def test_nothing_is_lost_between_blocks() -> None:
    """A line on the border of two blocks is searched whole."""
    text = b"".join(b"%s sent id%d\n" % (b"z" * 1_000, n) for n in range(2_000))
    assert len(found_in([text], SENT)) == 2_000


def test_a_line_longer_than_a_block(tmp_path: Path) -> None:
    """It is whole, or left out."""
    path = tmp_path / "app.log"
    path.write_bytes(b"start\n" + b"w" * (1 << 20) + b" sent big\nsent small\n")
    assert last_lines(identify(path), 1).endswith(b"sent small\n")
    assert found_in([last_lines(identify(path), 1)], SENT)[-1] == b"small"
