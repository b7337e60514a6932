"""`golive audit verify`: what it says of an audit, and how it ends."""

from __future__ import annotations

import psycopg

from tests.bot.shell import Golive
from tests.manifests.roles import install

_INSERT = "INSERT INTO golive.fix_audit (at, actor, action, target) VALUES (now(), 'U1', 'a', 't')"


def test_whole_and_broken(golive: Golive, crm_fixture_database: str) -> None:
    """Exit 0 with the head, 1 where it is broken, 64 without a database."""
    assert golive("audit", "verify").code == 64
    roles = install(crm_fixture_database)
    given = {"GOLIVE_REMEDIATION_DATABASE_URL": roles.fixer}
    with psycopg.connect(roles.fixer, autocommit=True) as fixer:
        fixer.execute(_INSERT)
    whole = golive("audit", "verify", env=given)
    assert whole.code == 0, whole.err
    assert whole.out.startswith("The audit fits together: 1 entry, ending at 1:")
    head = whole.out.partition("ending at ")[2].partition(".")[0]
    vouched = golive("audit", "verify", "--head", head, env=given)
    assert "With the digest given in it, it is whole up to entry 1." in vouched.out
    assert golive("audit", "verify", "--head", "nonsense", env=given).code == 64
    with psycopg.connect(roles.owner, autocommit=True) as owner:
        owner.execute("ALTER TABLE golive.fix_audit DISABLE TRIGGER USER")
        owner.execute("UPDATE golive.fix_audit SET actor = 'U2'")
    broken = golive("audit", "verify", env=given)
    assert (broken.code, "broken at entry 1" in broken.out) == (1, True)
