"""Who is there: auth.*, users.*, usergroups.* and team.*."""

from __future__ import annotations

from bot.demo.workspace.context import Context
from bot.demo.workspace.methods_conversations import paged
from bot.demo.workspace.people import BOT, TEAM
from bot.demo.workspace.values import Json, flag

DOMAIN = "golive-demo"


def api_test(_context: Context, arguments: Json) -> Json:
    """api.test."""
    return {"args": {key: value for key, value in arguments.items() if key != "token"}}


def auth_test(context: Context, _arguments: Json) -> Json:
    """auth.test."""
    user = context.state.user(context.state.bot_user)
    return {
        "url": f"{context.base_url()}/",
        "team": DOMAIN,
        "team_id": TEAM,
        "user": user.name,
        "user_id": user.id,
        "bot_id": BOT,
        "is_enterprise_install": False,
    }


def team_info(_context: Context, _arguments: Json) -> Json:
    """team.info."""
    return {"team": {"id": TEAM, "name": DOMAIN, "domain": DOMAIN, "email_domain": ""}}


def user_info(context: Context, arguments: Json) -> Json:
    """users.info."""
    return {"user": context.state.user(str(arguments.get("user", ""))).to_json()}


def user_list(context: Context, arguments: Json) -> Json:
    """users.list."""
    page, cursor = paged(context.state.users, arguments)
    members = [user.to_json() for user in page]
    return {"members": members, "response_metadata": {"next_cursor": cursor}}


def group_list(context: Context, arguments: Json) -> Json:
    """usergroups.list."""
    users = flag(arguments.get("include_users", False))
    disabled = flag(arguments.get("include_disabled", False))
    groups = [group for group in context.state.groups if disabled or not group.disabled]
    return {"usergroups": [group.to_json(users=users) for group in groups]}


def group_users(context: Context, arguments: Json) -> Json:
    """usergroups.users.list."""
    return {"users": list(context.state.group(str(arguments.get("usergroup", ""))).members)}
