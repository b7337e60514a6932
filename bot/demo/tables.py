"""The statements that the application runs against its tables, with the values that they bind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import LiteralString


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One statement that the application runs, and when."""

    at: datetime
    sql: LiteralString
    values: Mapping[str, object]


UNIT = """
INSERT INTO units (id, name, slug, created_at) VALUES (%(id)s, %(name)s, %(slug)s, %(at)s)"""
CONNECTION = """
INSERT INTO unit_whatsapp_connections (id, unit_id, provider, instance_id, status, status_reason,
    webhook_secret, provider_config, connected_at, disconnected_at, created_at, updated_at)
VALUES (%(id)s, %(unit)s, %(provider)s, %(instance)s, %(status)s, %(reason)s, %(secret)s,
    %(config)s, %(connected_at)s, %(disconnected_at)s, %(at)s, %(at)s)"""
CONTACT = """
INSERT INTO contacts (id, phone, name, created_at) VALUES (%(id)s, %(phone)s, 'Cliente', %(at)s)"""
LEAD = """
INSERT INTO leads (id, unit_id, contact_id, name, phone, created_at, updated_at)
VALUES (%(id)s, %(unit)s, %(contact)s, 'Cliente', %(phone)s, %(at)s, %(at)s)"""
CONVERSATION = """
INSERT INTO conversations (id, contact_id, unit_id, instance_id, lead_id, created_at, updated_at)
VALUES (%(id)s, %(contact)s, %(unit)s, %(connection)s, %(lead)s, %(at)s, %(at)s)"""
RECEIVED = """
INSERT INTO messages (id, conversation_id, sender, content, status, external_id, created_at,
    provider)
VALUES (%(id)s, %(conversation)s, 'customer', %(text)s, 'received', %(external)s, %(at)s,
    'evolution')"""
PENDING = """
INSERT INTO messages (id, conversation_id, sender, content, status, created_at, provider)
VALUES (%(id)s, %(conversation)s, 'agent', %(text)s, 'pending', %(at)s, 'evolution')"""
SENT = """
UPDATE messages SET status = 'sent', external_id = %(external)s, retry_count = %(retries)s,
    last_retry_at = %(retried)s WHERE id = %(id)s"""
FAILED = """
UPDATE messages SET status = 'failed', retry_count = 3, last_retry_at = %(at)s,
    error_details = %(error)s WHERE id = %(id)s"""
FLIPPED = """
UPDATE messages SET status = 'sent' WHERE id = ANY(%(ids)s::uuid[]) AND status = 'failed'"""
REPORTED = "UPDATE messages SET status = %(status)s WHERE external_id = %(external)s"
CONNECTED = """
UPDATE unit_whatsapp_connections SET status = 'connected', status_reason = 'scan_completed',
    connected_at = %(at)s, disconnected_at = NULL, updated_at = %(at)s WHERE unit_id = %(unit)s"""
DISCONNECTED = """
UPDATE unit_whatsapp_connections SET status = 'disconnected', status_reason = 'disconnected',
    disconnected_at = %(at)s, updated_at = %(at)s WHERE unit_id = %(unit)s"""
QR = """
UPDATE unit_whatsapp_connections SET status = 'qr', status_reason = 'waiting_scan',
    qr_updated_at = %(at)s, updated_at = %(at)s WHERE unit_id = %(unit)s"""
CAMPAIGN = """
INSERT INTO campaigns (id, unit_id, name, content, status, completed_at, created_at, updated_at)
VALUES (%(id)s, %(unit)s, %(name)s, 'Promo', %(status)s, %(completed_at)s, %(at)s, %(at)s)"""
RECIPIENT = """
INSERT INTO campaign_recipients (id, campaign_id, contact_id, status, sent_at, error_message,
    created_at)
VALUES (%(id)s, %(campaign)s, %(contact)s, %(status)s, %(sent_at)s, %(error)s, %(at)s)"""
PROCESSING = "UPDATE campaigns SET status = 'processing' WHERE id = %(id)s"
COMPLETED = """
UPDATE campaigns SET status = %(status)s, completed_at = %(at)s WHERE id = %(id)s"""
REACHED = """
UPDATE campaign_recipients SET status = 'sent', sent_at = %(at)s WHERE id = %(id)s"""
MISSED = """
UPDATE campaign_recipients SET status = 'failed', error_message = %(error)s WHERE id = %(id)s"""
OLD = """
INSERT INTO messages (id, conversation_id, sender, content, status, created_at, retry_count,
    last_retry_at, provider)
VALUES (%(id)s, %(conversation)s, 'agent', %(text)s, %(status)s, %(at)s, 3, %(at)s, 'evolution')"""
