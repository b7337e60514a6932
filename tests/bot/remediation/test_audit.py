"""The audit: what was changed, removed, inserted or cut off is found."""

from __future__ import annotations

import subprocess

import psycopg
import pytest

from bot.remediation import audit
from bot.remediation.engine import Engine
from tests.bot.remediation.planted import T0
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
        ("DELETE FROM golive.fix_audit WHERE seq = 2", 3),
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


async def test_a_tail_that_was_cut_off_shows_by_the_posted_digest(
    engine: Engine, roles: RoleUrls
) -> None:
    """The chain fits together again, and the digest of before is not in it."""
    await filled(engine)
    posted = await audit.head(engine.database)
    as_owner(
        roles,
        "DELETE FROM golive.fix_audit WHERE seq = 3",
        "UPDATE golive.fix_audit_head SET seq = 2,"
        " hash = (SELECT hash FROM golive.fix_audit WHERE seq = 2)",
    )
    assert (await audit.verify(engine.database)).whole
    checked = await audit.verify(engine.database, posted)
    assert (checked.whole, checked.agrees) == (False, False)


def ran(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """`golive audit verify` as a shell runs it."""
    return process("audit", "verify", *arguments, **variables)


def test_the_command(roles: RoleUrls) -> None:
    """Exit 0 with the head, 1 where it is broken, 64 without a database."""
    assert ran().returncode == 64
    given = {"GOLIVE_REMEDIATION_DATABASE_URL": roles.fixer}
    insert = (
        "INSERT INTO golive.fix_audit (at, actor, action, target) VALUES (now(), 'U1', 'a', 't')"
    )
    with psycopg.connect(roles.fixer, autocommit=True) as fixer:
        fixer.execute(insert.encode())
    whole = ran(**given)
    assert whole.returncode == 0, whole.stderr
    head = whole.stdout.partition("ending at ")[2].strip().removesuffix(".")
    assert "the digest given is in it" in ran("--head", head, **given).stdout
    assert ran("--head", "nonsense", **given).returncode == 64
    as_owner(roles, "UPDATE golive.fix_audit SET actor = 'U2'")
    broken = ran(**given)
    assert (broken.returncode, "broken at entry 1" in broken.stdout) == (1, True)
