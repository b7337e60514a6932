"""The question why, in a dialog."""

from __future__ import annotations

from typing import Final

from bot.render.blocks import plain_text
from bot.render.limits import PLAIN_TEXT_INPUT
from bot.render.message import Block

REASON: Final = "reason"
"""Block and action id of the question."""

REASON_LENGTH: Final = 500
"""Characters of a reason, typed or filled in."""


def reason_input(question: str, *, multiline: bool) -> Block:
    """The one input of a dialog that wants a reason."""
    return {
        "type": "input",
        "block_id": REASON,
        "label": plain_text(question, 100),
        "element": {
            "type": "plain_text_input",
            "action_id": REASON,
            "multiline": multiline,
            "max_length": min(REASON_LENGTH, PLAIN_TEXT_INPUT),
        },
    }
