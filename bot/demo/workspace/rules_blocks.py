"""What Slack refuses in blocks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from bot.demo.workspace.rules_elements import check_element, check_image, check_unique_actions
from bot.demo.workspace.rules_marks import Marks
from bot.demo.workspace.rules_tables import check_chart, check_data_table, check_table
from bot.demo.workspace.values import Json, is_list, is_object, mapping, objects, sequence
from bot.render import limits

Check: TypeAlias = Callable[[Json, str, Marks], None]

_CONTEXT_TEXTS = ("mrkdwn", "plain_text")
_OWN_BOUND = ("table", "data_table", "data_visualization", "markdown")
"""Blocks whose characters have a bound of their own."""

_LEVELS = ("default", "info", "warning", "error", "success")
_ACTIONS = {
    "button",
    "static_select",
    "multi_static_select",
    "external_select",
    "users_select",
    "conversations_select",
    "channels_select",
    "overflow",
    "datepicker",
    "timepicker",
    "datetimepicker",
    "checkboxes",
    "radio_buttons",
    "workflow_button",
}
_INPUTS = (_ACTIONS - {"button", "overflow", "workflow_button"}) | {
    "plain_text_input",
    "number_input",
    "email_text_input",
    "url_text_input",
    "rich_text_input",
    "file_input",
}
_ACCESSORIES = (_ACTIONS - {"plain_text_input"}) | {"image"}


def check_blocks(blocks: Any, path: str, marks: Marks) -> None:
    """A list of blocks: each of a known type, whole, and with an id of its own."""
    if not is_list(blocks):
        marks.add(path, "must be an array")
        return
    for number, item in enumerate(sequence(blocks)):
        _check_block(item, f"{path}/{number}", marks)


def rendered_length(block: Json) -> int:
    """The characters of all texts of a block that count towards the practical end."""
    return 0 if block.get("type") in _OWN_BOUND else _texts(block)


def _texts(value: object) -> int:
    if is_list(value):
        return sum(map(_texts, sequence(value)))
    if not is_object(value):
        return 0
    total = 0
    for name, inner in mapping(value).items():
        total += len(inner) if name == "text" and isinstance(inner, str) else _texts(inner)
    return total


def _check_block(item: Any, path: str, marks: Marks) -> None:
    block = mapping(item)
    kind = block.get("type")
    check = _CHECKS.get(str(kind))
    if check is None:
        marks.add(f"{path}/type", f"unsupported type: {kind}")
        return
    if marks.surface not in _SURFACES.get(str(kind), ("message", "modal", "home")):
        marks.add(f"{path}/type", f"{kind} is not supported in a {marks.surface}")
    name = block.get("block_id")
    marks.length(name, f"{path}/block_id", limits.BLOCK_ID, required=False)
    if isinstance(name, str):
        if name in marks.block_ids:
            marks.add(f"{path}/block_id", "block_id already exists")
        marks.block_ids.add(name)
    check(block, path, marks)


def _section(block: Json, path: str, marks: Marks) -> None:
    fields = block.get("fields")
    if block.get("text") is not None or fields is None:
        marks.text(block.get("text"), f"{path}/text", limits.SECTION_TEXT)
    if fields is not None and marks.count(fields, f"{path}/fields", limits.SECTION_FIELDS):
        for number, field in enumerate(sequence(fields)):
            marks.text(field, f"{path}/fields/{number}", limits.SECTION_FIELD_TEXT)
    if block.get("accessory") is not None:
        check_element(block["accessory"], f"{path}/accessory", marks, allowed=_ACCESSORIES)


def _header(block: Json, path: str, marks: Marks) -> None:
    marks.plain_text(block.get("text"), f"{path}/text", limits.HEADER_TEXT)


def _context(block: Json, path: str, marks: Marks) -> None:
    if not marks.count(block.get("elements"), f"{path}/elements", limits.CONTEXT_ELEMENTS):
        return
    for number, element in enumerate(sequence(block["elements"])):
        place = f"{path}/elements/{number}"
        if mapping(element).get("type") in _CONTEXT_TEXTS:
            marks.text(element, place, limits.CONTEXT_TEXT)
        else:
            check_element(element, place, marks, allowed={"image"})


def _actions(block: Json, path: str, marks: Marks) -> None:
    if marks.count(block.get("elements"), f"{path}/elements", limits.ACTIONS_ELEMENTS):
        for number, element in enumerate(sequence(block["elements"])):
            check_element(element, f"{path}/elements/{number}", marks, allowed=_ACTIONS)
        check_unique_actions(objects(block["elements"]), f"{path}/elements", marks)


def _input(block: Json, path: str, marks: Marks) -> None:
    marks.plain_text(block.get("label"), f"{path}/label", limits.INPUT_LABEL)
    if block.get("hint") is not None:
        marks.plain_text(block["hint"], f"{path}/hint", limits.INPUT_HINT)
    check_element(block.get("element"), f"{path}/element", marks, allowed=_INPUTS)


def _image(block: Json, path: str, marks: Marks) -> None:
    check_image(block, path, marks)
    if block.get("title") is not None:
        marks.plain_text(block["title"], f"{path}/title", limits.IMAGE_TITLE)


def _markdown(block: Json, path: str, marks: Marks) -> None:
    marks.length(block.get("text"), f"{path}/text", limits.MARKDOWN_PER_PAYLOAD)


def _alert(block: Json, path: str, marks: Marks) -> None:
    marks.text(block.get("text"), f"{path}/text", limits.ALERT_TEXT)
    if block.get("level", "default") not in _LEVELS:
        marks.add(f"{path}/level", "must be default, info, warning, error or success")


def _card(block: Json, path: str, marks: Marks) -> None:
    for name, limit in (
        ("title", limits.CARD_TITLE),
        ("subtitle", limits.CARD_TITLE),
        ("body", limits.CARD_BODY),
    ):
        if block.get(name) is not None:
            marks.text(block[name], f"{path}/{name}", limit)
    if block.get("actions") is not None:
        for number, element in enumerate(sequence(block["actions"])):
            check_element(element, f"{path}/actions/{number}", marks, allowed={"button"})


def _container(block: Json, path: str, marks: Marks) -> None:
    for name in ("title", "subtitle"):
        if block.get(name) is not None:
            marks.text(block[name], f"{path}/{name}", limits.CARD_TITLE)
    if block.get("title") is None and block.get("rich_text_title") is None:
        marks.add(f"{path}/title", "missing required field")
    children = block.get("child_blocks")
    if marks.count(children, f"{path}/child_blocks", limits.CONTAINER_BLOCKS):
        check_blocks(children, f"{path}/child_blocks", marks)


def _carousel(block: Json, path: str, marks: Marks) -> None:
    if marks.count(block.get("elements"), f"{path}/elements", limits.CAROUSEL_CARDS):
        for number, card in enumerate(sequence(block["elements"])):
            _card(mapping(card), f"{path}/elements/{number}", marks)


def _rich_text(block: Json, path: str, marks: Marks) -> None:
    elements = block.get("elements")
    if not is_list(elements):
        marks.add(f"{path}/elements", "missing required field")
        return
    kinds = ("rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote")
    for number, element in enumerate(sequence(elements)):
        if mapping(element).get("type") not in kinds:
            marks.add(f"{path}/elements/{number}/type", "unsupported type")
        for inner, part in enumerate(objects(mapping(element).get("elements"))):
            if part.get("type") == "text":
                place = f"{path}/elements/{number}/elements/{inner}/text"
                marks.length(part.get("text"), place, limits.MESSAGE_TEXT)


def _nothing(_block: Json, _path: str, _marks: Marks) -> None:
    """A block in which nothing is checked."""


_CHECKS: Final[Mapping[str, Check]] = {
    "section": _section,
    "divider": _nothing,
    "header": _header,
    "context": _context,
    "actions": _actions,
    "input": _input,
    "image": _image,
    "markdown": _markdown,
    "rich_text": _rich_text,
    "table": check_table,
    "data_table": check_data_table,
    "data_visualization": check_chart,
    "alert": _alert,
    "card": _card,
    "carousel": _carousel,
    "container": _container,
    "context_actions": _nothing,
    "video": _nothing,
    "plan": _nothing,
    "task_card": _nothing,
}

_SURFACES: Final[Mapping[str, tuple[str, ...]]] = {
    "alert": ("modal",),
    "markdown": ("message",),
    "table": ("message",),
    "data_table": ("message",),
    "data_visualization": ("message",),
    "card": ("message",),
    "carousel": ("message",),
    "context_actions": ("message",),
    "plan": ("message",),
    "task_card": ("message",),
}

KNOWN_BLOCKS: Final = frozenset(_CHECKS)
"""The types of block that Slack knows."""
