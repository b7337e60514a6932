"""The reader's connection, with one thing broken at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import LiteralString

import psycopg
import pytest

from bot.doctor.database import INDEX, look_at_database
from bot.doctor.model import Line, Status
from bot.doctor.probes import needs_of
from checks import CHECKS
from checks.sources.database import PostgresDatabase
from tests.bot.doctor.lines import bad, saying
from tests.manifests.roles import RoleUrls
from tests.support.crm_rows import Rows

NEEDS = needs_of(CHECKS)


async def look(url: str, ahead: timedelta = timedelta()) -> list[Line]:
    """What is said about a database, by a machine whose clock is so far ahead."""
    async with PostgresDatabase(url) as database:
        return await look_at_database(database, url, NEEDS, lambda: datetime.now(UTC) + ahead)


def owner_runs(roles: RoleUrls, *statements: LiteralString) -> None:
    """Change something as the tables' owner."""
    with psycopg.connect(roles.owner, autocommit=True) as owner:
        for statement in statements:
            owner.execute(statement)


async def test_only_the_index_is_missing(roles: RoleUrls) -> None:
    """With roles.sql installed everything is fine but the index, which the application lacks."""
    lines = await look(roles.reader)
    (only,) = bad(lines)
    assert only.status is Status.WARNING
    assert only.mend == INDEX
    assert "as golive_reader, directly" in lines[0].what
    assert "PostgreSQL 18" in lines[0].what


async def test_the_mend_of_the_index_mends_it(roles: RoleUrls) -> None:
    """The statement that is named can be run as it is, and then nothing is left."""
    owner_runs(roles, INDEX)
    lines = await look(roles.reader)
    assert bad(lines) == []
    assert saying(lines, "have an index").status is Status.OK


async def test_an_index_whose_creation_broke_off(roles: RoleUrls) -> None:
    """An invalid index is told from a missing one: CREATE would fail on its name."""
    owner_runs(
        roles,
        INDEX,
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'messages_created_at'::regclass",
    )
    line = saying(await look(roles.reader), "is not valid")
    assert line.mend == "REINDEX INDEX CONCURRENTLY messages_created_at;"


async def test_an_index_on_another_column_is_none(roles: RoleUrls) -> None:
    """Neither a partial index nor one that begins otherwise serves the hourly query."""
    owner_runs(
        roles,
        "CREATE INDEX part ON messages (created_at) WHERE status = 'failed'",
        "CREATE INDEX other ON messages (status, created_at)",
    )
    assert saying(await look(roles.reader), "no index").mend == INDEX


async def test_a_missing_grant(roles: RoleUrls) -> None:
    """The exact GRANT is named, the checks that need it, and running it mends it."""
    owner_runs(roles, "REVOKE SELECT (external_id, status) ON messages FROM golive_reader")
    line = saying(await look(roles.reader), "may not read messages")
    assert line.status is Status.FAILED
    assert "outbound_success" in line.what
    assert "campaigns" not in line.what
    statement = line.mend.removeprefix("As the table's owner: ")
    assert statement.startswith("GRANT SELECT (")
    with psycopg.connect(roles.owner) as owner:
        owner.execute(statement.encode())
    assert [line.mend for line in bad(await look(roles.reader))] == [INDEX]


async def test_a_missing_column(roles: RoleUrls) -> None:
    """A database older than the application names the column and its checks."""
    owner_runs(roles, "ALTER TABLE unit_whatsapp_connections DROP COLUMN disconnected_at")
    (line, _) = bad(await look(roles.reader))
    assert line.status is Status.FAILED
    assert "Missing: unit_whatsapp_connections.disconnected_at." in line.what
    assert "connection_stability" in line.what
    assert "migrations" in line.mend


async def test_a_missing_table(roles: RoleUrls) -> None:
    """A table that is not there is named once, not column by column."""
    owner_runs(roles, "DROP TABLE campaign_recipients")
    (line, _) = bad(await look(roles.reader))
    assert "The table campaign_recipients does not exist. Without it:" in line.what


async def test_a_schema_that_may_not_be_used(roles: RoleUrls) -> None:
    """Without USAGE no table is seen: that is said instead of a list of tables."""
    owner_runs(
        roles,
        "REVOKE USAGE ON SCHEMA public FROM PUBLIC",
        "REVOKE USAGE ON SCHEMA public FROM golive_reader",
    )
    line = saying(await look(roles.reader), "may not use the schema public")
    assert line.mend.endswith("GRANT USAGE ON SCHEMA public TO golive_reader;")


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("GRANT UPDATE (status) ON messages TO golive_reader", "may write to messages"),
        ("GRANT DELETE ON campaigns TO golive_reader", "may write to campaigns"),
        ("GRANT CREATE ON SCHEMA public TO golive_reader", "may make tables in public"),
    ],
)
async def test_a_reader_that_can_write(
    roles: RoleUrls, statement: LiteralString, words: str
) -> None:
    """A right to write is a warning, whatever the session's default is."""
    owner_runs(roles, statement)
    assert saying(await look(roles.reader), words).status is Status.WARNING


async def test_the_owner_as_reader(roles: RoleUrls) -> None:
    """A superuser is warned of; no fence is put around a role that the application may use."""
    lines = await look(roles.owner)
    assert saying(lines, "is a superuser").status is Status.WARNING
    assert saying(lines, "has no statement_timeout").status is Status.WARNING
    assert saying(lines, "do not begin read-only").status is Status.WARNING
    assert not any("ALTER ROLE" in line.mend for line in lines)


BECOMING: LiteralString = """
    DO $$ BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'doctor_writer') THEN
            CREATE ROLE doctor_writer;
        END IF;
    END $$;
    GRANT INSERT ON messages TO doctor_writer;
    GRANT doctor_writer TO golive_reader WITH INHERIT FALSE, SET TRUE;
"""


@pytest.mark.parametrize(
    "statement",
    [
        "GRANT UPDATE (status) ON messages TO golive_reader",
        "GRANT TRUNCATE ON messages TO golive_reader",
        "GRANT pg_write_all_data TO golive_reader",
        "ALTER TABLE messages OWNER TO golive_reader",
        BECOMING,
    ],
)
async def test_a_writer_is_never_to_be_made_read_only(
    roles: RoleUrls, statement: LiteralString
) -> None:
    """It may be the application's own role, whose next session could write nothing."""
    owner_runs(roles, "ALTER ROLE golive_reader RESET default_transaction_read_only", statement)
    try:
        lines = await look(roles.reader)
    finally:
        owner_runs(roles, "REVOKE pg_write_all_data FROM golive_reader")
        owner_runs(roles, "ALTER TABLE messages OWNER TO golive")
        owner_runs(roles, "ALTER ROLE golive_reader SET default_transaction_read_only = on")
        if statement == BECOMING:
            owner_runs(roles, "REVOKE doctor_writer FROM golive_reader")
    assert saying(lines, "do not begin read-only").mend.startswith("manifests/roles.sql")
    assert not any("read_only" in line.mend for line in lines)
    assert any("write" in line.what for line in bad(lines))


async def test_a_reader_may_be_made_read_only(roles: RoleUrls) -> None:
    """That is a fence for the day when somebody grants too much."""
    owner_runs(roles, "ALTER ROLE golive_reader RESET default_transaction_read_only")
    line = saying(await look(roles.reader), "do not begin read-only")
    with psycopg.connect(roles.owner, autocommit=True) as owner:
        owner.execute(line.mend.encode())
    assert [line.mend for line in bad(await look(roles.reader))] == [INDEX]


async def test_statistics_of_others(roles: RoleUrls) -> None:
    """Without pg_read_all_stats a diagnosis is poorer, and nothing else."""
    owner_runs(roles, "REVOKE pg_read_all_stats FROM golive_reader")
    line = saying(await look(roles.reader), "does not see other users' statements")
    owner_runs(roles, "GRANT pg_read_all_stats TO golive_reader")
    assert line.status is Status.WARNING
    assert "GRANT pg_read_all_stats TO golive_reader;" in line.mend


async def test_row_level_security(roles: RoleUrls) -> None:
    """A table that hides all of its rows would read as zero: that has failed. The mend mends it."""
    owner_runs(roles, "ALTER TABLE messages ENABLE ROW LEVEL SECURITY")
    line = saying(await look(roles.reader), "hides every row of messages")
    assert line.status is Status.FAILED
    with psycopg.connect(roles.owner) as owner:
        owner.execute(line.mend.removeprefix("As the tables' owner: ").encode())
    assert [line.mend for line in bad(await look(roles.reader))] == [INDEX]


async def test_a_policy_for_some_rows(roles: RoleUrls) -> None:
    """One unit's rows are not all: the checks would count them as if they were."""
    owner_runs(
        roles,
        "ALTER TABLE conversations ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY p ON conversations USING (unit_id = gen_random_uuid())",
    )
    line = saying(await look(roles.reader), "may hide rows of conversations")
    assert line.status is Status.FAILED


OTHER_TYPES: dict[str, tuple[tuple[LiteralString, ...], str]] = {
    "an id that is a number": (
        (
            "ALTER TABLE campaign_recipients DROP CONSTRAINT campaign_recipients_message_id_fkey",
            "ALTER TABLE campaign_recipients ALTER message_id TYPE bigint USING 1",
            "ALTER TABLE messages ALTER id DROP DEFAULT, ALTER id TYPE bigint USING 1",
        ),
        "The query created_without_row failed: operator does not exist: bigint = uuid.",
    ),
    "a time that is a text": (
        ("ALTER TABLE conversations ALTER created_at TYPE text",),
        "The query conversation_on_other_connection failed: operator does not exist",
    ),
    "a configuration that is a text": (
        ("ALTER TABLE unit_whatsapp_connections ALTER provider_config TYPE text",),
        "The query diagnosis_connections failed: operator does not exist",
    ),
}


@pytest.mark.parametrize("case", OTHER_TYPES)
async def test_a_column_of_another_type(roles: RoleUrls, case: str) -> None:
    """Each query is planned: one that does not fit is named, with what needs it."""
    statements, words = OTHER_TYPES[case]
    owner_runs(roles, *statements)
    line = saying(await look(roles.reader), words)
    assert line.status is Status.FAILED
    assert "Without it: " in line.what


async def test_all_queries_fit(roles: RoleUrls) -> None:
    """In one line."""
    line = saying(await look(roles.reader), "statements fit the schema")
    assert line.status is Status.OK


async def test_tables_in_another_schema(roles: RoleUrls) -> None:
    """They are named, with what lets the reader find them; and that mends it."""
    owner_runs(roles, "CREATE SCHEMA crm")
    for table in ("units", "leads", "conversations", "messages"):
        owner_runs(roles, f"ALTER TABLE {table} SET SCHEMA crm")
    for table in ("unit_whatsapp_connections", "campaigns", "campaign_recipients"):
        owner_runs(roles, f"ALTER TABLE {table} SET SCHEMA crm")
    line = saying(await look(roles.reader), "stand in the schema crm")
    assert "which the search_path of golive_reader (public) does not name" in line.what
    with psycopg.connect(roles.owner, autocommit=True) as owner:
        for statement in line.mend.removeprefix("As its owner: ").split("; "):
            owner.execute(statement.encode())
    assert "index" in saying(bad(await look(roles.reader)), "").what


async def test_short_webhook_secrets(roles: RoleUrls) -> None:
    """Secrets too short to be searched are counted, and not shown."""
    with Rows(roles.owner) as rows:
        now = datetime.now(UTC)
        rows.unit("Alfa", created_at=now, webhook_secret="short-one")
        rows.unit("Beta", created_at=now)
    line = saying(await look(roles.reader), "1 webhook secret of")
    assert line.status is Status.WARNING
    assert "short-one" not in line.what + line.mend


@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        (timedelta(seconds=90), "is 90 s behind this machine's"),
        (timedelta(seconds=-90), "is 90 s ahead of this machine's"),
    ],
)
async def test_clocks_that_differ(roles: RoleUrls, ahead: timedelta, words: str) -> None:
    """A difference of more than five seconds is a warning that says in which direction."""
    assert saying(await look(roles.reader, ahead), words).status is Status.WARNING


async def test_no_connection(roles: RoleUrls) -> None:
    """A refused password is one line, without the password."""
    (line,) = await look(roles.reader.replace("of-the-tests-only", "wrong-password"))
    assert line.status is Status.FAILED
    assert "was refused" in line.what
    assert "wrong-password" not in line.what + line.mend


async def test_another_database(roles: RoleUrls) -> None:
    """A database without the application's tables lacks each of them."""
    url = roles.reader.replace(roles.reader.split("/")[3].split("?")[0], "postgres")
    lines = await look(url)
    assert saying(lines, "The table messages does not exist").status is Status.FAILED
