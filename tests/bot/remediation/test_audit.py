"""The audit: what was changed, removed, inserted or cut off is found."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import psycopg
import pytest

from bot.remediation import audit
from bot.remediation.engine import Engine
from tests.bot.remediation.planted import T0
from tests.bot.remediation.slack import all_words, bench
from tests.bot.shell import process
from tests.manifests.roles import RoleUrls

TURN_OFF = "ALTER TABLE golive.fix_audit DISABLE TRIGGER USER"


async def filled(engine: Engine) -> None:
    """Three refusals."""
    for number in range(3):
        await engine.refuse("U1", T0, f"fix {number}", "not an operator", channel="C1")


def as_owner(roles: RoleUrls, *statements: str) -> None:
    """What only the tables' owner can do."""
    with psycopg.connect(roles.owner, autocommit=True) as owner:
        for statement in (TURN_OFF, *statements):
            owner.execute(statement.encode())


@pytest.mark.parametrize(
    ("statement", "at"),
    [
        ("UPDATE golive.fix_audit SET actor = 'U2' WHERE seq = 2", 2),
        ("UPDATE golive.fix_audit SET details = '{}' WHERE seq = 1", 1),
        (
            "UPDATE golive.fix_audit SET actor = 'U2' WHERE seq = 2;"
            " UPDATE golive.fix_audit AS a SET hash = golive.fix_audit_hash(a) WHERE seq = 2",
            3,
        ),
        ("DELETE FROM golive.fix_audit WHERE seq = 2", 3),
        ("DELETE FROM golive.fix_audit WHERE seq = 3", 3),
        ("DELETE FROM golive.fix_audit", 1),
        ("UPDATE golive.fix_audit SET seq = 9 WHERE seq = 3", 4),
        (
            "INSERT INTO golive.fix_audit SELECT 4, at, recorded_at, claim_id, actor, action,"
            " target, reason, rows, before_digest, after_digest, details, hash, 'x'"
            " FROM golive.fix_audit WHERE seq = 3",
            4,
        ),
    ],
)
async def test_a_touched_entry_is_found(
    engine: Engine, roles: RoleUrls, statement: str, at: int
) -> None:
    """Whole before; broken at the entry afterwards."""
    await filled(engine)
    assert (await audit.verify(engine.database)).whole
    as_owner(roles, statement)
    checked = await audit.verify(engine.database)
    assert (checked.whole, checked.broken_at) == (False, at)


CUT = (
    "DELETE FROM golive.fix_audit WHERE seq = 3",
    "UPDATE golive.fix_audit_head SET seq = 2,"
    " hash = (SELECT hash FROM golive.fix_audit WHERE seq = 2)",
)
"""The tail is gone, and the chain's end says nothing of it."""

REWRITTEN = (
    "UPDATE golive.fix_audit SET actor = 'U2' WHERE seq = 3",
    "UPDATE golive.fix_audit AS a SET hash = golive.fix_audit_hash(a) WHERE seq = 3",
    "UPDATE golive.fix_audit_head SET hash = (SELECT hash FROM golive.fix_audit WHERE seq = 3)",
)
"""The last entry is another one, with a hash that fits."""


@pytest.mark.parametrize("statements", [CUT, REWRITTEN])
async def test_what_fits_together_again_shows_by_the_posted_digest(
    engine: Engine, roles: RoleUrls, statements: tuple[str, ...]
) -> None:
    """The chain alone says nothing; the digest of before is not in it."""
    await filled(engine)
    posted = await audit.head(engine.database)
    as_owner(roles, *statements)
    assert (await audit.verify(engine.database)).whole
    checked = await audit.verify(engine.database, posted)
    assert (checked.whole, checked.agrees) == (False, False)


async def test_a_tail_that_is_cut_off_behind_a_final_review(
    roles: RoleUrls, store_database: str
) -> None:
    """The review posts the digest; the audit may grow behind it, and not shrink to before it."""
    given = {"GOLIVE_REMEDIATION_DATABASE_URL": roles.fixer}

    async def verified(digest: str) -> tuple[int, str]:
        ended = await asyncio.to_thread(process, "audit", "verify", "--head", digest, **given)
        return ended.returncode, ended.stdout

    async with bench(roles, store_database) as table:
        for target in ("Nobody", "Nowhere", "Nothing"):
            await table.reopened(f"/golive fix reset_messages {target}")
        await table.stage.command("/golive start v2.4.0 59m")
        await table.stage.timer.advance(timedelta(minutes=2))
        review = table.post("audit of fixes ends at")
        assert "final review (T+60)" in review.text
        (posted,) = re.findall(r"audit of fixes ends at `([0-9]+:[0-9a-f]{64})`", all_words(review))
        assert table.rows("SELECT seq || ':' || hash FROM golive.fix_audit_head") == [(posted,)]
        await table.reopened("/golive fix reset_messages Later")
        code, said = await verified(posted)
        assert (code, "4 entries" in said, "whole up to entry 3" in said) == (0, True, True)
    as_owner(roles, "DELETE FROM golive.fix_audit WHERE seq = 4", *CUT)
    code, said = await verified(posted)
    assert (code, "entries were cut off" in said) == (1, True)
