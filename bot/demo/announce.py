"""What the demo prints: how far it is, where the page is, and every post as it comes."""

from __future__ import annotations

from datetime import datetime

from rich.console import Console
from rich.text import Text

from bot.demo.place import INCIDENTS
from bot.demo.workspace import Change, Kind, Message
from bot.render.mrkdwn import plain
from bot.render.words import clean


class Announcer:
    """Prints on a console.

    Args:
        console: where to print.
        deployed_at: T+0.
    """

    def __init__(self, console: Console, deployed_at: datetime) -> None:
        self._console = console
        self._deployed_at = deployed_at

    def say(self, text: str, *, style: str = "") -> None:
        """One line of the demo's own."""
        self._console.print(Text(text, style=style))

    def told(self, change: Change) -> None:
        """A change in the workspace; posts of the bot in #incidents are printed."""
        message = change.message
        if change.kind is Kind.POSTED and message is not None and message.channel == INCIDENTS:
            self._post(message)

    def _post(self, message: Message) -> None:
        first, *rest = [plain(line) for line in message.text.splitlines()] or ["(a file)"]
        minutes = (float(message.ts) - self._deployed_at.timestamp()) // 60
        self._console.print(Text(clean(f"T+{minutes:<3.0f} {first}"), style="bold"))
        for line in rest:
            self._console.print(Text(clean(f"      {line}")))
