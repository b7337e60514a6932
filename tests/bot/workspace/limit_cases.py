"""A payload for each of Slack's limits: as large as asked for, or with one planted fault."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from tests.bot.workspace.blocks import (
    button,
    confirm,
    modal,
    option,
    plain,
    section,
    text_input,
)
from tests.support.slack_limits import Kind

Payload: TypeAlias = dict[str, Any]
Build: TypeAlias = Callable[[int], Payload]


def message(*blocks: Payload, **more: Any) -> Payload:
    """A message with blocks."""
    return {"text": "x", "blocks": list(blocks), **more}


def row(*elements: Payload) -> Payload:
    """A message with one row of elements."""
    return message({"type": "actions", "elements": list(elements)})


def select(kind: str = "static_select", **more: Any) -> Payload:
    """A message with one select or group of choices."""
    given = {} if "option_groups" in more else {"options": [option("a")]}
    return row({"type": kind, "action_id": "pick", **given, **more})


def asking(**more: Any) -> Payload:
    """A message with a button that asks first."""
    return row(button("a", confirm=confirm(**more)))


def image(**more: Any) -> Payload:
    """A message with an image."""
    given = {"type": "image", "image_url": "https://example.com/a.png", "alt_text": "a"}
    return message(given | more)


def table(rows: int = 1, cells: int = 1, text: str = "a", **more: Any) -> Payload:
    """A table block."""
    cell = {"type": "raw_text", "text": text}
    return {"type": "table", "rows": [[cell] * cells] * rows, **more}


def two_cells(n: int) -> Payload:
    """A message with a table of so many characters in all."""
    cells = [{"type": "raw_text", "text": "a" * size} for size in (5_000, n - 5_000)]
    return message({"type": "table", "rows": [cells]})


def data_table(rows: int) -> Payload:
    """A message with a table that sorts."""
    return message({**table(rows), "type": "data_table", "caption": "Checks"})


def chart(series: int = 1, points: int = 1, label: str = "a", title: str = "t") -> Payload:
    """A chart block."""
    data = [{"label": label, "value": 1}] * points
    inner = {"type": "line", "series": [{"name": "a", "data": data}] * series}
    return {"type": "data_visualization", "title": title, "chart": inner}


def view(*blocks: Payload, kind: str = "modal", **more: Any) -> Payload:
    """A modal or a Home."""
    given = modal("a", list(blocks)) if kind == "modal" else {"type": kind, "blocks": [*blocks]}
    return given | more


def typed(**more: Any) -> Payload:
    """A modal with an input."""
    return view(text_input("why", "reason", **more), submit=plain("Go"))


def sections(n: int) -> list[Payload]:
    """So many sections."""
    return [section("a")] * n


def wide(n: int) -> Payload:
    """A message whose sections have so many characters in all."""
    return message(*[section("a" * 1_000)] * 12, section("a" * (n - 12_000)))


EACH: list[tuple[str, Kind, int, Build]] = [
    ("text of a post", "message", 40_000, lambda n: {"text": "a" * n}),
    ("text of an update", "update", 4_000, lambda n: {"text": "a" * n}),
    ("blocks of a message", "message", 50, lambda n: message(*sections(n))),
    (
        "blocks of an attachment",
        "message",
        50,
        lambda n: {"text": "x", "attachments": [{"fallback": "a", "blocks": sections(n)}]},
    ),
    (
        "attachments",
        "message",
        100,
        lambda n: {"text": "x", "attachments": [{"fallback": "a"}] * n},
    ),
    ("section text", "message", 3_000, lambda n: message(section("a" * n))),
    (
        "section fields",
        "message",
        10,
        lambda n: message({"type": "section", "fields": [plain("a")] * n}),
    ),
    (
        "section field",
        "message",
        2_000,
        lambda n: message({"type": "section", "fields": [plain("a" * n)]}),
    ),
    ("header", "message", 150, lambda n: message({"type": "header", "text": plain("a" * n)})),
    (
        "context elements",
        "message",
        10,
        lambda n: message({"type": "context", "elements": [plain("a")] * n}),
    ),
    ("actions", "message", 25, lambda n: row(*[button(str(i)) for i in range(n)])),
    ("block_id", "message", 255, lambda n: message(section("a", block_id="b" * n))),
    ("action_id", "message", 255, lambda n: row(button("b" * n))),
    ("button text", "message", 75, lambda n: row(button("a", text=plain("a" * n)))),
    ("button value", "message", 2_000, lambda n: row(button("a", value="a" * n))),
    ("button url", "message", 3_000, lambda n: row(button("a", url="u" * n))),
    ("button label", "message", 75, lambda n: row(button("a", accessibility_label="a" * n))),
    ("confirm title", "message", 100, lambda n: asking(title=plain("a" * n))),
    ("confirm text", "message", 300, lambda n: asking(text=plain("a" * n))),
    ("confirm yes", "message", 30, lambda n: asking(confirm=plain("a" * n))),
    ("confirm no", "message", 30, lambda n: asking(deny=plain("a" * n))),
    ("options", "message", 100, lambda n: select(options=[option("a")] * n)),
    (
        "option groups",
        "message",
        100,
        lambda n: select(option_groups=[{"label": plain("a"), "options": [option("a")]}] * n),
    ),
    (
        "option group label",
        "message",
        75,
        lambda n: select(option_groups=[{"label": plain("a" * n), "options": [option("a")]}]),
    ),
    ("option text", "message", 75, lambda n: select(options=[option("a", text=plain("a" * n))])),
    (
        "option value",
        "message",
        150,
        lambda n: select(options=[option("a" * n, text=plain("a"))]),
    ),
    (
        "option description",
        "message",
        75,
        lambda n: select(options=[option("a", description=plain("a" * n))]),
    ),
    ("placeholder", "message", 150, lambda n: select(placeholder=plain("a" * n))),
    ("checkboxes", "message", 10, lambda n: select("checkboxes", options=[option("a")] * n)),
    ("radio", "message", 10, lambda n: select("radio_buttons", options=[option("a")] * n)),
    ("overflow", "message", 5, lambda n: select("overflow", options=[option("a")] * n)),
    ("image text", "message", 2_000, lambda n: image(alt_text="a" * n)),
    ("image title", "message", 2_000, lambda n: image(title=plain("a" * n))),
    (
        "image url",
        "message",
        3_000,
        lambda n: image(image_url="https://a.b/".ljust(n, "a")),
    ),
    ("table rows", "message", 100, lambda n: message(table(rows=n))),
    ("table cells", "message", 20, lambda n: message(table(cells=n))),
    ("table characters", "message", 10_000, two_cells),
    ("tables", "message", 1, lambda n: message(*[table()] * n)),
    ("data table rows", "message", 101, data_table),
    ("charts", "message", 2, lambda n: message(*[chart()] * n)),
    ("chart title", "message", 50, lambda n: message(chart(title="a" * n))),
    ("chart series", "message", 6, lambda n: message(chart(series=n))),
    ("chart points", "message", 20, lambda n: message(chart(points=n))),
    ("chart label", "message", 20, lambda n: message(chart(label="a" * n))),
    (
        "markdown",
        "message",
        12_000,
        lambda n: message(
            {"type": "markdown", "text": "a" * 6_000},
            {"type": "markdown", "text": "a" * (n - 6_000)},
        ),
    ),
    ("all characters", "message", 13_000, wide),
    (
        "container",
        "message",
        10,
        lambda n: message({"type": "container", "title": plain("a"), "child_blocks": sections(n)}),
    ),
    ("card", "message", 200, lambda n: message({"type": "card", "body": plain("a" * n)})),
    ("blocks of a modal", "modal", 100, lambda n: view(*sections(n))),
    ("blocks of a home", "home", 100, lambda n: view(*sections(n), kind="home")),
    ("title", "modal", 24, lambda n: view(title=plain("a" * n))),
    ("submit", "modal", 24, lambda n: view(submit=plain("a" * n))),
    ("close", "modal", 24, lambda n: view(close=plain("a" * n))),
    ("private metadata", "modal", 3_000, lambda n: view(private_metadata="a" * n)),
    ("callback id", "modal", 255, lambda n: view(callback_id="a" * n)),
    ("external id", "home", 255, lambda n: view(kind="home", external_id="a" * n)),
    ("input", "modal", 3_000, lambda n: typed(max_length=n)),
    ("initial value", "modal", 3_000, lambda n: typed(initial_value="a" * n)),
    ("alert", "modal", 200, lambda n: view({"type": "alert", "text": plain("a" * n)})),
    (
        "metadata",
        "message",
        8_000,
        lambda n: message(
            metadata={"event_type": "a", "event_payload": {"k": "a" * (n - len('{"k": ""}'))}}
        ),
    ),
]

PLANTED: list[tuple[str, Kind, Payload, Payload]] = [
    ("empty text", "message", message(section("")), message(section("a"))),
    ("empty message", "message", {"text": ""}, {"text": "a"}),
    (
        "block_id twice",
        "message",
        message(section("a", block_id="b"), section("a", block_id="b")),
        message(section("a", block_id="b"), section("a", block_id="c")),
    ),
    ("action_id twice", "message", row(button("a"), button("a")), row(button("a"), button("b"))),
    ("unknown block", "message", message({"type": "banner"}), message({"type": "divider"})),
    (
        "alert in a message",
        "message",
        message({"type": "alert", "text": plain("a")}),
        message(section("a")),
    ),
    (
        "table in a modal",
        "modal",
        view(table()),
        view(section("a")),
    ),
    ("image from two places", "message", image(slack_file={"id": "F1"}), image()),
    (
        "image from nowhere",
        "message",
        message({"type": "image", "alt_text": "a"}),
        image(),
    ),
    (
        "image without alt_text",
        "message",
        message({"type": "image", "slack_file": {"id": "F1"}}),
        message({"type": "image", "slack_file": {"id": "F1"}, "alt_text": "a"}),
    ),
    ("confirm in mrkdwn", "message", asking(text={"type": "mrkdwn", "text": "a"}), asking()),
    ("confirm without deny", "message", asking(deny=None), asking()),
    (
        "button style",
        "message",
        row(button("a", style="warning")),
        row(button("a", style="danger")),
    ),
    ("no options", "message", select(options=[]), select()),
    ("no elements", "message", row(), row(button("a"))),
    ("empty option value", "message", select(options=[option("")]), select()),
    ("empty cell", "message", message(table(text="")), message(table())),
    ("one row of data", "message", data_table(1), data_table(2)),
    ("no title", "modal", view(title=None), view()),
    ("title in a home", "home", view(kind="home", title=plain("a")), view(kind="home")),
    ("no submit", "modal", typed() | {"submit": None}, typed()),
    (
        "metadata without a type",
        "message",
        message(metadata={"event_type": "", "event_payload": {}}),
        message(metadata={"event_type": "a", "event_payload": {}}),
    ),
    (
        "metadata that is no object",
        "message",
        message(metadata={"event_type": "a", "event_payload": []}),
        message(metadata={"event_type": "a", "event_payload": {}}),
    ),
]
