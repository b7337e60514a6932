"""Many at once: nobody waits in a circle, whatever each has locked already."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta

import psycopg

from bot.remediation import audit, claims
from bot.remediation.audit import Entry
from bot.remediation.engine import Confirmation, Engine
from bot.remediation.values import Claim, Done, FixState, Result, Wish
from tests.bot.remediation.planted import T0, plant_failures
from tests.manifests.roles import RoleUrls
from tests.support.crm_rows import Rows

OLIVIA, PAUL = "U0OLIVIA001", "U0PAUL00002"


async def proposed(engine: Engine, minutes: float = 0) -> Claim:
    """A preview of resetting the failed messages of one unit."""
    at = T0 + timedelta(minutes=minutes)
    claim = await engine.propose(
        Wish(kind="reset_messages", target="Norte", by=OLIVIA, channel="C1", at=at)
    )
    assert isinstance(claim, Claim), claim
    return claim


def noted(claim: Claim, action: str) -> Entry:
    """An entry about a claim."""
    return Entry(at=T0, actor="golive", action=action, target="-", claim=claim.id)


async def until_waits(roles: RoleUrls, call: Coroutine[None, None, Result]) -> asyncio.Task[Result]:
    """A call on its way, once it waits for a lock, or is done."""
    task = asyncio.create_task(call)
    async with await psycopg.AsyncConnection.connect(roles.owner, autocommit=True) as owner:
        waits = False
        while not waits and not task.done():
            found = await owner.execute(
                "SELECT 1 FROM pg_stat_activity"
                " WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
            waits = await found.fetchone() is not None
    return task


async def test_an_entry_is_added_while_somebody_holds_its_claim(
    engine: Engine, roles: RoleUrls
) -> None:
    """Who holds a claim and wants to add an entry too does not keep the other one's from it."""
    with Rows(roles.owner) as rows:
        plant_failures(rows)
    claim = await proposed(engine)
    async with engine.database.transaction() as first:
        await claims.hold(first, claim.id)
        async with engine.database.transaction() as second:
            await audit.append(second, noted(claim, "second"))
        await audit.append(first, noted(claim, "first"))
    async with engine.database.transaction() as connection:
        entries = await audit.entries_of(connection, claim.id)
    assert [entry.action for entry in entries] == ["proposed", "second", "first"]


async def test_a_fix_is_made_while_old_previews_expire(engine: Engine, roles: RoleUrls) -> None:
    """It ends the other previews of the same before it takes the chain's end, as a preview does."""
    with Rows(roles.owner) as rows:
        plant_failures(rows)
    old, claim = await proposed(engine, minutes=-9), await proposed(engine)
    given = Confirmation(
        claim=claim.id, by=PAUL, at=T0 + timedelta(minutes=2), reason="Evolution is back"
    )
    async with engine.database.transaction() as other:
        # Somebody's new preview ends the old one, and is about to take the chain's end.
        await claims.expire(other, given.at)
        confirming = await until_waits(roles, engine.confirm(given))
        await audit.append(other, noted(old, "expired"))
    assert isinstance(await confirming, Done)
    found = await engine.find(old.id)
    assert found is not None
    assert found.state is FixState.EXPIRED
