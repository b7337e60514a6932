"""What the bot sends to Slack's stand-in, heard as it passes."""

from __future__ import annotations

import json

from bot.demo.workspace.journal import Entry, Journal, Traffic
from tests.support.secrecy.heard import hear

_FROM_THE_BOT = {Traffic.CALL, Traffic.ACK, Traffic.RESPONSE_URL, Traffic.UPLOAD}


def listen_to_slack() -> None:
    """Hear all that the bot sends to any workspace of this process from now on.

    That is what it calls the Web API with, files, and what it answers to envelopes and commands;
    not its tokens, which the workspace keeps apart, and not what people type.
    """
    if _sent not in Journal.witnesses:
        Journal.witnesses.append(_sent)


def _sent(entry: Entry, content: bytes) -> None:
    if entry.kind not in _FROM_THE_BOT:
        return
    place = f"Slack: {entry.kind} {entry.name if entry.kind is Traffic.CALL else ''}".rstrip()
    hear(place, json.dumps(entry.body, ensure_ascii=False))
    if content:
        hear(place, content.decode("utf-8", "replace"))
