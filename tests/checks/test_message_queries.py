"""The database's side of message_errors, on a real PostgreSQL."""

from __future__ import annotations

from uuid import uuid4

from checks.engine.model import Row
from checks.message_queries import CREATED_WITHOUT_ROW, OUTBOUND_FAILED
from checks.sources.database import PostgresDatabase
from tests.support.crm_rows import Rows
from tests.support.database_runs import minutes_ago
from tests.support.evidence import HOUR


async def missing(url: str, *created: str) -> Row:
    """What is said about ids that the log calls created."""
    async with PostgresDatabase(url) as database:
        evidence = await database.collect([(CREATED_WITHOUT_ROW, {"created_ids": list(created)})])
    (row,) = evidence.results[CREATED_WITHOUT_ROW.name].rows
    return row


async def test_created_and_there(crm_database: str) -> None:
    """An id with a row is not missing, in whatever letter case the log writes it."""
    with Rows(crm_database) as rows:
        conversation = rows.conversation(
            rows.unit("Alfa", created_at=HOUR.since), created_at=HOUR.since
        )
        there = rows.message(conversation, created_at=minutes_ago(5), sender="customer")
    row = await missing(crm_database, str(there), str(there).upper())
    assert row == {"claimed": 1, "missing": 0, "examples": ""}


async def test_created_and_not_there(crm_database: str) -> None:
    """Ids without a row are counted once each, and up to five are named."""
    ids = [str(uuid4()) for _ in range(7)]
    row = await missing(crm_database, *ids, ids[0])
    assert (row["claimed"], row["missing"]) == (7, 7)
    assert str(row["examples"]).split(", ") == sorted(ids)[:5]


async def test_no_ids(crm_database: str) -> None:
    """A log without created messages misses nothing."""
    assert (await missing(crm_database))["missing"] == 0


async def test_what_is_no_uuid(crm_database: str) -> None:
    """A forged id cannot break the query: it counts as missing."""
    row = await missing(crm_database, "'; DROP TABLE messages; --", "undefined", "")
    assert row["missing"] == 3


async def test_failed_in_the_window(crm_database: str) -> None:
    """Failed agent messages of the window count; customers' and older ones do not."""
    with Rows(crm_database) as rows:
        conversation = rows.conversation(
            rows.unit("Alfa", created_at=HOUR.since), created_at=HOUR.since
        )
        for minutes, sender in ((5, "agent"), (61, "agent"), (5, "customer")):
            rows.message(
                conversation, created_at=minutes_ago(minutes), sender=sender, status="failed"
            )
        rows.message(conversation, created_at=minutes_ago(5))
    window = {"since": HOUR.since, "until": HOUR.until}
    async with PostgresDatabase(crm_database) as database:
        evidence = await database.collect([(OUTBOUND_FAILED, window)])
    assert evidence.results[OUTBOUND_FAILED.name].rows == ({"failed": 1, "total": 2},)
