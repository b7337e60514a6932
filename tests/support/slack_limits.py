"""Slack's limits as a table of its own, written from Slack's reference.

It shares no number and no line with the program: where the two agree, they agree because both
read the same reference.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeAlias

from tests.support.slack_limit_parts import (
    PLAIN,
    Found,
    Part,
    inner_list,
    inner_part,
    size,
    string,
    text_object,
    texts_of,
    thing_violations,
)

Kind: TypeAlias = Literal["message", "update", "modal", "home"]

_TEXT: Final = {"message": 40_000, "update": 4_000}
_BLOCKS: Final = {"modal": 100, "home": 100}
_EVERYWHERE: Final = "section divider header context actions input image rich_text container video"
_MESSAGE_ONLY: Final = "markdown table data_table data_visualization card carousel"
_ALLOWED: Final[Mapping[str, Sequence[str]]] = {
    "message": f"{_EVERYWHERE} {_MESSAGE_ONLY} context_actions plan task_card".split(),
    "modal": f"{_EVERYWHERE} alert".split(),
    "home": _EVERYWHERE.split(),
}
_OWN_BOUND: Final = ("table", "data_table", "data_visualization", "markdown")


def violations(payload: Part, kind: Kind = "message") -> list[str]:
    """Everything in a payload that Slack refuses; each line names the place first.

    Args:
        payload: the arguments of chat.postMessage or chat.update, or a view.
        kind: what it is; `update` is a message for chat.update.
    """
    return list(_message(payload, kind) if kind in _TEXT else _view(payload, kind))


def _message(payload: Part, kind: Kind) -> Found:
    yield from string(payload, "text", "", 0, _TEXT[kind], required=False)
    attachments = inner_list(payload, "attachments")
    lists = [("blocks", inner_list(payload, "blocks"))]
    for number, attachment in enumerate(attachments):
        lists.append((f"attachments.{number}.blocks", inner_list(attachment, "blocks")))
        if not any(attachment.get(key) for key in ("blocks", "text", "fallback", "title")):
            yield f"attachments.{number}: empty"
    if not payload.get("text") and not attachments and not lists[0][1]:
        yield "text: the message is empty"
    yield from size(attachments, "attachments", 0, 100)
    for path, blocks in lists:
        yield from size(blocks, path, 0, 50)
    yield from _blocks(lists, "message")
    yield from _whole([block for _, blocks in lists for block in blocks])
    yield from _metadata(payload)


def _whole(blocks: Sequence[Part]) -> Found:
    kinds = [block.get("type") for block in blocks]
    if kinds.count("table") > 1:
        yield "blocks: more than one table"
    if kinds.count("data_visualization") > 2:
        yield "blocks: more than two charts"
    marked = [block for block in blocks if block.get("type") == "markdown"]
    if sum(len(str(block.get("text"))) for block in marked) > 12_000:
        yield "blocks: more than 12000 characters of markdown"
    counted = [block for block in blocks if block.get("type") not in _OWN_BOUND]
    if sum(len(text) for block in counted for text in texts_of(block)) > 13_000:
        yield "blocks: more than 13000 characters"


def _metadata(payload: Part) -> Found:
    metadata = inner_part(payload, "metadata")
    if not metadata:
        return
    if set(metadata) != {"event_type", "event_payload"}:
        yield "metadata: needs event_type and event_payload, and nothing else"
    yield from string(metadata, "event_type", "metadata.", 1, 255, required=True)
    given = metadata.get("event_payload")
    if not isinstance(given, dict) or len(json.dumps(given)) > 8_000:
        yield "metadata.event_payload: no object of at most 8000 characters"


def _view(view: Part, kind: Kind) -> Found:
    blocks = inner_list(view, "blocks")
    if view.get("type") != kind:
        yield f"type: not {kind}"
    if "blocks" not in view:
        yield "blocks: missing"
    yield from size(blocks, "blocks", 0, _BLOCKS[kind])
    for name in ("title", "submit", "close"):
        if kind == "home" and view.get(name) is not None:
            yield f"{name}: not in a home"
        elif kind == "modal":
            yield from text_object(view, name, "", 24, PLAIN, required=name == "title")
    for name, most in (("private_metadata", 3_000), ("callback_id", 255), ("external_id", 255)):
        yield from string(view, name, "", 0, most, required=False)
    inputs = any(block.get("type") == "input" for block in blocks)
    if kind == "modal" and inputs and not view.get("submit"):
        yield "submit: missing although there is an input"
    yield from _blocks([("blocks", blocks)], kind)


def _blocks(lists: Sequence[tuple[str, Sequence[Part]]], surface: str) -> Found:
    seen: list[str] = []
    for path, blocks in lists:
        for number, block in enumerate(blocks):
            place = f"{path}.{number}."
            if block.get("type") not in _ALLOWED[surface]:
                yield f"{place}type: {block.get('type')} can not stand in a {surface}"
            yield from thing_violations(block, place)
            for inner in (block, *inner_list(block, "child_blocks")):
                name = inner.get("block_id")
                if name is not None and name in seen:
                    yield f"{place}block_id: used twice"
                seen.append(str(name))
