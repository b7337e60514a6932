"""What the page is told, as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import quote

from bot.commands import COMMANDS, SLASH
from bot.demo.figures import Figure
from bot.demo.pace import Speed
from bot.demo.place import ABOUT
from bot.demo.workspace import Entry, Message, Traffic, View, Workspace
from bot.demo.workspace.files import File
from bot.demo.workspace.values import Json, mapping, sequence
from checks.engine.masking import harmless, mask

_BODY = 6_000
"""Characters of a call's body that the page may unfold."""

_SHOWN = {Traffic.CALL, Traffic.ENVELOPE, Traffic.RESPONSE_URL, Traffic.UPLOAD}
_NAMES = {Traffic.RESPONSE_URL: "response_url", Traffic.UPLOAD: "upload"}
_ANSWERS = {Traffic.ANSWER, Traffic.LOST, Traffic.ACK}


def greeting(workspace: Workspace, me: str) -> Json:
    """Who and what is there, for one reader."""
    state = workspace.state
    mine = [c for c in state.channels if me in c.members and not c.is_im and not c.is_archived]
    return {
        "t": "hello",
        "me": me,
        "bot": state.bot_user,
        "people": {
            u.id: {"name": u.name, "real": u.real_name, "bot": u.is_bot} for u in state.users
        },
        "groups": {g.id: g.handle for g in state.groups},
        "roles": [{"id": user, "about": about} for user, about in ABOUT.items()],
        "channels": [{"id": c.id, "name": c.name, "shared": c.is_ext_shared} for c in mine],
        "slash": SLASH,
        "commands": [
            {
                "name": entry.name,
                "usage": entry.usage,
                "does": entry.does,
                "example": entry.example,
                "who": str(entry.who),
            }
            for entry in COMMANDS
        ],
        "files": [file_words(file) for file in state.files.all()],
    }


def message_words(message: Message) -> Json:
    """A message and where it stands."""
    body = message.to_json()
    return body | {"channel": message.channel, "bot": message.bot, "reader": message.reader}


def file_words(file: File) -> Json:
    """A file; its address is of this server, whatever name the reader called it by."""
    return {
        "id": file.id,
        "name": file.name,
        "title": file.title,
        "alt": file.alt_text,
        "mimetype": file.mimetype,
        "size": file.length,
        "url": f"/files/{file.id}/{quote(file.name)}",
    }


def view_words(view: View) -> Json:
    """A modal or a Home."""
    return view.to_json()


def log_words(lines: Sequence[str], secrets: Sequence[str]) -> Json:
    """Lines of the log, as golive would show them."""
    return {"t": "log", "lines": [harmless(mask(line, secrets), 400) for line in lines]}


def figure_words(figures: Sequence[Figure]) -> Json:
    """The database in numbers."""
    return {"t": "figures", "list": [{"label": f.label, "value": f.value} for f in figures]}


def pace_words(now: float, speed: Speed, since: float) -> Json:
    """The simulated clock and its pace."""
    return {
        "t": "clock",
        "now": now,
        "since": since,
        "speed": speed.now,
        "chosen": speed.chosen,
        "why": speed.why,
    }


def entry_words(entry: Entry) -> Json | None:
    """One thing that passed between the bot and the workspace; None for what is not shown."""
    if entry.kind in _ANSWERS:
        failed = entry.kind is Traffic.LOST or mapping(entry.body).get("ok") is False
        return {
            "about": entry.about,
            "ref": entry.ref,
            "status": entry.status,
            "error": str(entry.body.get("error", "lost")) if failed else "",
        }
    if entry.kind not in _SHOWN:
        return None
    return {
        "n": entry.number,
        "kind": str(entry.kind),
        "name": _NAMES.get(entry.kind, entry.name),
        "at": entry.at.timestamp(),
        "says": _summary(entry),
        "ref": entry.ref,
        "body": json.dumps(entry.body, ensure_ascii=False, indent=1)[:_BODY],
    }


def _summary(entry: Entry) -> str:
    """The few words by which somebody recognises a call."""
    body = entry.body
    if entry.kind is Traffic.ENVELOPE:
        payload = mapping(body.get("payload"))
        actions = [str(mapping(a).get("action_id", "")) for a in sequence(payload.get("actions"))]
        typed = f"{payload.get('command', '')} {payload.get('text', '')}".strip()
        return typed or ", ".join(actions) or str(payload.get("type", ""))
    text = str(body.get("text") or body.get("name") or body.get("user") or "")
    return text.partition("\n")[0][:120]
