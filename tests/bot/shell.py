"""`golive` as a shell runs it, and its JSON read back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, cast

import pytest

from bot.__main__ import main
from checks.engine.model import Json
from tests.bot.crm_log import retries, traffic
from tests.support.secrecy.heard import hear

QUIET = [*traffic(*([200] * 40)), *retries(3)]
"""Forty answers and three retries: nothing wrong."""
OURS = ("GOLIVE_", "BASE_URL", "EVOLUTION_", "SLACK_", "NO_COLOR", "FORCE_COLOR", "COLUMNS")
"""How the variables begin that a test must not inherit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


Golive: TypeAlias = Callable[..., Ended]
WriteLog: TypeAlias = Callable[..., Path]


def in_process(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Golive:
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


def report(ended: Ended) -> dict[str, Json]:
    """The JSON on stdout."""
    return cast("dict[str, Json]", json.loads(ended.out))


def decision(ended: Ended) -> Json:
    """The verdict's decision in the JSON on stdout."""
    return cast("dict[str, Json]", report(ended)["verdict"])["decision"]


def findings(ended: Ended) -> dict[str, dict[str, Json]]:
    """Check id → finding in the JSON on stdout."""
    found = cast("list[dict[str, Json]]", report(ended)["findings"])
    return {str(finding["check"]): finding for finding in found}


def signals(ended: Ended) -> dict[str, int]:
    """The log's counts in the JSON on stdout."""
    sources = cast("dict[str, dict[str, Json]]", report(ended)["sources"])
    return cast("dict[str, int]", sources["log"]["signals"])


def environment(**variables: str) -> dict[str, str]:
    """This process's environment without golive's own variables, and with these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return {**kept, **variables}


def process(*argv: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """`python -m bot` as a process of its own, with its output in pipes."""
    ended = subprocess.run(
        [sys.executable, "-m", "bot", *map(str, argv)],
        env=environment(**variables),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    hear("a process's output", f"{ended.stdout}\n{ended.stderr}")
    return ended
