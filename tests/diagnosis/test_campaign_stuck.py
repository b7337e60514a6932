"""Incident 4: each cause made to hold alone, with real sessions that block each other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from checks.diagnosis.campaign_stuck import PROCEDURE
from checks.diagnosis.model import Diagnosis, FixKind, State
from checks.sources.database import PostgresDatabase
from checks.sources.database.snapshot import Limits as DatabaseLimits
from tests.diagnosis.worlds import LONG_AGO, World, cause, nothing, only, states
from tests.support.database_runs import changed
from tests.support.evidence import NOW, log, watched

_AT_ONCE = {"blocked_seconds": 0.0, "long_seconds": 0.0}
_EAGER = replace(PROCEDURE, params=_AT_ONCE)


def _campaign(
    world: World,
    *,
    last_sent: float = 1,
    recipients: tuple[str, ...] = ("sent", "sent", "failed", "pending", "pending", "pending"),
) -> UUID:
    with world.rows() as rows:
        return rows.campaign(
            world.unit,
            created_at=NOW - timedelta(minutes=50),
            recipients=recipients,
            sent_at=NOW - timedelta(minutes=last_sent),
        )


async def test_no_campaign_is_no_incident(world: World) -> None:
    """Without a campaign in processing nothing can be stuck."""
    nothing(await world.diagnose(PROCEDURE))


async def test_a_campaign_that_moves(world: World) -> None:
    """A send a minute ago is progress; what a re-dispatch would do is said all the same."""
    _campaign(world)
    diagnosis = await world.diagnose(PROCEDURE)
    nothing(diagnosis)
    assert diagnosis.context == (
        "Promo (Alfa): 2 sent, 1 failed, 3 pending of 6. A re-dispatch would send to the 3 pending "
        "only; the 1 failed stay failed.",
    )


async def test_the_worker_crashed(world: World) -> None:
    """No progress, and nothing that would hold a living worker up."""
    campaign = _campaign(world, last_sent=20)
    diagnosis = await world.diagnose(PROCEDURE)
    found = only(diagnosis, "worker_dead")
    assert "A single look saw nothing move" in found.why
    assert found.fix is not None
    assert found.fix.kind is FixKind.RESET_CAMPAIGN
    assert found.fix.step.startswith("Restart the backend first")
    assert [target.id for target in found.fix.targets] == [str(campaign)]


async def test_what_a_watch_saw_is_progress(world: World) -> None:
    """Failed recipients carry no time, but the watch saw the pending ones become fewer."""
    campaign = _campaign(world, last_sent=20)
    world.observed = watched(progress={str(campaign): NOW - timedelta(minutes=2)})
    nothing(await world.diagnose(PROCEDURE))
    world.observed = watched(progress={str(campaign): NOW - timedelta(minutes=12)})
    assert "A single look" not in only(await world.diagnose(PROCEDURE), "worker_dead").why


async def test_a_log_line_is_progress(world: World) -> None:
    """A line of the campaign is as good as a send; the runbook's own minutes win."""
    campaign = _campaign(world, last_sent=20)
    at = (NOW - timedelta(minutes=4)).timestamp()
    world.log = log({"campaign_started": 1}, campaigns={str(campaign): at})
    nothing(await world.diagnose(PROCEDURE))
    world.runbook = changed("campaigns", params={"still_seconds": 180})
    strict = await world.diagnose(PROCEDURE)
    assert strict.cause == "worker_dead"


async def test_nobody_is_left_to_send_to(world: World) -> None:
    """A re-dispatch of a campaign without pending recipients sends nothing."""
    _campaign(world, recipients=("sent", "failed"), last_sent=30)
    diagnosis = await world.diagnose(PROCEDURE)
    assert diagnosis.context[0].endswith(
        "A re-dispatch would send to nobody; the 1 failed stay failed."
    )


async def test_evolutions_rate_limit(world: World) -> None:
    """429 in recipients and messages; then a worker that stands still is not called dead."""
    campaign = _campaign(world, last_sent=20)
    with world.rows() as rows:
        rows.run(
            "UPDATE campaign_recipients SET error_message = 'Request failed with status code 429'"
            " WHERE campaign_id = %(c)s AND status = 'failed'",
            c=campaign,
        )
        conversation = rows.conversation(
            world.unit,
            created_at=LONG_AGO,
            contact_id=rows.insert("contacts", phone="x", created_at=LONG_AGO),
        )
        rows.message(
            conversation,
            created_at=NOW - timedelta(minutes=5),
            status="failed",
            error_details="Request failed with status code 429",
        )
        for phone in ("id 14291", "429-0"):  # numbers that only contain it, or are no status
            rows.message(conversation, created_at=NOW - timedelta(minutes=90), error_details=phone)
    found = only(await world.diagnose(PROCEDURE), "rate_limit", untested=("worker_dead",))
    assert found.why == (
        "Evolution answered 2 sends with 429: 1 message of the last hour, 1 recipient."
    )


async def test_the_unit_is_not_connected(world: World) -> None:
    """A dispatch of a unit without a connection ends at once."""
    _campaign(world, last_sent=20)
    with world.rows() as rows:
        rows.run("UPDATE unit_whatsapp_connections SET status = 'disconnected'")
    found = only(await world.diagnose(PROCEDURE), "not_connected", untested=("worker_dead",))
    assert found.evidence == ("Promo (Alfa): disconnected",)


# --- locks ----------------------------------------------------------------------------------------

_UPDATE: LiteralString = "UPDATE campaigns SET error = 'planted-literal-eeee5555'"


@asynccontextmanager
async def _session(world: World, name: str) -> AsyncGenerator[psycopg.AsyncConnection]:
    connection = await psycopg.AsyncConnection.connect(world.database_url, application_name=name)
    try:
        yield connection
    finally:
        await connection.close()


async def _blocked(world: World) -> tuple[Diagnosis, int]:
    """Diagnose while one session waits for another, whose pid is told, idle in its transaction."""
    async with _session(world, "migration") as first, _session(world, "backend") as second:
        await first.execute(_UPDATE)
        waiting = asyncio.create_task(second.execute(_UPDATE))
        async with _session(world, "observer") as observer:
            waits: LiteralString = "SELECT count(*) FROM pg_locks WHERE NOT granted"
            while (await (await observer.execute(waits)).fetchone()) == (0,):
                pass
        diagnosis = await world.diagnose(_EAGER)
        await first.rollback()
        await waiting
        return diagnosis, first.info.backend_pid


async def test_a_session_blocks_another(world: World) -> None:
    """Who blocks whom, since when, and what an administrator would run; no literal is shown."""
    _campaign(world, last_sent=20)
    diagnosis, pid = await _blocked(world)
    found = only(diagnosis, "database_lock", untested=("worker_dead",))
    assert found.fix is not None
    assert found.fix.step.endswith(f"SELECT pg_terminate_backend({pid});")
    assert f"{pid} (" in found.why
    assert "migration" in found.why
    (line,) = found.evidence
    assert "UPDATE campaigns SET error =" in line
    assert "idle in transaction" in line
    assert "planted" not in repr(diagnosis)
    assert "may have another cause: 1 session blocked" in cause(diagnosis, "worker_dead").why


async def test_a_session_is_long_in_its_transaction(world: World) -> None:
    """A transaction that writes to a dispatch's tables holds locks though nobody waits yet."""
    _campaign(world, last_sent=20)
    async with _session(world, "console") as session:
        await session.execute(_UPDATE)
        diagnosis = await world.diagnose(_EAGER)
        nobody = await world.diagnose(PROCEDURE)
    found = only(diagnosis, "database_lock", untested=("worker_dead",))
    assert found.why == "1 session long in a transaction that writes to campaigns."
    assert "console" in found.evidence[0]
    only(nobody, "worker_dead")


async def test_a_long_report_is_no_lock(world: World) -> None:
    """A transaction that only reads holds nobody up."""
    async with _session(world, "report") as session:
        await session.execute("SELECT count(*) FROM campaigns")
        nothing(await world.diagnose(_EAGER))


async def test_a_migration_locks_the_table_itself(world: World) -> None:
    """What reads the table cannot be tested then; the lock can, and names the session."""
    _campaign(world)
    async with (
        _session(world, "migration") as session,
        PostgresDatabase(world.database_url, limits=DatabaseLimits(lock=0.1)) as database,
    ):
        await session.execute("LOCK TABLE campaigns IN ACCESS EXCLUSIVE MODE")
        world.without(database=database)
        diagnosis = await world.diagnose(_EAGER)
    assert diagnosis.cause == "database_lock"
    assert states(diagnosis)["worker_dead"] is State.UNTESTED
    assert "waited for a lock" in cause(diagnosis, "not_connected").why


@pytest.fixture
def reader(world: World) -> Iterator[str]:
    """A role that may read the tables, and of other sessions only what everybody sees."""
    name = f"reader_{uuid4().hex}"
    role = sql.Identifier(name)
    grant = sql.SQL("CREATE ROLE {r}; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {r}")
    drop = sql.SQL("DROP OWNED BY {r}; DROP ROLE {r}")
    with psycopg.connect(world.database_url, autocommit=True) as connection:
        connection.execute(grant.format(r=role))
        yield name
        connection.execute(drop.format(r=role))


async def test_without_the_right_to_see_sessions(world: World, reader: str) -> None:
    """Who blocks whom is seen by everybody; since when a transaction lasts is not."""
    _campaign(world)
    async with (
        _session(world, "console") as session,
        PostgresDatabase(f"{world.database_url}&options=-crole%3D{reader}") as database,
    ):
        world.without(database=database)
        await session.execute(_UPDATE)
        found = cause(await world.diagnose(PROCEDURE), "database_lock")
        assert found.state is State.UNTESTED
        assert found.mend == f"As a superuser: GRANT pg_read_all_stats TO {reader};"
        await session.rollback()
        nothing(await world.diagnose(PROCEDURE))
        blocked, _ = await _blocked(world)
    assert blocked.cause == "database_lock"


def test_the_procedures_numbers_can_be_replaced() -> None:
    """They are data, and others may be put in their place."""
    assert replace(PROCEDURE, params=_AT_ONCE).params["long_seconds"] == 0
