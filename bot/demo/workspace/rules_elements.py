"""What Slack refuses in elements, options and confirm objects."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from bot.demo.workspace.rules_marks import Marks
from bot.demo.workspace.values import Json, mapping, objects, sequence
from bot.render import limits

_STYLES = ("primary", "danger")
_OPTIONS = {
    "static_select": limits.SELECT_OPTIONS,
    "multi_static_select": limits.SELECT_OPTIONS,
    "checkboxes": limits.CHECKBOX_OPTIONS,
    "radio_buttons": limits.RADIO_OPTIONS,
    "overflow": limits.OVERFLOW_OPTIONS,
}
_SELECTS = {"static_select", "multi_static_select"}


def check_element(item: Any, path: str, marks: Marks, *, allowed: Collection[str]) -> None:
    """One element, of a kind that its place allows."""
    element = mapping(item)
    kind = element.get("type")
    if str(kind) not in allowed:
        problem = "missing required field" if item is None else f"unsupported type: {kind}"
        marks.add(f"{path}/type", problem)
        return
    if kind == "image":
        check_image(element, path, marks)
        return
    name = element.get("action_id")
    marks.length(name, f"{path}/action_id", limits.ACTION_ID, required=False)
    if element.get("confirm") is not None:
        _check_confirm(element["confirm"], f"{path}/confirm", marks)
    if element.get("placeholder") is not None:
        marks.plain_text(element["placeholder"], f"{path}/placeholder", limits.PLACEHOLDER)
    if kind == "button":
        _check_button(element, path, marks)
    elif kind == "plain_text_input":
        _check_input(element, path, marks)
    elif kind in _OPTIONS:
        _check_choices(element, path, marks, most=_OPTIONS[str(kind)])


def check_unique_actions(elements: list[Json], path: str, marks: Marks) -> None:
    """No two elements of a block share an action_id."""
    seen: set[str] = set()
    for number, element in enumerate(elements):
        name = element.get("action_id")
        if isinstance(name, str):
            if name in seen:
                marks.add(f"{path}/{number}/action_id", f"action_id {name[:40]} already exists")
            seen.add(name)


def check_image(image: Json, path: str, marks: Marks) -> None:
    """An image block or element: one source, and a text in its place."""
    marks.length(image.get("alt_text"), f"{path}/alt_text", limits.IMAGE_ALT_TEXT)
    url, file = image.get("image_url"), image.get("slack_file")
    if (url is None) == (file is None):
        marks.add(path, "must have either image_url or slack_file")
        return
    if url is not None:
        marks.length(url, f"{path}/image_url", limits.IMAGE_URL)
        if isinstance(url, str) and not url.startswith(("http://", "https://")):
            marks.add(f"{path}/image_url", "must be a valid URL")
        return
    source = mapping(file)
    if ("id" in source) == ("url" in source):
        marks.add(f"{path}/slack_file", "must have either id or url")
    elif "id" in source and not marks.file_ready(str(source["id"])):
        marks.add(f"{path}/slack_file", "invalid slack file")


def _check_button(button: Json, path: str, marks: Marks) -> None:
    marks.plain_text(button.get("text"), f"{path}/text", limits.BUTTON_TEXT)
    for name, limit in (
        ("value", limits.BUTTON_VALUE),
        ("url", limits.BUTTON_URL),
        ("accessibility_label", limits.BUTTON_ACCESSIBILITY_LABEL),
    ):
        least = 0 if name == "value" else 1
        marks.length(button.get(name), f"{path}/{name}", limit, required=False, least=least)
    if button.get("style") is not None and button["style"] not in _STYLES:
        marks.add(f"{path}/style", "must be primary or danger")


def _check_confirm(item: Any, path: str, marks: Marks) -> None:
    confirm = mapping(item)
    for name, limit in (
        ("title", limits.CONFIRM_TITLE),
        ("text", limits.CONFIRM_TEXT),
        ("confirm", limits.CONFIRM_BUTTON),
        ("deny", limits.CONFIRM_BUTTON),
    ):
        marks.plain_text(confirm.get(name), f"{path}/{name}", limit)
    if confirm.get("style") is not None and confirm["style"] not in _STYLES:
        marks.add(f"{path}/style", "must be primary or danger")


def _check_input(element: Json, path: str, marks: Marks) -> None:
    most = limits.PLAIN_TEXT_INPUT
    initial = element.get("initial_value")
    marks.length(initial, f"{path}/initial_value", most, required=False, least=0)
    for name, least in (("min_length", 0), ("max_length", 1)):
        value = element.get(name)
        if value is not None and not (isinstance(value, int) and least <= value <= most):
            marks.add(f"{path}/{name}", f"must be between {least} and {most}")


def _check_choices(element: Json, path: str, marks: Marks, *, most: int) -> None:
    groups, options = element.get("option_groups"), element.get("options")
    kind = element.get("type")
    if kind in _SELECTS and (groups is None) == (options is None):
        marks.add(path, "must have either options or option_groups")
        return
    if kind in _SELECTS and groups is not None:
        marks.count(groups, f"{path}/option_groups", limits.SELECT_OPTION_GROUPS)
        for number, group in enumerate(objects(groups)):
            place = f"{path}/option_groups/{number}"
            marks.plain_text(group.get("label"), f"{place}/label", limits.OPTION_GROUP_LABEL)
            _check_options(group.get("options"), f"{place}/options", marks, most, kind)
        return
    _check_options(options, f"{path}/options", marks, most, kind)
    known = [mapping(option).get("value") for option in sequence(options)]
    chosen = [element.get("initial_option"), *sequence(element.get("initial_options"))]
    for option in chosen:
        if option is not None and mapping(option).get("value") not in known:
            marks.add(f"{path}/initial_option", "must be one of the options")


def _check_options(options: Any, path: str, marks: Marks, most: int, kind: Any) -> None:
    if not marks.count(options, path, most):
        return
    formatted = kind in {"checkboxes", "radio_buttons"}
    kinds = ("plain_text", "mrkdwn") if formatted else ("plain_text",)
    for number, item in enumerate(sequence(options)):
        option, place = mapping(item), f"{path}/{number}"
        marks.text(option.get("text"), f"{place}/text", limits.OPTION_TEXT, kinds=kinds)
        marks.length(option.get("value"), f"{place}/value", limits.OPTION_VALUE)
        if option.get("description") is not None:
            described = option["description"]
            limit = limits.OPTION_DESCRIPTION
            marks.text(described, f"{place}/description", limit, kinds=kinds)
