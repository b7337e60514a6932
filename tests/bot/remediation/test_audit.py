"""The audit: what was changed, removed, inserted or cut off is found."""

from __future__ import annotations

import psycopg
import pytest

from bot.__main__ import main
from bot.remediation import audit
from bot.remediation.engine import Engine
from tests.bot.remediation.planted import T0
from tests.manifests.roles import RoleUrls

TURN_OFF = "ALTER TABLE golive.fix_audit DISABLE TRIGGER USER"


async def filled(engine: Engine) -> None:
    """Three refusals."""
    for number in range(3):
        await engine.refuse("U1", T0, f"fix {number}", "not an operator")


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


def test_the_command(
    roles: RoleUrls, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 0 with the head, 1 where it is broken, 64 without a database."""
    for name in ("GOLIVE_DATABASE_URL", "GOLIVE_LOG", "GOLIVE_REMEDIATION_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    assert main(["audit", "verify"]) == 64
    monkeypatch.setenv("GOLIVE_REMEDIATION_DATABASE_URL", roles.fixer)
    insert = (
        "INSERT INTO golive.fix_audit (at, actor, action, target) VALUES (now(), 'U1', 'a', 't')"
    )
    with psycopg.connect(roles.fixer, autocommit=True) as fixer:
        fixer.execute(insert.encode())
    assert main(["audit", "verify"]) == 0
    head = capsys.readouterr().out.partition("ending at ")[2].strip().removesuffix(".")
    assert main(["audit", "verify", "--head", head]) == 0
    assert "the digest given is in it" in capsys.readouterr().out
    assert main(["audit", "verify", "--head", "nonsense"]) == 64
    as_owner(roles, "UPDATE golive.fix_audit SET actor = 'U2'")
    assert main(["audit", "verify"]) == 1
    assert "broken at entry 1" in capsys.readouterr().out
