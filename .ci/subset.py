"""Print the part of requirements.txt that something needs, with its pins and hashes.

    python .ci/subset.py            what golive needs to run
    python .ci/subset.py hatchling  what hatchling needs

The lock file says after each package which ones asked for it (`# via`); so the part is what can be
reached from the wanted names. `pip install --require-hashes` refuses a part that lacks something.
Only the standard library is used: it runs before anything is installed.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_NAME = re.compile(r"[A-Za-z0-9._-]+")


def normal(name: str) -> str:
    """A package's name as indexes spell it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def runtime(pyproject: str) -> set[str]:
    """The packages that the project itself asks for, without extras and groups."""
    asked = tomllib.loads(pyproject)["project"]["dependencies"]
    return {normal(found[0]) for one in asked if (found := _NAME.match(one))}


def blocks(lock: str) -> list[tuple[str, str]]:
    """Each package and its lines; one that depends on Python's version is there several times."""
    parts = re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE)
    return [(normal(found[0]), part) for part in parts if (found := _NAME.match(part))]


def askers(block: str) -> set[str]:
    """Which packages asked for this one."""
    _, _, via = block.partition("# via")
    return {normal(word) for word in re.findall(r"[A-Za-z0-9][A-Za-z0-9._-]*", via)}


def subset(lock: str, wanted: Iterable[str]) -> str:
    """The part of the lock file that the wanted packages need, themselves included.

    Raises:
        ValueError: the lock file lacks a wanted package.
    """
    known = blocks(lock)
    chosen = set(wanted)
    if lacking := chosen - {name for name, _ in known}:
        raise ValueError(f"requirements.txt lacks {', '.join(sorted(lacking))}")
    while more := {name for name, block in known if askers(block) & chosen} - chosen:
        chosen |= more
    return "".join(block for name, block in known if name in chosen)


def main(names: list[str]) -> None:
    """Print it."""
    lock = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    sys.stdout.write(subset(lock, {normal(name) for name in names} or runtime(pyproject)))


if __name__ == "__main__":
    main(sys.argv[1:])
