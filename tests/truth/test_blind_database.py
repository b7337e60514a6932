"""A database that does not show everything, or not as it is now, never reads as OK."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import LiteralString
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from bot.demo.postgres import EmbeddedPostgres, crm_schema
from checks import CHECKS
from checks.diagnosis import Incident, procedure_of
from checks.diagnosis.model import State
from checks.diagnosis.runner import Sources as DiagnosisSources
from checks.diagnosis.runner import diagnose
from checks.engine.check import Query
from checks.engine.model import (
    Finding,
    Level,
    LogEvidence,
    Observed,
    SignalEvidence,
    Window,
    minute_of,
)
from checks.engine.plan import Occasion
from checks.engine.runbook import load_runbook
from checks.engine.runbook.model import DatabaseRule
from checks.engine.runner import Sources, run
from checks.sources.database import PostgresDatabase
from checks.sources.database.coverage import Coverage
from tests.manifests.roles import RoleUrls, all_queries, install
from tests.support.crm_rows import TABLES, Rows
from tests.support.evidence import log
from tests.support.fakes import FakeLog
from tests.support.standby import standby_of

RUNBOOK = load_runbook(checks=CHECKS)
ONLY = (
    "database_activity",
    "connection_stability",
    "outbound_success",
    "campaigns",
    "tenant_isolation",
)
OF_MESSAGES = {"database_activity", "outbound_success", "tenant_isolation"}
OF_CONVERSATIONS = {"tenant_isolation"}
OF_CONNECTIONS = {"connection_stability", "tenant_isolation"}
ALL = set(ONLY)
STANDBY = Coverage(now=datetime.now(UTC), zone="UTC", standby=True, times={})


def fill(url: str, now: datetime) -> None:
    """A healthy hour: a unit, its conversation with an answered message, a finished campaign."""
    with Rows(url) as rows:
        unit = rows.unit("Alfa", created_at=now - timedelta(days=30))
        talk = rows.conversation(unit, created_at=now - timedelta(minutes=50))
        for minutes in range(5, 50, 3):
            rows.message(talk, created_at=now - timedelta(minutes=minutes))
        rows.campaign(
            unit,
            created_at=now - timedelta(minutes=45),
            recipients=("sent", "read"),
            sent_at=now - timedelta(minutes=30),
            status="completed",
            completed_at=now - timedelta(minutes=20),
        )


async def judged(
    url: str,
    *,
    rule: DatabaseRule | None = None,
    ahead: timedelta = timedelta(),
    seen: LogEvidence | None = None,
    observed: Observed | None = None,
) -> dict[str, Finding]:
    """What the checks that ask the database find, by a machine whose clock is so far ahead."""
    now = datetime.now(UTC) + ahead
    window = Window(since=now - timedelta(hours=1), until=now)
    occasion = Occasion(checkpoint="final", window=window, now=now, only=ONLY, observed=observed)
    clock = lambda: datetime.now(UTC) + ahead  # noqa: E731
    async with PostgresDatabase(url, rule=rule, clock=clock) as database:
        sources = Sources(database=database, log=FakeLog(evidence=seen) if seen else None)
        report = await run(CHECKS, RUNBOOK, sources, occasion)
    return {finding.check: finding for finding in report.findings}


def unknown(found: Mapping[str, Finding]) -> set[str]:
    """The checks that could not look."""
    return {check for check, finding in found.items() if finding.level is Level.UNKNOWN}


def owner_runs(roles: RoleUrls, *statements: LiteralString) -> None:
    """Change something as the tables' owner."""
    with psycopg.connect(roles.owner, autocommit=True) as owner:
        owner.execute("SET search_path = public")
        for statement in statements:
            owner.execute(statement)


@pytest.fixture
def roles(crm_database: str) -> RoleUrls:
    """A healthy hour, with the roles."""
    fill(crm_database, datetime.now(UTC))
    return install(crm_database)


# --- rows that are not shown --------------------------------------------------------------------

SECURE: LiteralString = "ALTER TABLE messages ENABLE ROW LEVEL SECURITY"
MOVED: LiteralString = "ALTER TABLE messages RENAME TO stored"
GIVEN: LiteralString = "GRANT SELECT ON messages TO golive_reader"
PLAIN_OWNER: LiteralString = """
    DO $$ BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'plain_owner') THEN
            CREATE ROLE plain_owner;
        END IF;
    END $$;
    GRANT SELECT ON stored TO plain_owner;
    ALTER VIEW messages OWNER TO plain_owner;
"""

HIDING: dict[str, tuple[tuple[LiteralString, ...], set[str], str]] = {
    "no policy": ((SECURE,), OF_MESSAGES, "hides every row of messages from golive_reader"),
    "a policy for one tenant": (
        (
            "ALTER TABLE conversations ENABLE ROW LEVEL SECURITY",
            "CREATE POLICY p ON conversations USING (unit_id = gen_random_uuid())",
        ),
        OF_CONVERSATIONS,
        "may hide rows of conversations",
    ),
    "a policy for another role": (
        (SECURE, "CREATE POLICY p ON messages TO golive_store USING (true)"),
        OF_MESSAGES,
        "hides every row of messages",
    ),
    "a policy for changes alone": (
        (SECURE, "CREATE POLICY p ON messages FOR UPDATE TO golive_reader USING (true)"),
        OF_MESSAGES,
        "hides every row of messages",
    ),
    "a restrictive policy beside one for all rows": (
        (
            SECURE,
            "CREATE POLICY p ON messages USING (true)",
            "CREATE POLICY q ON messages AS RESTRICTIVE USING (status <> 'failed')",
        ),
        OF_MESSAGES,
        "A restrictive policy may hide rows of messages",
    ),
    "a view that is a security invoker": (
        (
            SECURE,
            MOVED,
            "CREATE VIEW messages WITH (security_invoker = on) AS SELECT * FROM stored",
            GIVEN,
            "GRANT SELECT ON stored TO golive_reader",
        ),
        OF_MESSAGES,
        "hides every row of stored (behind the view messages) from golive_reader",
    ),
    "a view whose owner sees nothing": (
        (SECURE, MOVED, "CREATE VIEW messages AS SELECT * FROM stored", PLAIN_OWNER, GIVEN),
        OF_MESSAGES,
        "hides every row of stored (behind the view messages) from plain_owner",
    ),
    "a view over a view": (
        (
            "ALTER TABLE unit_whatsapp_connections ENABLE ROW LEVEL SECURITY",
            "ALTER TABLE unit_whatsapp_connections RENAME TO stored",
            "CREATE VIEW middle WITH (security_invoker) AS SELECT * FROM stored",
            "CREATE VIEW unit_whatsapp_connections WITH (security_invoker) AS SELECT * FROM middle",
            "GRANT SELECT ON stored, middle, unit_whatsapp_connections TO golive_reader",
        ),
        OF_CONNECTIONS,
        "stored (behind the view unit_whatsapp_connections)",
    ),
    "a partitioned table": (
        (
            "ALTER TABLE campaign_recipients DROP CONSTRAINT campaign_recipients_message_id_fkey",
            MOVED,
            "CREATE TABLE messages (LIKE stored) PARTITION BY RANGE (created_at)",
            "CREATE TABLE part PARTITION OF messages DEFAULT",
            "INSERT INTO messages SELECT * FROM stored",
            SECURE,
            GIVEN,
        ),
        OF_MESSAGES,
        "hides every row of messages",
    ),
    "a materialized view": (
        (MOVED, "CREATE MATERIALIZED VIEW messages AS SELECT * FROM stored", GIVEN),
        OF_MESSAGES,
        "messages shows the rows of its last REFRESH",
    ),
    "a column without a grant": (
        ("REVOKE SELECT (status) ON messages FROM golive_reader",),
        {"outbound_success"},
        "The role golive_reader may not read messages",
    ),
}


@pytest.mark.parametrize("case", HIDING)
async def test_hidden_rows_are_unknown(roles: RoleUrls, case: str) -> None:
    """The checks that read the table are UNKNOWN and name it; the others count on."""
    statements, blind, words = HIDING[case]
    owner_runs(roles, *statements)
    found = await judged(roles.reader)
    assert unknown(found) == blind
    for check in blind:
        problem = found[check].unknown
        assert problem is not None
        assert words in problem.what
        assert problem.mend


SHOWING: dict[str, tuple[LiteralString, ...]] = {
    "a policy for every row": (SECURE, "CREATE POLICY p ON messages TO golive_reader USING (true)"),
    "a policy for everybody": (SECURE, "CREATE POLICY p ON messages USING (true)"),
    "one of two shows all": (
        SECURE,
        "CREATE POLICY p ON messages USING (status = 'sent')",
        "CREATE POLICY q ON messages USING (true)",
    ),
    "a view whose owner sees all": (
        SECURE,
        MOVED,
        "CREATE VIEW messages AS SELECT * FROM stored",
        GIVEN,
    ),
    "a secured partition, read through its parent": (
        "ALTER TABLE campaign_recipients DROP CONSTRAINT campaign_recipients_message_id_fkey",
        MOVED,
        "CREATE TABLE messages (LIKE stored) PARTITION BY RANGE (created_at)",
        "CREATE TABLE part PARTITION OF messages DEFAULT",
        "ALTER TABLE part ENABLE ROW LEVEL SECURITY",
        "INSERT INTO messages SELECT * FROM stored",
        GIVEN,
    ),
}


@pytest.mark.parametrize("case", SHOWING)
async def test_rows_that_are_all_shown_count(roles: RoleUrls, case: str) -> None:
    """Row-level security that shows the reader everything is no reason not to know."""
    owner_runs(roles, *SHOWING[case])
    found = await judged(roles.reader)
    assert unknown(found) == set()
    assert found["outbound_success"].value == 15


@pytest.mark.parametrize("case", ["no policy", "a policy for one tenant"])
async def test_the_mend_mends(roles: RoleUrls, case: str) -> None:
    """The statement that is named can be run as it is, and then everything is known."""
    statements, blind, _ = HIDING[case]
    owner_runs(roles, *statements)
    problem = (await judged(roles.reader))[next(iter(blind))].unknown
    assert problem is not None
    with psycopg.connect(roles.owner) as owner:
        owner.execute(problem.mend.removeprefix("As the tables' owner: ").encode())
    assert unknown(await judged(roles.reader)) == set()


async def test_one_by_one_knows_as_much(roles: RoleUrls) -> None:
    """Through a transaction pooler, where queries are sent one after the other."""
    owner_runs(roles, SECURE)
    query = Query(name="n", sql="SELECT count(*) AS n FROM messages", reads={"messages": ("id",)})
    for pipelined in (True, False):
        async with PostgresDatabase(roles.reader, pipelined=pipelined) as database:
            found = await database.collect([(query, {})])
        assert found.hidden == ("messages",)
        assert found.results["n"].problem is not None


async def test_a_diagnosis_says_the_same(roles: RoleUrls) -> None:
    """It does not say that no unit has a connection."""
    owner_runs(roles, "ALTER TABLE unit_whatsapp_connections ENABLE ROW LEVEL SECURITY")
    now = datetime.now(UTC)
    occasion = Occasion(
        checkpoint="final", window=Window(since=now - timedelta(hours=1), until=now), now=now
    )
    async with PostgresDatabase(roles.reader) as database:
        found = await diagnose(
            procedure_of(Incident.NOT_CONNECTED),
            DiagnosisSources(database=database),
            occasion,
            RUNBOOK,
        )
    causes = {cause.id: cause for cause in found.causes}
    for name in ("instance_mismatch", "instance_state", "missed_update"):
        assert causes[name].state is State.UNTESTED
        assert "hides every row of unit_whatsapp_connections" in causes[name].why
        assert "CREATE POLICY" in causes[name].mend


# --- times without zone -------------------------------------------------------------------------

TIMES: LiteralString = """
    SELECT table_name, column_name FROM information_schema.columns
    WHERE table_schema = 'public' AND data_type = 'timestamp with time zone'
    ORDER BY 1, 2
"""


def without_zone(url: str, written_in: str, *, database_zone: str = "UTC") -> None:
    """Every time loses its zone, as an application writes them whose clock shows `written_in`."""
    name = urlsplit(url).path.removeprefix("/")
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(
            sql.SQL("ALTER DATABASE {} SET timezone = {}").format(
                sql.Identifier(name), sql.Literal(database_zone)
            )
        )
        owner.execute(sql.SQL("SET timezone = {}").format(sql.Literal(written_in)))
        for table, column in owner.execute(TIMES).fetchall():
            owner.execute(
                sql.SQL("ALTER TABLE {} ALTER {} TYPE timestamp").format(
                    sql.Identifier(str(table)), sql.Identifier(str(column))
                )
            )


def told(found: Mapping[str, Finding]) -> dict[str, tuple[object, ...]]:
    """What a person reads of each check."""
    return {check: (f.level, f.value, f.summary, f.evidence) for check, f in found.items()}


@pytest.mark.parametrize("zone", ["UTC", "America/Sao_Paulo", "Asia/Kolkata", "Pacific/Kiritimati"])
@pytest.mark.parametrize("reader_zone", [None, "Asia/Tokyo"])
async def test_times_without_zone_are_read_in_the_databases_own(
    roles: RoleUrls, zone: str, reader_zone: str | None
) -> None:
    """Whatever zone the reader's own session has: the same is found as with zones."""
    with_zones = await judged(roles.reader)
    without_zone(roles.owner, zone, database_zone=zone)
    reader = roles.reader
    if reader_zone is not None:
        reader += f"&options=-c%20timezone%3D{reader_zone}"
    assert told(await judged(reader)) == told(with_zones)
    assert unknown(with_zones) == set()


async def test_a_readers_own_zone_is_not_the_databases(roles: RoleUrls) -> None:
    """Where only the reader's role has another zone, the server's counts."""
    without_zone(roles.owner, "UTC")
    owner_runs(roles, "ALTER ROLE golive_reader SET timezone = 'Asia/Tokyo'")
    try:
        found = await judged(roles.reader)
    finally:
        owner_runs(roles, "ALTER ROLE golive_reader RESET timezone")
    assert unknown(found) == set()
    assert found["outbound_success"].value == 15


def log_with(messages: int) -> LogEvidence:
    """A log of this hour that works, with so many messages, the newest five minutes ago."""
    last = datetime.now(UTC) - timedelta(minutes=5)
    signals = {"http_responses": 50, "send_ok": messages, "inbound_created": messages}
    return replace(
        log(dict.fromkeys(signals, 0)),
        signals={
            name: SignalEvidence(
                count=count, minutes={minute_of(last): count}, last=last if count else None
            )
            for name, count in signals.items()
        },
    )


OFF = {
    # written in, what else is known → the offset, as it is named
    ("Asia/Kolkata", "nothing"): "5 h 25 min ahead of the clock",
    ("America/Sao_Paulo", "log"): "3 h 00 min behind the newest message",
    ("America/St_Johns", "log"): "behind the newest message",
    ("America/Sao_Paulo", "counter"): "behind the newest message",
    ("America/Sao_Paulo", "nothing"): "whether its hours are off or no message came",
}


@pytest.mark.parametrize(("zone", "known"), OFF)
async def test_rows_that_are_hours_off_are_unknown(roles: RoleUrls, zone: str, known: str) -> None:
    """The application writes local times into columns that are read as UTC."""
    without_zone(roles.owner, zone)
    observed = None
    if known == "counter":
        with psycopg.connect(roles.owner) as owner:
            owner.execute("SELECT pg_stat_force_next_flush()")
        before = datetime.now(UTC) - timedelta(hours=1)
        observed = Observed(deployed_at=before, inserted=1)
    seen = log_with(12) if known == "log" else None
    found = await judged(roles.reader, seen=seen, observed=observed)
    # The counter itself goes by no time.
    blind = OF_MESSAGES - {"database_activity"} if known == "counter" else OF_MESSAGES
    assert unknown(found) >= blind
    problem = found["outbound_success"].unknown
    assert problem is not None
    assert OFF[zone, known] in problem.what
    assert "read as UTC" in problem.what
    assert "database.timezone" in problem.mend
    right = await judged(roles.reader, seen=seen, rule=DatabaseRule(timezone=zone))
    assert unknown(right) == set()
    assert right["outbound_success"].value == 15


async def test_a_quiet_hour_is_not_off(roles: RoleUrls) -> None:
    """Where the log works and shows no message, the newest row may be hours old."""
    without_zone(roles.owner, "UTC")
    owner_runs(roles, "UPDATE messages SET created_at = created_at - interval '3 hours'")
    assert unknown(await judged(roles.reader, seen=log_with(0))) == set()


# --- clocks and standbys ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("minutes", "words"), [(-3, "180 s ahead of golive's"), (3, "180 s behind golive's")]
)
async def test_a_clock_that_is_off(roles: RoleUrls, minutes: float, words: str) -> None:
    """A window by one clock over rows by another says nothing of what is new."""
    found = await judged(roles.reader, ahead=timedelta(minutes=minutes))
    assert unknown(found) == ALL
    assert all(words in str(finding.unknown) for finding in found.values())
    assert unknown(await judged(roles.reader, ahead=timedelta(seconds=20))) == set()


@pytest.fixture(scope="module")
def primary() -> Iterator[RoleUrls]:
    """A server of its own with a healthy hour, because a standby copies all of it."""
    with EmbeddedPostgres() as server:
        url = server.create_database("crm", script=crm_schema())
        fill(url, datetime.now(UTC))
        yield install(url)


async def test_standbys(primary: RoleUrls) -> None:
    """One in step is as good as its primary, also when that is idle; one that stands is not."""
    with standby_of(primary.owner) as owner:
        there = RoleUrls(
            owner=owner,
            reader=primary.reader.replace(_host(primary.owner), _host(owner)),
            fixer="",
            store="",
        )
        in_step = await judged(there.reader)
        assert unknown(in_step) == set()
        assert in_step["outbound_success"].value == 15
        await _stands(there, "SELECT pg_wal_replay_pause()", "whose replay is paused")
        with psycopg.connect(owner, autocommit=True) as standby:
            standby.execute("SELECT pg_wal_replay_resume()")
            standby.execute("SELECT 1")
        with psycopg.connect(owner, autocommit=True) as standby:
            standby.execute("ALTER SYSTEM SET recovery_min_apply_delay = '10min'")
            standby.execute("SELECT pg_reload_conf()")
            _until(standby, "SELECT current_setting('recovery_min_apply_delay') = '10min'")
        assert unknown(await judged(there.reader)) == set()
        with psycopg.connect(primary.owner, autocommit=True) as server:
            server.execute("CREATE TABLE something_new ()")
        with psycopg.connect(owner, autocommit=True) as standby:
            _until(standby, "SELECT pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn()")
        await _stands(there, "SELECT 1", "600 s behind")
        with psycopg.connect(owner, autocommit=True) as standby:
            standby.execute("ALTER SYSTEM RESET recovery_min_apply_delay")
            standby.execute("SELECT pg_reload_conf()")
            _until(standby, "SELECT pg_last_wal_receive_lsn() <= pg_last_wal_replay_lsn()")
        with psycopg.connect(primary.owner, autocommit=True) as server:
            server.execute("ALTER SYSTEM SET max_wal_senders = 10")
            server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_replication")
        with psycopg.connect(owner, autocommit=True) as standby:
            standby.execute("ALTER SYSTEM SET primary_conninfo = ''")
            standby.execute("SELECT pg_reload_conf()")
            _until(standby, "SELECT NOT EXISTS (SELECT FROM pg_stat_wal_receiver)")
        await _stands(there, "SELECT 1", "receives nothing from its primary")


async def _stands(there: RoleUrls, statement: LiteralString, words: str) -> None:
    with psycopg.connect(there.owner, autocommit=True) as standby:
        standby.execute(statement)
    found = await judged(there.reader)
    assert unknown(found) == ALL
    assert all(words in str(finding.unknown) for finding in found.values())
    assert all("GOLIVE_DATABASE_URL" in str(finding.unknown) for finding in found.values())


def _host(url: str) -> str:
    return urlsplit(url).query.partition("host=")[2].partition("&")[0]


def _until(connection: psycopg.Connection[tuple[object, ...]], condition: LiteralString) -> None:
    deadline = time.monotonic() + 10
    while connection.execute(condition).fetchone() != (True,):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("covered", "words"),
    [
        (replace(STANDBY, lag=31.0), "31 s behind: it has not replayed what it received"),
        (replace(STANDBY, lag=None), "behind: it has not replayed what it received"),
        (replace(STANDBY, lag=29.0), None),
        (replace(STANDBY, lag=0), None),
        (replace(STANDBY, standby=False, lag=None), None),
    ],
)
def test_what_was_received_but_not_replayed(covered: Coverage, words: str | None) -> None:
    """A standby that has replayed all that it received is in step, however old that is."""
    problem = covered.stale(DatabaseRule())
    assert (problem is None) if words is None else (problem is not None and words in problem.what)


# --- other schemas ------------------------------------------------------------------------------

SCHEMAS: dict[str, tuple[LiteralString, ...]] = {
    "enums without some of the values": (
        "DROP INDEX IF EXISTS messages_requeue",
        "CREATE TYPE message_status AS ENUM ('sent', 'received')",
        "ALTER TABLE messages ALTER status DROP DEFAULT",
        "ALTER TABLE messages ALTER status TYPE message_status USING status::message_status",
        "CREATE TYPE sender AS ENUM ('agent')",
        "ALTER TABLE messages ALTER sender TYPE sender USING sender::sender",
        "CREATE TYPE connection_status AS ENUM ('connected')",
        "ALTER TABLE unit_whatsapp_connections ALTER status DROP DEFAULT",
        "ALTER TABLE unit_whatsapp_connections"
        " ALTER status TYPE connection_status USING status::connection_status",
        "CREATE TYPE campaign_status AS ENUM ('completed')",
        "ALTER TABLE campaigns ALTER status DROP DEFAULT",
        "ALTER TABLE campaigns ALTER status TYPE campaign_status USING status::campaign_status",
        "CREATE TYPE recipient_status AS ENUM ('sent', 'read')",
        "ALTER TABLE campaign_recipients ALTER status DROP DEFAULT",
        "ALTER TABLE campaign_recipients"
        " ALTER status TYPE recipient_status USING status::recipient_status",
    ),
    "varchars": (
        "DROP INDEX IF EXISTS messages_requeue",
        "ALTER TABLE messages ALTER status TYPE varchar(20), ALTER external_id TYPE varchar(80)",
        "ALTER TABLE unit_whatsapp_connections ALTER status TYPE varchar(20)",
    ),
    "padded characters": (
        "DROP INDEX IF EXISTS messages_requeue",
        "ALTER TABLE messages ALTER status TYPE char(20), ALTER sender TYPE char(20)",
        "ALTER TABLE unit_whatsapp_connections ALTER status TYPE char(20)",
        "ALTER TABLE campaigns ALTER status TYPE char(20)",
        "ALTER TABLE campaign_recipients ALTER status TYPE char(20)",
    ),
    "errors as jsonb": (
        "ALTER TABLE messages ALTER error_details TYPE jsonb USING to_jsonb(error_details)",
    ),
}


@pytest.mark.parametrize("schema", SCHEMAS)
async def test_other_types_make_no_difference(roles: RoleUrls, schema: str) -> None:
    """Statuses as text or as enums, whatever values these know."""
    as_it_was = await judged(roles.reader)
    with psycopg.connect(roles.owner, autocommit=True) as owner:
        for name in owner.execute(PARTIAL).fetchall():
            owner.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(str(name[0]))))
        for statement in SCHEMAS[schema]:
            owner.execute(statement)
    assert told(await judged(roles.reader)) == told(as_it_was)


IDS: LiteralString = """
    SELECT table_name, column_name FROM information_schema.columns
    WHERE table_schema = 'public' AND data_type = 'uuid'
    ORDER BY 1, 2
"""
KEYS: LiteralString = """
    SELECT conrelid::regclass::text, conname FROM pg_constraint
    WHERE contype = 'f' AND connamespace = 'public'::regnamespace
"""


async def test_ids_may_be_numbers(roles: RoleUrls) -> None:
    """Rows are joined by whatever type their ids have."""
    as_it_was = await judged(roles.reader)
    with psycopg.connect(roles.owner, autocommit=True) as owner:
        owner.execute("SET search_path = public")
        for table, key in owner.execute(KEYS).fetchall():
            owner.execute(f"ALTER TABLE {table} DROP CONSTRAINT {key}".encode())
        for table, column in owner.execute(IDS).fetchall():
            owner.execute(f"ALTER TABLE {table} ALTER {column} DROP DEFAULT".encode())
            number = f"('x' || left(replace({column}::text, '-', ''), 15))::bit(60)::bigint"
            owner.execute(f"ALTER TABLE {table} ALTER {column} TYPE bigint USING {number}".encode())
    assert told(await judged(roles.reader)) == told(as_it_was)


PARTIAL: LiteralString = """
    SELECT c.relname FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
    WHERE i.indpred IS NOT NULL AND c.relnamespace = 'public'::regnamespace
"""


def test_every_query_says_what_it_reads() -> None:
    """What a query does not name cannot be known to be visible."""
    for query in all_queries():
        named = [table for table in TABLES if f" {table} " in f"{' '.join(query.sql.split())} "]
        assert set(named) <= set(query.reads), query.name
