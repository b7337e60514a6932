"""The read-only Evolution API: the three calls whose answers do not depend on its version."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from pydantic import ValidationError

from checks.sources.evolution.answers import (
    Instance,
    LinkState,
    Webhook,
    read_instances,
    read_state,
    read_webhook,
)
from checks.sources.evolution.failures import Failure, not_evolution
from checks.sources.evolution.server import Server
from checks.sources.evolution.transport import Call, Transport

_T = TypeVar("_T")


class Evolution(Protocol):
    """Evolution servers, as a diagnosis sees them. Trouble is an answer, never an exception."""

    async def instances(self, server: Server) -> tuple[Instance, ...] | Failure:
        """All instances that the key may see. This is the call that tests a key."""
        ...

    async def state(self, server: Server, instance: str) -> LinkState | Failure:
        """Whether an instance is linked. An unknown one is a failure, even with a wrong key."""
        ...

    async def webhook(self, server: Server, instance: str) -> Webhook | Failure | None:
        """Where an instance sends its events; None where that was never set."""
        ...


class EvolutionClient:
    """`Evolution` over HTTP, on a transport that its maker closes."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def instances(self, server: Server) -> tuple[Instance, ...] | Failure:
        """GET /instance/fetchInstances."""
        call = Call(method="GET", path=("instance", "fetchInstances"))
        return await self._read(server, call, read_instances)

    async def state(self, server: Server, instance: str) -> LinkState | Failure:
        """GET /instance/connectionState/{instance}."""
        path = ("instance", "connectionState", instance)
        return await self._read(
            server, Call(method="GET", path=path, instance=instance), read_state
        )

    async def webhook(self, server: Server, instance: str) -> Webhook | Failure | None:
        """GET /webhook/find/{instance}."""
        path = ("webhook", "find", instance)
        return await self._read(
            server, Call(method="GET", path=path, instance=instance), read_webhook
        )

    async def _read(self, server: Server, call: Call, read: Callable[[object], _T]) -> _T | Failure:
        reply = await self._transport.send(server, call)
        if isinstance(reply, Failure):
            return reply
        try:
            return read(reply.body)
        except ValidationError:
            return not_evolution(server, reply.status)
