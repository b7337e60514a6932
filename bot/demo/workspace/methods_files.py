"""files.*: an upload in three steps, and what became of it."""

from __future__ import annotations

from bot.demo.workspace.context import Context
from bot.demo.workspace.files import File
from bot.demo.workspace.messages import Draft
from bot.demo.workspace.methods_chat import thread_of
from bot.demo.workspace.values import Json, SlackError, objects, structure
from bot.render.limits import FILE_ALT_TEXT


def upload_url(context: Context, arguments: Json) -> Json:
    """files.getUploadURLExternal."""
    name = str(arguments.get("filename") or "")
    try:
        length = int(arguments.get("length") or 0)
    except ValueError:
        length = 0
    alt_text = str(arguments.get("alt_txt") or "")
    if not name or length <= 0:
        raise SlackError("invalid_arguments", "[ERROR] filename and a length above 0 are needed")
    if len(alt_text) > FILE_ALT_TEXT:
        raise SlackError("invalid_arguments", f"[ERROR] alt_txt: at most {FILE_ALT_TEXT}")
    file = context.state.files.reserve(name=name, length=length, alt_text=alt_text)
    return {"file_id": file.id, "upload_url": f"{context.base_url()}/upload/v1/{file.id}"}


def complete_upload(context: Context, arguments: Json) -> Json:
    """files.completeUploadExternal; with a channel the files are shared there in a message."""
    wanted = objects(structure(arguments, "files"))
    if not wanted:
        raise SlackError("invalid_arguments", "[ERROR] missing required field: files")
    place = arguments.get("channel_id") or arguments.get("channels")
    channel = context.home_channel(place) if place else None
    thread = None if channel is None else thread_of(context, channel, arguments)
    book = context.state.files
    files: list[File] = []
    for item in wanted:
        where = None if channel is None else channel.id
        files.append(book.complete(str(item.get("id")), title=item.get("title"), channel=where))
    bodies = tuple(file.to_json(context.base_url()) for file in files)
    if channel is not None:
        text = str(arguments.get("initial_comment") or "")
        context.state.messages.post(
            channel=channel.id,
            user=context.state.bot_user,
            bot=True,
            draft=Draft(text=text, files=bodies),
            thread_ts=thread,
        )
    return {"files": list(bodies)}


def file_info(context: Context, arguments: Json) -> Json:
    """files.info."""
    file = context.state.files.look(str(arguments.get("file", "")))
    return {"file": file.to_json(context.base_url()), "comments": []}
