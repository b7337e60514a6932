"""What happens in the application: one typed value an event, with its instants.

The log writer, the row writer and the true counts are all derived from these values, so they agree
by construction. Instants are aware and in UTC; durations are seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from bot.demo.world import Conversation, Unit, User

ANON = "anon"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One HTTP request and its response.

    path:   as the application logs it, with the webhook secret masked
    raw:    as a proxy sees it, where that differs
    status: None when the client hung up, which leaves a request without a response
    """

    id: str
    at: datetime
    seconds: float
    method: str
    path: str
    ip: str
    status: int | None = 200
    unit: str = ANON
    user: str = ANON
    raw: str | None = None

    @property
    def ends(self) -> datetime:
        """When the response goes out."""
        return self.at + timedelta(seconds=self.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The process starts."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The platform asks GET /health."""

    http: Exchange


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """POST /admin/login; 401 for a wrong password."""

    http: Exchange
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A request of somebody logged in, whatever its status."""

    http: Exchange
    user: User


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A request without a valid token (401)."""

    http: Exchange
    why: Literal["Missing authorization header", "Invalid or expired token"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossTenant:
    """Somebody reaches for another unit and is stopped (403)."""

    http: Exchange
    user: User
    requested: Unit
    configure: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimited:
    """A request over the limit (429)."""

    http: Exchange


@dataclass(frozen=True, slots=True, kw_only=True)
class HungUp:
    """A client that hangs up before the answer: `http.status` is None."""

    http: Exchange
    user: User


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """A customer's message arrives and is stored; `message` is its row id.

    new: the first of this conversation, which makes contact, lead and conversation too
    """

    http: Exchange
    conversation: Conversation
    message: str
    external_id: str
    text: str
    new: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Echo:
    """Evolution reports the application's own outgoing message; it is dropped."""

    http: Exchange
    unit: Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundFailed:
    """A message is lost behind HTTP 200."""

    http: Exchange
    unit: Unit
    error: str = "Cannot read properties of undefined (reading 'remoteJid')"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChanged:
    """WhatsApp reports a sent message as delivered or read."""

    http: Exchange
    unit: Unit
    external_id: str
    status: Literal["delivered", "read"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionChanged:
    """A unit's WhatsApp connection changes its status."""

    http: Exchange
    unit: Unit
    status: Literal["connected", "disconnected", "qr"]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownInstance:
    """A webhook that belongs to no unit."""

    http: Exchange
    instance: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try to send; `error` None when Evolution took it."""

    at: datetime
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbound:
    """POST /messages: up to three attempts.

    message: the row's id; log_id: the id in its log lines, which is another one
    external_id: WhatsApp's id; None when all attempts failed
    """

    http: Exchange
    user: User
    conversation: Conversation
    message: str
    log_id: str
    text: str
    attempts: tuple[Attempt, ...]
    external_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitSend:
    """POST /units/…/whatsapp/send fails and dumps the whole error, Evolution's key included."""

    http: Exchange
    user: User
    phone: str
    text: str
    upstream: int
    apikey: str
    evolution: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Requeued:
    """The requeue worker marks failed messages as sent without sending them."""

    at: datetime
    messages: tuple[Outbound, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """A campaign and its recipients: (recipient id, conversation of the contact)."""

    id: str
    unit: Unit
    name: str
    recipients: tuple[tuple[str, Conversation], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignCreated:
    """POST /api/campaigns."""

    http: Exchange
    user: User
    campaign: Campaign


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignStarted:
    """POST /api/campaigns/…/dispatch: the worker begins."""

    http: Exchange
    user: User
    campaign: Campaign


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignSend:
    """One recipient's message; a success leaves no line in the log."""

    at: datetime
    recipient: str
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignFinished:
    """The worker is through."""

    at: datetime
    campaign: Campaign
    sent: int
    failed: int


HttpEvent: TypeAlias = (
    Health
    | Login
    | Page
    | Refused
    | CrossTenant
    | RateLimited
    | HungUp
    | Inbound
    | Echo
    | InboundFailed
    | StatusChanged
    | ConnectionChanged
    | UnknownInstance
    | Outbound
    | UnitSend
    | CampaignCreated
    | CampaignStarted
)
Event: TypeAlias = HttpEvent | Started | Requeued | CampaignSend | CampaignFinished


def begins(event: Event) -> datetime:
    """The instant at which an event begins."""
    match event:
        case Started() | Requeued() | CampaignSend() | CampaignFinished():
            return event.at
        case _:
            return event.http.at
