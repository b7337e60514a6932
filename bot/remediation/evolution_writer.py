"""The one call that golive writes to Evolution with: where an instance sends its webhooks."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from checks.diagnosis.facts import NEEDED_EVENTS
from checks.sources.evolution import Call, Failure, Server, Transport
from checks.sources.evolution.failures import not_evolution


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """An instance's webhook with all that `set` writes. The address ends in a secret."""

    url: str = field(repr=False)
    enabled: bool = True
    events: tuple[str, ...] = NEEDED_EVENTS
    by_events: bool = False
    base64: bool = False

    def at(self, url: str) -> Webhook:
        """The same, sent to another address."""
        return replace(self, url=url)


class _Row(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True, frozen=True)

    url: str | None = Field(default=None, repr=False)
    enabled: bool | None = None
    events: tuple[str, ...] | None = None
    by_events: bool | None = Field(default=None, alias="webhookByEvents")
    base64: bool | None = Field(default=None, alias="webhookBase64")


_ROW: Final = TypeAdapter(_Row | None)


class EvolutionWriter:
    """Finds and sets webhooks; trouble is an answer, never an exception.

    transport: carries the calls; its maker closes it.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def find(self, server: Server, instance: str) -> Webhook | Failure | None:
        """GET /webhook/find; None where no webhook was ever set."""
        call = Call(method="GET", path=("webhook", "find", instance), instance=instance)
        reply = await self._transport.send(server, call)
        if isinstance(reply, Failure):
            return reply
        try:
            row = _ROW.validate_python(reply.body)
        except ValidationError:
            return not_evolution(server, reply.status)
        if row is None or row.url is None:
            return None
        return Webhook(
            url=row.url,
            enabled=bool(row.enabled),
            events=row.events or (),
            by_events=bool(row.by_events),
            base64=bool(row.base64),
        )

    async def set(self, server: Server, instance: str, webhook: Webhook) -> Failure | None:
        """POST /webhook/set; None where it was taken.

        `events` is always sent: without it Evolution answers 500; an empty list means all. Headers
        are left out, which keeps them as they are.
        """
        call = Call(
            method="POST",
            path=("webhook", "set", instance),
            instance=instance,
            body={
                "webhook": {
                    "enabled": webhook.enabled,
                    "url": webhook.url,
                    "events": list(webhook.events),
                    "byEvents": webhook.by_events,
                    "base64": webhook.base64,
                }
            },
        )
        reply = await self._transport.send(server, call)
        return reply if isinstance(reply, Failure) else None
