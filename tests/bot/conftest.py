"""Fixtures of the command line's tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bot.crm_log import text
from tests.bot.shell import Golive, WriteLog, in_process


@pytest.fixture
def golive(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Golive:
    """Runs a command line in this process, with nothing in the environment but what is given."""
    return in_process(capsys, monkeypatch)


@pytest.fixture
def log(tmp_path: Path) -> WriteLog:
    """Writes a log file."""

    def write(*lines: str, name: str = "app.log") -> Path:
        path = tmp_path / name
        path.write_text(text(lines), encoding="utf-8")
        return path

    return write
