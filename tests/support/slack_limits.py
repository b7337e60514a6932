"""Slack's limits as a table of its own, written from Slack's reference.

It shares no number and no line with the program: where the two agree, they agree because both
read the same reference.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias

Kind: TypeAlias = Literal["message", "update", "modal", "home"]
Found: TypeAlias = Iterator[str]

_TEXT = {"message": 40_000, "update": 4_000}
_BLOCKS = {"message": 50, "update": 50, "modal": 100, "home": 100}
_EVERYWHERE = "section divider header context actions input image rich_text container video"
_MESSAGE_ONLY = "markdown table data_table data_visualization card carousel context_actions"
_ALLOWED: Mapping[str, frozenset[str]] = {
    "message": frozenset(f"{_EVERYWHERE} {_MESSAGE_ONLY} plan task_card".split()),
    "modal": frozenset(f"{_EVERYWHERE} alert".split()),
    "home": frozenset(_EVERYWHERE.split()),
}
_PLAIN = ("plain_text",)
_ANY = ("plain_text", "mrkdwn")
# (field of a block, most characters, kinds of text, required)
_BLOCK_TEXTS: Mapping[str, Sequence[tuple[str, int, Sequence[str], bool]]] = {
    "header": [("text", 150, _PLAIN, True)],
    "input": [("label", 2_000, _PLAIN, True), ("hint", 2_000, _PLAIN, False)],
    "image": [("title", 2_000, _PLAIN, False)],
    "alert": [("text", 200, _ANY, True)],
    "card": [
        ("title", 150, _ANY, False),
        ("subtitle", 150, _ANY, False),
        ("body", 200, _ANY, False),
    ],
    "container": [("title", 150, _ANY, False), ("subtitle", 150, _ANY, False)],
}
_CHOICES = {
    "static_select": 100,
    "multi_static_select": 100,
    "checkboxes": 10,
    "radio_buttons": 10,
    "overflow": 5,
}
_CONFIRM = (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30))
_BUTTON = (("value", 2_000, 0), ("url", 3_000, 1), ("accessibility_label", 75, 1))
_OWN_BOUND = {"table", "data_table", "data_visualization", "markdown"}


def violations(payload: Mapping[str, Any], kind: Kind = "message") -> list[str]:
    """Everything in a payload that Slack refuses; each line names the place first.

    Args:
        payload: the arguments of chat.postMessage or chat.update, or a view.
        kind: what it is; `update` is a message for chat.update.
    """
    if kind in _TEXT:
        return list(_message(payload, kind))
    return list(_view(payload, kind))


def _message(payload: Mapping[str, Any], kind: Kind) -> Found:
    text = payload.get("text")
    if text is not None and (not isinstance(text, str) or len(text) > _TEXT[kind]):
        yield f"text: not a string of at most {_TEXT[kind]} characters"
    attachments = payload.get("attachments") or []
    lists = [("blocks", payload.get("blocks") or [])]
    lists += [(f"attachments.{n}.blocks", a.get("blocks") or []) for n, a in enumerate(attachments)]
    if not text and not attachments and not payload.get("blocks"):
        yield "text: the message is empty"
    if len(attachments) > 100:
        yield "attachments: more than 100"
    for number, attachment in enumerate(attachments):
        if not any(attachment.get(key) for key in ("blocks", "text", "fallback", "title")):
            yield f"attachments.{number}: empty"
    for path, blocks in lists:
        if len(blocks) > 50:
            yield f"{path}: more than 50"
    everything = [block for _, blocks in lists for block in blocks]
    yield from _blocks(lists, "message")
    yield from _whole(everything)
    yield from _metadata(payload.get("metadata"))


def _whole(blocks: Sequence[Mapping[str, Any]]) -> Found:
    if sum(block.get("type") == "table" for block in blocks) > 1:
        yield "blocks: more than one table"
    if sum(block.get("type") == "data_visualization" for block in blocks) > 2:
        yield "blocks: more than two charts"
    marked = [block for block in blocks if block.get("type") == "markdown"]
    if sum(len(block.get("text") or "") for block in marked) > 12_000:
        yield "blocks: more than 12000 characters of markdown"
    counted = [block for block in blocks if block.get("type") not in _OWN_BOUND]
    if sum(len(text) for block in counted for text in _strings(block, "text")) > 13_000:
        yield "blocks: more than 13000 characters"


def _metadata(metadata: Any) -> Found:
    if not metadata:
        return
    if set(metadata) != {"event_type", "event_payload"}:
        yield "metadata: needs event_type and event_payload, and nothing else"
    if not isinstance(metadata.get("event_type"), str) or not metadata["event_type"]:
        yield "metadata.event_type: not a name"
    if not isinstance(metadata.get("event_payload"), dict):
        yield "metadata.event_payload: not an object"
    elif len(json.dumps(metadata["event_payload"])) > 8_000:
        yield "metadata.event_payload: too large"


def _view(view: Mapping[str, Any], kind: Kind) -> Found:
    if view.get("type") != kind:
        yield f"type: not {kind}"
    blocks = view.get("blocks")
    if not isinstance(blocks, list):
        yield "blocks: missing"
        return
    if len(view["blocks"]) > _BLOCKS[kind]:
        yield f"blocks: more than {_BLOCKS[kind]}"
    for name in ("title", "submit", "close"):
        if kind == "home" and view.get(name) is not None:
            yield f"{name}: not in a home"
        elif kind == "modal" and (view.get(name) is not None or name == "title"):
            yield from _text(view.get(name), name, 24, _PLAIN)
    for name, most in (("private_metadata", 3_000), ("callback_id", 255), ("external_id", 255)):
        yield from _string(view.get(name), name, most, least=0)
    inputs = any(block.get("type") == "input" for block in view["blocks"])
    if kind == "modal" and inputs and not view.get("submit"):
        yield "submit: missing although there is an input"
    yield from _blocks([("blocks", view["blocks"])], kind)


def _blocks(lists: Sequence[tuple[str, Sequence[Mapping[str, Any]]]], surface: str) -> Found:
    seen: set[str] = set()
    for path, blocks in lists:
        for number, block in enumerate(blocks):
            place = f"{path}.{number}"
            yield from _block(block, place, surface)
            for inner in (block, *(block.get("child_blocks") or [])):
                name = inner.get("block_id")
                if name is not None and name in seen:
                    yield f"{place}.block_id: used twice"
                seen |= set() if name is None else {name}


def _block(block: Mapping[str, Any], place: str, surface: str) -> Found:
    kind = block.get("type", "")
    if kind not in _ALLOWED[surface]:
        yield f"{place}.type: {kind} can not stand in a {surface}"
        return
    yield from _string(block.get("block_id"), f"{place}.block_id", 255)
    for name, most, kinds, required in _BLOCK_TEXTS.get(kind, ()):
        if required or block.get(name) is not None:
            yield from _text(block.get(name), f"{place}.{name}", most, kinds)
    if kind == "section":
        yield from _section(block, place)
    elif kind in {"context", "actions"}:
        yield from _row(block, place, 10 if kind == "context" else 25)
    elif kind == "input":
        yield from _element(block.get("element") or {}, f"{place}.element")
    elif kind == "image":
        yield from _image(block, place)
    elif kind == "markdown":
        yield from _string(block.get("text", ""), f"{place}.text", 12_000)
    elif kind in {"table", "data_table"}:
        yield from _table(block, place)
    elif kind == "data_visualization":
        yield from _chart(block, place)
    elif kind == "container":
        children = block.get("child_blocks") or []
        yield from _size(children, f"{place}.child_blocks", 1, 10)
        for number, child in enumerate(children):
            yield from _block(child, f"{place}.child_blocks.{number}", surface)
    elif kind == "carousel":
        yield from _size(block.get("elements") or [], f"{place}.elements", 1, 10)


def _section(block: Mapping[str, Any], place: str) -> Found:
    fields = block.get("fields")
    if fields is None or block.get("text") is not None:
        yield from _text(block.get("text"), f"{place}.text", 3_000, _ANY)
    if fields is not None:
        yield from _size(fields, f"{place}.fields", 1, 10)
        for number, field in enumerate(fields):
            yield from _text(field, f"{place}.fields.{number}", 2_000, _ANY)
    if block.get("accessory") is not None:
        yield from _element(block["accessory"], f"{place}.accessory")


def _row(block: Mapping[str, Any], place: str, most: int) -> Found:
    elements = block.get("elements") or []
    yield from _size(elements, f"{place}.elements", 1, most)
    names = [e["action_id"] for e in elements if e.get("action_id") is not None]
    if len(names) != len(set(names)):
        yield f"{place}.elements: an action_id is used twice"
    for number, element in enumerate(elements):
        if element.get("type") in _ANY:
            yield from _text(element, f"{place}.elements.{number}", 3_000, _ANY)
        else:
            yield from _element(element, f"{place}.elements.{number}")


def _element(element: Mapping[str, Any], place: str) -> Found:
    kind = element.get("type", "")
    if not kind:
        yield f"{place}.type: missing"
    if kind == "image":
        yield from _image(element, place)
        return
    yield from _string(element.get("action_id"), f"{place}.action_id", 255)
    if element.get("placeholder") is not None:
        yield from _text(element["placeholder"], f"{place}.placeholder", 150, _PLAIN)
    if element.get("confirm") is not None:
        for name, most in _CONFIRM:
            text = element["confirm"].get(name)
            yield from _text(text, f"{place}.confirm.{name}", most, _PLAIN)
    if kind == "button":
        yield from _text(element.get("text"), f"{place}.text", 75, _PLAIN)
        for name, most, least in _BUTTON:
            yield from _string(element.get(name), f"{place}.{name}", most, least=least)
        if element.get("style") not in {None, "primary", "danger"}:
            yield f"{place}.style: neither primary nor danger"
    if kind == "plain_text_input":
        yield from _string(element.get("initial_value"), f"{place}.initial_value", 3_000, least=0)
        if not 1 <= element.get("max_length", 1) <= 3_000:
            yield f"{place}.max_length: not within 1 to 3000"
    if kind in _CHOICES:
        yield from _choices(element, place, _CHOICES[kind])


def _choices(element: Mapping[str, Any], place: str, most: int) -> Found:
    groups = element.get("option_groups")
    if groups is not None:
        yield from _size(groups, f"{place}.option_groups", 1, 100)
    for number, group in enumerate(groups or []):
        yield from _text(group.get("label"), f"{place}.option_groups.{number}.label", 75, _PLAIN)
    lists = [group.get("options") or [] for group in groups or []]
    for options in lists or [element.get("options") or []]:
        yield from _size(options, f"{place}.options", 1, most)
        for number, option in enumerate(options):
            inner = f"{place}.options.{number}"
            kinds = _ANY if element["type"] in {"checkboxes", "radio_buttons"} else _PLAIN
            yield from _text(option.get("text"), f"{inner}.text", 75, kinds)
            yield from _string(option.get("value", ""), f"{inner}.value", 150)
            if option.get("description") is not None:
                yield from _text(option["description"], f"{inner}.description", 75, kinds)


def _image(image: Mapping[str, Any], place: str) -> Found:
    if ("image_url" in image) == ("slack_file" in image):
        yield f"{place}: needs image_url or slack_file, and not both"
    yield from _string(image.get("image_url"), f"{place}.image_url", 3_000)
    yield from _string(image.get("alt_text", ""), f"{place}.alt_text", 2_000)


def _table(block: Mapping[str, Any], place: str) -> Found:
    rows = block.get("rows") or []
    least, most = (1, 100) if block["type"] == "table" else (2, 101)
    yield from _size(rows, f"{place}.rows", least, most)
    for number, row in enumerate(rows):
        yield from _size(row, f"{place}.rows.{number}", 1, 20)
        for inner, cell in enumerate(row):
            if cell.get("type") == "raw_text" and not cell.get("text"):
                yield f"{place}.rows.{number}.{inner}: empty"
    texts = list(_strings(rows, "text")) + [str(v) for v in _numbers(rows)]
    if sum(map(len, texts)) > 10_000:
        yield f"{place}.rows: more than 10000 characters"
    if block["type"] == "data_table":
        yield from _string(block.get("caption", ""), f"{place}.caption", 40_000)
        if len({len(row) for row in rows}) > 1:
            yield f"{place}.rows: of different length"


def _chart(block: Mapping[str, Any], place: str) -> Found:
    yield from _string(block.get("title", ""), f"{place}.title", 50)
    chart = block.get("chart") or {}
    series = chart.get("segments") if chart.get("type") == "pie" else chart.get("series")
    yield from _size(series or [], f"{place}.chart", 1, 6)
    for number, one in enumerate(series or []):
        for point in (one, *(one.get("data") or [])):
            label = point.get("label") or point.get("name") or ""
            yield from _string(label, f"{place}.chart.{number}", 20)
        yield from _size(one.get("data") or [one], f"{place}.chart.{number}", 1, 20)


def _size(items: Sequence[Any], place: str, least: int, most: int) -> Found:
    if not least <= len(items) <= most:
        yield f"{place}: not {least} to {most} items"


def _string(value: Any, place: str, most: int, *, least: int = 1) -> Found:
    if value is not None and not (isinstance(value, str) and least <= len(value) <= most):
        yield f"{place}: not {least} to {most} characters"


def _text(value: Any, place: str, most: int, kinds: Sequence[str]) -> Found:
    if not isinstance(value, dict) or value.get("type") not in kinds:  # pyright: ignore[reportUnknownMemberType]
        yield f"{place}: no text object of {' or '.join(kinds)}"
    else:
        yield from _string(value.get("text", ""), f"{place}.text", most)  # pyright: ignore[reportUnknownMemberType,reportUnknownArgumentType]


def _strings(value: Any, key: str) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:  # pyright: ignore[reportUnknownVariableType]
            yield from _strings(item, key)
    elif isinstance(value, dict):
        for name, inner in value.items():  # pyright: ignore[reportUnknownVariableType]
            if name == key and isinstance(inner, str):
                yield inner
            else:
                yield from _strings(inner, key)


def _numbers(rows: Sequence[Sequence[Mapping[str, Any]]]) -> Iterator[Any]:
    for row in rows:
        yield from (cell["value"] for cell in row if "value" in cell)
