"""outbound_success on a real PostgreSQL, judged by the shipped runbook."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from checks.engine.model import Finding, Level, Window
from checks.outbound_success import CHECK
from tests.support.crm_rows import Rows
from tests.support.database_runs import found, minutes_ago

RECORDED = Window(
    since=datetime(2026, 11, 23, 21, 54, tzinfo=UTC),
    until=datetime(2026, 11, 23, 22, 2, tzinfo=UTC),
)
PHONE = "5511987654321"


async def outbound(
    url: str, statuses: Mapping[str, int], *, age_minutes: float = 5, **values: object
) -> Finding:
    """The finding on so many outbound messages of each status (`unsent`: without a provider id)."""
    with Rows(url) as rows:
        unit = rows.unit("Alfa", created_at=minutes_ago(500))
        conversation = rows.conversation(unit, created_at=minutes_ago(400))
        for status, count in statuses.items():
            for _ in range(count):
                row = {"status": "sent", "external_id": None} if status == "unsent" else {}
                rows.message(
                    conversation,
                    created_at=minutes_ago(age_minutes),
                    **{"status": status, **row, **values},
                )
    return await found(url, CHECK)


async def test_recorded_hour(crm_fixture_database: str) -> None:
    """The recorded rows hold 320 successes and 52 sent without a provider id, of 372."""
    finding = await found(crm_fixture_database, CHECK, window=RECORDED)
    assert finding.level is Level.CRITICAL
    assert finding.value == 320
    assert {n: finding.details[n] for n in ("sent", "sent_without_provider_id", "total")} == {
        "sent": 320,
        "sent_without_provider_id": 52,
        "total": 372,
    }
    assert finding.details["failed"] == finding.details["waiting"] == 0
    assert finding.summary == (
        "320 of 372 outbound messages sent (86.0 %): 52 marked sent without a provider id."
    )
    assert finding.evidence[0] == "17 × Request failed with status code 400"


async def test_no_traffic(crm_database: str) -> None:
    """No outbound message at all is OK and says so; nothing was sent."""
    finding = await found(crm_database, CHECK)
    assert (finding.level, finding.value) == (Level.OK, 0)
    assert finding.summary == "No traffic: no outbound message in the window."
    assert finding.quantities["sent"].value == 0


async def test_every_kind_of_success(crm_database: str) -> None:
    """Sent, delivered and read with a provider id are all success."""
    finding = await outbound(crm_database, {"sent": 4, "delivered": 4, "read": 4})
    assert (finding.level, finding.value) == (Level.OK, 12)


@pytest.mark.parametrize(
    ("statuses", "level"),
    [
        ({"sent": 91, "queued": 4, "failed": 4}, Level.OK),
        ({"sent": 90, "queued": 4, "failed": 4, "pending": 2}, Level.WARNING),  # 90 % success
        ({"sent": 95, "failed": 5}, Level.WARNING),  # 5 % failed
        ({"sent": 96, "failed": 4}, Level.OK),
        ({"sent": 95, "queued": 5}, Level.WARNING),  # 5 % waiting
        ({"sent": 90, "failed": 10}, Level.WARNING),  # exactly 10 % failed
        ({"sent": 89, "failed": 11}, Level.CRITICAL),
        ({"sent": 89, "unsent": 11}, Level.CRITICAL),
        ({"sent": 89, "failed": 5, "unsent": 6}, Level.CRITICAL),
    ],
)
async def test_shares(crm_database: str, statuses: dict[str, int], level: Level) -> None:
    """Success must be above 90 %, failed and waiting below 5 %; failed above 10 % is critical."""
    finding = await outbound(crm_database, statuses)
    assert finding.level is level


@pytest.mark.parametrize("age", [0.5, 2.0])
async def test_waiting_needs_a_minute(crm_database: str, age: float) -> None:
    """A queued message counts as waiting when it is older than 60 s, and before in no share."""
    finding = await outbound(crm_database, {"queued": 12}, age_minutes=age)
    assert finding.details["waiting"] == (12 if age > 1 else 0)
    assert finding.level is (Level.WARNING if age > 1 else Level.OK)


async def test_an_empty_provider_id_is_none(crm_database: str) -> None:
    """An empty string is no provider id."""
    finding = await outbound(crm_database, {"sent": 12}, external_id="")
    assert finding.details["sent_without_provider_id"] == 12
    assert finding.level is Level.CRITICAL


async def test_small_sample(crm_database: str) -> None:
    """One failure of three proves no share: UNKNOWN, with the number still needed."""
    finding = await outbound(crm_database, {"sent": 2, "failed": 1})
    assert finding.level is Level.UNKNOWN
    assert "2 more are needed if they go wrong too, otherwise 7." in finding.summary


async def test_the_last_hour_only(crm_database: str) -> None:
    """What failed before the window moves nothing."""
    finding = await outbound(crm_database, {"failed": 30}, age_minutes=61)
    assert finding.level is Level.OK
    assert finding.details["total"] == 0


async def test_customers_do_not_count(crm_database: str) -> None:
    """Inbound messages are no outbound ones, whatever their status."""
    finding = await outbound(crm_database, {"failed": 30}, sender="customer")
    assert finding.details["total"] == 0


async def test_errors_are_grouped_and_masked(crm_database: str) -> None:
    """The most frequent errors are the evidence, without a number, a key or any content."""
    error = f"number {PHONE} refused, apikey: 'evoGlobal7Key24002596570ccf63ca2b' <!channel>"
    finding = await outbound(
        crm_database, {"failed": 12}, error_details=error, content=f"call me at {PHONE}"
    )
    assert len(finding.evidence) == 1
    assert finding.evidence[0].startswith("12 × number")
    said = f"{finding}"
    assert PHONE not in said
    assert "evoGlobal7Key" not in said
    assert "<!channel>" not in said
