"""What Slack sends when a person does something, field by field."""

from __future__ import annotations

from datetime import datetime

from bot.demo.workspace.ids import elements_of
from bot.demo.workspace.inputs import Chosen, state_of
from bot.demo.workspace.messages import Message
from bot.demo.workspace.methods_people import DOMAIN
from bot.demo.workspace.people import APP, TEAM, Channel, User
from bot.demo.workspace.values import Json, objects
from bot.demo.workspace.views import View, initial_values

VERIFICATION = "deprecated"
"""The old verification token; nobody may rely on it."""


def slash_command(
    user: User, channel: Channel, command: str, text: str, *, trigger: str, response_url: str
) -> Json:
    """A slash command; every field is a string, as in the form that Slack posts."""
    return {
        "token": VERIFICATION,
        "team_id": TEAM,
        "team_domain": DOMAIN,
        "channel_id": channel.id,
        "channel_name": "privategroup" if channel.is_private else channel.name,
        "user_id": user.id,
        "user_name": user.name,
        "command": command,
        "text": text,
        "api_app_id": APP,
        "is_enterprise_install": "false",
        "response_url": response_url,
        "trigger_id": trigger,
    }


def message_action(
    user: User,
    channel: Channel,
    message: Message,
    action: Json,
    *,
    trigger: str,
    response_url: str,
) -> Json:
    """block_actions of an element in a message; an ephemeral message is not in it."""
    body = _interaction("block_actions", user) | {
        "container": _container(message, str(action["block_id"])),
        "trigger_id": trigger,
        "channel": {"id": channel.id, "name": channel.name},
        "state": {"values": _message_state(message, action)},
        "response_url": response_url,
        "actions": [action],
    }
    if message.reader is None:
        body["message"] = message.to_json()
    return body


def view_action(user: User, view: View, action: Json, *, trigger: str) -> Json:
    """block_actions of an element in a modal or in Home."""
    return _interaction("block_actions", user) | {
        "container": {"type": "view", "view_id": view.id},
        "trigger_id": trigger,
        "view": view.to_json(),
        "actions": [action],
    }


def view_submission(user: User, view: View, *, trigger: str) -> Json:
    """A modal that was submitted."""
    return _interaction("view_submission", user) | {
        "trigger_id": trigger,
        "view": view.to_json(),
        "response_urls": [],
    }


def view_closed(user: User, view: View, *, cleared: bool) -> Json:
    """A modal that was closed without a submission."""
    return _interaction("view_closed", user) | {
        "view": view.to_json(),
        "is_cleared": cleared,
    }


def action_of(block: Json, element: Json, chosen: Chosen | None, action_ts: str) -> Json:
    """One entry of `actions`."""
    action: Json = {
        "type": element["type"],
        "action_id": element["action_id"],
        "block_id": block["block_id"],
        "action_ts": action_ts,
    }
    action |= {k: element[k] for k in ("text", "value", "style") if k in element}
    if chosen is not None:
        action |= state_of(element, chosen)
    return action


def event(inner: Json, *, number: int, now: datetime) -> Json:
    """An event in the wrapper of the Events API."""
    return {
        "token": VERIFICATION,
        "team_id": TEAM,
        "api_app_id": APP,
        "event": inner,
        "type": "event_callback",
        "event_id": f"Ev{number:X}",
        "event_time": int(now.timestamp()),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": TEAM,
                "user_id": inner.get("user"),
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": False,
    }


def _interaction(kind: str, user: User) -> Json:
    person: Json = {
        "id": user.id,
        "username": user.name,
        "name": user.name,
        "team_id": user.team_id,
    }
    return {
        "type": kind,
        "team": {"id": TEAM, "domain": DOMAIN},
        "user": person,
        "api_app_id": APP,
        "token": VERIFICATION,
        "enterprise": None,
        "is_enterprise_install": False,
    }


def _container(message: Message, block_id: str) -> Json:
    container: Json = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": message.channel,
        "is_ephemeral": message.reader is not None,
    }
    if message.thread_ts is not None:
        container["thread_ts"] = message.thread_ts
    for attachment in message.attachments:
        names = {block.get("block_id") for block in objects(attachment.get("blocks"))}
        if block_id in names:
            container |= {
                "type": "message_attachment",
                "attachment_id": attachment["id"],
                "is_app_unfurl": False,
            }
    return container


def _message_state(message: Message, action: Json) -> Json:
    values = initial_values({"blocks": message.all_blocks()}, {})
    for block in message.all_blocks():
        for element in elements_of(block):
            same = (block["block_id"], element["action_id"]) == (
                action["block_id"],
                action["action_id"],
            )
            chosen = {k: v for k, v in action.items() if k.startswith(("selected_", "type"))}
            if same and len(chosen) > 1:
                values.setdefault(block["block_id"], {})[element["action_id"]] = chosen
    return values
