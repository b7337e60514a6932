"""The rules read anything: what is no block is refused, and nothing makes them fall over."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.demo.workspace.rules import message_refusal, message_violations, view_violations
from bot.demo.workspace.rules_blocks import KNOWN_BLOCKS

_NAMES = st.sampled_from(
    [
        "type",
        "text",
        "fields",
        "elements",
        "element",
        "accessory",
        "options",
        "option_groups",
        "confirm",
        "rows",
        "chart",
        "series",
        "data",
        "child_blocks",
        "label",
        "value",
        "blocks",
        "block_id",
        "action_id",
        "title",
        "style",
        "url",
        "level",
    ]
)
_SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
_KINDS = st.sampled_from([*sorted(KNOWN_BLOCKS), "button", "static_select", "checkboxes", "pie"])


def _of_kind(kind: str, rest: dict[str, Any]) -> dict[str, Any]:
    return {**rest, "type": kind}


def _deeper(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    objects = st.dictionaries(_NAMES, inner, max_size=5)
    typed = st.builds(_of_kind, _KINDS, objects)
    return st.lists(inner, max_size=4) | objects | typed


_ANYTHING = st.recursive(_SCALARS | _KINDS, _deeper, max_leaves=25)


@given(blocks=_ANYTHING, attachments=_ANYTHING, metadata=_ANYTHING)
def test_no_message_makes_the_rules_fall_over(
    blocks: object, attachments: object, metadata: object
) -> None:
    """Every fault has a path that begins with a slash."""
    payload = {"blocks": blocks, "attachments": attachments, "metadata": metadata}
    assert all(fault.path.startswith("/") for fault in message_violations(payload))


@given(view=_ANYTHING, blocks=_ANYTHING, kind=st.sampled_from(["modal", "home", None]))
def test_no_view_makes_the_rules_fall_over(view: object, blocks: object, kind: object) -> None:
    """Whatever stands in its fields."""
    payload = {"title": view, "blocks": blocks, "type": kind, "private_metadata": view}
    assert all(fault.path.startswith("/view") for fault in view_violations(payload))


def test_a_type_may_be_anything() -> None:
    """A list or an object in place of a word is refused like a wrong word."""
    odd: Any = [["a"], {"a": 1}]
    for kind in odd:
        element = {"type": kind, "style": kind}
        blocks: list[Any] = [
            {"type": kind},
            {"type": "context", "elements": [element]},
            {"type": "actions", "elements": [element, {**element, "type": "button"}]},
            {"type": "rich_text", "elements": [element]},
            {"type": "table", "rows": [[element]]},
            {"type": "data_visualization", "title": "t", "chart": element},
            {"type": "section", "text": element, "accessory": element},
        ]
        assert all(message_violations({"text": "x", "blocks": [block]}) for block in blocks)
        assert view_violations({"type": kind, "blocks": [{"type": "alert", "level": kind}]})


@given(block=_SCALARS | st.lists(_SCALARS, max_size=2))
def test_what_is_no_block_is_refused(block: object) -> None:
    """A string, a number, a list."""
    refusal = message_refusal({"text": "x", "blocks": [block]})
    assert refusal is not None
    assert refusal.code == "invalid_blocks"
