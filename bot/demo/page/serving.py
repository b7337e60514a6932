"""Puts the page before a show: its routes, and a clock that slows while a dialog is open."""

from __future__ import annotations

from bot.demo.pace import Pace
from bot.demo.page.server import Page
from bot.demo.place import OPERATOR
from bot.demo.show import Show
from bot.demo.workspace import Change


def serve(show: Show, pace: Pace) -> None:
    """Serve the page with the workspace; before the workspace is started."""
    page = Page(show, me=OPERATOR, speed=lambda: pace.speed, choose_speed=pace.choose)
    pace.changed.append(page.paced)
    state = show.workspace.state

    def dialogs(_change: Change) -> None:
        pace.read(on=any(state.views.stack(user.id) for user in state.users))

    state.changes.subscribe(dialogs)
