"""What a person typed or chose, in the shape that Slack sends it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from bot.demo.workspace.ids import elements_of
from bot.demo.workspace.values import Json, mapping, objects
from bot.demo.workspace.views import View

Chosen: TypeAlias = str | Sequence[str]
"""A text, the value of an option, or the values of several."""


class CanNotError(Exception):
    """A person can not do this: Slack's client does not offer it."""


_TYPED = {"plain_text_input", "number_input", "email_text_input", "url_text_input"}
_ONE_OF = {"static_select", "radio_buttons", "overflow"}
_SOME_OF = {"checkboxes", "multi_static_select"}
_NAMED = {
    "users_select": "selected_user",
    "conversations_select": "selected_conversation",
    "channels_select": "selected_channel",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
}


def find_element(
    blocks: Sequence[Json], action_id: str, block_id: str | None = None
) -> tuple[Json, Json]:
    """The block and the element that a person acts on.

    Raises:
        CanNotError: there is none, or several and no block_id.
    """
    found = [
        (block, element)
        for block in _flat(blocks)
        for element in elements_of(block)
        if element.get("action_id") == action_id and block_id in {None, block.get("block_id")}
    ]
    if len(found) != 1:
        raise CanNotError(f"{len(found)} elements have the action_id {action_id!r}.")
    return found[0]


def state_of(element: Json, chosen: Chosen) -> Json:
    """The state of an element after something was typed or chosen.

    Raises:
        CanNotError: the element does not offer it.
    """
    kind = str(element.get("type"))
    state: Json = {"type": kind}
    if kind in _TYPED:
        _check_length(element, str(chosen))
        return state | {"value": str(chosen) or None}
    if kind in _NAMED:
        return state | {_NAMED[kind]: str(chosen)}
    values = [chosen] if isinstance(chosen, str) else list(chosen)
    options = [_option(element, value) for value in values]
    if kind in _SOME_OF:
        return state | {"selected_options": options}
    if kind in _ONE_OF and len(options) == 1:
        return state | {"selected_option": options[0]}
    raise CanNotError(f"A {kind} takes no such choice.")


def with_choices(view: View, choices: dict[str, Chosen]) -> Json:
    """The values of a view after a person filled it in; keys are action ids.

    Raises:
        CanNotError: an element is missing or does not offer the choice.
    """
    values: Json = {block: dict(mapping(inner)) for block, inner in view.values.items()}
    for action_id, chosen in choices.items():
        block, element = find_element(view.blocks, action_id)
        values.setdefault(str(block["block_id"]), {})[action_id] = state_of(element, chosen)
    return values


def missing_inputs(view: View, values: Json) -> list[str]:
    """The block ids of required inputs that are empty."""
    missing: list[str] = []
    for block in view.blocks:
        if block.get("type") != "input" or block.get("optional"):
            continue
        element = mapping(block.get("element"))
        states = mapping(values.get(str(block["block_id"])))
        state = mapping(states.get(str(element.get("action_id"))))
        if not any(inner for name, inner in state.items() if name != "type"):
            missing.append(str(block["block_id"]))
    return missing


def _flat(blocks: Sequence[Json]) -> list[Json]:
    flat: list[Json] = []
    for block in blocks:
        children = objects(block.get("child_blocks"))
        flat += children or [block]
    return flat


def _option(element: Json, value: str) -> Json:
    groups = objects(element.get("option_groups"))
    inner = [option for group in groups for option in objects(group.get("options"))]
    for option in (*objects(element.get("options")), *inner):
        if option.get("value") == value:
            return option
    raise CanNotError(f"There is no option {value!r}.")


def _check_length(element: Json, text: str) -> None:
    if len(text) > int(element.get("max_length", 3000)):
        raise CanNotError("The text is longer than the input allows.")
    if text and len(text) < int(element.get("min_length", 0)):
        raise CanNotError("The text is shorter than the input allows.")
