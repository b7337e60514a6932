"""What stands in the application's database, in a few numbers for whoever watches the demo."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from psycopg import AsyncConnection

_COUNTS = """
SELECT
    count(*) FILTER (WHERE sender = 'agent' AND external_id IS NOT NULL),
    count(*) FILTER (WHERE sender = 'agent' AND status = 'failed'),
    count(*) FILTER (WHERE sender = 'agent' AND status IN ('queued', 'pending')),
    count(*) FILTER (WHERE sender = 'customer'),
    (SELECT count(*) FROM unit_whatsapp_connections WHERE status = 'connected'),
    (SELECT count(*) FROM campaign_recipients r JOIN campaigns c ON c.id = r.campaign_id
        WHERE r.status = 'pending' AND c.status IN ('processing', 'scheduled', 'draft'))
FROM messages WHERE created_at >= %s"""
_LABELS = (
    "Sent",
    "Failed",
    "Waiting",
    "Received",
    "Units connected",
    "Campaign pending",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number and what it counts."""

    label: str
    value: int


async def figures(database: AsyncConnection, since: datetime) -> tuple[Figure, ...]:
    """The numbers since the deploy."""
    row = await (await database.execute(_COUNTS, (since,))).fetchone()
    values = row or (0,) * len(_LABELS)
    return tuple(
        Figure(label=label, value=int(str(value)))
        for label, value in zip(_LABELS, values, strict=True)
    )
