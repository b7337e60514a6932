"""How often every signal truly occurs in a list of events, counted from the events themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from bot.demo.events import (
    CampaignFinished,
    CampaignSend,
    CampaignStarted,
    ConnectionChanged,
    CrossTenant,
    Echo,
    Event,
    Exchange,
    Inbound,
    InboundFailed,
    Outbound,
    Page,
    Requeued,
    Started,
    StatusChanged,
    UnitSend,
    UnknownInstance,
)
from bot.demo.formats import Format, Layout
from tests.support.hours import FORMATS

RESPONSES = ("http_responses", "http_5xx", "http_401", "http_403", "http_429")
EVENTS = (
    "webhooks",
    "unknown_instance",
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
LINES = ("masked", "secret_leak")

_PROXIES = (Layout.NGINX, Layout.MORGAN)
_KEY_LINES = 3
"""Lines of a dumped error that carry Evolution's key; behind a JSON logger the dump is one line."""


def carried(style: Format | str) -> tuple[str, ...]:
    """The signals that a format can show at all."""
    form = FORMATS[style] if isinstance(style, str) else style
    if form.layout in _PROXIES:
        return (*RESPONSES, "secret_leak")
    return (*RESPONSES, *EVENTS, *LINES)


def true_counts(events: Iterable[Event], style: Format | str) -> dict[str, int]:
    """Signal → events of it (lines, for `masked` and `secret_leak`) in the log of that format."""
    form = FORMATS[style] if isinstance(style, str) else style
    total: Counter[str] = Counter()
    for event in events:
        total.update(_signals(event))
        match event:
            case Started() | Requeued() | CampaignSend() | CampaignFinished():
                pass
            case _:
                total.update(_responses(event.http))
                total["masked"] += _masked(event.http)
        total["secret_leak"] += _leaks(event, form.layout)
    return {signal: total[signal] for signal in carried(form)}


def _signals(event: Event) -> dict[str, int]:  # noqa: C901, PLR0911 - one line an event
    match event:
        case Inbound():
            return {"webhooks": 1, "inbound_created": 1}
        case Echo():
            return {"webhooks": 1, "inbound_dropped": 1}
        case InboundFailed():
            return {"webhooks": 1, "inbound_failed": 1}
        case StatusChanged():
            return {"webhooks": 1}
        case ConnectionChanged():
            name = {"connected": "connection_up", "disconnected": "connection_down"}
            return {"webhooks": 1, name.get(event.status, "qr"): 1}
        case UnknownInstance():
            return {"unknown_instance": 1}
        case Outbound():
            return _sends(event)
        case CrossTenant():
            return {"cross_tenant_blocked": 1}
        case CampaignStarted():
            return {"campaign_started": 1}
        case CampaignFinished():
            return {"campaign_finished": 1}
        case _:
            return {}


def _sends(event: Outbound) -> dict[str, int]:
    failed = sum(attempt.error is not None for attempt in event.attempts)
    sent = event.external_id is not None
    return {
        "send_ok": int(sent),
        "send_given_up": int(not sent),
        "send_attempt_failed": failed,
        "retry": len(event.attempts) - 1,
    }


def _responses(http: Exchange) -> dict[str, int]:
    match http.status:
        case None:
            return {}
        case 401 | 403 | 429:
            return {"http_responses": 1, f"http_{http.status}": 1}
        case status if 500 <= status <= 599:
            return {"http_responses": 1, "http_5xx": 1}
        case _:
            return {"http_responses": 1}


def _masked(http: Exchange) -> int:
    return (1 if http.status is None else 2) if "[MASKED]" in http.path else 0


def _leaks(event: Event, layout: Layout) -> int:
    proxy = layout in _PROXIES
    match event:
        case Started() | Requeued() | CampaignSend() | CampaignFinished():
            return 0
        case UnitSend():
            return 0 if proxy else _KEY_LINES if layout is Layout.CONSOLE else 1
        case Page() if "?token=" in event.http.path:
            return 1 if proxy else 2
        case _:
            # what the application masks, its proxy writes as it came
            return int(proxy and event.http.raw is not None and event.http.status is not None)
