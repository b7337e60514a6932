"""golive_fixer: the fixes of the runbook and their records, and nothing else."""

from __future__ import annotations

from typing import LiteralString

import psycopg
import pytest
from psycopg import errors
from psycopg.types.json import Jsonb

from bot.doctor.rights import FIXER, Columns
from tests.manifests.roles import RoleUrls, columns, rights

SECRET: LiteralString = """
    UPDATE unit_whatsapp_connections SET webhook_secret = gen_random_uuid()::text
    WHERE unit_id = (SELECT id FROM units ORDER BY name LIMIT 1)
    RETURNING id, webhook_secret
"""
MESSAGES: LiteralString = """
    UPDATE messages SET status = 'queued', retry_count = 0, error_details = NULL
    WHERE status = 'failed' AND created_at > now() - interval '100 years' RETURNING id
"""
CAMPAIGN: LiteralString = """
    UPDATE campaigns SET status = 'draft', started_at = NULL
    WHERE id = (SELECT id FROM campaigns WHERE status = 'processing' LIMIT 1) RETURNING id
"""


def spelt_out(needed: Columns, every: Columns | dict[str, set[str]]) -> dict[str, set[str]]:
    """Needed columns, with all of a table's where none are named."""
    return {table: set(found) or set(every[table]) for table, found in needed.items()}


def test_the_file_grants_what_the_fixes_need(roles: RoleUrls) -> None:
    """Each right is granted on exactly the columns that the code names."""
    every = columns(roles.owner)
    for right, needed in (
        ("SELECT", FIXER.select),
        ("INSERT", FIXER.insert),
        ("UPDATE", FIXER.update),
    ):
        assert rights(roles.owner, "golive_fixer", right) == spelt_out(needed, dict(every)), right


def test_nothing_can_be_deleted(roles: RoleUrls) -> None:
    """No table may lose a row."""
    with psycopg.connect(roles.fixer, autocommit=True) as fixer:
        for table in columns(roles.owner):
            for verb in ("DELETE FROM", "TRUNCATE"):
                with pytest.raises(errors.InsufficientPrivilege):
                    fixer.execute(f"{verb} {table}".encode())


@pytest.mark.parametrize("fix", [SECRET, MESSAGES, CAMPAIGN])
def test_a_fix_and_its_record_are_one_transaction(recorded: RoleUrls, fix: LiteralString) -> None:
    """Claim, locked rows, before-images, the fix and its audit row go together."""
    with psycopg.connect(recorded.owner) as owner:
        owner.execute("UPDATE messages SET status = 'failed' WHERE retry_count > 0")
        owner.execute(
            "UPDATE campaigns SET status = 'processing'"
            " WHERE id = (SELECT id FROM campaigns LIMIT 1)"
        )
    with psycopg.connect(recorded.fixer) as fixer:
        fixer.execute("SELECT id FROM messages WHERE status = 'failed' FOR UPDATE")
        fixer.execute("SELECT id FROM campaigns FOR UPDATE")
        fixer.execute("SELECT id FROM unit_whatsapp_connections FOR UPDATE")
        claim = fixer.execute(
            "INSERT INTO golive.fix_claims (kind, channel, proposed_by, proposed_at, expires_at,"
            " digest, rows_expected) VALUES ('a', 'C1', 'U1', now(), now() + interval '1 min',"
            " 'd', 1) RETURNING id"
        ).fetchone()
        assert claim is not None
        changed = fixer.execute(fix).fetchall()
        assert changed
        for row in changed:
            fixer.execute(
                "INSERT INTO golive.fix_before_images (claim_id, table_name, row_id, before, after)"
                " VALUES (%s, 't', %s, %s, %s)",
                (claim[0], row[0], Jsonb({"status": "failed"}), Jsonb({"status": "queued"})),
            )
        fixer.execute(
            "INSERT INTO golive.fix_audit (at, claim_id, actor, action, target, rows)"
            " VALUES (now(), %s, 'U1', 'executed', '*', %s)",
            (claim[0], len(changed)),
        )
        fixer.execute("UPDATE golive.fix_claims SET state = 'executed', executed_by = 'U1'")
    with psycopg.connect(recorded.owner) as owner:
        found = owner.execute("SELECT rows, golive.fix_audit_broken_at() FROM golive.fix_audit")
        assert found.fetchall() == [(len(changed), None)]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE messages SET content = 'x'",
        "UPDATE messages SET external_id = 'x'",
        "UPDATE messages SET created_at = now()",
        "UPDATE campaigns SET name = 'x'",
        "UPDATE unit_whatsapp_connections SET unit_id = gen_random_uuid()",
        "UPDATE unit_whatsapp_connections SET provider_config = '{}'",
        "UPDATE campaign_recipients SET status = 'pending'",
        "INSERT INTO messages (conversation_id, sender, status) VALUES (NULL, 'agent', 'sent')",
        "SELECT content FROM messages",
        "SELECT access_token FROM unit_whatsapp_connections",
        "SELECT * FROM contacts",
        "CREATE TABLE mine (id int)",
        "CREATE TABLE golive.mine (id int)",
        "UPDATE golive.fix_audit_head SET hash = ''",
        "UPDATE golive.fix_audit SET actor = 'x'",
        "UPDATE golive.fix_before_images SET before = '{}'",
        "UPDATE golive.fix_claims SET digest = 'x'",
        "UPDATE golive.fix_claims SET proposed_by = 'x'",
        "ALTER TABLE golive.fix_audit DISABLE TRIGGER ALL",
        "INSERT INTO golive.fix_claims (state) VALUES ('approved')",
        "INSERT INTO golive.fix_audit (seq, at, actor, action, target)"
        " VALUES (9, now(), 'U1', 'a', 't')",
    ],
)
def test_anything_else_is_refused(roles: RoleUrls, statement: str) -> None:
    """Other columns, other tables, and any touch of what is already recorded."""
    with (
        psycopg.connect(roles.fixer, autocommit=True) as fixer,
        pytest.raises(errors.InsufficientPrivilege),
    ):
        fixer.execute(statement.encode())
