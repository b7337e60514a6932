"""The audit of fixes and the roles: what can be told, who may what, and how secrets are passed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import psycopg
import pytest
import yaml

from bot.demo.postgres import EmbeddedPostgres
from bot.storage.store import Store
from tests.bot.remediation.slack import bench
from tests.bot.shell import Golive, in_process
from tests.manifests.roles import RoleUrls, install, run_script

ROOT = Path(__file__).parents[2]
MANIFESTS = ROOT / "manifests"

_ADD = "INSERT INTO golive.fix_audit (at, actor, action, target, reason) VALUES"
_CUT = (
    "ALTER TABLE golive.fix_audit DISABLE TRIGGER USER",
    "DELETE FROM golive.fix_audit WHERE seq > {kept}",
    "UPDATE golive.fix_audit_head SET seq = {kept}, hash = coalesce("
    "(SELECT hash FROM golive.fix_audit WHERE seq = {kept}), repeat('0', 64))",
)


@pytest.fixture
def roles(crm_fixture_database: str) -> RoleUrls:
    """The application's recorded rows, with the roles."""
    return install(crm_fixture_database)


@pytest.fixture
def golive(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Golive:
    """The command line."""
    return in_process(capsys, monkeypatch)


def add(roles: RoleUrls, number: int) -> None:
    """So many entries."""
    with psycopg.connect(roles.fixer, autocommit=True) as fixer:
        for _ in range(number):
            fixer.execute(f"{_ADD} (now(), 'U1', 'refused', 'fix', 'because')".encode())


def cut(roles: RoleUrls, kept: int) -> None:
    """What only the tables' owner can do: the last entries are gone, and the chain's end fits."""
    with psycopg.connect(roles.owner, autocommit=True) as owner:
        for statement in _CUT:
            owner.execute(statement.format(kept=kept).encode())


# --- verify ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kept", [3, 2, 0])
def test_what_cannot_be_known_is_said(golive: Golive, roles: RoleUrls, kept: int) -> None:
    """Without a digest from elsewhere a cut tail looks like none: the word whole does not fall."""
    given = {"GOLIVE_REMEDIATION_DATABASE_URL": roles.fixer}
    add(roles, 3)
    cut(roles, kept)
    said = golive("audit", "verify", env=given)
    assert said.code == 0
    assert "whole" not in said.out
    assert "cannot tell by itself whether its last entries were cut off" in said.out
    assert "--head NUMBER:DIGEST" in said.out
    assert "GOLIVE_STORE_URL" in said.out


async def reviewed(roles: RoleUrls, store: str) -> None:
    """A final review at three entries, and one more entry behind it."""
    async with bench(roles, store) as table:
        for target in ("Nobody", "Nowhere", "Nothing"):
            await table.reopened(f"/golive fix reset_messages {target}")
        await table.stage.command("/golive start v2.4.0 59m")
        await table.stage.timer.advance(timedelta(minutes=2))
        await table.reopened("/golive fix reset_messages Later")


def test_the_last_final_review_s_digest_comes_from_the_store(
    golive: Golive, roles: RoleUrls, store_database: str
) -> None:
    """A tail that is cut off to before the review shows without --head; one behind it cannot."""
    given = {
        "GOLIVE_REMEDIATION_DATABASE_URL": roles.fixer,
        "GOLIVE_STORE_URL": store_database,
    }
    assert "cannot tell by itself" in golive("audit", "verify", env=given).out
    asyncio.run(reviewed(roles, store_database))
    said = golive("audit", "verify", env=given)
    assert said.code == 0
    assert "the digest of the final review of 2026-" in said.out
    assert "whole up to entry 3. Whether later entries were cut off cannot be told." in said.out
    cut(roles, 3)
    assert golive("audit", "verify", env=given).code == 0
    cut(roles, 2)
    said = golive("audit", "verify", env=given)
    assert (said.code, "entries were cut off or written anew" in said.out) == (1, True)


def test_a_store_that_does_not_answer_is_no_reason_to_be_content(
    golive: Golive, roles: RoleUrls
) -> None:
    """It would have said what was cut off; with --head it is not needed."""
    add(roles, 1)
    given = {
        "GOLIVE_REMEDIATION_DATABASE_URL": roles.fixer,
        "GOLIVE_STORE_URL": "postgresql://nobody@127.0.0.1:1/none",
    }
    refused = golive("audit", "verify", env=given)
    assert refused.code == 64
    assert "Or give --head." in refused.err
    with psycopg.connect(roles.fixer) as fixer:
        row = fixer.execute("SELECT seq || ':' || hash FROM golive.fix_audit_head").fetchone()
    assert row is not None
    assert golive("audit", "verify", "--head", str(row[0]), env=given).code == 0


def test_readme_claims_no_more() -> None:
    """What it says of the audit names what can be cut off unseen."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    said = re.search(r"Every step is in an audit.+?\n\n", readme, re.DOTALL)
    assert said is not None
    assert "nobody can change" not in said[0]
    assert "can be cut off unseen" in said[0]


# --- list -----------------------------------------------------------------------------------------


def test_who_did_what_is_listed_masked_and_the_newest_last(golive: Golive, roles: RoleUrls) -> None:
    """With the number, the instant, the person, what, how many rows, and why."""
    secret = "a-secret-that-nobody-may-read-1234567"
    given = {
        "GOLIVE_REMEDIATION_DATABASE_URL": roles.fixer,
        "GOLIVE_SECRETS": "MINE",
        "MINE": secret,
    }
    assert golive("audit", "list").code == 64
    assert "empty" in golive("audit", "list", env=given).out
    entries = (
        ("U1", "executed", "reset_messages", f"the secret is {secret}"),
        ("U2", "undone", "reset_messages", "call +5511987654321 \x1b[31m"),
        ("U3", "refused", "rollback", "not an operator"),
    )
    with psycopg.connect(roles.fixer, autocommit=True) as fixer:
        for entry in entries:
            fixer.execute(f"{_ADD} ('2026-11-23 21:00Z', %s, %s, %s, %s)".encode(), entry)
    listed = golive("audit", "list", env=given)
    assert listed.code == 0, listed.err
    rows = [line for line in listed.out.splitlines() if "2026-11-23 21:00:00" in line]
    assert [re.findall(r"\bU\d\b|executed|undone|refused", row) for row in rows] == [
        ["U1", "executed"],
        ["U2", "undone"],
        ["U3", "refused"],
    ]
    assert "not an operator" in rows[2]
    assert secret not in listed.out
    assert "11987654321" not in listed.out
    assert "\x1b" not in listed.out
    few = golive("audit", "list", "--limit", "1", env=given).out
    assert "U3" in few
    assert "U2" not in few
    cut(roles, 0)  # the whole run is searched for phone numbers, and this one is no leak


# --- roles ----------------------------------------------------------------------------------------

_TRIGGERS = """
    SELECT p.proname, p.proconfig FROM pg_proc AS p
    WHERE p.pronamespace = 'golive'::regnamespace AND p.prorettype = 'trigger'::regtype
    ORDER BY 1
"""


async def test_every_function_of_a_trigger_has_its_search_path(
    roles: RoleUrls, store_database: str
) -> None:
    """Of roles.sql and of the store: the session's own says nothing."""
    async with Store(store_database):
        pass
    for url, least in ((roles.owner, 3), (store_database, 1)):
        with psycopg.connect(url) as connection:
            found = connection.execute(_TRIGGERS.encode()).fetchall()
        assert len(found) >= least
        for name, config in found:
            assert config == ["search_path=pg_catalog, golive"], name


@pytest.fixture
def empty(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """A database of nobody's."""
    url = postgres_server.create_database()
    yield url
    postgres_server.drop_database(urlsplit(url).path.removeprefix("/"))


def _without_psql(script: str, password: str) -> str:
    """A script as the server sees it, when psql has done its part."""
    plain = re.sub(r"(?m)^\\set password .+\n", "", script)
    return plain.replace(":'password'", f"'{password}'")


async def test_compose_s_store_is_the_role_s_own(empty: str) -> None:
    """Also one whose tables the superuser made before: the role keeps and migrates them."""
    async with Store(empty):
        pass
    run_script(empty)
    login = (MANIFESTS / "store-login.sql").read_text(encoding="utf-8")
    with psycopg.connect(empty, autocommit=True) as owner:
        owner.execute(_without_psql(login, "of-the-store-only").encode())
        owners = owner.execute(
            "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'golive'"
        ).fetchall()
        owner.execute("DELETE FROM golive.migrations WHERE version = 4")
    assert owners == [("golive_store",)]
    parts = urlsplit(empty)
    url = f"postgresql://golive_store:of-the-store-only@{parts.path}?{parts.query}"
    async with Store(url) as store:
        assert await store.open_watches() == ()
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT usesuper FROM pg_user WHERE usename = user").fetchone()
    assert row == (False,)


def test_compose_gives_the_bot_no_superuser() -> None:
    """Its store is reached as golive_store; the superuser's password is a secret of the store's."""
    text = (MANIFESTS / "compose.yaml").read_text(encoding="utf-8")
    services: dict[str, dict[str, Any]] = yaml.safe_load(text)["services"]
    bot, store = services["golive"], services["store"]
    assert re.findall(r"postgresql://(\w+):", text) == ["golive_store"]
    owners = store["environment"]["POSTGRES_PASSWORD_FILE"].rpartition("/")[2]
    assert owners not in bot["secrets"]
    volumes: list[Any] = store["volumes"]
    scripts = [cast("dict[str, Any]", one) for one in volumes if isinstance(one, dict)]
    assert [Path(v["source"]).name for v in scripts] == ["roles.sql", "store-login.sql"]
    assert all((MANIFESTS / v["source"]).is_file() and v["read_only"] for v in scripts)
    targets: list[str] = [v["target"] for v in scripts]
    assert targets == sorted(targets)
    assert all(t.startswith("/docker-entrypoint-initdb.d/") for t in targets)


# --- how URLs are passed --------------------------------------------------------------------------

_PASSED = re.compile(r"--database (?!URL)|\"\$\w*URL\"|postgres(ql)?://")


@pytest.mark.parametrize(
    "path",
    ["README.md", "manifests/roles.sql", "manifests/compose.yaml", "manifests/store-login.sql"],
)
def test_no_command_that_is_shown_passes_a_url_as_an_argument(path: str) -> None:
    """Everybody on a machine can read the arguments of its processes."""
    text = (ROOT / path).read_text(encoding="utf-8")
    for line in text.splitlines():
        if re.search(r"\b(golive \w+|psql|pg_dump)\b", line):
            assert not _PASSED.search(line), line


def test_the_help_of_database_says_so(golive: Golive) -> None:
    """And names both ways that nobody else can read."""
    said = " ".join(re.sub(r"[│╭╮╰╯─]", " ", golive("check", "--help").out).split())
    assert "everybody on this machine can read arguments" in said
    assert "GOLIVE_DATABASE_URL_FILE" in said
