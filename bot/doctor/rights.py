"""Which columns each database role needs: what `golive doctor` and roles.sql are held against."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from checks.engine.check import Query

Columns: TypeAlias = Mapping[str, tuple[str, ...]]
"""Table → columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What a role may do with which columns. A table without columns is meant as a whole."""

    select: Columns
    insert: Columns
    update: Columns

    @property
    def tables(self) -> tuple[str, ...]:
        """Every table that is named, each once."""
        return tuple(dict.fromkeys((*self.select, *self.insert, *self.update)))


_LIVE_SECRETS: Final[Columns] = {"unit_whatsapp_connections": ("webhook_secret",)}
"""Searched in the log as literals, beside what the queries of the checks read."""

FIXER: Final = Rights(
    select={
        "units": ("id", "name"),
        "conversations": ("id", "unit_id"),
        "messages": (
            *("id", "conversation_id", "sender", "status", "external_id"),
            *("retry_count", "last_retry_at", "error_details", "created_at"),
        ),
        "unit_whatsapp_connections": (
            *("id", "unit_id", "provider", "instance_id", "status"),
            *("webhook_secret", "provider_config", "updated_at"),
        ),
        "campaigns": (
            *("id", "unit_id", "name", "status"),
            *("started_at", "completed_at", "created_at"),
        ),
        "campaign_recipients": ("id", "campaign_id", "status", "sent_at", "created_at"),
        "golive.fix_claims": (),
        "golive.fix_before_images": (),
        "golive.fix_audit": (),
        "golive.fix_audit_head": (),
    },
    insert={
        "golive.fix_claims": (
            *("id", "kind", "target", "channel", "proposed_by", "proposed_at", "expires_at"),
            *("digest", "rows_expected", "parameters", "payload", "approvals_needed", "undoes"),
            "message_ts",
        ),
        "golive.fix_before_images": (),
        "golive.fix_audit": (
            *("at", "claim_id", "actor", "action", "target", "reason", "rows"),
            *("before_digest", "after_digest", "details"),
        ),
    },
    update={
        "messages": ("status", "retry_count", "error_details"),
        "unit_whatsapp_connections": ("webhook_secret",),
        "campaigns": ("status", "started_at"),
        "golive.fix_claims": (
            *("state", "state_at", "state_by", "state_reason", "approved_by", "approved_at"),
            *("executed_by", "executed_at", "rows_changed", "after_digest", "settle_attempts"),
            *("settled_at", "undone_by", "undone_at", "lease_until", "message_ts"),
        ),
    },
)
"""What the confirmed fixes read and write, with their claims, before-images and audit."""


def reader_rights(queries: Iterable[Query]) -> Rights:
    """What the read-only role needs so that these queries run, and the live secrets are known."""
    found: dict[str, dict[str, None]] = {}
    read = [reads for query in queries for reads in (query.reads, query.optional)]
    for reads in (*read, _LIVE_SECRETS):
        for table, columns in reads.items():
            found.setdefault(table, {}).update(dict.fromkeys(columns))
    return Rights(
        select={table: tuple(columns) for table, columns in found.items()}, insert={}, update={}
    )
