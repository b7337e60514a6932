"""Runbooks that differ from the shipped one by a few lines."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from checks.engine.runbook import shipped_runbook


def write_book(path: Path, changes: Mapping[str, str]) -> Path:
    """Write the shipped runbook with some of its text replaced; the file.

    Raises:
        LookupError: the shipped one does not have such a text exactly once.
    """
    text = shipped_runbook().read_text(encoding="utf-8")
    for old, new in changes.items():
        if text.count(old) != 1:
            raise LookupError(f"{old!r} is {text.count(old)} times in the shipped runbook")
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    return path
