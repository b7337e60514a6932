"""views.*: modals and Home."""

from __future__ import annotations

from bot.demo.workspace.context import Context
from bot.demo.workspace.values import Json, SlackError, structure
from bot.demo.workspace.views import View


def view_open(context: Context, arguments: Json) -> Json:
    """views.open, with a trigger."""
    view = context.view(structure(arguments, "view"), "modal")
    return _answer(context.state.views.open(_trigger(arguments), view))


def view_push(context: Context, arguments: Json) -> Json:
    """views.push, with a trigger."""
    view = context.view(structure(arguments, "view"), "modal")
    return _answer(context.state.views.push(_trigger(arguments), view))


def view_update(context: Context, arguments: Json) -> Json:
    """views.update, by either id and with a hash if the bot cares who was first."""
    view_id, external_id = arguments.get("view_id"), arguments.get("external_id")
    if not view_id and not external_id:
        raise SlackError("invalid_arguments", "[ERROR] view_id or external_id is required")
    views = context.state.views
    old = views.find(view_id, external_id)
    payload = context.view(structure(arguments, "view"), old.type)
    return _answer(views.update(old, payload, given_hash=arguments.get("hash")))


def view_publish(context: Context, arguments: Json) -> Json:
    """views.publish: the Home of one user."""
    user = context.state.user(str(arguments.get("user_id", "")))
    payload = context.view(structure(arguments, "view"), "home")
    views = context.state.views
    return _answer(views.publish(user.id, payload, given_hash=arguments.get("hash")))


def _trigger(arguments: Json) -> str:
    trigger = arguments.get("trigger_id")
    if not trigger:
        raise SlackError("invalid_arguments", "[ERROR] missing required field: trigger_id")
    return str(trigger)


def _answer(view: View) -> Json:
    return {"view": view.to_json()}
