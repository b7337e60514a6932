"""What `golive doctor` shows: a line a test, with the mend below; and the same as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bot.doctor.model import Examination, Line, Status
from bot.render.words import clean

VERSION: Final = 1

_SYMBOLS: Final[Mapping[Status, tuple[str, str]]] = {
    Status.OK: ("✔", "green"),
    Status.WARNING: ("▲", "yellow"),
    Status.FAILED: ("✖", "bold red"),
    Status.SKIPPED: ("–", "dim"),
}


def render_examination(found: Examination) -> RenderableType:
    """Every line under its area, and a count at the end."""
    parts: list[RenderableType] = []
    for part in found.parts:
        parts.append(Text(part.area, style="bold"))
        parts.extend(_row(line) for line in part.lines)
    return Group(*parts, Text(), Text(_sum(found)))


def examination_json(found: Examination) -> str:
    """The same for scripts."""
    return json.dumps(
        {
            "version": VERSION,
            "failed": found.failed,
            "lines": [
                {
                    "area": part.area,
                    "status": line.status.value,
                    "what": clean(line.what),
                    "mend": clean(line.mend),
                }
                for part in found.parts
                for line in part.lines
            ],
        },
        indent=2,
        ensure_ascii=False,
    )


def _row(line: Line) -> RenderableType:
    symbol, style = _SYMBOLS[line.status]
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(ratio=1, overflow="fold")
    said = Text(clean(line.what), style="dim" if line.status is Status.SKIPPED else "")
    if line.mend:
        said.append(f" {clean(line.mend)}", style="dim")
    grid.add_row(Text(f"  {symbol}", style=style), said)
    return grid


def _sum(found: Examination) -> str:
    counts = {status: found.count(status) for status in Status}
    words = (
        f"{counts[Status.OK]} fine",
        f"{counts[Status.WARNING]} to look at",
        f"{counts[Status.FAILED]} broken",
        f"{counts[Status.SKIPPED]} not configured",
    )
    return ", ".join(words) + "."
