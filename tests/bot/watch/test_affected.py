"""Whom an incident touches: distinct units and contacts, of what went wrong since the deploy."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from bot.watch.affected import AFFECTED, count_affected
from bot.watch.model import Affected
from checks.engine.model import DatabaseEvidence, Problem
from checks.sources.database import PostgresDatabase
from tests.bot.watch.bench import T0, at
from tests.manifests.roles import install
from tests.support.crm_rows import Rows, Unit
from tests.support.evidence import rows as answers
from tests.support.fakes import FakeDatabase

SOON, NOW = at(5), at(20)
BEFORE = T0 - timedelta(days=1)


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


async def affected(url: str) -> Affected:
    """Counted as the bot does, by the role that can only read."""
    async with PostgresDatabase(url) as database:
        return await count_affected(database, T0, NOW)


async def test_whoever_misses_a_message_is_counted_once(crm_database: str) -> None:
    """Failed, sent without a provider's id, or waiting for more than a minute."""
    reader = install(crm_database).reader
    with Rows(crm_database) as rows:
        town = Town(rows)
        assert await affected(reader) == Affected(units=0, contacts=0)
        for _ in range(3):
            town.message(0, status="failed", external_id=None)
        assert await affected(reader) == Affected(units=1, contacts=1)
        town.message(1, status="delivered", external_id=None)
        assert await affected(reader) == Affected(units=2, contacts=2)
        contact = rows.conversation(town.units[1], created_at=BEFORE)
        rows.message(contact, created_at=at(18), status="queued", external_id=None)
        assert await affected(reader) == Affected(units=2, contacts=3)


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
    assert await affected(crm_database) == Affected(units=0, contacts=0)


async def test_a_unit_that_lost_its_connection_is_touched(crm_database: str) -> None:
    """Since the deploy; beside the same unit's messages it counts once."""
    with Rows(crm_database) as rows:
        town = Town(rows)
        rows.unit("old", created_at=BEFORE, status="disconnected", disconnected_at=at(-60))
        rows.unit("new", created_at=BEFORE, status="disconnected", disconnected_at=at(3))
        assert await affected(crm_database) == Affected(units=1, contacts=0)
        lost = rows.unit("both", created_at=BEFORE, status="close", disconnected_at=at(4))
        talk = rows.conversation(lost, created_at=BEFORE)
        rows.message(talk, created_at=at(5), status="failed", external_id=None)
        town.message(0)
    assert await affected(crm_database) == Affected(units=2, contacts=1)


@pytest.mark.parametrize(
    "database",
    [
        None,
        FakeDatabase(evidence=DatabaseEvidence(problem=Problem(what="Away.", mend="Wait."))),
        FakeDatabase(evidence=answers(affected_users=Problem(what="No grant.", mend="Give it."))),
        FakeDatabase(evidence=answers(affected_users=())),
    ],
)
async def test_what_could_not_be_counted_is_not_zero(database: FakeDatabase | None) -> None:
    """The call goes out all the same, and says so."""
    assert await count_affected(database, T0, NOW) == Affected(units=None, contacts=None)


async def test_a_count_that_is_none_does_not_hide_the_other() -> None:
    """Each for itself."""
    half = FakeDatabase(evidence=answers(affected_users={"units": 3, "contacts": None}))
    assert await count_affected(half, T0, NOW) == Affected(units=3, contacts=None)
    assert half.asked == {AFFECTED.name: {"since": T0, "until": NOW}}
