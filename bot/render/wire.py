"""A message as the arguments of Slack's chat.postMessage and chat.update."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.render import blocks
from bot.render.blocks import cut
from bot.render.message import PICTURE, Block, Message, View
from bot.render.mrkdwn import escape, plain
from checks.engine.model import Json

_FALLBACK = 500


def payload(message: Message, picture_ids: Mapping[int, str] | None = None) -> dict[str, Json]:
    """`text`, `blocks` and `attachments`, always all three: an edit loses what it leaves out.

    Args:
        message: what to send.
        picture_ids: number of a picture → Slack's file id. A picture that has none could not be
            uploaded: its words stand in its place.
    """
    ids = picture_ids or {}
    attachments: list[Json] = []
    if message.coloured:
        attachment: dict[str, Json] = {
            "fallback": cut(plain(message.text), _FALLBACK),
            "blocks": _resolved(message.coloured, ids),
        }
        if message.colour is not None:
            attachment["color"] = message.colour
        attachments.append(attachment)
    return {
        "text": message.text,
        "blocks": _resolved(message.blocks, ids),
        "attachments": attachments,
    }


def view_payload(view: View) -> dict[str, Json]:
    """A modal or a Home as views.open, views.update and views.publish take it."""
    out: dict[str, Json] = {"type": view.kind, "blocks": list(view.blocks)}
    titles = {"title": view.title, "submit": view.submit, "close": view.close}
    for name, text in titles.items():
        if text:
            out[name] = {"type": "plain_text", "text": text}
    if view.callback:
        out["callback_id"] = view.callback
    if view.metadata:
        out["private_metadata"] = view.metadata
    return out


def _resolved(several: Sequence[Block], ids: Mapping[int, str]) -> list[Json]:
    return [_with_picture(block, ids) for block in several]


def _with_picture(block: Block, ids: Mapping[int, str]) -> Json:
    file = block.get("slack_file")
    if not isinstance(file, dict):
        return block
    reference = str(file.get("id", ""))
    if not reference.startswith(PICTURE):
        return block
    found = ids.get(int(reference.removeprefix(PICTURE)))
    if found is not None:
        return {**block, "slack_file": {"id": found}}
    alt = escape(str(block.get("alt_text", "")), 1_500)
    return blocks.section(f"_The picture could not be uploaded._ {alt}")
