"""Sending an instance's events to its webhook, as often as Evolution does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import ClientError, ClientSession

from bot.demo.evolution.model import InstanceRow
from checks.engine.model import Json

TRIES = 10
_FINAL = frozenset({400, 401, 403, 404, 422})
_PAUSE = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What became of one event: how often it was sent, and the last status (None: no answer)."""

    tries: int
    status: int | None

    @property
    def arrived(self) -> bool:
        """Whether the application took it."""
        return self.status is not None and self.status < 300


async def deliver(
    session: ClientSession,
    instance: InstanceRow,
    event: str,
    data: Json,
    *,
    sleep: Callable[[float], Awaitable[None]],
) -> Delivery | None:
    """Send one event to the instance's webhook; None where it has none for this event.

    Args:
        session: what sends it.
        instance: whose event it is.
        event: in capitals, such as CONNECTION_UPDATE.
        data: what the event carries.
        sleep: waits between two tries.
    """
    row = instance.webhook
    if row is None or not row.enabled or event not in row.events:
        return None
    url = row.url + (f"/{event.lower().replace('_', '-')}" if row.by_events else "")
    body = {
        "event": event.lower().replace("_", "."),
        "instance": instance.name,
        "data": data,
        "destination": row.url,
    }
    headers = {name: str(value) for name, value in row.headers.items()}
    status: int | None = None
    for tries in range(1, TRIES + 1):
        try:
            async with session.post(url, json=body, headers=headers) as response:
                status = response.status
        except (ClientError, TimeoutError):
            status = None
        if status is not None and (status < 300 or status in _FINAL):
            return Delivery(tries=tries, status=status)
        if tries < TRIES:
            await sleep(_PAUSE)
    return Delivery(tries=TRIES, status=status)
