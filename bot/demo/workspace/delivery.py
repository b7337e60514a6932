"""How something reaches the bot: over a socket or by signed HTTP, and again if nobody acks."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal, Protocol, TypeAlias

from bot.demo.workspace.values import Json, Now

EnvelopeType: TypeAlias = Literal["slash_commands", "interactive", "events_api"]

_RETRIES = (timedelta(seconds=3), timedelta(minutes=1), timedelta(minutes=5))
"""When an event that nobody acked is sent again, after it was sent first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """Something for the bot."""

    id: str
    type: EnvelopeType
    payload: Json
    accepts_response_payload: bool
    retry_num: int = 0
    retry_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """The bot's word that it has an envelope.

    Attributes:
        at: when, by the workspace's clock.
        seconds: real seconds since it was sent.
        payload: what it answered, if anything.
    """

    at: datetime
    seconds: float
    payload: Json | None


class NoRouteError(Exception):
    """The bot is not there: no socket, or its URL does not answer with 200."""


class Route(Protocol):
    """A way to the bot."""

    async def send(self, envelope: Envelope) -> asyncio.Future[Ack]:
        """Send it; the future is the ack.

        Raises:
            NoRouteError: nobody is there to take it.
        """
        ...


@dataclass(slots=True, kw_only=True)
class _Pending:
    envelope: Envelope
    first: datetime
    sent: int
    acks: list[asyncio.Future[Ack]] = field(default_factory=list[asyncio.Future[Ack]])

    @property
    def acked(self) -> bool:
        ended = [ack for ack in self.acks if ack.done() and not ack.cancelled()]
        return any(ack.exception() is None for ack in ended)


class Delivery:
    """Sends envelopes by the route of the moment, and events again until they are acked.

    Args:
        now: the clock, in UTC.
        route: how they go.
    """

    def __init__(self, now: Now, route: Route) -> None:
        self._now = now
        self.route = route
        self._pending: list[_Pending] = []

    async def send(self, envelope: Envelope) -> asyncio.Future[Ack]:
        """Send a command or an interaction: once."""
        return await self.route.send(envelope)

    async def send_event(self, envelope: Envelope) -> asyncio.Future[Ack] | None:
        """Send an event; it is sent again later if nobody acks. None if nobody is there now."""
        pending = _Pending(envelope=envelope, first=self._now(), sent=0)
        self._pending.append(pending)
        return await self._attempt(pending, "")

    async def tick(self) -> int:
        """Send again every event that is due; returns how many were."""
        due = 0
        self._pending = [p for p in self._pending if not p.acked]
        for pending in tuple(self._pending):
            number = pending.sent - 1
            if number >= len(_RETRIES):
                self._pending.remove(pending)
            elif self._now() - pending.first >= _RETRIES[number]:
                due += 1
                await self._attempt(pending, "timeout")
        return due

    async def _attempt(self, pending: _Pending, reason: str) -> asyncio.Future[Ack] | None:
        number = pending.sent
        pending.sent += 1
        envelope = replace(pending.envelope, retry_num=number, retry_reason=reason)
        try:
            ack = await self.route.send(envelope)
        except NoRouteError:
            return None
        pending.acks.append(ack)
        return ack
