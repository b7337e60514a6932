"""The rows of the generated hour agree with its log, and the application's tables take them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from psycopg import AsyncConnection

from bot.demo.events import Inbound, Outbound, Requeued, begins
from bot.demo.hour import MINUTES, Hour
from bot.demo.stage import Stage
from tests.support.hours import DEPLOYED_AT, make_hour
from tests.support.watcher import Watcher

END = DEPLOYED_AT + timedelta(minutes=MINUTES + 2)


@pytest.fixture
async def database(crm_database: str) -> AsyncIterator[AsyncConnection]:
    """A connection to the application's empty tables."""
    async with await AsyncConnection.connect(crm_database, autocommit=True) as connection:
        yield connection


async def played(
    hour: Hour, database: AsyncConnection, folder: Path, until: datetime = END
) -> Path:
    """Play an hour up to an instant; the log."""
    log = folder / "crm.log"
    await (await Stage(hour, log=log, database=database).set_up()).advance(until)
    return log


async def one(database: AsyncConnection, sql: str) -> object:
    """The single value of a query."""
    row = await (await database.execute(sql.encode())).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize("quiet", [True, False])
async def test_every_stored_message_of_the_log_has_its_row(
    database: AsyncConnection, tmp_path: Path, quiet: bool
) -> None:
    """The ids that the log says were created are exactly the received rows of the hour."""
    hour = make_hour(seed=21, quiet=quiet)
    log = (await played(hour, database, tmp_path)).read_text()
    cursor = await database.execute("SELECT id::text FROM messages WHERE status = 'received'")
    rows = {str(row[0]) for row in await cursor.fetchall()}
    assert rows == {event.message for event in hour.events if isinstance(event, Inbound)}
    assert all(f"Message created: {row}\n" in log for row in rows)


async def test_what_was_given_up_hides_behind_sent(
    database: AsyncConnection, tmp_path: Path
) -> None:
    """The requeue worker leaves no failure of the hour: they are `sent` without a provider id."""
    hour = make_hour(seed=22)
    await played(hour, database, tmp_path)
    lost = [e for e in hour.events if isinstance(e, Outbound) and e.external_id is None]
    flipped = [m for e in hour.events if isinstance(e, Requeued) for m in e.messages]
    assert {m.message for m in flipped} <= {e.message for e in lost}
    hidden = "status = 'sent' AND external_id IS NULL AND retry_count = 3"
    assert await one(database, f"SELECT count(*) FROM messages WHERE {hidden}") == len(flipped)


async def test_a_sent_message_has_one_provider_id(
    database: AsyncConnection, tmp_path: Path
) -> None:
    """Each message that Evolution took carries its id, and no two share one."""
    hour = make_hour(seed=23)
    await played(hour, database, tmp_path)
    sent = [e for e in hour.events if isinstance(e, Outbound) and e.external_id is not None]
    query = "SELECT count(DISTINCT external_id) FROM messages WHERE sender = 'agent'"
    assert await one(database, query) == len(sent)


async def test_half_an_hour_writes_half_an_hour(database: AsyncConnection, tmp_path: Path) -> None:
    """Neither a row nor a line of the log is younger than the instant played to."""
    hour = make_hour(seed=24)
    until = DEPLOYED_AT + timedelta(minutes=30)
    log = await played(hour, database, tmp_path, until)
    assert await one(database, "SELECT max(created_at) < '2026-11-23 21:30+00' FROM messages")
    assert log.read_text().splitlines()[-1].startswith("2026-11-23T21:29:")
    expected = sum(isinstance(e, Inbound) and begins(e) < until for e in hour.events)
    stored = "SELECT count(*) FROM messages WHERE status = 'received'"
    assert await one(database, stored) == expected


async def test_playing_in_steps_writes_the_same(database: AsyncConnection, tmp_path: Path) -> None:
    """However often the clock stops on the way, no line is lost or written twice."""
    hour = make_hour(seed=25, quiet=True)
    log = tmp_path / "crm.log"
    told: list[str] = []
    stage = await Stage(hour, log=log, database=database, told=told.extend).set_up()
    for minute in range(MINUTES + 2):
        await stage.advance(DEPLOYED_AT + timedelta(minutes=minute, seconds=7 * minute))
    in_steps = log.read_bytes()
    await Stage(hour, log=log, database=database).advance(DEPLOYED_AT)
    assert in_steps.count(b"\n") == len(told)
    assert len(in_steps.splitlines()) == len(set(in_steps.splitlines()))


async def test_the_past_is_odd_on_purpose(database: AsyncConnection, tmp_path: Path) -> None:
    """Two idle units and an old campaign whose sums are off stand there before the deploy."""
    await played(make_hour(seed=26, quiet=True), database, tmp_path, DEPLOYED_AT)
    connected = "SELECT count(*) FROM unit_whatsapp_connections WHERE status = 'connected'"
    assert await one(database, connected) == 2
    assert await one(database, "SELECT count(*) FROM units") == 4
    pending = "SELECT count(*) FROM campaign_recipients WHERE status = 'pending'"
    assert await one(database, pending) == 4
    assert await one(database, "SELECT status FROM campaigns") == "completed"


async def test_no_row_crosses_tenants(database: AsyncConnection, tmp_path: Path) -> None:
    """Every conversation is on its own unit's connection and lead, also those of the hour."""
    await played(make_hour(seed=27), database, tmp_path)
    crossing = """
        SELECT count(*) FROM conversations c
        JOIN unit_whatsapp_connections u ON u.id = c.instance_id JOIN leads l ON l.id = c.lead_id
        WHERE u.unit_id <> c.unit_id OR l.unit_id <> c.unit_id"""
    assert await one(database, crossing) == 0


async def test_the_watch_counts_from_the_baseline(
    database: AsyncConnection, tmp_path: Path
) -> None:
    """Rows from before T+0 are in the baseline; a campaign's moves and lost units are seen."""
    hour = make_hour(seed=28)
    stage = await Stage(hour, log=tmp_path / "crm.log", database=database).set_up()
    watcher = Watcher(database, DEPLOYED_AT)
    await stage.advance(DEPLOYED_AT)
    await watcher.baseline()
    for minute in range(1, 31):
        now = DEPLOYED_AT + timedelta(minutes=minute)
        await stage.advance(now)
        await watcher.sample(now)
    observed = watcher.observed()
    before = await one(database, "SELECT count(*) FROM messages WHERE created_at < '2026-11-23'")
    assert observed.inserted == before == 9
    alfa, beta = hour.world.active
    assert observed.connected_at_start == {alfa.id, beta.id}
    assert observed.drops == {beta.id: 1}
    assert list(observed.progress.values()) == [DEPLOYED_AT + timedelta(minutes=19)]
