"""What the database itself stops: nothing is written but that somebody tried."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from bot.remediation import audit
from bot.remediation.database import FixDatabase
from bot.remediation.engine import Engine
from bot.remediation.values import Done, FixUnavailable, Undone
from tests.bot.remediation.planted import T0, Failures, plant_failures
from tests.bot.remediation.test_engine import OLIVIA, PAUL, actions, proposed, statuses, yes
from tests.manifests.roles import RoleUrls
from tests.support.crm_rows import Rows


@pytest.fixture
def failures(roles: RoleUrls) -> Failures:
    """37 failed messages beside the recorded ones."""
    with Rows(roles.owner) as rows:
        return plant_failures(rows)


async def test_a_lock_that_is_held_is_not_waited_for(
    engine: Engine, roles: RoleUrls, failures: Failures
) -> None:
    """Nothing is written, and the sentence says who to look for; later it works."""
    claim = await proposed(engine)
    with psycopg.connect(roles.owner) as other:
        other.execute("SELECT id FROM messages WHERE id = %s FOR UPDATE", [failures.ids[10]])
        engine.database = _impatient(engine, roles)
        with pytest.raises(FixUnavailable) as caught:
            await engine.confirm(yes(claim))
        await engine.database.close()
    assert "Another session holds these rows" in caught.value.problem.what
    assert caught.value.retry
    assert statuses(roles, failures.ids) == {"failed": 37}
    assert isinstance(await engine.confirm(yes(claim)), Done)
    await engine.database.close()
    async with engine.database.transaction() as connection:
        entries = await audit.entries_of(connection, claim.id)
    assert [entry.action for entry in entries] == ["proposed", "stopped", "executed"]
    assert (entries[1].actor, entries[1].reason) == (OLIVIA, "Evolution is back")
    assert "Another session holds these rows" in str(entries[1].details["why"])


async def test_an_undo_that_is_stopped_is_kept_too(
    engine: Engine, roles: RoleUrls, failures: Failures
) -> None:
    """It can be taken back later all the same."""
    claim = await proposed(engine)
    assert isinstance(await engine.confirm(yes(claim)), Done)
    at = T0 + timedelta(minutes=5)
    with psycopg.connect(roles.owner) as other:
        other.execute("SELECT id FROM messages WHERE id = %s FOR UPDATE", [failures.ids[10]])
        patient, engine.database = engine.database, _impatient(engine, roles)
        with pytest.raises(FixUnavailable):
            await engine.undo(claim.id, by=PAUL, at=at)
        await engine.database.close()
        engine.database = patient
    assert actions(roles) == ["proposed", "executed", "stopped"]
    assert isinstance(await engine.undo(claim.id, by=PAUL, at=at), Undone)


def _impatient(engine: Engine, roles: RoleUrls) -> FixDatabase:
    return FixDatabase(
        roles.fixer, lock=timedelta(milliseconds=50), statement=engine.rules.statement_timeout
    )
