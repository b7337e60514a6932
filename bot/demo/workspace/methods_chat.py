"""chat.*: messages of the bot."""

from __future__ import annotations

from bot.demo.workspace.context import Context
from bot.demo.workspace.messages import Message
from bot.demo.workspace.people import Channel
from bot.demo.workspace.values import Json, SlackError, flag


def post_message(context: Context, arguments: Json) -> Json:
    """chat.postMessage."""
    channel = context.home_channel(arguments.get("channel"))
    thread = thread_of(context, channel, arguments)
    broadcast = flag(arguments.get("reply_broadcast", False)) and thread is not None
    message = context.state.messages.post(
        channel=channel.id,
        user=context.state.bot_user,
        bot=True,
        draft=context.draft(arguments),
        thread_ts=thread,
        reply_broadcast=broadcast,
    )
    body = message.to_json(metadata=True)
    return {"channel": channel.id, "ts": message.ts, "message": body}


def update(context: Context, arguments: Json) -> Json:
    """chat.update: what is left out is lost."""
    message = _own(context, arguments, "cant_update_message")
    draft = context.draft(arguments, update=True)
    new = context.state.messages.update(message.channel, message.ts, draft)
    return {
        "channel": new.channel,
        "ts": new.ts,
        "text": new.text,
        "message": new.to_json(metadata=True),
    }


def post_ephemeral(context: Context, arguments: Json) -> Json:
    """chat.postEphemeral: a note for one reader in the channel."""
    channel = context.home_channel(arguments.get("channel"))
    reader = str(arguments.get("user", ""))
    if reader not in channel.members:
        raise SlackError("user_not_in_channel")
    message = context.state.messages.post(
        channel=channel.id,
        user=context.state.bot_user,
        bot=True,
        draft=context.draft(arguments),
        thread_ts=arguments.get("thread_ts"),
        reader=reader,
    )
    return {"message_ts": message.ts}


def delete(context: Context, arguments: Json) -> Json:
    """chat.delete."""
    message = _own(context, arguments, "cant_delete_message")
    context.state.messages.delete(message.channel, message.ts)
    return {"channel": message.channel, "ts": message.ts}


def permalink(context: Context, arguments: Json) -> Json:
    """chat.getPermalink."""
    channel = context.state.channel(str(arguments.get("channel", "")))
    ts = str(arguments.get("message_ts", ""))
    message = context.state.messages.find(channel.id, ts)
    link = f"{context.base_url()}/archives/{channel.id}/p{message.ts.replace('.', '')}"
    if message.thread_ts not in {None, message.ts}:
        link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


def thread_of(context: Context, channel: Channel, arguments: Json) -> str | None:
    """The thread that a new message goes to.

    Raises:
        SlackError: there is no such message in the channel.
    """
    thread = arguments.get("thread_ts")
    if not thread:
        return None
    try:
        parent = context.state.messages.find(channel.id, str(thread))
    except SlackError:
        raise SlackError("thread_not_found") from None
    return parent.thread_ts or parent.ts


def _own(context: Context, arguments: Json, refusal: str) -> Message:
    channel = context.state.channel(str(arguments.get("channel", "")))
    if not arguments.get("ts"):
        raise SlackError("invalid_arguments", "[ERROR] missing required field: ts")
    message = context.state.messages.find(channel.id, str(arguments["ts"]))
    if channel.is_archived:
        raise SlackError("is_archived")
    if not message.bot:
        raise SlackError(refusal)
    return message
