"""The search for secrets in all that left golive: it finds them, whichever way they left."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.secrecy.heard import Heard
from tests.support.secrecy.planted import EXAMPLE, Kind, plant

ROOT = Path(__file__).parents[1]

SECRET = "planted-and-leaked-0123456789"
LEAKING = f"""
import logging
import warnings

import aiohttp
import psycopg
import pytest
import structlog
import structlog.testing

from bot.demo.workspace import Workspace, people
from bot.settings import SettingsError
from tests.bot.workspace.bolt import web_client
from tests.support.crm_rows import Rows
from tests.support.secrecy.planted import Kind, plant

SECRET = {SECRET!r}
BARE = plant(Kind.WEBHOOK, "0ld5ecret-of-a-unit-without-a-shape")


async def test_a_post():
    async with Workspace() as workspace, aiohttp.ClientSession() as session:
        client = web_client(workspace, session)
        await client.chat_postMessage(channel=people.RELEASES, text=f"it has {{BARE}}")


async def test_a_file():
    async with Workspace() as workspace, aiohttp.ClientSession() as session:
        client = web_client(workspace, session)
        found = await client.files_getUploadURLExternal(filename="a.txt", length=9)
        await session.post(found["upload_url"], data=b"+5511987654321")


def test_a_log_line():
    structlog.get_logger().warning("refused", why=f"with {{SECRET}}")


def test_a_record_of_a_library():
    logging.getLogger("aiohttp.server").error("it says %s", SECRET)


def test_an_audit_entry(store_database):
    with psycopg.connect(store_database) as store:
        store.execute(
            "INSERT INTO golive.audit_log (at, by, action, outcome, details)"
            " VALUES (now(), 'U1', 'fix', 'refused', jsonb_build_object('why', %s::text))",
            [SECRET],
        )


def test_output_that_the_test_reads_itself(capsys):
    print("postgresql://golive:a-true-password@db/golive")
    assert "db" in capsys.readouterr().out


def test_an_event_that_the_test_captures():
    with structlog.testing.capture_logs():
        structlog.get_logger().error("refused", why=SECRET, error=ValueError(SECRET))


def test_an_error_that_the_test_expects():
    with pytest.raises(SettingsError):
        raise SettingsError((f"GOLIVE_STORE_URL is {{SECRET}}",))


def test_a_tenant_s_key_that_was_replaced(crm_database):
    from psycopg.types.json import Jsonb
    with Rows(crm_database) as rows:
        import datetime
        rows.unit(
            "Norte",
            created_at=datetime.datetime.now(datetime.UTC),
            provider_config=Jsonb({{"apiKey": "k3y-0f-a-t3nant-alone"}}),
        )
        rows.run("UPDATE unit_whatsapp_connections SET provider_config = NULL")
    print("in base64:", __import__("base64").b64encode(b"apikey k3y-0f-a-t3nant-alone").decode())


def test_a_secret_that_only_a_row_tells(crm_database):
    with Rows(crm_database) as rows:
        import datetime
        unit = rows.unit("Norte", created_at=datetime.datetime.now(datetime.UTC))
    with psycopg.connect(crm_database) as owner:
        (secret,) = owner.execute("SELECT webhook_secret FROM unit_whatsapp_connections").fetchone()
    print("the new secret is", secret)
"""
KINDS = {
    "test_a_post": (Kind.WEBHOOK, "Slack: call chat.postMessage"),
    "test_a_file": (Kind.PHONE, "Slack: upload"),
    "test_a_log_line": (Kind.PLANTED, "stdout call"),
    "test_a_record_of_a_library": (Kind.PLANTED, "the log of aiohttp.server"),
    "test_an_audit_entry": (Kind.PLANTED, "golive.audit_log"),
    "test_output_that_the_test_reads_itself": (Kind.PASSWORD, "stdout"),
    "test_an_event_that_the_test_captures": (Kind.PLANTED, "golive's log"),
    "test_an_error_that_the_test_expects": (Kind.PLANTED, "the error SettingsError"),
    "test_a_tenant_s_key_that_was_replaced": (Kind.KEY, "stdout call"),
    "test_a_secret_that_only_a_row_tells": (Kind.WEBHOOK, "stdout call"),
}


def ran(folder: Path, source: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Pytest on one file of tests, as the project runs its own."""
    file = folder / "test_tiny.py"
    file.write_text(source, encoding="utf-8")
    kept = {name: v for name, v in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest"),
            *("-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml"), *options, str(file)),
        ],
        cwd=ROOT,
        env=kept,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )


def test_a_run_in_which_a_secret_left_golive_fails(tmp_path: Path) -> None:
    """By what a worker found: each leak is told by its test, kind and place, and is not shown."""
    ended = ran(tmp_path, LEAKING, "-n", "1")
    said = f"{ended.stdout}\n{ended.stderr}"
    assert ended.returncode == pytest.ExitCode.TESTS_FAILED, said
    assert f"{len(KINDS)} passed" in said
    leaks = [line for line in said.splitlines() if line.startswith("LEAKED ")]
    for name, (kind, place) in KINDS.items():
        assert [one for one in leaks if f"::{name}: {kind} in {place}: " in one], (name, said)
    assert len(leaks) == len(KINDS), leaks
    for secret in (SECRET, "0ld5ecret", "11987654321", "a-true-password"):
        assert secret not in said


def test_what_becomes_known_later_is_found() -> None:
    """Some secrets are known only when their database is read, at its end."""
    heard = Heard(about="a test")
    heard.hear("Slack", "so long, old-friend-of-mine-1 and goodbye")
    assert heard.leaks() == []
    plant(Kind.WEBHOOK, "old-friend-of-mine-1")
    (leak,) = heard.leaks()
    assert str(leak) == "a test: a webhook secret in Slack: so long, <a webhook secret> and goodbye"


@pytest.mark.parametrize(
    "written",
    [
        "PA$$\"W\\O'RD/9",
        "pa%24%24%22w%5co%27rd%2f9",
        "706124242277 5c6f2772642f39".replace(" ", ""),
        base64.b64encode(b"pa$$\"w\\o'rd/9").decode().rstrip("="),
        base64.b64encode(b"golive:pa$$\"w\\o'rd/9@db").decode(),
        base64.urlsafe_b64encode(b"u:pa$$\"w\\o'rd/9@db").decode(),
        "pa$$\"w\\o'rd/9",
        "pa$$\\\"w\\\\o'rd/9",
        "pa%24%24%22w%5Co%27rd%2F9",
        "pa%24%24%22w%5Co%27rd/9",
    ],
)
def test_a_secret_is_known_in_every_spelling(written: str) -> None:
    """As it is, within JSON and an address, in hex and base64, in either case."""
    plant(Kind.PASSWORD, "pa$$\"w\\o'rd/9")
    heard = Heard()
    heard.hear("stderr", f"<{written}>")
    (leak,) = heard.leaks()
    assert "<a password>" in leak.around
    assert written not in leak.around


def test_a_part_of_a_secret_is_known() -> None:
    """What a parser may cut out of it and quote."""
    plant(Kind.PASSWORD, "first7part9@second8part9/x")
    heard = Heard(about="a test")
    for word in ("first7part9", "SECOND8PART9", "x"):
        heard.hear(word, f"The host of {word} is not known.")
    assert [leak.place for leak in heard.leaks()] == ["SECOND8PART9", "first7part9"]


def test_what_looks_like_one_and_is_none() -> None:
    """The example in golive's own sentences, masked things, ids and digests."""
    heard = Heard()
    for text in (
        f"must look like {EXAMPLE}host:5432/database",
        "postgresql://golive:***@db and postgresql://golive:[MASKED]@db and 5511…21",
        "a55119876543210 and 551198765432-1 and 00000000-0000-0000-0000-000000000000",
        "SLACK_BOT_TOKEN begins with xoxb-…, SLACK_APP_TOKEN with xapp-…",
        "/webhooks/whatsapp/evolution/[MASKED]",
    ):
        heard.hear("stdout", text)
    assert heard.leaks() == []


def test_what_is_too_short_to_be_told_from_a_word_is_refused() -> None:
    """And its value is not in the error."""
    with pytest.raises(ValueError, match=r"^4 characters are no secret"):
        plant(Kind.PASSWORD, "fine")
