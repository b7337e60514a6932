"""Evolution's answers, read into plain values. Nothing but the fields named here is kept.

An answer of `fetchInstances` carries each instance's `token`, and a webhook its headers: neither
is read. A validation error quotes nothing of its input.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field, TypeAdapter


class LinkState(StrEnum):
    """Whether an instance is linked to a phone. UNKNOWN: the answer carries no state."""

    OPEN = "open"
    CONNECTING = "connecting"
    CLOSE = "close"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One instance of a server."""

    name: str
    state: LinkState


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Where an instance sends its events. The address ends in the connection's secret.

    events: empty means all
    by_events: whether the event is appended to the path
    """

    url: str = field(repr=False)
    enabled: bool
    events: tuple[str, ...]
    by_events: bool


class _Answer(BaseModel):
    model_config = ConfigDict(
        extra="ignore", hide_input_in_errors=True, frozen=True, populate_by_name=True
    )


class _StateOfInstance(_Answer):
    state: str | None = None


class _StateAnswer(_Answer):
    instance: _StateOfInstance


class _InstanceAnswer(_Answer):
    # Version 1 wraps each row in `instance`; version 2 does not.
    name: str | None = Field(
        default=None,
        validation_alias=AliasChoices("name", AliasPath("instance", "instanceName")),
    )
    state: str | None = Field(
        default=None,
        validation_alias=AliasChoices(
            "connectionStatus", AliasPath("instance", "state"), AliasPath("instance", "status")
        ),
    )


class _WebhookAnswer(_Answer):
    url: str | None = Field(default=None, repr=False)
    enabled: bool | None = None
    events: tuple[str, ...] | None = None
    by_events: bool | None = Field(
        default=None, validation_alias=AliasChoices("webhookByEvents", "webhook_by_events")
    )


_INSTANCES = TypeAdapter(tuple[_InstanceAnswer, ...])
_WEBHOOK = TypeAdapter(_WebhookAnswer | None)


def read_state(body: object) -> LinkState:
    """The state that `connectionState` tells.

    Raises:
        ValidationError: the body has another form.
    """
    return _state(_StateAnswer.model_validate(body).instance.state)


def read_instances(body: object) -> tuple[Instance, ...]:
    """The instances that `fetchInstances` lists.

    Raises:
        ValidationError: the body has another form.
    """
    rows = _INSTANCES.validate_python(body)
    return tuple(Instance(name=r.name, state=_state(r.state)) for r in rows if r.name is not None)


def read_webhook(body: object) -> Webhook | None:
    """The row that `webhook/find` shows; None where no webhook was ever set.

    Raises:
        ValidationError: the body has another form.
    """
    row = _WEBHOOK.validate_python(body)
    if row is None or row.url is None:
        return None
    return Webhook(
        url=row.url,
        enabled=bool(row.enabled),
        events=row.events or (),
        by_events=bool(row.by_events),
    )


def _state(word: str | None) -> LinkState:
    try:
        return LinkState(word or "")
    except ValueError:
        return LinkState.UNKNOWN
