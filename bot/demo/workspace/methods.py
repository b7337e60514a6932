"""The Web API's methods: which token and scope each needs, and where it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from bot.demo.workspace.context import Context
from bot.demo.workspace.methods_chat import (
    delete,
    permalink,
    post_ephemeral,
    post_message,
    update,
)
from bot.demo.workspace.methods_conversations import (
    conversation_info,
    conversation_list,
    conversation_members,
    conversation_open,
    history,
    replies,
)
from bot.demo.workspace.methods_files import complete_upload, file_info, upload_url
from bot.demo.workspace.methods_people import (
    api_test,
    auth_test,
    group_list,
    group_users,
    team_info,
    user_info,
    user_list,
)
from bot.demo.workspace.methods_views import view_open, view_publish, view_push, view_update
from bot.demo.workspace.people import Channel
from bot.demo.workspace.values import Json, SlackError

Handler: TypeAlias = Callable[[Context, Json], Json]
MANIFEST_SCOPES: Final = (
    "commands",
    "chat:write",
    "files:write",
    "files:read",
    "usergroups:read",
    "users:read",
    "channels:read",
    "groups:read",
    "channels:history",
    "groups:history",
    "im:read",
    "im:write",
    "mpim:read",
)
"""What the app's manifest asks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One method.

    Attributes:
        scope: the scope that it needs; `…:read` and `…:history` of a conversation depend on it.
        app_token: it takes the app's token, not the bot's.
        anonymous: it needs no token.
    """

    run: Handler
    scope: str | None = None
    app_token: bool = False
    anonymous: bool = False


def needed_scope(method: Method, context: Context, arguments: Json) -> str | None:
    """The scope that a call needs, which may depend on its conversation's kind."""
    scope = method.scope
    if scope is None or not scope.startswith("*:"):
        return scope
    right = scope.removeprefix("*:")
    try:
        channel = context.state.channel(str(arguments.get("channel", "")))
    except SlackError:
        return f"channels:{right}"
    return f"{_family(channel)}:{right}"


def _family(channel: Channel) -> str:
    if channel.is_im:
        return "im"
    if channel.is_mpim:
        return "mpim"
    return "groups" if channel.is_private else "channels"


def _open_connection(context: Context, _arguments: Json) -> Json:
    return {"url": context.socket_url()}


METHODS: Final[Mapping[str, Method]] = {
    "api.test": Method(run=api_test, anonymous=True),
    "auth.test": Method(run=auth_test),
    "apps.connections.open": Method(
        run=_open_connection, scope="connections:write", app_token=True
    ),
    "chat.postMessage": Method(run=post_message, scope="chat:write"),
    "chat.update": Method(run=update, scope="chat:write"),
    "chat.postEphemeral": Method(run=post_ephemeral, scope="chat:write"),
    "chat.delete": Method(run=delete, scope="chat:write"),
    "chat.getPermalink": Method(run=permalink),
    "conversations.info": Method(run=conversation_info, scope="*:read"),
    "conversations.list": Method(run=conversation_list, scope="channels:read"),
    "conversations.members": Method(run=conversation_members, scope="*:read"),
    "conversations.history": Method(run=history, scope="*:history"),
    "conversations.replies": Method(run=replies, scope="*:history"),
    "conversations.open": Method(run=conversation_open, scope="im:write"),
    "files.getUploadURLExternal": Method(run=upload_url, scope="files:write"),
    "files.completeUploadExternal": Method(run=complete_upload, scope="files:write"),
    "files.info": Method(run=file_info, scope="files:read"),
    "team.info": Method(run=team_info, scope="team:read"),
    "usergroups.list": Method(run=group_list, scope="usergroups:read"),
    "usergroups.users.list": Method(run=group_users, scope="usergroups:read"),
    "users.info": Method(run=user_info, scope="users:read"),
    "users.list": Method(run=user_list, scope="users:read"),
    "views.open": Method(run=view_open),
    "views.push": Method(run=view_push),
    "views.update": Method(run=view_update),
    "views.publish": Method(run=view_publish),
}
