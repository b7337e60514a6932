"""Fixes where columns have other types, rows are hidden, or the database takes no writes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import LiteralString
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from bot.remediation.engine import Confirmation, Engine
from bot.remediation.regenerate_secret import RegenerateSecret
from bot.remediation.reset_campaign import ResetCampaign
from bot.remediation.values import Claim, Done, FixUnavailable, Refusal, Undone, Wish
from checks.engine.runbook import Remediation
from tests.bot.remediation.planted import T0, plant_campaigns, plant_failures
from tests.manifests.roles import RoleUrls
from tests.support.crm_rows import Rows
from tests.support.hand import HandClock

OLIVIA = "U0OLIVIA001"
PARTIAL: LiteralString = """
    SELECT c.relname FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
    WHERE i.indpred IS NOT NULL AND c.relnamespace = 'public'::regnamespace
"""
TIMES: LiteralString = """
    SELECT table_name, column_name FROM information_schema.columns
    WHERE table_schema = 'public' AND data_type = 'timestamp with time zone'
    ORDER BY 1, 2
"""
MESSAGES = "'queued', 'pending', 'sent', 'failed', 'delivered', 'read', 'received'"
CAMPAIGNS = "'draft', 'scheduled', 'processing', 'completed', 'failed'"


def with_enums(url: str) -> None:
    """The statuses of messages and campaigns are enums."""
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("SET search_path = public")
        for (index,) in owner.execute(PARTIAL).fetchall():
            owner.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(str(index))))
        for table, values in (("messages", MESSAGES), ("campaigns", CAMPAIGNS)):
            for statement in (
                f"CREATE TYPE {table}_status AS ENUM ({values})",
                f"ALTER TABLE {table} ALTER status DROP DEFAULT",
                f"ALTER TABLE {table} ALTER status TYPE {table}_status"
                f" USING status::{table}_status",
            ):
                owner.execute(statement.encode())


def without_zone(url: str) -> None:
    """Times are written without zone, in São Paulo, on a server that says so."""
    name = urlsplit(url).path.removeprefix("/")
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(
            sql.SQL("ALTER DATABASE {} SET timezone = 'America/Sao_Paulo'").format(
                sql.Identifier(name)
            )
        )
        owner.execute("SET timezone = 'America/Sao_Paulo'")
        for table, column in owner.execute(TIMES).fetchall():
            owner.execute(
                sql.SQL("ALTER TABLE public.{} ALTER {} TYPE timestamp").format(
                    sql.Identifier(str(table)), sql.Identifier(str(column))
                )
            )


def as_it_is(url: str) -> None:
    """Nothing is changed."""
    del url


def wish(kind: str, target: str, *stated: str) -> Wish:
    """An operator wants a fix."""
    return Wish(kind=kind, target=target, by=OLIVIA, channel="C1", at=T0, stated=frozenset(stated))


def content(url: str, table: LiteralString) -> list[str]:
    """Every row of a table as text."""
    with psycopg.connect(url) as owner:
        owner.execute("SET timezone = 'UTC'")
        query = sql.SQL("SELECT t::text FROM public.{} AS t ORDER BY id").format(
            sql.Identifier(table)
        )
        return [str(row[0]) for row in owner.execute(query)]


async def made(engine: Engine, asked: Wish) -> tuple[Claim, Undone]:
    """A fix that is proposed, confirmed and taken back."""
    claim = await engine.propose(asked)
    assert isinstance(claim, Claim), claim
    given = Confirmation(
        claim=claim.id, by=OLIVIA, at=T0 + timedelta(minutes=1), reason="Evolution is back"
    )
    done = await engine.confirm(given)
    assert isinstance(done, Done), done
    undone = await engine.undo(claim.id, by=OLIVIA, at=T0 + timedelta(minutes=2))
    assert isinstance(undone, Undone), undone
    return claim, undone


@pytest.fixture
def every(engine: Engine, rules: Remediation, clock: HandClock) -> Engine:
    """An engine that resets campaigns too."""

    async def progress() -> dict[str, datetime]:
        return {}

    campaigns = ResetCampaign(rules.reset_campaign, progress=progress, clock=clock)
    return Engine(engine.database, {**engine.kinds, campaigns.name: campaigns}, rules, clock)


@pytest.mark.parametrize("change", [as_it_is, with_enums, without_zone])
async def test_fixes_are_made_and_taken_back(
    every: Engine, roles: RoleUrls, change: Callable[[str], None]
) -> None:
    """The same rows are reset, and afterwards they are as they were."""
    with Rows(roles.owner) as rows:
        _, dead = plant_campaigns(rows, plant_failures(rows).norte)
    change(roles.owner)
    before = content(roles.owner, "messages"), content(roles.owner, "campaigns")
    claim, undone = await made(every, wish("reset_messages", "Norte"))
    assert (claim.rows_expected, undone.restored, undone.conflicts) == (15, 15, ())
    assert " UTC" in claim.sheet.samples[0]
    assert "21:2" in claim.sheet.samples[0] or "21:3" in claim.sheet.samples[0]
    claim, undone = await made(every, wish("reset_campaign", str(dead), "restarted"))
    assert (claim.rows_expected, undone.restored, undone.conflicts) == (1, 1, ())
    assert (content(roles.owner, "messages"), content(roles.owner, "campaigns")) == before


@pytest.mark.parametrize(
    ("statements", "asked", "words"),
    [
        (
            ("ALTER TABLE units ENABLE ROW LEVEL SECURITY",),
            wish("reset_messages", "Norte"),
            "Row-level security hides every row of units from golive_fixer.",
        ),
        (
            (
                "ALTER TABLE messages ENABLE ROW LEVEL SECURITY",
                "CREATE POLICY p ON messages FOR SELECT TO golive_fixer USING (true)",
            ),
            wish("reset_messages", "all"),
            "Row-level security hides every row of messages from golive_fixer.",
        ),
        (
            ("ALTER TABLE campaigns ENABLE ROW LEVEL SECURITY",),
            wish("reset_campaign", "Dead"),
            "Row-level security hides every row of campaigns from golive_fixer.",
        ),
    ],
)
async def test_hidden_rows_are_refused_by_name(
    every: Engine, roles: RoleUrls, statements: tuple[LiteralString, ...], asked: Wish, words: str
) -> None:
    """Not "there is no unit": the reason, with a mend that mends it."""
    with Rows(roles.owner) as rows:
        plant_campaigns(rows, plant_failures(rows).norte)
    with psycopg.connect(roles.owner, autocommit=True) as owner:
        owner.execute("SET search_path = public")
        for statement in statements:
            owner.execute(statement)
        refused = await every.propose(asked)
        assert isinstance(refused, Refusal)
        assert refused.why.startswith(words)
        assert refused.why.endswith("Nothing was written.")
        mend = refused.why.partition("owner: ")[2].removesuffix("Nothing was written.")
        if "CREATE POLICY golive" in mend:
            owner.execute(mend.encode())
    again = await every.propose(asked)
    assert not isinstance(again, Refusal) or "Row-level" not in again.why


async def test_other_ids_are_named(every: Engine, roles: RoleUrls) -> None:
    """A fix that cannot fit the schema says so, and writes nothing."""
    with psycopg.connect(roles.owner, autocommit=True) as owner:
        owner.execute("TRUNCATE public.messages CASCADE")
        owner.execute("ALTER TABLE public.campaign_recipients DROP COLUMN message_id")
        owner.execute(
            "ALTER TABLE public.messages ALTER id DROP DEFAULT, ALTER id TYPE bigint USING 1"
        )
    with pytest.raises(FixUnavailable) as trouble:
        await every.propose(wish("reset_messages", "all"))
    assert "ids must be uuid" in trouble.value.problem.what
    assert "golive doctor" in trouble.value.problem.mend


@pytest.mark.parametrize("kind", ["text", "uuid"])
def test_a_new_secret_fits_its_column(roles: RoleUrls, kind: str) -> None:
    """A webhook secret may be a text or a uuid."""
    with psycopg.connect(roles.owner, autocommit=True) as owner:
        owner.execute("SET search_path = public")
        owner.execute("UPDATE unit_whatsapp_connections SET webhook_secret = gen_random_uuid()")
        owner.execute(
            f"ALTER TABLE unit_whatsapp_connections"
            f" ALTER webhook_secret TYPE {kind} USING webhook_secret::{kind}".encode()
        )
        row = owner.execute("SELECT unit_id FROM unit_whatsapp_connections LIMIT 1").fetchone()
    assert row is not None
    with psycopg.connect(roles.fixer) as fixer:
        changed = fixer.execute(
            RegenerateSecret.statements[1], {"unit": UUID(str(row[0]))}
        ).fetchall()
    assert len(changed) == 1
    assert changed[0][1] != changed[0][2]
