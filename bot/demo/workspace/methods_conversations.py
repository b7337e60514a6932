"""conversations.*: channels, who is in them, and what was said there."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import TypeVar

from bot.demo.workspace.context import Context
from bot.demo.workspace.messages import Message
from bot.demo.workspace.people import Channel
from bot.demo.workspace.values import Json, SlackError, flag

T = TypeVar("T")

_MOST = 1000
_DEFAULT_LIMIT = 100


def conversation_info(context: Context, arguments: Json) -> Json:
    """conversations.info."""
    state = context.state
    channel = state.channel(str(arguments.get("channel", "")))
    body = channel.to_json(state.bot_user)
    if not flag(arguments.get("include_num_members", False)):
        body.pop("num_members", None)
    return {"channel": body}


def conversation_list(context: Context, arguments: Json) -> Json:
    """conversations.list: private channels only where the bot is."""
    types = str(arguments.get("types") or "public_channel").split(",")
    state = context.state

    def wanted(channel: Channel) -> bool:
        if channel.is_archived and flag(arguments.get("exclude_archived", False)):
            return False
        if channel.is_im:
            return "im" in types
        if channel.is_private:
            return "private_channel" in types and state.bot_user in channel.members
        return "public_channel" in types

    channels = [channel for channel in state.channels if wanted(channel)]
    page, cursor = paged(channels, arguments)
    bodies = [channel.to_json(state.bot_user) for channel in page]
    return {"channels": bodies, "response_metadata": {"next_cursor": cursor}}


def conversation_members(context: Context, arguments: Json) -> Json:
    """conversations.members."""
    channel = context.state.channel(str(arguments.get("channel", "")))
    page, cursor = paged(sorted(channel.members), arguments)
    return {"members": list(page), "response_metadata": {"next_cursor": cursor}}


def conversation_open(context: Context, arguments: Json) -> Json:
    """conversations.open: the direct conversation with one user."""
    users = [name for name in str(arguments.get("users") or "").split(",") if name]
    if len(users) != 1:
        raise SlackError("invalid_arguments", "[ERROR] exactly one user is supported")
    channel = context.state.direct(users[0])
    if flag(arguments.get("return_im", False)):
        return {"channel": channel.to_json(context.state.bot_user)}
    return {"channel": {"id": channel.id}}


def history(context: Context, arguments: Json) -> Json:
    """conversations.history: newest first, without replies."""
    channel = _readable(context, arguments)
    line = context.state.messages.main_line(channel.id)
    messages = _within(list(reversed(line)), arguments)
    return _page_of(context, messages, arguments)


def replies(context: Context, arguments: Json) -> Json:
    """conversations.replies: the parent, then its replies, oldest first."""
    channel = _readable(context, arguments)
    found = context.state.messages.thread(channel.id, str(arguments.get("ts", "")))
    if not found:
        raise SlackError("thread_not_found")
    parent = [m for m in found[:1] if m.thread_ts in {None, m.ts}]
    rest = _within(list(found[len(parent) :]), arguments)
    return _page_of(context, parent + rest, arguments)


def paged(items: Sequence[T], arguments: Json) -> tuple[Sequence[T], str]:
    """One page of items and the cursor of the next one; empty on the last page.

    Raises:
        SlackError: the limit or the cursor is not one.
    """
    try:
        limit = int(arguments.get("limit") or _DEFAULT_LIMIT)
        start = _offset(str(arguments.get("cursor") or ""))
    except ValueError:
        raise SlackError("invalid_cursor") from None
    if not 1 <= limit <= _MOST:
        raise SlackError("invalid_limit")
    end = start + limit
    cursor = urlsafe_b64encode(f"next:{end}".encode()).decode() if end < len(items) else ""
    return items[start:end], cursor


def _offset(cursor: str) -> int:
    if not cursor:
        return 0
    return int(urlsafe_b64decode(cursor).decode().removeprefix("next:"))


def _readable(context: Context, arguments: Json) -> Channel:
    channel = context.state.channel(str(arguments.get("channel", "")))
    if context.state.bot_user not in channel.members:
        raise SlackError("not_in_channel")
    return channel


def _within(messages: list[Message], arguments: Json) -> list[Message]:
    """The messages between `oldest` and `latest`; their own ts only with `inclusive`."""
    oldest, latest = arguments.get("oldest"), arguments.get("latest")
    inclusive = flag(arguments.get("inclusive", False))

    def inside(message: Message) -> bool:
        ts = _micros(message.ts)
        low = -1 if not oldest else _micros(str(oldest))
        high = ts + 1 if not latest else _micros(str(latest))
        return low <= ts <= high if inclusive else low < ts < high

    return [message for message in messages if inside(message)]


def _micros(ts: str) -> int:
    seconds, _, rest = ts.partition(".")
    try:
        return int(seconds) * 1_000_000 + int((rest or "0").ljust(6, "0")[:6])
    except ValueError:
        raise SlackError("invalid_ts_oldest") from None


def _page_of(context: Context, messages: list[Message], arguments: Json) -> Json:
    page, cursor = paged(messages, arguments)
    metadata = flag(arguments.get("include_all_metadata", False))
    facts = context.state.messages.thread_facts
    bodies = [m.to_json(metadata=metadata) | facts(m) for m in page]
    answer: Json = {"messages": bodies, "has_more": bool(cursor)}
    if cursor:
        answer["response_metadata"] = {"next_cursor": cursor}
    return answer
