"""Small blocks and views to build tests from."""

from __future__ import annotations

from typing import Any


def plain(text: str) -> dict[str, Any]:
    """A plain_text object."""
    return {"type": "plain_text", "text": text}


def section(text: str, **more: Any) -> dict[str, Any]:
    """A section."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def button(action_id: str, **more: Any) -> dict[str, Any]:
    """A button."""
    return {"type": "button", "action_id": action_id, "text": plain("Press"), **more}


def confirm(**more: Any) -> dict[str, Any]:
    """A confirm object."""
    return {
        "title": plain("Sure?"),
        "text": plain("It changes two rows."),
        "confirm": plain("Do it"),
        "deny": plain("Leave it"),
        **more,
    }


def option(value: str, **more: Any) -> dict[str, Any]:
    """An option."""
    return {"text": plain(value or "none"), "value": value, **more}


def text_input(block_id: str, action_id: str, **more: Any) -> dict[str, Any]:
    """An input block with one line of text."""
    element = {"type": "plain_text_input", "action_id": action_id, **more}
    return {"type": "input", "block_id": block_id, "label": plain("Why"), "element": element}


def modal(
    callback_id: str, blocks: list[dict[str, Any]], submit: str | None = None
) -> dict[str, Any]:
    """A modal."""
    view: dict[str, Any] = {
        "type": "modal",
        "callback_id": callback_id,
        "title": plain("golive"),
        "blocks": blocks,
    }
    return view if submit is None else view | {"submit": plain(submit)}
