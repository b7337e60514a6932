"""The rows that the application writes for each event, so that its database agrees with its log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import LiteralString

from bot.demo import tables
from bot.demo.events import (
    CampaignCreated,
    CampaignFinished,
    CampaignSend,
    CampaignStarted,
    ConnectionChanged,
    Event,
    Inbound,
    Outbound,
    Requeued,
    StatusChanged,
)
from bot.demo.tables import Change
from bot.demo.world import Conversation

_STATUS: Mapping[str, LiteralString] = {
    "connected": tables.CONNECTED,
    "disconnected": tables.DISCONNECTED,
    "qr": tables.QR,
}


def rows(events: Iterable[Event]) -> list[Change]:
    """Everything that these events write, in the order of its instants."""
    return sorted((c for event in events for c in changes(event)), key=lambda change: change.at)


def changes(event: Event) -> Iterator[Change]:  # noqa: C901 - one case an event
    """What one event writes."""
    match event:
        case Inbound():
            if event.new:
                yield from conversation_rows(event.conversation, event.http.at)
            yield Change(at=event.http.at, sql=tables.RECEIVED, values=_received(event))
        case Outbound():
            yield from _outbound(event)
        case Requeued():
            ids = [sent.message for sent in event.messages]
            yield Change(at=event.at, sql=tables.FLIPPED, values={"ids": ids})
        case StatusChanged():
            values = {"status": event.status, "external": event.external_id}
            yield Change(at=event.http.ends, sql=tables.REPORTED, values=values)
        case ConnectionChanged():
            at = event.http.at
            sql: Mapping[str, LiteralString] = {
                "connected": tables.CONNECTED,
                "disconnected": tables.DISCONNECTED,
                "qr": tables.QR,
            }
            values = {"at": at, "unit": event.unit.id}
            yield Change(at=at, sql=sql[event.status], values=values)
        case CampaignCreated():
            yield from _campaign(event)
        case CampaignStarted():
            values = {"id": event.campaign.id}
            yield Change(at=event.http.at, sql=tables.PROCESSING, values=values)
        case CampaignSend():
            values = {"id": event.recipient, "at": event.at, "error": event.error}
            reached = event.error is None
            outcome: LiteralString = tables.REACHED if reached else tables.MISSED
            yield Change(at=event.at, sql=outcome, values=values)
        case CampaignFinished():
            status = "completed" if event.sent else "failed"
            values = {"id": event.campaign.id, "at": event.at, "status": status}
            yield Change(at=event.at, sql=tables.COMPLETED, values=values)
        case _:
            pass


def _received(event: Inbound) -> Mapping[str, object]:
    return {
        "id": event.message,
        "conversation": event.conversation.id,
        "text": event.text,
        "external": event.external_id,
        "at": event.http.at,
    }


def _outbound(event: Outbound) -> Iterator[Change]:
    begin, end = event.http.at, event.attempts[-1].at
    values = {
        "id": event.message,
        "conversation": event.conversation.id,
        "text": event.text,
        "at": begin,
    }
    yield Change(at=begin, sql=tables.PENDING, values=values)
    if event.external_id is None:
        error = event.attempts[-1].error
        yield Change(
            at=end, sql=tables.FAILED, values={"id": event.message, "at": end, "error": error}
        )
        return
    retries = len(event.attempts) - 1
    values = {
        "id": event.message,
        "external": event.external_id,
        "retries": retries,
        "retried": end if retries else None,
    }
    yield Change(at=end, sql=tables.SENT, values=values)


def _campaign(event: CampaignCreated) -> Iterator[Change]:
    campaign, at = event.campaign, event.http.at
    values = {
        "id": campaign.id,
        "unit": campaign.unit.id,
        "name": campaign.name,
        "status": "draft",
        "completed_at": None,
        "at": at,
    }
    yield Change(at=at, sql=tables.CAMPAIGN, values=values)
    for recipient, talk in campaign.recipients:
        yield recipient_row(recipient, campaign.id, talk, "pending", at)


def recipient_row(
    recipient: str, campaign: str, talk: Conversation, status: str, at: datetime
) -> Change:
    """One recipient of a campaign, in any status that it may have been left in."""
    failed = status == "failed"
    values = {
        "id": recipient,
        "campaign": campaign,
        "contact": talk.contact,
        "status": status,
        "sent_at": at if status == "sent" else None,
        "error": "Request failed with status code 400" if failed else None,
        "at": at,
    }
    return Change(at=at, sql=tables.RECIPIENT, values=values)


def conversation_rows(talk: Conversation, at: datetime) -> Iterator[Change]:
    """A conversation that begins: its contact, its lead, and itself."""
    unit = talk.unit
    contact = {"id": talk.contact, "phone": talk.phone, "at": at}
    yield Change(at=at, sql=tables.CONTACT, values=contact)
    lead = {
        "id": talk.lead,
        "unit": unit.id,
        "contact": talk.contact,
        "phone": talk.phone,
        "at": at,
    }
    yield Change(at=at, sql=tables.LEAD, values=lead)
    thread = {
        "id": talk.id,
        "contact": talk.contact,
        "unit": unit.id,
        "connection": unit.connection,
        "lead": talk.lead,
        "at": at,
    }
    yield Change(at=at, sql=tables.CONVERSATION, values=thread)
