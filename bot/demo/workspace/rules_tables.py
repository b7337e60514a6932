"""What Slack refuses in tables and charts."""

from __future__ import annotations

import math
from typing import Any

from bot.demo.workspace.rules_marks import Marks
from bot.demo.workspace.values import Json, is_list, is_object, mapping, objects, sequence
from bot.render import limits

_CELLS = ("raw_text", "rich_text", "raw_number")
_CHARTS = ("line", "bar", "area", "pie")


def check_table(block: Json, path: str, marks: Marks) -> None:
    """A `table`: rows of cells, and no more characters than Slack shows."""
    rows = block.get("rows")
    if not marks.count(rows, f"{path}/rows", limits.TABLE_ROWS):
        return
    _check_rows(rows, f"{path}/rows", marks)
    settings = block.get("column_settings")
    if settings is not None:
        marks.count(settings, f"{path}/column_settings", limits.TABLE_CELLS_PER_ROW, least=0)


def check_data_table(block: Json, path: str, marks: Marks) -> None:
    """A `data_table`: a header row of plain cells, rows as long as it, and a caption."""
    marks.length(block.get("caption"), f"{path}/caption", limits.MESSAGE_TEXT)
    page = block.get("page_size", 5)
    if not isinstance(page, int) or not 1 <= page <= limits.TABLE_ROWS:
        marks.add(f"{path}/page_size", f"must be between 1 and {limits.TABLE_ROWS}")
    rows = block.get("rows")
    if not marks.count(rows, f"{path}/rows", limits.TABLE_ROWS + 1, least=2):
        return
    _check_rows(rows, f"{path}/rows", marks)
    widths = {len(sequence(row)) for row in sequence(rows)}
    if len(widths) > 1:
        marks.add(f"{path}/rows", "all rows must have the same number of cells")
    for number, cell in enumerate(objects(sequence(rows)[0] if sequence(rows) else None)):
        if cell.get("type") == "rich_text":
            marks.add(f"{path}/rows/0/{number}", "a header cell can not be rich_text")


def check_chart(block: Json, path: str, marks: Marks) -> None:
    """A `data_visualization`: a title, a chart, and finite numbers in it."""
    marks.length(block.get("title"), f"{path}/title", limits.CHART_TITLE)
    chart = mapping(block.get("chart"))
    if chart.get("type") not in _CHARTS:
        marks.add(f"{path}/chart/type", "must be line, bar, area or pie")
        return
    if chart["type"] == "pie":
        place = f"{path}/chart/segments"
        if marks.count(chart.get("segments"), place, limits.CHART_SERIES):
            _check_points(chart["segments"], place, marks, least=0)
        return
    place = f"{path}/chart/series"
    if marks.count(chart.get("series"), place, limits.CHART_SERIES):
        for number, series in enumerate(objects(chart["series"])):
            inner = f"{place}/{number}"
            marks.length(series.get("name"), f"{inner}/name", limits.CHART_LABEL)
            if marks.count(series.get("data"), f"{inner}/data", limits.CHART_CATEGORIES):
                _check_points(series["data"], f"{inner}/data", marks, least=None)


def _check_points(points: Any, path: str, marks: Marks, *, least: int | None) -> None:
    for number, point in enumerate(objects(points)):
        marks.length(point.get("label"), f"{path}/{number}/label", limits.CHART_LABEL)
        value = point.get("value")
        finite = isinstance(value, int | float) and math.isfinite(value)
        if not finite or (least is not None and value is not None and value <= least):
            marks.add(f"{path}/{number}/value", "must be a finite number")


def _check_rows(rows: Any, path: str, marks: Marks) -> None:
    for number, row in enumerate(sequence(rows)):
        if not marks.count(row, f"{path}/{number}", limits.TABLE_CELLS_PER_ROW):
            continue
        for place, cell in enumerate(sequence(row)):
            _check_cell(mapping(cell), f"{path}/{number}/{place}", marks)
    characters = sum(_characters(cell) for row in sequence(rows) for cell in objects(row))
    if characters > limits.TABLE_CHARACTERS:
        marks.add(path, f"more than {limits.TABLE_CHARACTERS} characters in all cells")


def _check_cell(cell: Json, path: str, marks: Marks) -> None:
    if cell.get("type") not in _CELLS:
        marks.add(f"{path}/type", "must be raw_text, raw_number or rich_text")
    elif cell["type"] == "raw_text":
        marks.length(cell.get("text"), f"{path}/text", limits.TABLE_CHARACTERS)
    elif cell["type"] == "raw_number" and not isinstance(cell.get("value"), int | float):
        marks.add(f"{path}/value", "must be a number")


def _characters(cell: object) -> int:
    if is_list(cell):
        return sum(map(_characters, sequence(cell)))
    if not is_object(cell):
        return 0
    total = 0
    for name, inner in mapping(cell).items():
        plain = isinstance(inner, str | int | float) and name in {"text", "value"}
        total += len(str(inner)) if plain else _characters(inner)
    return total
