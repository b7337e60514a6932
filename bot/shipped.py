"""The SQL files that golive brings."""

from __future__ import annotations

from importlib.resources.abc import Traversable
from pathlib import Path
from typing import LiteralString


def shipped_sql(file: Traversable | Path) -> LiteralString:
    """The statements in a file of golive's own."""
    # As trustworthy as a literal, for it is part of golive, which no type can say.
    return file.read_text(encoding="utf-8")  # pyright: ignore[reportReturnType]
