"""Events as the application prints them: Node's console.* and util.inspect, no times.

One event becomes one or more records; a record is what one console call prints, so its lines are
never interleaved with another record's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.demo.events import (
    Attempt,
    CampaignCreated,
    CampaignFinished,
    CampaignSend,
    CampaignStarted,
    ConnectionChanged,
    CrossTenant,
    Echo,
    Event,
    Exchange,
    Health,
    HttpEvent,
    HungUp,
    Inbound,
    InboundFailed,
    Login,
    Outbound,
    Page,
    RateLimited,
    Refused,
    Requeued,
    Started,
    StatusChanged,
    UnitSend,
    UnknownInstance,
)
from bot.demo.node import Raw, Value, axios_error, inspect
from bot.demo.world import Unit, User

REASONS = {
    400: ("Bad Request", "{ message: [ [Object] ] }"),
    401: ("Unauthorized", "{ message: 'Unauthorized' }"),
    429: ("Too Many Requests", "{ message: [ 'rate-overlimit' ] }"),
    500: ("Internal Server Error", "{ message: [ 'Error: Timed Out' ] }"),
}
"""What Evolution says with a status: the error, and its body as util.inspect prints it."""

_STATUS_CODE = "Request failed with status code "
_STACK = tuple(
    f"    at {place}"
    for place in (
        "MessageHandlerService.normalize "
        "(file:///srv/crm/backend/services/whatsapp/messageHandler.service.js:344:32)",
        "MessageHandlerService.handleIncoming "
        "(file:///srv/crm/backend/services/whatsapp/messageHandler.service.js:15:37)",
        "file:///srv/crm/backend/routes/whatsappWebhook.js:107:56",
        "process.processTicksAndRejections (node:internal/process/task_queues:95:5)",
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What one console call prints. `request` or `response` is set for [REQ] and [RES]."""

    at: datetime
    lines: tuple[str, ...]
    request: Exchange | None = None
    response: Exchange | None = None


def records(event: Event) -> Iterator[Record]:
    """The records that an event prints, in the order of their instants."""
    match event:
        case Started():
            for text in (
                "Supabase client initialized",
                "[INFO] [requeueWorker] started",
                "🚀 Backend rodando na porta 53000",
            ):
                yield Record(at=event.at, lines=(text,))
        case Requeued():
            yield from _requeued(event)
        case CampaignSend():
            if event.error is not None:
                yield Record(at=event.at, lines=_send_error(event.error))
                failed = f"[Campaign] Failed for recipient {event.recipient}: {event.error}"
                yield Record(at=event.at, lines=(failed,))
        case CampaignFinished():
            text = f"Finished dispatch. Success: {event.sent}, Failed: {event.failed}"
            yield Record(at=event.at, lines=(f"[INFO] [Campaign] {text}",))
        case _:
            yield from _exchange(event)


def _exchange(event: HttpEvent) -> Iterator[Record]:
    http = event.http
    head = f"{http.method} {http.path}"
    asked = inspect(f"[INFO] [REQ] {head}", {"requestId": http.id, "ip": http.ip})
    yield Record(at=http.at, lines=asked, request=http)
    if isinstance(event, Outbound):
        yield from _outbound(event)
    else:
        said = http.at + timedelta(seconds=http.seconds / 2)
        for lines in _inside(event):
            yield Record(at=said, lines=lines)
    if http.status is None:
        return
    fields: dict[str, Value] = {
        "requestId": http.id,
        "status": http.status,
        "duration": round(http.seconds * 1000),
        "unitId": http.unit,
        "userId": http.user,
    }
    yield Record(at=http.ends, lines=inspect(f"[INFO] [RES] {head}", fields), response=http)
    if isinstance(event, CampaignStarted):
        found = f"[INFO] [Campaign] Found {len(event.campaign.recipients)} pending recipients"
        yield Record(at=http.ends, lines=(found,))


def _inside(event: HttpEvent) -> Iterator[tuple[str, ...]]:  # noqa: C901 - one case an event
    match event:
        case Health():
            pass
        case Login():
            fields = {"email": event.email, "hasPassword": True, "contentType": "application/json"}
            yield inspect("[Auth] Login attempt:", fields)
        case Refused():
            yield (f"[SECURITY] Auth Failed: unknown - {event.why}",)
        case RateLimited():
            yield _rate_limit(event.http)
        case Page() | HungUp() | CampaignCreated():
            yield _auth(event.user)
        case CrossTenant():
            yield from _cross_tenant(event)
        case UnitSend():
            yield _auth(event.user)
            yield _send_error(f"{_STATUS_CODE}{event.upstream}")
            yield _dump(event)
        case CampaignStarted():
            yield _auth(event.user)
            yield (f"[INFO] [Campaign] Starting dispatch for {event.campaign.id}",)
        case UnknownInstance():
            unknown = f"Unknown instance: {event.instance}"
            yield (f"[Webhook:no-id] {unknown}, provider: evolution",)
            yield (f"[SECURITY] Auth Failed: webhook_no-id - {unknown}",)
        case Inbound():
            yield _received(event.conversation.unit)
            yield from _webhook(event)
        case Echo() | InboundFailed() | StatusChanged() | ConnectionChanged():
            yield _received(event.unit)
            yield from _webhook(event)
        case Outbound():
            raise AssertionError("the attempts of a send have instants of their own")


def _webhook(
    event: Inbound | Echo | InboundFailed | StatusChanged | ConnectionChanged,
) -> Iterator[tuple[str, ...]]:
    handler = "[INFO] [MessageHandler]"
    match event:
        case Inbound():
            talk = event.conversation
            where = f"(Unit: {talk.unit.id}, Provider: evolution)"
            yield (f"{handler} New message from {talk.phone} {where}",)
            yield (f"[Webhook:no-id] Message created: {event.message}",)
        case Echo():
            yield ("[Webhook:no-id] Message created: undefined",)
        case InboundFailed():
            yield (f"[ERROR] [MessageHandler] Error: TypeError: {event.error}", *_STACK)
            fields = {"error": event.error, "provider": "evolution", "stack": Raw("undefined")}
            yield inspect("[Webhook:no-id] Processing error:", fields)
        case StatusChanged():
            yield ("[Webhook:no-id] Message status updated",)
        case ConnectionChanged():
            yield (
                f"{handler} Updating connection status for unit {event.unit.id}: {_state(event)}",
            )
            yield (f"[Webhook:no-id] Status updated for unit {event.unit.id}",)


def _state(event: ConnectionChanged) -> str:
    reason = {
        "connected": "scan_completed",
        "disconnected": "disconnected",
        "qr": "waiting_scan",
    }[event.status]
    has_qr = str(event.status == "qr").lower()
    return f"{{ status: '{event.status}', reason: '{reason}', hasQr: {has_qr} }}"


def _outbound(event: Outbound) -> Iterator[Record]:
    label = f"[Message:{event.log_id}]"
    yield Record(at=event.http.at, lines=_auth(event.user))
    for number, attempt in enumerate(event.attempts, start=1):
        for lines in _attempt(label, number, attempt, last=number == len(event.attempts)):
            yield Record(at=attempt.at, lines=lines)


def _attempt(label: str, number: int, attempt: Attempt, *, last: bool) -> Iterator[tuple[str, ...]]:
    if attempt.error is None:
        yield (f"{label} Sent successfully (attempt {number})",)
        return
    yield _send_error(attempt.error)
    yield (f"{label} Send attempt {number} failed: {attempt.error}",)
    if last:
        yield (f"{label} Failed after {number} attempts",)
    else:
        yield (f"{label} Retry {number}/3 after {1000 * number}ms",)


def _send_error(error: str) -> tuple[str, ...]:
    head = "[ERROR] [Evolution] SendMessage Error:"
    if not error.startswith(_STATUS_CODE):
        return (f"{head} {error}",)
    status = int(error.removeprefix(_STATUS_CODE))
    reason, body = REASONS[status]
    return inspect(head, {"status": status, "error": reason, "response": Raw(body)})


def _requeued(event: Requeued) -> Iterator[Record]:
    text = f"[INFO] [requeueWorker] attempting to re-send {len(event.messages)} messages"
    yield Record(at=event.at, lines=(text,))
    warning = "[WARN] [zapiService] no ZAPI_CLIENT_TOKEN configured — simulating send "
    for message in event.messages:
        yield Record(at=event.at, lines=(f"{warning}to keep system functional.",))
        fields = {
            "phone": message.conversation.phone,
            "message": message.text,
            "url": "undefined/instances/undefined/token/undefined/send-text",
        }
        lines = inspect("[INFO] [zapiService] would send to:", fields)
        yield Record(at=event.at, lines=lines)


def _rate_limit(http: Exchange) -> tuple[str, ...]:
    if http.path.startswith("/webhooks/"):
        return inspect("[WARN] Webhook rate limit exceeded", {"ip": http.ip, "provider": "unknown"})
    fields = {"ip": http.ip, "path": http.path, "method": http.method}
    return inspect("[WARN] Rate limit exceeded", fields)


def _cross_tenant(event: CrossTenant) -> Iterator[tuple[str, ...]]:
    own, other = event.user.unit.id, event.requested.id
    failed = f"[SECURITY] Auth Failed: {event.user.email} -"
    yield _auth(event.user)
    if event.configure:
        fields = {"requested": other, "userBelongsTo": own}
        yield inspect("[WhatsApp Connect] 403: Unit mismatch", fields)
        yield (f"{failed} Attempted to configure unit {other} but belongs to {own}",)
    else:
        yield (f"{failed} Cross-tenant access attempt: requested {other} but belongs to {own}",)


def _auth(user: User) -> tuple[str, ...]:
    return (f"[SECURITY] Auth Success: User {user.id} ({user.email})",)


def _received(unit: Unit) -> tuple[str, ...]:
    return (f"[WHATSAPP] Webhook received from evolution ({unit.instance})",)


def _dump(event: UnitSend) -> tuple[str, ...]:
    return axios_error(
        apikey=event.apikey,
        api=event.evolution,
        host=event.evolution.removeprefix("http://"),
        instance=event.user.unit.instance,
        number=event.phone,
        text=event.text,
        status=str(event.upstream),
        reason=REASONS[event.upstream][0],
        date=f"{event.http.ends:%a, %d %b %Y %H:%M:%S} GMT",
    )
