"""What `golive replay` shows: each point's verdict then and now, and which findings moved."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bot.render.words import DECISION_SYMBOLS, clean
from bot.watch.model import Deployment
from bot.watch.replaying import Moved, Replayed
from checks.engine.model import Decision, Json, Level


def render_replay(deployment: Deployment, points: Sequence[Replayed]) -> RenderableType:
    """A line a point; the findings that moved below it."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("Point", "Stored", "Replayed", "Moved"):
        table.add_column(column, no_wrap=column != "Moved")
    for one in points:
        table.add_row(
            Text(clean(one.taken.point.key)),
            Text(_decision(one.stored.verdict.decision)),
            Text(_decision(one.report.verdict.decision)),
            Text(_said(one)),
        )
    head = Text(
        clean(f"{deployment.version}, deployed {deployment.deployed_at:%Y-%m-%d %H:%M} UTC")
    )
    return Group(head, Text(), table, Text(), Text(_summary(points)))


def replay_json(deployment: Deployment, points: Sequence[Replayed]) -> str:
    """The same for scripts."""
    body: dict[str, Json] = {
        "version": 1,
        "watch": str(deployment.id),
        "deployed": clean(deployment.version),
        "points": [
            {
                "point": one.taken.point.key,
                "stored": one.stored.verdict.decision.value,
                "replayed": one.report.verdict.decision.value,
                "same": one.same,
                "moved": [
                    {"check": m.check, "before": _word(m.before), "now": _word(m.now)}
                    for m in one.moved
                ],
            }
            for one in points
        ],
    }
    return json.dumps(body, indent=2, ensure_ascii=False)


def _decision(decision: Decision) -> str:
    return f"{DECISION_SYMBOLS[decision]} {decision}"


def _said(one: Replayed) -> str:
    if one.moved:
        return ", ".join(_move(moved) for moved in one.moved)
    return "the same, bit for bit" if one.same else "the same levels; other words or details"


def _move(moved: Moved) -> str:
    return f"{moved.check} {_word(moved.before)} → {_word(moved.now)}"


def _word(level: Level | None) -> str:
    return "–" if level is None else level.value


def _summary(points: Sequence[Replayed]) -> str:
    moved = sum(1 for one in points if one.moved)
    if not points:
        return "Nothing was judged in this watch."
    return f"{len(points)} points judged again, {moved} with another outcome."
