"""Slack's limits of blocks and elements, as tables; used by slack_limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias, cast

Part: TypeAlias = Mapping[str, Any]
Found: TypeAlias = Iterator[str]

PLAIN: Final = ("plain_text",)
ANY: Final = ("plain_text", "mrkdwn")

# Text objects of a block or element: field, most characters, kinds, whether it must be there.
_TEXTS: Final[Mapping[str, Sequence[tuple[str, int, Sequence[str], bool]]]] = {
    "header": [("text", 150, PLAIN, True)],
    "section": [("text", 3_000, ANY, False)],
    "input": [("label", 2_000, PLAIN, True), ("hint", 2_000, PLAIN, False)],
    "image": [("title", 2_000, PLAIN, False)],
    "alert": [("text", 200, ANY, True)],
    "card": [
        ("title", 150, ANY, False),
        ("subtitle", 150, ANY, False),
        ("body", 200, ANY, False),
    ],
    "container": [("title", 150, ANY, False), ("subtitle", 150, ANY, False)],
    "button": [("text", 75, PLAIN, True)],
    "static_select": [("placeholder", 150, PLAIN, False)],
    "multi_static_select": [("placeholder", 150, PLAIN, False)],
    "users_select": [("placeholder", 150, PLAIN, False)],
    "plain_text_input": [("placeholder", 150, PLAIN, False)],
}
# Strings: field, least and most characters, whether it must be there.
_STRINGS: Final[Mapping[str, Sequence[tuple[str, int, int, bool]]]] = {
    "markdown": [("text", 1, 12_000, True)],
    "image": [("image_url", 1, 3_000, False), ("alt_text", 1, 2_000, True)],
    "data_table": [("caption", 1, 40_000, True)],
    "data_visualization": [("title", 1, 50, True)],
    "button": [
        ("value", 0, 2_000, False),
        ("url", 1, 3_000, False),
        ("accessibility_label", 1, 75, False),
    ],
    "plain_text_input": [("initial_value", 0, 3_000, False)],
}
# Lists that must be there: field, least and most items.
_LISTS: Final[Mapping[str, Sequence[tuple[str, int, int]]]] = {
    "context": [("elements", 1, 10)],
    "actions": [("elements", 1, 25)],
    "carousel": [("elements", 1, 10)],
    "container": [("child_blocks", 1, 10)],
    "table": [("rows", 1, 100)],
    "data_table": [("rows", 2, 101)],
    "checkboxes": [("options", 1, 10)],
    "radio_buttons": [("options", 1, 10)],
    "overflow": [("options", 1, 5)],
}
_CONFIRM: Final = (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30))


def thing_violations(thing: Part, place: str) -> Found:
    """What is wrong with a block or an element, and with everything in it."""
    kind = str(thing.get("type"))
    for name in ("block_id", "action_id"):
        yield from string(thing, name, place, 1, 255, required=False)
    for name, most, kinds, required in _TEXTS.get(kind, ()):
        yield from text_object(thing, name, place, most, kinds, required=required)
    for name, least, most, required in _STRINGS.get(kind, ()):
        yield from string(thing, name, place, least, most, required=required)
    for name, least, most in _LISTS.get(kind, ()):
        yield from size(inner_list(thing, name), f"{place}{name}", least, most)
    if kind in _MORE:
        yield from _MORE[kind](thing, place)
    yield from _inside(thing, place)


def _inside(thing: Part, place: str) -> Found:
    if "confirm" in thing:
        for name, most in _CONFIRM:
            confirm = inner_part(thing, "confirm")
            yield from text_object(confirm, name, f"{place}confirm.", most, PLAIN, required=True)
    for name in ("accessory", "element"):
        if name in thing:
            yield from thing_violations(inner_part(thing, name), f"{place}{name}.")
    for name in ("elements", "child_blocks"):
        for number, inner in enumerate(
            inner_list(thing, name) if thing.get("type") != "rich_text" else []
        ):
            yield from thing_violations(inner, f"{place}{name}.{number}.")


def _section(block: Part, place: str) -> Found:
    fields = inner_list(block, "fields")
    if "text" not in block and "fields" not in block:
        yield f"{place}text: neither text nor fields"
    if "fields" in block:
        yield from size(fields, f"{place}fields", 1, 10)
    for number in range(len(fields)):
        numbered = {str(number): fields[number]}
        yield from text_object(numbered, str(number), f"{place}fields.", 2_000, ANY, required=True)


def _context(block: Part, place: str) -> Found:
    for number, element in enumerate(inner_list(block, "elements")):
        if element.get("type") in ANY:
            yield from string(element, "text", f"{place}elements.{number}.", 1, 3_000)
        elif element.get("type") != "image":
            yield f"{place}elements.{number}.type: neither text nor image"


def _actions(block: Part, place: str) -> Found:
    names = [e["action_id"] for e in inner_list(block, "elements") if "action_id" in e]
    if len(names) != len(set(names)):
        yield f"{place}elements: an action_id is used twice"


def _button(button: Part, place: str) -> Found:
    if button.get("style") not in {None, "primary", "danger"}:
        yield f"{place}style: neither primary nor danger"


def _image(image: Part, place: str) -> Found:
    if ("image_url" in image) == ("slack_file" in image):
        yield f"{place}image_url: needs image_url or slack_file, and not both"


def _input_text(element: Part, place: str) -> Found:
    if not 1 <= int(element.get("max_length", 1)) <= 3_000:
        yield f"{place}max_length: not within 1 to 3000"


def _select(element: Part, place: str) -> Found:
    groups = inner_list(element, "option_groups")
    if ("options" in element) == ("option_groups" in element):
        yield f"{place}options: needs options or option_groups, and not both"
    elif "options" in element:
        yield from size(inner_list(element, "options"), f"{place}options", 1, 100)
    else:
        yield from size(groups, f"{place}option_groups", 1, 100)
    for number, group in enumerate(groups):
        inner = f"{place}option_groups.{number}."
        yield from text_object(group, "label", inner, 75, PLAIN, required=True)
        yield from size(inner_list(group, "options"), f"{inner}options", 1, 100)
        yield from _options(group, inner)
    yield from _options(element, place)


def _options(element: Part, place: str) -> Found:
    kinds = ANY if element.get("type") in {"checkboxes", "radio_buttons"} else PLAIN
    for number, option in enumerate(inner_list(element, "options")):
        inner = f"{place}options.{number}."
        yield from text_object(option, "text", inner, 75, kinds, required=True)
        yield from string(option, "value", inner, 1, 150)
        yield from text_object(option, "description", inner, 75, kinds, required=False)


def _table(block: Part, place: str) -> Found:
    rows = cast("list[list[Part]]", inner_list(block, "rows"))
    for number, row in enumerate(rows):
        yield from size(row, f"{place}rows.{number}", 1, 20)
        for inner, cell in enumerate(row):
            if cell.get("type") == "raw_text":
                yield from string(cell, "text", f"{place}rows.{number}.{inner}.", 1, 10_000)
    numbers = [str(cell["value"]) for row in rows for cell in row if "value" in cell]
    if sum(map(len, [*texts_of(rows), *numbers])) > 10_000:
        yield f"{place}rows: more than 10000 characters"
    if block.get("type") == "data_table" and len({len(row) for row in rows}) > 1:
        yield f"{place}rows: of different length"


def _chart(block: Part, place: str) -> Found:
    chart = inner_part(block, "chart")
    pie = chart.get("type") == "pie"
    series = inner_list(chart, "segments" if pie else "series")
    yield from size(series, f"{place}chart", 1, 6)
    for number, one in enumerate(series):
        inner = f"{place}chart.{number}."
        yield from string(one, "label" if pie else "name", inner, 1, 20)
        if not pie:
            yield from size(inner_list(one, "data"), f"{inner}data", 1, 20)
        for point in inner_list(one, "data"):
            yield from string(point, "label", inner, 1, 20)


_MORE: Final[Mapping[str, Callable[[Part, str], Found]]] = {
    "section": _section,
    "context": _context,
    "actions": _actions,
    "button": _button,
    "image": _image,
    "plain_text_input": _input_text,
    "static_select": _select,
    "multi_static_select": _select,
    "checkboxes": _options,
    "radio_buttons": _options,
    "overflow": _options,
    "table": _table,
    "data_table": _table,
    "data_visualization": _chart,
}


def size(items: Sequence[Any], place: str, least: int, most: int) -> Found:
    """A list of so many items."""
    if not least <= len(items) <= most:
        yield f"{place}: not {least} to {most} items"


def string(
    part: Part, name: str, place: str, least: int, most: int, *, required: bool = True
) -> Found:
    """A string of so many characters."""
    value = part.get(name)
    if value is None and not required:
        return
    if not (isinstance(value, str) and least <= len(value) <= most):
        yield f"{place}{name}: not {least} to {most} characters"


def text_object(
    part: Part, name: str, place: str, most: int, kinds: Sequence[str], *, required: bool
) -> Found:
    """A text object of so many characters."""
    if part.get(name) is None and not required:
        return
    text = inner_part(part, name)
    if text.get("type") not in kinds:
        yield f"{place}{name}: no text object of {' or '.join(kinds)}"
        return
    yield from string(text, "text", f"{place}{name}.", 1, most)


def inner_part(part: Part, name: str) -> Part:
    """An object in a part; empty if there is none."""
    value = part.get(name)
    return cast("Part", value) if isinstance(value, dict) else {}


def inner_list(part: Part, name: str) -> list[Any]:
    """A list in a part; empty if there is none."""
    value = part.get(name)
    return cast("list[Any]", value) if isinstance(value, list) else []


def texts_of(value: object) -> Iterator[str]:
    """Every `text` in a structure."""
    if isinstance(value, list):
        for item in cast("list[object]", value):
            yield from texts_of(item)
    elif isinstance(value, dict):
        for name, inner in cast("dict[str, object]", value).items():
            if name == "text" and isinstance(inner, str):
                yield inner
            else:
                yield from texts_of(inner)
