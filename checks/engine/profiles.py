"""Log profiles as runbook.yaml writes them: how one application's log carries its signals.

A profile is data. `patterns` here are written in the dialect that Hyperscan and RE2 share (no
lookaround, no back-references), `^` is the start of a line after any platform prefix.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

RESPONSE_SIGNALS = ("http_responses", "http_5xx", "http_401", "http_403", "http_429")
"""Signals that come from the status field of a response record, in every profile that has one."""

INTERNAL_SIGNALS = ("http_health", "http_health_5xx")
"""Counted to keep the health probe's own traffic out of the error rate; not in the interface."""

EVENT_SIGNALS = (
    "webhooks",
    "unknown_instance",
    "masked",
    "inbound_created",
    "inbound_dropped",
    "inbound_failed",
    "send_ok",
    "send_attempt_failed",
    "send_given_up",
    "retry",
    "cross_tenant_blocked",
    "connection_up",
    "connection_down",
    "campaign_started",
    "campaign_finished",
)
"""Signals that a profile defines by a pattern; `secret_leak` has built-in shapes."""

SIGNALS = (*RESPONSE_SIGNALS, *INTERNAL_SIGNALS, *EVENT_SIGNALS, "secret_leak")

PUBLIC_SIGNALS = tuple(signal for signal in SIGNALS if signal not in INTERNAL_SIGNALS)
"""The signals that scripts may rely on."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SignalSpec(_Strict):
    """One event signal: its pattern and a line that must match it, checked at start.

    The named groups `id` (a message row's id), `unit` and `campaign` are kept where a pattern has
    them.
    """

    pattern: str
    example: str


class PairedResponses(_Strict):
    """Requests and responses as records of their own, joined by an id.

    Each is a literal: `request` and `response` begin the record's first line, `id` and `status`
    stand directly before the value. An id ends at a quote, a comma, a blank or a brace.

    `unit` and `client` stand before whom a request was for; of several clients the first counts
    that is written in the response, else in its request. A value that is `nobody` names no one.
    """

    kind: Literal["paired"]
    request: str
    response: str
    id: str
    status: str
    example: str
    unit: str | None = None
    client: tuple[str, ...] = ()
    nobody: str | None = None


class LineResponses(_Strict):
    """One response a line. `pattern` has the groups `status`, `path` and, where present, `time`.

    `status_after` is the literal directly before the status digits, from the quote that ends the
    request on; with it the lines of a whole block are read at once.
    """

    kind: Literal["line"]
    pattern: str
    example: str
    status_after: str | None = None


class JsonResponses(_Strict):
    """One JSON object a line; each entry lists the paths to try, in order (`res.statusCode`).

    Event patterns are matched against the `message` field. `client` and `unit` tell whom a request
    was for.
    """

    kind: Literal["json"]
    status: tuple[str, ...]
    path: tuple[str, ...]
    time: tuple[str, ...]
    message: tuple[str, ...]
    example: str
    client: tuple[str, ...] = ()
    unit: tuple[str, ...] = ()


class ProfileSpec(_Strict):
    """How one application writes its log.

    recognise: a line that belongs to this profile matches it; sampling decides by the share.
    signals_of: take the event signals of another profile (for the same application behind a
        different logger).
    masks: whether the writer can mask a secret; an access log cannot.
    """

    about: str
    recognise: str
    responses: Annotated[
        PairedResponses | LineResponses | JsonResponses, Field(discriminator="kind")
    ]
    health_path: str = "/health"
    signals_of: str | None = None
    signals: dict[str, SignalSpec] = Field(default_factory=dict)
    masks: bool = True
