"""golive_store and the file itself: its own tables only, safe to run again, for any owner."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import errors

from bot.demo.postgres import EmbeddedPostgres, crm_schema
from tests.manifests.roles import RoleUrls, as_role, install, rights, run_script


@pytest.fixture
def elsewhere(postgres_server: EmbeddedPostgres) -> Iterator[RoleUrls]:
    """A database without the application's tables, with the roles."""
    url = postgres_server.create_database()
    yield install(url)
    postgres_server.drop_database(urlsplit(url).path.removeprefix("/"))


def test_it_keeps_its_own_tables(roles: RoleUrls) -> None:
    """It may make, change, fill and drop tables of its own in the schema golive."""
    with psycopg.connect(roles.store, autocommit=True) as store:
        store.execute("CREATE TABLE golive.watches (id int PRIMARY KEY)")
        store.execute("ALTER TABLE golive.watches ADD COLUMN name text")
        store.execute("INSERT INTO golive.watches VALUES (1, 'a')")
        store.execute("DROP TABLE golive.watches")


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT id FROM messages",
        "UPDATE messages SET status = 'sent'",
        "SELECT * FROM golive.fix_claims",
        "INSERT INTO golive.fix_audit (at, actor, action, target) VALUES (now(), 'a', 'b', 'c')",
        "DROP TABLE golive.fix_audit",
        "DROP SCHEMA golive CASCADE",
        "ALTER TABLE golive.fix_audit DISABLE TRIGGER ALL",
        "CREATE OR REPLACE FUNCTION golive.fix_audit_refuse() RETURNS trigger LANGUAGE plpgsql"
        " AS 'BEGIN RETURN NEW; END'",
        "CREATE TABLE public.mine (id int)",
        "CREATE SCHEMA mine",
    ],
)
def test_anything_else_is_refused(roles: RoleUrls, statement: str) -> None:
    """Neither the application's tables nor the fixes' records are its business."""
    with (
        psycopg.connect(roles.store, autocommit=True) as store,
        pytest.raises(errors.InsufficientPrivilege),
    ):
        store.execute(statement.encode())


def test_no_right_on_existing_tables(roles: RoleUrls) -> None:
    """Nothing that the file or the application made is granted to it."""
    for right in ("SELECT", "INSERT", "UPDATE", "REFERENCES"):
        assert rights(roles.owner, "golive_store", right) == {}


def test_a_database_of_its_own(elsewhere: RoleUrls) -> None:
    """Without the application's tables there is only the schema, and no records of fixes."""
    with psycopg.connect(elsewhere.store, autocommit=True) as store:
        store.execute("CREATE TABLE golive.watches (id int)")
    assert rights(elsewhere.owner, "golive_fixer", "SELECT") == {}


def test_running_it_again_keeps_what_is_there(roles: RoleUrls) -> None:
    """Passwords and rows stay, missing grants come back, and grants too many go."""
    with psycopg.connect(roles.fixer) as fixer:
        fixer.execute(
            "INSERT INTO golive.fix_audit (at, actor, action, target)"
            " VALUES (now(), 'U1', 'executed', '*')"
        )
    before = {right: rights(roles.owner, "golive_reader", right) for right in ("SELECT", "UPDATE")}
    with psycopg.connect(roles.owner) as owner:
        owner.execute("REVOKE SELECT (status) ON messages FROM golive_reader")
        owner.execute("GRANT SELECT ON units, messages TO golive_reader")
        owner.execute("GRANT UPDATE (content) ON messages TO golive_reader")
    assert run_script(roles.owner) == []
    for right, found in before.items():
        assert rights(roles.owner, "golive_reader", right) == found
    with psycopg.connect(roles.fixer) as fixer:
        row = fixer.execute("SELECT count(*), golive.fix_audit_broken_at() FROM golive.fix_audit")
        assert row.fetchone() == (1, None)


def test_no_password_and_no_login_by_default() -> None:
    """On a fresh server no role can log in; an owner who is no superuser can run the file."""
    with EmbeddedPostgres() as server:
        with psycopg.connect(server.url(), autocommit=True) as admin:
            admin.execute("CREATE ROLE owner LOGIN PASSWORD 'pw' CREATEROLE")
            admin.execute("CREATE DATABASE crm OWNER owner")
        url = as_role(server.url("crm"), "owner", "pw")
        with psycopg.connect(url) as owner:
            owner.execute(crm_schema())
        (warning,) = run_script(url)
        assert "GRANT pg_read_all_stats TO golive_reader;" in warning
        run_script(url)
        with psycopg.connect(server.url()) as admin:
            found = admin.execute(
                "SELECT rolcanlogin, rolpassword IS NULL, rolsuper, rolcreatedb, rolcreaterole,"
                " rolbypassrls FROM pg_authid WHERE rolname LIKE 'golive\\_%'"
            ).fetchall()
        assert found == [(False, True, False, False, False, False)] * 3
        assert rights(url, "golive_reader", "SELECT")
