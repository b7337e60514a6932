"""The last lines of a log, as an escalation and `/golive logs` show them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from checks.engine.model import Problem
from checks.sources.logs.file_log import FileLog

_SECRET = "s3cret-of-a-unit-0001"


def _log(*paths: Path) -> FileLog:
    return FileLog(paths, profiles=(), zone=UTC, now=lambda: datetime(2026, 11, 23, tzinfo=UTC))


async def test_the_last_lines_in_their_order(tmp_path: Path) -> None:
    """As many as asked for, whole, oldest first."""
    path = tmp_path / "app.log"
    path.write_text("".join(f"line {n}\n" for n in range(1000)))
    assert await _log(path).tail(3) == ("line 997", "line 998", "line 999")


async def test_fewer_lines_than_asked_for(tmp_path: Path) -> None:
    """A short log is shown whole, its last line too if it has no line end."""
    path = tmp_path / "app.log"
    path.write_text("one\ntwo")
    assert await _log(path).tail(50) == ("one", "two")


async def test_secrets_and_control_characters_are_masked(tmp_path: Path) -> None:
    """Live secrets as literals, shapes by their pattern, and nothing that a terminal obeys."""
    path = tmp_path / "app.log"
    path.write_bytes(f"GET /x?k={_SECRET}\nBearer {'a' * 24} <!channel> \x1b[31m\n".encode())
    lines = await _log(path).tail(2, (_SECRET,))
    assert not isinstance(lines, Problem)
    text = "\n".join(lines)
    assert _SECRET not in text
    assert "a" * 24 not in text
    assert "\x1b" not in text
    assert "<!channel>" not in text


async def test_a_very_long_line_does_not_bring_the_whole_file(tmp_path: Path) -> None:
    """What is cut off at the front is left out rather than shown in half."""
    path = tmp_path / "app.log"
    path.write_bytes(b"x" * 100_000 + b"\nlast\n")
    assert await _log(path).tail(2) == ("last",)


async def test_a_missing_log_says_why(tmp_path: Path) -> None:
    """The reason is the file's own."""
    found = await _log(tmp_path / "none.log").tail(2)
    assert isinstance(found, Problem)
    assert "does not exist" in found.what


async def test_another_log_stands_in_for_one_that_is_missing(tmp_path: Path) -> None:
    """Of two logs one is enough to show something."""
    path = tmp_path / "app.log"
    path.write_text("here\n")
    assert await _log(path, tmp_path / "none.log").tail(2) == ("here",)
