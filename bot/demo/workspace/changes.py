"""What happened in the workspace, for those who follow it live."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from bot.demo.workspace.files import File
from bot.demo.workspace.messages import Message
from bot.demo.workspace.views import View


class Kind(StrEnum):
    """What changed."""

    POSTED = "posted"
    UPDATED = "updated"
    DELETED = "deleted"
    EPHEMERAL = "ephemeral"
    VIEW_OPENED = "view_opened"
    VIEW_UPDATED = "view_updated"
    VIEW_CLOSED = "view_closed"
    HOME_PUBLISHED = "home_published"
    FILE = "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change; what it is about stands in the field of its kind."""

    kind: Kind
    message: Message | None = None
    view: View | None = None
    file: File | None = None


Observer: TypeAlias = Callable[[Change], None]


class Changes:
    """Tells every observer of every change, in order."""

    def __init__(self) -> None:
        self._observers: list[Observer] = []

    def subscribe(self, observer: Observer) -> Callable[[], None]:
        """Call an observer at every change, until the returned function is called."""
        self._observers.append(observer)

        def unsubscribe() -> None:
            if observer in self._observers:
                self._observers.remove(observer)

        return unsubscribe

    def tell(self, change: Change) -> None:
        """Report a change."""
        for observer in tuple(self._observers):
            observer(change)

    def follow(self) -> AsyncGenerator[Change, None]:
        """Every change from this moment on, until the generator is closed."""
        queue: asyncio.Queue[Change] = asyncio.Queue()
        return _drain(queue, self.subscribe(queue.put_nowait))


async def _drain(
    queue: asyncio.Queue[Change], unsubscribe: Callable[[], None]
) -> AsyncGenerator[Change, None]:
    try:
        while True:
            yield await queue.get()
    finally:
        unsubscribe()
