"""App Home: who may see what is asked first, then the desk; and it is kept current."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from datetime import timedelta
from typing import Final

import structlog

from bot.clock import Clock, Timer
from bot.desk import Desk
from bot.render.wire import view_payload
from bot.slack.access import Access
from bot.slack.gateway import Gateway

READERS: Final = 50
"""Of so many people, who opened it last, the Home is kept current."""
SETTLE: Final = timedelta(seconds=2)
"""So long news is gathered before it is shown: what a point changes, it changes at once."""

_JOB: Final = "home"

_log = structlog.get_logger(__name__)


class Homes:
    """The Homes of those who opened theirs since this process began.

    Args:
        desk: says what a Home shows.
        access: says who may see what.
        gateway: publishes, within Slack's limit for views.
        clock, timer: give the instant and call back at one.
    """

    def __init__(
        self, *, desk: Desk, access: Access, gateway: Gateway, clock: Clock, timer: Timer
    ) -> None:
        self._desk = desk
        self._access = access
        self._gateway = gateway
        self._clock = clock
        self._timer = timer
        self._readers: OrderedDict[str, None] = OrderedDict()
        self._due = False
        self._ended = False
        self._publishing: asyncio.Task[None] | None = None

    async def show(self, user: str) -> None:
        """Publish what somebody may see in their Home, now and whenever it changes."""
        self._readers[user] = None
        self._readers.move_to_end(user)
        if len(self._readers) > READERS:
            self._readers.popitem(last=False)
        await self._publish(user)

    def changed(self) -> None:
        """What Homes show has changed: publish them anew, soon and once for all news until then."""
        if self._readers and not self._due and not self._ended:
            self._due = True
            self._timer.at(self._clock.now() + SETTLE, _JOB, self._refresh)

    async def end(self) -> None:
        """Publish nothing more."""
        self._ended = True
        self._timer.cancel(_JOB)
        if self._publishing is not None:
            self._publishing.cancel()
            await asyncio.wait({self._publishing})

    async def _refresh(self) -> None:
        """Begin to publish; what is still under way shows what is old by now."""
        self._due = False
        if self._ended:
            return
        if self._publishing is not None:
            self._publishing.cancel()
        self._publishing = asyncio.create_task(self._publish_all(), name=_JOB)

    async def _publish_all(self) -> None:
        for user in reversed(tuple(self._readers)):
            try:
                await self._publish(user)
            except Exception as error:  # noqa: BLE001 - nobody waits for it; the next news shows it
                _log.warning("a Home is not current", user=user, error=type(error).__name__)

    async def _publish(self, user: str) -> None:
        standing = await self._access.standing(user)
        view = await self._desk.home(user, standing.role)
        await self._gateway.publish_home(user, view_payload(view))
