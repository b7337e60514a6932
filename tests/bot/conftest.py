"""Fixtures of the command line's tests."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from bot.__main__ import main
from tests.bot.crm_log import text
from tests.bot.shell import OURS, Ended, Golive, WriteLog


@pytest.fixture
def golive(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Golive:
    """Runs a command line in this process, with nothing in the environment but what is given."""
    for name in list(os.environ):
        if name.startswith(OURS):
            monkeypatch.delenv(name)

    def run(*argv: str | Path, env: Mapping[str, str] | None = None) -> Ended:
        for name, value in (env or {}).items():
            monkeypatch.setenv(name, value)
        capsys.readouterr()
        code = main([str(word) for word in argv])
        told = capsys.readouterr()
        return Ended(code=code, out=told.out, err=told.err)

    return run


@pytest.fixture
def log(tmp_path: Path) -> WriteLog:
    """Writes a log file."""

    def write(*lines: str, name: str = "app.log") -> Path:
        path = tmp_path / name
        path.write_text(text(lines), encoding="utf-8")
        return path

    return write
