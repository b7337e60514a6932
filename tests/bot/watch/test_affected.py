"""Whom an incident touches: distinct units and contacts, of what went wrong since the deploy."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from bot.watch.affected import count_affected
from bot.watch.model import Affected
from checks.engine.model import DatabaseEvidence, Level, Observed, Problem
from checks.sources.database import PostgresDatabase
from tests.bot.watch.bench import T0, at
from tests.manifests.roles import install
from tests.render.watches import finding, report
from tests.support.crm_rows import Rows, Unit
from tests.support.evidence import rows as answers
from tests.support.fakes import FakeDatabase

SOON, NOW = at(5), at(20)
BEFORE = T0 - timedelta(days=1)
AWAY = Problem(what="It is away.", mend="Wait.")


class Town:
    """Two units that talk; everything is fine until a test says otherwise."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.units: list[Unit] = [rows.unit(name, created_at=BEFORE) for name in ("norte", "sul")]
        self.talks: list[UUID] = [rows.conversation(u, created_at=BEFORE) for u in self.units]
        for talk in self.talks:
            rows.message(talk, created_at=at(5))

    def message(self, talk: int, created_at: datetime = SOON, **values: object) -> None:
        """One more outbound message."""
        self.rows.message(self.talks[talk], created_at=created_at, **values)


FAILING = report(finding("outbound_success", Level.CRITICAL), at=NOW)


async def affected(url: str) -> tuple[int, int]:
    """Units and contacts, counted as the bot does, by the role that can only read."""
    async with PostgresDatabase(url) as database:
        found = await count_affected(database, FAILING, T0, waiting=60, key=b"")
    assert bool(found.units) != bool(found.not_counted)
    return found.units, found.contacts


async def test_whoever_misses_a_message_is_counted_once(crm_database: str) -> None:
    """Failed, sent without a provider's id, or waiting for more than a minute."""
    reader = install(crm_database).reader
    with Rows(crm_database) as rows:
        town = Town(rows)
        assert await affected(reader) == (0, 0)
        for _ in range(3):
            town.message(0, status="failed", external_id=None)
        assert await affected(reader) == (1, 1)
        town.message(1, status="delivered", external_id=None)
        assert await affected(reader) == (2, 2)
        contact = rows.conversation(town.units[1], created_at=BEFORE)
        rows.message(contact, created_at=at(18), status="queued", external_id=None)
        assert await affected(reader) == (2, 3)


@pytest.mark.parametrize(
    ("created_at", "values"),
    [
        (at(-1), {"status": "failed"}),
        (at(20), {"status": "failed"}),  # the window's end is not in it
        (at(19.5), {"status": "queued", "external_id": None}),  # half a minute is no waiting
        (at(5), {"status": "failed", "sender": "contact"}),
        (at(5), {"status": "read"}),
    ],
)
async def test_what_is_no_harm_of_this_deploy_is_not_counted(
    crm_database: str, created_at: datetime, values: dict[str, object]
) -> None:
    """Older ones, inbound ones, and those that are on their way."""
    with Rows(crm_database) as rows:
        Town(rows).message(0, created_at, **values)
    assert await affected(crm_database) == (0, 0)


async def test_a_unit_that_lost_its_connection_is_touched(crm_database: str) -> None:
    """Since the deploy; beside the same unit's messages it counts once."""
    with Rows(crm_database) as rows:
        town = Town(rows)
        rows.unit("old", created_at=BEFORE, status="disconnected", disconnected_at=at(-60))
        rows.unit("new", created_at=BEFORE, status="disconnected", disconnected_at=at(3))
        assert await affected(crm_database) == (1, 0)
        lost = rows.unit("both", created_at=BEFORE, status="close", disconnected_at=at(4))
        talk = rows.conversation(lost, created_at=BEFORE)
        rows.message(talk, created_at=at(5), status="failed", external_id=None)
        town.message(0)
    assert await affected(crm_database) == (2, 1)


@pytest.mark.parametrize(
    ("database", "why"),
    [
        (None, "no database was given to golive"),
        (FakeDatabase(evidence=DatabaseEvidence(problem=AWAY)), "It is away"),
        (FakeDatabase(evidence=answers(affected_by_messages=AWAY)), "It is away"),
        (FakeDatabase(evidence=answers(affected_by_messages=())), "no row tells"),
    ],
)
async def test_what_could_not_be_counted_is_not_zero(
    database: FakeDatabase | None, why: str
) -> None:
    """The call goes out all the same, and says why."""
    found = await count_affected(database, FAILING, T0, waiting=60, key=b"")
    assert replace(found, not_counted=()) == Affected()
    assert found.not_counted[0].startswith(why)


async def test_units_that_the_watch_knew_connected_are_touched(crm_database: str) -> None:
    """A QR code on show sets no time."""
    with Rows(crm_database) as rows:
        lost = rows.unit("lost", created_at=BEFORE, status="qr")
        rows.unit("idle", created_at=BEFORE, status="qr")
    seen = Observed(deployed_at=T0, connected_at_start=frozenset({str(lost.id)}))
    red = report(finding("connection_stability", Level.CRITICAL), at=NOW)
    red = replace(red, evidence=replace(red.evidence, observed=seen))
    async with PostgresDatabase(crm_database) as database:
        found = await count_affected(database, red, T0, waiting=60, key=b"")
    assert (found.units, found.names, found.of_units) == (1, ("lost",), 2)
