"""What Slack would refuse, by three sources.

The numbers written out here, the SDK's models, and the local workspace's own rules.
"""

from __future__ import annotations

import json
from typing import Any

from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View as SdkView

from bot.demo.workspace.rules import message_violations, view_violations
from bot.render.message import Message, View
from bot.render.wire import payload, view_payload

# The SDK's models are partly untyped.
_SDK_BLOCK: Any = Block
_SDK_VIEW: Any = SdkView
_KNOWN = {"section", "divider", "image", "actions", "context", "header", "rich_text", "table"}


def refusals(message: Message) -> list[str]:
    """Why Slack would not take a message, as a post or as an edit; empty for a good one."""
    sent: dict[str, Any] = payload(message, {n: f"F{n}" for n in range(len(message.pictures))})
    out = [str(found) for found in message_violations(sent, update=True)]
    if not 1 <= _length(message.text) <= 4_000:
        out.append(f"text: {_length(message.text)}")
    blocks: list[Any] = [*sent["blocks"], *(b for a in sent["attachments"] for b in a["blocks"])]
    if len(sent["attachments"]) > 1:
        out.append("more than one attachment")
    return [*out, *_of_blocks(blocks, 50)]


def view_refusals(view: View) -> list[str]:
    """Why Slack would not take a view."""
    sent: dict[str, Any] = view_payload(view)
    out = [str(found) for found in view_violations(sent)]
    _SDK_VIEW(**sent).to_dict()
    return [*out, *_of_blocks(list(view.blocks), 100)]


def _of_blocks(blocks: list[Any], most: int) -> list[str]:
    out: list[str] = []
    if len(blocks) > most:
        out.append(f"{len(blocks)} blocks")
    if sum(_length(json.dumps(block, ensure_ascii=False)) for block in blocks) > 13_000:
        out.append("more than 13,000 characters")
    if sum(block["type"] == "table" for block in blocks) > 1:
        out.append("two tables")
    if sum(block["type"] == "context" for block in blocks) > 1:
        out.append("two lines of fine print")
    for block in blocks:
        out.extend(_of_block(block))
    return out


def _of_block(block: dict[str, Any]) -> list[str]:
    kind = block["type"]
    parsed = _SDK_BLOCK.parse(dict(block))
    if kind not in _KNOWN or parsed is None:
        return [f"unknown block {kind}"]
    parsed.to_dict()
    texts = [block["text"]["text"]] if kind == "section" and "text" in block else []
    texts += [e["text"] for e in block["elements"]] if kind == "context" else []
    out = [f"{kind}: {_length(t)}" for t in texts if not 1 <= _length(t) <= 3_000]
    if kind == "actions":
        elements = block["elements"]
        ids = [e["action_id"] for e in elements]
        if not 1 <= len(elements) <= 25 or len(set(ids)) != len(ids):
            out.append(f"actions: {ids}")
        out += [f"button: {e}" for e in elements if not _fits(e)]
    return out


def _fits(button: dict[str, Any]) -> bool:
    confirm = button.get("confirm", {})
    bounds = {"title": 100, "text": 300, "confirm": 30, "deny": 30}
    return (
        1 <= _length(button["text"]["text"]) <= 75
        and _length(button.get("value", "")) <= 2_000
        and all(_length(confirm[name]["text"]) <= bounds[name] for name in bounds if confirm)
    )


def _length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
