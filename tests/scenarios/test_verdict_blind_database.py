"""A database that does not show everything: people are told so, and nobody hears GO from it."""

from __future__ import annotations

from pathlib import Path
from typing import LiteralString

import psycopg
import pytest

from tests.manifests.roles import RoleUrls, install
from tests.support.typing_people import Ground, Play, playing, words_of


@pytest.fixture
def roles(crm_database: str) -> RoleUrls:
    """The application's tables, read by golive_reader."""
    return install(crm_database)


@pytest.fixture
def blind(tmp_path: Path, roles: RoleUrls, store_database: str) -> Ground:
    """A bot that reads as golive_reader."""
    return Ground(folder=tmp_path, database=roles.owner, store=store_database, url=roles.reader)


def owner_runs(roles: RoleUrls, *statements: LiteralString) -> None:
    """Change something as the tables' owner."""
    with psycopg.connect(roles.owner, autocommit=True) as owner:
        for statement in statements:
            owner.execute(statement)


TABLES: tuple[LiteralString, ...] = (
    *("conversations", "messages", "unit_whatsapp_connections"),
    *("campaigns", "campaign_recipients", "leads", "units"),
)


async def test_a_migration_switches_row_level_security_on(blind: Ground, roles: RoleUrls) -> None:
    """Checkpoint and status say what is hidden and what to run; after that it counts again."""
    async with playing(blind) as play:
        await play.to(18)
        await play.type("start v1 18m")
        for table in TABLES:
            owner_runs(roles, f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        await play.to(20.2)
        second = play.one("checkpoint 2 (T+20)")
        assert second.text.startswith("*▲ MONITOR so far*")
        for told in (words_of(second), await play.type("status")):
            assert "Not known:" in told
            assert "connection_stability" in told
            assert "secret_leaks" in told
            assert "Row-level security hides every row of" in told
            assert "from golive_reader" in told
        diagnosed = await play.type("diagnose 1")
        assert "hides every row of unit_whatsapp_connections" in diagnosed
        assert "No unit has" not in diagnosed
        for table in TABLES:
            owner_runs(roles, f"CREATE POLICY p ON {table} TO golive_reader USING (true)")
        assert "Checkpoint taken: GO" in await play.type("checkpoint")


async def test_secrets_that_may_not_be_read(blind: Ground, roles: RoleUrls) -> None:
    """Until they can be searched nobody is told that none leaked; then all of the log is."""
    async with playing(blind) as play:
        owner_runs(
            roles,
            "UPDATE unit_whatsapp_connections SET webhook_secret = gen_random_uuid()::text",
            "REVOKE SELECT (webhook_secret) ON unit_whatsapp_connections FROM golive_reader",
        )
        await play.to(8)
        await play.type("start v1 8m")
        play.write(f"[INFO] token is {secret_of(roles)}")
        await play.to(10.2)
        first = words_of(play.one("checkpoint 1 (T+10)"))
        assert "MONITOR so far" in first
        assert "Not known: secret_leaks" in first
        assert "was not searched for all live webhook secrets" in first
        assert "GRANT SELECT ON unit_whatsapp_connections TO golive_reader" in first
        owner_runs(roles, "GRANT SELECT ON unit_whatsapp_connections TO golive_reader")
        assert "NO-GO" in await play.type("checkpoint")
        assert "1 line with an unmasked secret: 1 proven" in everything(play)
        assert secret_of(roles) not in everything(play)


def secret_of(roles: RoleUrls) -> str:
    """The webhook secret of one unit."""
    with psycopg.connect(roles.owner) as owner:
        row = owner.execute(
            "SELECT webhook_secret FROM unit_whatsapp_connections ORDER BY id LIMIT 1"
        ).fetchone()
    assert row is not None
    return str(row[0])


def everything(play: Play) -> str:
    """All words that were posted."""
    return "\n".join(words_of(post) for post in play.posts())
