"""Draws the hour with matplotlib: its object interface alone, no global state, so any thread may.

The card is light and opaque: the same ink is readable on it in Slack's light and dark mode.
"""

from __future__ import annotations

import io
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bot.render.series import Hour, Mark, Series

# Okabe and Ito's colours. The same fact is always also told by a word, a symbol or a dash.
_INK, _QUIET, _CARD, _PANEL = "#222222", "#6B6B6B", "#F4F4F1", "#FFFFFF"
_TOTAL, _MINUTE, _FLOW = "#0072B2", "#56B4E9", "#009E73"
_WARNING, _CRITICAL = "#E69F00", "#D55E00"
_MARKS = {"✔": "#009E73", "▲": "#B37700", "✖": "#D55E00", "?": "#6B6B6B"}
_INCHES, _DPI = (9.0, 6.6), 110
_COLUMNS, _ROWS = 2, 3
_HEADROOM = 1.16


def draw(hour: Hour) -> bytes:
    """The picture as PNG."""
    # matplotlib's own types are partly unknown, so its objects are Any within this file.
    figure: Any = Figure(figsize=_INCHES, dpi=_DPI, facecolor=_CARD)
    canvas: Any = FigureCanvasAgg(figure)
    grid = figure.add_gridspec(
        _ROWS, _COLUMNS, left=0.065, right=0.985, top=0.94, bottom=0.075, hspace=0.56, wspace=0.14
    )
    for number, series in enumerate(hour.series):
        _panel(figure, grid[number // _COLUMNS, number % _COLUMNS], series, hour)
    figure.text(0.5, 0.012, "minutes after the deploy", ha="center", color=_QUIET, fontsize=8.5)
    out = io.BytesIO()
    canvas.print_png(out, metadata={"Software": None}, pil_kwargs={"compress_level": 9})
    return out.getvalue()


def _panel(figure: Any, cell: Any, series: Series, hour: Hour) -> None:
    if series.counts is None:
        axes = _axes(figure, cell, hour)
        axes.set_title(f"{series.name}: not known", **_TITLE)
        axes.set_facecolor(_CARD)
        axes.set_yticks([])
        axes.text(0.5, 0.5, series.missing, transform=axes.transAxes, **_MISSING)
        return
    if series.warning is None and series.critical is None:
        axes = _axes(figure, cell, hour)
        _minutes(axes, series, hour, _FLOW)
        axes.set_title(_headline(series), **_TITLE)
        _marks(axes, hour, labels=True)
        return
    inner = cell.subgridspec(2, 1, height_ratios=(3, 1), hspace=0.12)
    upper, lower = _axes(figure, inner[0], hour), _axes(figure, inner[1], hour)
    upper.tick_params(labelbottom=False)
    _total(upper, series, hour)
    _minutes(lower, series, hour, _MINUTE)
    upper.set_title(_headline(series), **_TITLE)
    _marks(upper, hour, labels=True)
    _marks(lower, hour, labels=False)


def _headline(series: Series) -> str:
    if not series.total:
        return f"{series.name}: none"
    peak = max(series.counts or ())
    return f"{series.name}: {_brief(series.total)} in all, at most {_brief(peak)} a minute"


def _brief(number: float) -> str:
    """A count in at most five characters: 999, 12.3k, 4.5M."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e4)):
        if number >= size:
            return f"{number / (1e3 if unit == 'k' else size):.3g}{unit}"
    return f"{number:,.0f}"


_TITLE: dict[str, Any] = {
    "loc": "left",
    "fontsize": 10,
    "fontweight": "bold",
    "color": _INK,
    "pad": 14,
    "parse_math": False,
}
_MISSING: dict[str, Any] = {"ha": "center", "va": "center", "color": _QUIET, "fontsize": 9.5}


def _axes(figure: Any, cell: Any, hour: Hour) -> Any:
    axes = figure.add_subplot(cell)
    axes.set_facecolor(_PANEL)
    axes.set_xlim(hour.first, hour.first + hour.minutes)
    step = next((s for s in (1, 5, 10, 20, 60, 120, 240) if hour.minutes / s <= 9), 480)
    start = -(-hour.first // step) * step
    axes.set_xticks(range(start, hour.first + hour.minutes + 1, step))
    axes.tick_params(colors=_QUIET, labelsize=8, length=2)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color("#BBBBBB")
    return axes


def _total(axes: Any, series: Series, hour: Hour) -> None:
    """The running total, which is what the bounds are about, with the bounds drawn in."""
    edges = [hour.first + n for n in range(hour.minutes + 1)]
    running = [0, *series.running]
    axes.step(edges, running, where="pre", color=_TOTAL, linewidth=1.8)
    axes.fill_between(edges, running, step="pre", color=_TOTAL, alpha=0.13, linewidth=0)
    # Side by side, so that two bounds close together can both be read.
    for bound, colour, dash, word, right in (
        (series.critical, _CRITICAL, "solid", "critical", 3),
        (series.warning, _WARNING, (0, (5, 3)), "warning", 62),
    ):
        if bound is not None:
            axes.axhline(bound, color=colour, linewidth=1.3, linestyle=dash)
            axes.annotate(
                f"{word} {_brief(bound)}",
                (hour.first, bound),
                (right, 2),
                textcoords="offset points",
                fontsize=7.5,
                color=_INK,
            )
    top = max(series.total, series.critical or 0, series.warning or 0, 1)
    axes.set_ylim(0, top * _HEADROOM)
    axes.set_ylabel("total", fontsize=8, color=_QUIET)
    _whole_ticks(axes, top)


def _minutes(axes: Any, series: Series, hour: Hour, colour: str) -> None:
    """Events a minute as bars, on a scale of their own."""
    counts = series.counts or ()
    middles = [hour.first + n + 0.5 for n, count in enumerate(counts) if count]
    axes.vlines(
        middles, 0, [count for count in counts if count], color=colour, linewidth=_width(hour)
    )
    top = max((*counts, 1))
    axes.set_ylim(0, top * _HEADROOM)
    axes.set_ylabel("a minute", fontsize=8, color=_QUIET)
    axes.set_yticks([0, top], ["0", _brief(top)])


def _width(hour: Hour) -> float:
    """A bar's width in points: a minute of the panel, less a gap."""
    panel = _INCHES[0] * 72 * 0.425
    return max(0.4, panel / hour.minutes * 0.8)


def _whole_ticks(axes: Any, top: float) -> None:
    """Few ticks, at whole numbers only: events do not come in halves."""
    step = max(1, -(-int(top) // 3))
    size = 10 ** (len(str(step)) - 1)
    step = next(size * nice for nice in (1, 2, 5, 10) if size * nice >= step)
    ticks = range(0, int(top * _HEADROOM) + 1, step)
    axes.set_yticks(list(ticks), [_brief(tick) for tick in ticks])


def _marks(axes: Any, hour: Hour, *, labels: bool) -> None:
    """The checkpoints as thin lines with their outcome above."""
    placed: float | None = None
    for each in hour.marks:
        axes.axvline(each.minute, color=_mark_colour(each), linewidth=0.9, linestyle=(0, (1, 2)))
        # Two symbols on top of each other would read as one.
        if labels and (placed is None or each.minute - placed > hour.minutes / 45):
            placed = each.minute
            axes.text(
                each.minute,
                1.015,
                each.symbol,
                transform=axes.get_xaxis_transform(),
                ha="center",
                va="bottom",
                fontsize=8,
                color=_mark_colour(each),
                parse_math=False,
            )


def _mark_colour(mark: Mark) -> str:
    return _MARKS.get(mark.symbol, _QUIET)
