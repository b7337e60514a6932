"""What Slack would refuse: an independent table, the local workspace's rules, the SDK's models."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View as SdkView

from bot.demo.workspace.rules import message_violations, view_violations
from bot.render.message import Message, View
from bot.render.wire import payload, view_payload
from tests.support.slack_limits import violations

# The SDK's models are partly untyped.
_SDK_BLOCK: Any = Block
_SDK_VIEW: Any = SdkView


def refusals(message: Message) -> list[str]:
    """Why Slack would not take a message, as a post or as an edit; empty for a good one."""
    sent: dict[str, Any] = payload(message, {n: f"F{n}" for n in range(len(message.pictures))})
    attachments: list[Any] = sent["attachments"]
    out = [str(found) for found in message_violations(sent, update=True)]
    out += [*violations(sent, "message"), *violations(sent, "update")]
    if not sent["text"] or len(attachments) > 1:
        out.append(f"no text, or {len(attachments)} coloured bars")
    blocks = [*sent["blocks"], *(block for one in attachments for block in one["blocks"])]
    return [*out, *_of_blocks(blocks)]


def view_refusals(view: View) -> list[str]:
    """Why Slack would not take a Home."""
    sent: dict[str, Any] = view_payload(view)
    _SDK_VIEW(**sent).to_dict()
    out = [str(found) for found in view_violations(sent)]
    return [*out, *violations(sent, "home"), *_of_blocks(sent["blocks"])]


def _of_blocks(blocks: Sequence[Any]) -> list[str]:
    """What no table knows: the SDK takes each block, all of them are light, one is fine print."""
    out: list[str] = []
    for block in blocks:
        parsed = _SDK_BLOCK.parse(dict(block))
        if parsed is None:
            out.append(f"unknown block {block['type']}")
        else:
            parsed.to_dict()
    if sum(len(json.dumps(block, ensure_ascii=False)) for block in blocks) > 13_000:
        out.append("more than 13,000 characters")
    if sum(block["type"] == "context" for block in blocks) > 1:
        out.append("two lines of fine print")
    return out
