"""The records of fixes: a chain that cannot be rewritten, claims that move one way."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import LiteralString

import psycopg
import pytest
from psycopg import errors

from tests.manifests.roles import RoleUrls

ENTRY: LiteralString = (
    "INSERT INTO golive.fix_audit (at, actor, action, target) VALUES (now(), %s, 'executed', '*')"
)
BROKEN_AT: LiteralString = "SELECT golive.fix_audit_broken_at()"
CLAIM: LiteralString = """
    INSERT INTO golive.fix_claims (kind, target, channel, proposed_by, proposed_at, expires_at,
        digest, rows_expected, approvals_needed)
    VALUES ('requeue', %s, 'C1', 'U1', now(), now() + interval '5 min', 'd', 3, %s) RETURNING id
"""


def broken_at(url: str) -> object:
    """The first audit row that does not fit."""
    with psycopg.connect(url) as connection:
        row = connection.execute(BROKEN_AT).fetchone()
    assert row is not None
    return row[0]


def claim(fixer: psycopg.Connection, target: str = "*", approvals: int = 1) -> object:
    """A proposed claim; its id."""
    row = fixer.execute(CLAIM, (target, approvals)).fetchone()
    assert row is not None
    return row[0]


def become(fixer: psycopg.Connection, key: object, state: str, by: str | None = None) -> None:
    """Move a claim on."""
    fixer.execute(
        "UPDATE golive.fix_claims SET state = %s, approved_by = coalesce(%s, approved_by)"
        " WHERE id = %s",
        (state, by, key),
    )


# --- audit --------------------------------------------------------------------------------------


def test_rows_are_numbered_and_chained(roles: RoleUrls) -> None:
    """Each row holds the hash of the one before; a rolled-back one leaves no gap."""
    with psycopg.connect(roles.fixer, autocommit=True) as fixer:
        fixer.execute(ENTRY, ("U1",))
        with fixer.transaction(force_rollback=True):
            fixer.execute(ENTRY, ("U9",))
        fixer.execute(ENTRY, ("U2",))
        rows = fixer.execute("SELECT seq, prev_hash, hash FROM golive.fix_audit").fetchall()
    assert [row[0] for row in rows] == [1, 2]
    assert rows[0][1] == "0" * 64
    assert rows[1][1] == rows[0][2]
    assert broken_at(roles.fixer) is None


def test_many_at_once_make_one_chain(roles: RoleUrls) -> None:
    """Transactions that add rows at the same time follow one another."""

    def add(number: int) -> None:
        with psycopg.connect(roles.fixer) as fixer:
            for _ in range(5):
                fixer.execute(ENTRY, (f"U{number}",))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(4)))
    assert broken_at(roles.fixer) is None
    with psycopg.connect(roles.fixer) as fixer:
        row = fixer.execute("SELECT count(*), max(seq) FROM golive.fix_audit").fetchone()
    assert row == (20, 20)


@pytest.mark.parametrize(
    ("tampering", "first"),
    [
        ("UPDATE golive.fix_audit SET actor = 'U9' WHERE seq = 2", 2),
        ("UPDATE golive.fix_audit SET at = at + interval '1 us' WHERE seq = 1", 1),
        ("DELETE FROM golive.fix_audit WHERE seq = 1", 2),
        ("DELETE FROM golive.fix_audit WHERE seq = 2", 3),
        ("DELETE FROM golive.fix_audit WHERE seq = 3", 3),
        ("DELETE FROM golive.fix_audit", 1),
        ("UPDATE golive.fix_audit_head SET hash = 'x'", 4),
    ],
)
def test_tampering_shows(roles: RoleUrls, tampering: LiteralString, first: int) -> None:
    """What the owner changes with the triggers off is found, at the row where it begins."""
    with psycopg.connect(roles.fixer) as fixer:
        for actor in ("U1", "U2", "U3"):
            fixer.execute(ENTRY, (actor,))
    with psycopg.connect(roles.owner) as owner:
        owner.execute("ALTER TABLE golive.fix_audit DISABLE TRIGGER USER")
        owner.execute(tampering)
    assert broken_at(roles.fixer) == first


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE golive.fix_audit SET actor = 'U9'",
        "DELETE FROM golive.fix_audit",
        "TRUNCATE golive.fix_audit",
    ],
)
def test_even_the_owner_is_stopped(roles: RoleUrls, statement: LiteralString) -> None:
    """The trigger refuses what the owner's rights would allow."""
    with (
        psycopg.connect(roles.owner) as owner,
        pytest.raises(errors.InsufficientPrivilege, match="append-only"),
    ):
        owner.execute(statement)


# --- claims -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("states", "refused"),
    [
        (("executing", "executed"), "executing"),
        (("executing", "executed"), "approved"),
        (("executing", "unsettled", "executed", "undone"), "executed"),
        (("executing", "unsettled"), "proposed"),
        (("executing",), "proposed"),
        (("refused",), "approved"),
        (("expired",), "executing"),
        (("superseded",), "proposed"),
    ],
)
def test_what_is_over_stays_over(roles: RoleUrls, states: tuple[str, ...], refused: str) -> None:
    """A claim that ended cannot begin again, and none executes twice."""
    with psycopg.connect(roles.fixer, autocommit=True) as fixer:
        key = claim(fixer)
        for state in states:
            become(fixer, key, state)
        with pytest.raises(errors.CheckViolation, match=f"cannot become {refused}"):
            become(fixer, key, refused)


def test_two_people_where_two_are_asked_for(roles: RoleUrls) -> None:
    """The proposer cannot approve, and nothing is executed without an approval."""
    with psycopg.connect(roles.fixer, autocommit=True) as fixer:
        key = claim(fixer, approvals=2)
        with pytest.raises(errors.CheckViolation, match="fix_claims_approved_first"):
            become(fixer, key, "executing")
        with pytest.raises(errors.CheckViolation, match="fix_claims_two_people"):
            become(fixer, key, "approved", by="U1")
        become(fixer, key, "approved", by="U2")
        become(fixer, key, "executing")


def test_one_at_a_time(roles: RoleUrls) -> None:
    """Of two claims about the same thing, one executes; another target is free."""
    with psycopg.connect(roles.fixer, autocommit=True) as fixer:
        first, second, other = claim(fixer), claim(fixer), claim(fixer, target="unit-2")
        become(fixer, first, "executing")
        with pytest.raises(errors.UniqueViolation):
            become(fixer, second, "executing")
        become(fixer, other, "executing")
        become(fixer, first, "executed")
        become(fixer, second, "executing")
