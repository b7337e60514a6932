"""A message as the arguments of Slack's chat.postMessage and chat.update."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

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


def with_pictures(message: Message, picture_ids: Mapping[int, str | None]) -> Message:
    """A message whose pictures are in Slack already, so that an edit of it uploads none again.

    Args:
        message: what was sent.
        picture_ids: number of a picture → Slack's file id; None for one that is not there yet.
    """
    return replace(
        message,
        blocks=tuple(_in_slack(block, picture_ids) for block in message.blocks),
        coloured=tuple(_in_slack(block, picture_ids) for block in message.coloured),
        pictures=(),
    )


def _in_slack(block: Block, ids: Mapping[int, str | None]) -> Block:
    """A block with the picture that it names, as Slack knows it."""
    number = _picture_of(block)
    found = None if number is None else ids.get(number)
    return block if found is None else {**block, "slack_file": {"id": found}}


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
    number = _picture_of(block)
    if number is None:
        return block
    found = ids.get(number)
    if found is not None:
        return {**block, "slack_file": {"id": found}}
    alt = escape(str(block.get("alt_text", "")), 1_500)
    return blocks.section(f"_The picture could not be uploaded._ {alt}")


def _picture_of(block: Block) -> int | None:
    """The number of the picture that a block names; None where it names none, or Slack's own id."""
    file = block.get("slack_file")
    reference = str(file.get("id", "")) if isinstance(file, dict) else ""
    return int(reference.removeprefix(PICTURE)) if reference.startswith(PICTURE) else None
