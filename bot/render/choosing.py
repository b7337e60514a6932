"""The choice in a fix's preview, as an element that tells of each change at once."""

from __future__ import annotations

from typing import Final

from bot.render import blocks
from bot.render.known import Ways
from bot.render.limits import OPTION_TEXT
from bot.render.message import Block, View
from bot.render.mrkdwn import bold, escape
from checks.engine.model import Json

CHOOSE: Final = "golive.choose"
"""The element's action_id."""


def choice_block(ways: Ways) -> Block:
    """The ways, with the one chosen that the preview shows.

    Its block_id names that one: a preview of another way begins with its own choice, whatever was
    pressed on the one before.
    """
    options: dict[str, Json] = {
        value: {"text": blocks.plain_text(words, OPTION_TEXT), "value": value}
        for value, words in ways.options
    }
    return {
        "type": "section",
        "block_id": ways.chosen,
        "text": {"type": "mrkdwn", "text": bold(escape(ways.label, 100))},
        "accessory": {
            "type": "radio_buttons",
            "action_id": CHOOSE,
            "options": list(options.values()),
            "initial_option": options[ways.chosen],
        },
    }


def shown_choice(view: View) -> str:
    """The value of the way that a preview shows; "" where there is no choice."""
    for block in view.blocks:
        accessory = block.get("accessory")
        if isinstance(accessory, dict) and accessory.get("action_id") == CHOOSE:
            return str(block["block_id"])
    return ""
