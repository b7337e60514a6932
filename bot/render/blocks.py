"""Block Kit as plain dictionaries. Texts that enter here are ours, or escaped already."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from bot.render import limits
from bot.render.message import PICTURE, Block, Button
from bot.render.mrkdwn import shown, size
from checks.engine.model import Json

_STYLES = ("primary", "danger")


def cut(text: str, limit: int) -> str:
    """Plain text within `limit`, as Slack counts."""
    if size(text) <= limit:
        return text
    text = text[: limit - 1]
    while size(text) > limit - 1:
        text = text[:-1]
    return f"{text}…"


def plain_text(text: str, limit: int) -> Block:
    """A text object that nothing is interpreted in, emoji names neither."""
    return {"type": "plain_text", "text": cut(shown(text), limit) or " ", "emoji": False}


def mrkdwn(text: str) -> Block:
    """A text object in mrkdwn that turns nothing into links or mentions by itself."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def section(text: str) -> Block:
    """A paragraph, never folded by the client."""
    return {"type": "section", "text": mrkdwn(text), "expand": True}


def fields(title: str, texts: Sequence[str]) -> Block:
    """Short texts in two columns under a title, ten at most."""
    some: list[Json] = [mrkdwn(text) for text in texts[: limits.SECTION_FIELDS]]
    return {"type": "section", "text": mrkdwn(title), "fields": some}


def context(text: str) -> Block:
    """Fine print."""
    return {"type": "context", "elements": [mrkdwn(text)]}


def preformatted(text: str) -> Block:
    """Lines of a log, in which nothing is interpreted."""
    return {
        "type": "rich_text",
        "elements": [
            {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": text or " "}]}
        ],
    }


def table(rows: Sequence[Sequence[str]]) -> Block:
    """A table of plain cells, the head first; what is beyond Slack's bounds is left out."""
    out: list[Json] = []
    room = limits.TABLE_CHARACTERS
    for row in rows[: limits.TABLE_ROWS]:
        cells = [cut(shown(cell), 100) or "–" for cell in row[: limits.TABLE_CELLS_PER_ROW]]
        room -= sum(size(cell) for cell in cells)
        if room < 0:
            break
        out.append([{"type": "raw_text", "text": cell} for cell in cells])
    return {"type": "table", "rows": out}


def image(number: int, alt: str) -> Block:
    """The picture with this number of the message."""
    return {
        "type": "image",
        "slack_file": {"id": f"{PICTURE}{number}"},
        "alt_text": cut(shown(alt), limits.FILE_ALT_TEXT) or "A picture.",
    }


def actions(buttons: Sequence[Button]) -> list[Block]:
    """The buttons; one whose value Slack would refuse is left out, because it could not work.

    Slack wants the action ids within a block to be different: a second button of the same action
    begins a new block.
    """
    rows: list[list[Button]] = []
    for button in buttons:
        if size(button.value) > limits.BUTTON_VALUE or not _fits_id(button.action):
            continue
        for row in rows:
            taken = {other.action for other in row}
            if button.action not in taken and len(row) < limits.ACTIONS_ELEMENTS:
                row.append(button)
                break
        else:
            rows.append([button])
    return [{"type": "actions", "elements": [_button(b) for b in row]} for row in rows]


def without_buttons(several: Sequence[Block], actions: Collection[str]) -> tuple[Block, ...]:
    """Blocks without the buttons of these actions, and without a row that had no others."""
    out: list[Block] = []
    for block in several:
        elements = block.get("elements")
        if block.get("type") != "actions" or not isinstance(elements, list):
            out.append(block)
            continue
        left = [e for e in elements if not isinstance(e, dict) or e.get("action_id") not in actions]
        if left:
            out.append({**block, "elements": left})
    return tuple(out)


def _fits_id(action: str) -> bool:
    return 0 < size(action) <= limits.ACTION_ID


def _button(button: Button) -> Json:
    out: Block = {
        "type": "button",
        "action_id": button.action,
        "text": plain_text(button.label, limits.BUTTON_TEXT),
    }
    if button.value:
        out["value"] = button.value
    if button.style in _STYLES:
        out["style"] = button.style
    if button.confirm is not None:
        title, text, yes = button.confirm
        out["confirm"] = {
            "title": plain_text(title, limits.CONFIRM_TITLE),
            "text": plain_text(text, limits.CONFIRM_TEXT),
            "confirm": plain_text(yes, limits.CONFIRM_BUTTON),
            "deny": plain_text("Cancel", limits.CONFIRM_BUTTON),
        }
        if button.style == "danger":
            out["confirm"]["style"] = "danger"
    return out
