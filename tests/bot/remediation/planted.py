"""Rows that incidents leave behind, planted by hand beside the recorded ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from tests.support.crm_rows import Rows, Unit

T0 = datetime(2026, 11, 23, 22, 0, tzinfo=UTC)
"""When the fixes are made: after everything that was recorded."""

HANG_UP = "socket hang up"
BUSY = "Request failed with status code 429"
DOWN = "timeout of 15000ms exceeded"
REFUSED = "Request failed with status code 400"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """37 failed messages of three units."""

    norte: Unit
    sul: Unit
    leste: Unit
    ids: tuple[UUID, ...]


def plant_failures(rows: Rows, *, permanent: int = 5, sent: int = 2) -> Failures:
    """37 messages that failed: three units, four errors, some permanent, some that were sent.

    Norte has 20, Sul 10, Leste 7. With the defaults 30 can be reset.
    """
    units = {
        name: rows.unit(name, created_at=T0 - timedelta(days=30))
        for name in ("Norte", "Sul", "Leste")
    }
    places = ["Norte"] * 20 + ["Sul"] * 10 + ["Leste"] * 7
    talks = {n: rows.conversation(u, created_at=T0 - timedelta(days=2)) for n, u in units.items()}
    ids: list[UUID] = []
    for number, name in enumerate(places):
        error = (HANG_UP, BUSY, DOWN)[number % 3]
        if number < permanent:
            error = REFUSED
        shown = number >= 37 - sent
        ids.append(
            rows.message(
                talks[name],
                created_at=T0 - timedelta(minutes=30, seconds=number),
                status="failed",
                retry_count=3,
                last_retry_at=T0 - timedelta(minutes=10),
                error_details=error,
                external_id=f"3EB0{number:012d}" if shown else None,
            )
        )
    return Failures(norte=units["Norte"], sul=units["Sul"], leste=units["Leste"], ids=tuple(ids))


RECIPIENTS = (*("sent",) * 4, *("failed",) * 2, *("pending",) * 9)
"""15: 4 sent, 2 failed."""


def plant_campaigns(rows: Rows, unit: Unit | None = None) -> tuple[UUID, UUID]:
    """Two of Norte in processing, Alive and Dead: one sent just now, one half an hour ago."""
    unit = unit or rows.unit("Norte", created_at=T0 - timedelta(days=9))
    alive, dead = (
        rows.campaign(
            unit,
            name=name,
            created_at=T0 - timedelta(minutes=40),
            recipients=RECIPIENTS,
            sent_at=T0 - timedelta(minutes=ago),
        )
        for name, ago in (("Alive", 0), ("Dead", 30))
    )
    return alive, dead
