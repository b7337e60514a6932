"""What the database lets its reader see, and how current it is: asked with every snapshot.

A table whose rows are hidden, a standby that stands still and a clock that is off all answer a
count with a plausible number. What a query read is known only together with this.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import LiteralString, cast

from checks.engine.check import Query
from checks.engine.model import DatabaseEvidence, Problem
from checks.engine.runbook.model import DatabaseRule

SET_ZONE: LiteralString = """
    set_config('TimeZone', coalesce(
        %(zone)s::text,
        (
            SELECT split_part(setting, '=', 2)
            FROM pg_db_role_setting AS s, unnest(s.setconfig) AS setting
            WHERE s.setrole = 0
              AND s.setdatabase IN (
                  0, (SELECT oid FROM pg_database WHERE datname = current_database())
              )
              AND setting ILIKE 'timezone=%%'
            ORDER BY s.setdatabase DESC
            LIMIT 1
        ),
        (
            SELECT CASE WHEN source IN ('client', 'user', 'database user')
                THEN current_setting('log_timezone') ELSE reset_val END
            FROM pg_settings WHERE name = 'TimeZone'
        )
    ), true)
"""
"""Sets the transaction's time zone: a given one, or the database's own, which is not the reader's.

PostgreSQL reads a timestamp without time zone in the session's zone wherever it is compared with an
instant. Where the reader's role or PGTZ replaces the server's zone, `log_timezone`, which initdb
sets to the same and no role can change, stands for it.
"""

_VISIBLE: LiteralString = """
    WITH RECURSIVE needed AS (
        SELECT n.tab, to_regclass(n.tab)::oid AS rel, n.command
        FROM unnest(%(tables)s::text[], %(commands)s::text[]) AS n (tab, command)
    ), me AS (
        SELECT oid FROM pg_roles WHERE rolname = current_user
    ), reached (tab, command, rel, reader) AS (
        -- What is read, and what stands behind a view, with the role by whose rights it is read.
        SELECT DISTINCT n.tab, n.command, n.rel, me.oid
        FROM needed AS n
        CROSS JOIN me
        JOIN pg_class AS c ON c.oid = n.rel AND c.relnamespace <> 'pg_catalog'::regnamespace
        UNION
        SELECT
            v.tab,
            v.command,
            d.refobjid,
            CASE
                WHEN (
                    SELECT o.option_value::boolean FROM pg_options_to_table(c.reloptions) AS o
                    WHERE o.option_name = 'security_invoker'
                ) THEN (SELECT oid FROM me)
                ELSE c.relowner
            END
        FROM reached AS v
        JOIN pg_class AS c ON c.oid = v.rel AND c.relkind = 'v'
        JOIN pg_rewrite AS w ON w.ev_class = c.oid
        JOIN pg_depend AS d
            ON d.classid = 'pg_rewrite'::regclass
            AND d.objid = w.oid
            AND d.refclassid = 'pg_class'::regclass
            AND d.refobjid <> c.oid
    ), guarded AS (
        SELECT r.tab, r.command, r.rel, r.reader, o.rolname
        FROM reached AS r
        JOIN pg_class AS c ON c.oid = r.rel
        JOIN pg_roles AS o ON o.oid = r.reader
        WHERE CASE
            WHEN r.reader = (SELECT oid FROM me) THEN row_security_active(r.rel)
            ELSE c.relrowsecurity
                AND NOT o.rolsuper
                AND NOT o.rolbypassrls
                AND (c.relforcerowsecurity OR NOT pg_has_role(r.reader, c.relowner, 'USAGE'))
        END
    ), policies AS (
        SELECT g.tab, g.rel, g.command, p.polpermissive AS permits,
            pg_get_expr(p.polqual, p.polrelid) AS shows
        FROM guarded AS g
        JOIN pg_policy AS p ON p.polrelid = g.rel AND p.polcmd IN (g.command::"char", '*')
        WHERE p.polqual IS NOT NULL
          AND (0 = ANY (p.polroles) OR EXISTS (
              SELECT FROM unnest(p.polroles) AS r (id) WHERE pg_has_role(g.reader, r.id, 'USAGE')))
    ), hidden AS (
        SELECT DISTINCT
            g.tab,
            g.rel::regclass::text AS base,
            quote_ident(g.rolname) AS reader,
            NOT EXISTS (
                SELECT FROM policies AS p
                WHERE p.tab = g.tab AND p.rel = g.rel AND p.command = g.command
                  AND p.permits AND p.shows <> 'false'
            ) AS wholly,
            EXISTS (
                SELECT FROM policies AS p
                WHERE p.tab = g.tab AND p.rel = g.rel AND p.command = g.command
                  AND NOT p.permits AND p.shows <> 'true'
            ) AS restricted,
            false AS stored
        FROM guarded AS g
        WHERE NOT EXISTS (
                SELECT FROM policies AS p
                WHERE p.tab = g.tab AND p.rel = g.rel AND p.command = g.command
                  AND p.permits AND p.shows = 'true'
            )
           OR EXISTS (
                SELECT FROM policies AS p
                WHERE p.tab = g.tab AND p.rel = g.rel AND p.command = g.command
                  AND NOT p.permits AND p.shows <> 'true'
            )
        UNION ALL
        SELECT DISTINCT r.tab, r.rel::regclass::text, quote_ident(current_user), false, false, true
        FROM reached AS r
        JOIN pg_class AS c ON c.oid = r.rel AND c.relkind = 'm'
    )
"""
"""`hidden`: relations whose rows are not all shown, or not as they are now (materialized views).

Binds `tables` and `commands` ('r' for SELECT, 'w' for UPDATE), a pair for each use. A policy
USING (true) shows everything, unless a restrictive one stands beside it. A view is followed to its
tables: they are read by the rights of its owner, or of the reader where it is a security_invoker.
"""

_ALL: LiteralString = " SELECT * FROM hidden ORDER BY tab, base"

HIDDEN: LiteralString = _VISIBLE + _ALL
"""A row for each such relation."""

_COVERAGE: LiteralString = """
    SELECT
        clock_timestamp() AS now,
        current_setting('TimeZone') AS zone,
        pg_is_in_recovery() AS standby,
        CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() ELSE false END AS paused,
        CASE WHEN pg_is_in_recovery() THEN EXISTS (SELECT FROM pg_stat_wal_receiver) ELSE true END
            AS receives,
        CASE
            WHEN NOT pg_is_in_recovery()
                OR pg_last_wal_receive_lsn() <= pg_last_wal_replay_lsn() THEN 0
            ELSE greatest(
                extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()),
                extract(epoch FROM current_setting('recovery_min_apply_delay')::interval)
            )::float8
        END AS lag_seconds,
        (SELECT coalesce(jsonb_agg(to_jsonb(h) ORDER BY h.tab, h.base), '[]') FROM hidden AS h)
            AS hidden,
        (
            SELECT coalesce(jsonb_object_agg(n.tab || '.' || n.col, a.atttypid::regtype), '{}')
            FROM unnest(%(of_tables)s::text[], %(columns)s::text[]) AS n (tab, col)
            JOIN pg_attribute AS a
                ON a.attrelid = to_regclass(n.tab) AND a.attname = n.col AND NOT a.attisdropped
            WHERE a.atttypid IN (
                'timestamp'::regtype, 'timestamptz'::regtype, 'date'::regtype
            )
        ) AS times
"""

COVERAGE = Query(name="coverage", sql=_VISIBLE + _COVERAGE, reads={})
"""One row. `lag_seconds` is what was received but not replayed: the age of the last transaction
alone says nothing about a standby whose primary is idle. One that is told to stay behind will be so
by that much at least. `times` names each column of time with its type."""

NEWEST = Query(
    name="newest_message",
    # Nothing is scanned where the column has a time zone.
    sql="""
        SELECT max(created_at)::timestamptz AS newest
        FROM messages
        WHERE (
            SELECT atttypid = 'timestamp'::regtype FROM pg_attribute
            WHERE attrelid = to_regclass('messages') AND attname = 'created_at'
        )
    """,
    reads={"messages": ("created_at",)},
)
"""One row: when the newest message was made, where its time has no zone; else NULL."""

_ZONELESS = "timestamp without time zone"
_PRIMARY = "or let GOLIVE_DATABASE_URL name the primary"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hidden:
    """A relation that does not show all of its rows as they are now.

    table:      the name that queries read it by
    base:       the table that hides them: itself, or one behind a view
    reader:     the role by whose rights that table is read
    wholly:     whether no row at all is shown
    restricted: whether a restrictive policy hides them
    stored:     whether it is a materialized view, which shows its last refresh
    """

    table: str
    base: str
    reader: str
    wholly: bool = False
    restricted: bool = False
    stored: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What COVERAGE answered.

    now:    the server's clock
    zone:   in which timestamps without zone were read
    lag:    seconds that the standby is behind what it received; None where it cannot tell
    times:  "table.column" → type, of the columns of time that are read
    newest: the answer to NEWEST
    """

    now: datetime
    zone: str
    standby: bool = False
    paused: bool = False
    receives: bool = True
    lag: float | None = 0
    hidden: tuple[Hidden, ...] = ()
    times: Mapping[str, str]
    newest: datetime | None = None

    @property
    def zoneless(self) -> tuple[str, ...]:
        """The columns of time without a zone."""
        return tuple(sorted(name for name, kind in self.times.items() if kind == _ZONELESS))

    def problem_of(self, query: Query, offset: float, rule: DatabaseRule) -> Problem | None:
        """Why the rows of a query are not all that there is now; None where they are.

        offset: seconds that the server's clock is ahead of golive's
        """
        tables = [table for table in query.reads if not table.startswith("pg_")]
        if not tables:
            return None
        hidden = [entry for entry in self.hidden if entry.table in tables]
        if hidden:
            return hidden_problem(hidden)
        stale = self.stale(rule)
        if stale is not None:
            return stale
        names = {f"{table}.{column}" for table in tables for column in query.reads[table]}
        if abs(offset) > rule.clock_offset.total_seconds() and names & set(self.times):
            return clock_problem(offset)
        return None

    def stale(self, rule: DatabaseRule) -> Problem | None:
        """Why this is not what the primary has now; None where it is, and on a primary."""
        if not self.standby:
            return None
        if self.paused:
            return Problem(
                what="The database is a standby whose replay is paused.",
                mend=f"Run SELECT pg_wal_replay_resume(); on it, {_PRIMARY}.",
            )
        if not self.receives:
            return Problem(
                what="The database is a standby that receives nothing from its primary.",
                mend=f"Check primary_conninfo and the standby's log, {_PRIMARY}.",
            )
        if self.lag is not None and self.lag <= rule.lag.total_seconds():
            return None
        behind = "behind" if self.lag is None else f"{self.lag:.0f} s behind"
        return Problem(
            what=f"The database is a standby, {behind}: it has not replayed what it received.",
            mend=f"Look for long queries and recovery_min_apply_delay on it, {_PRIMARY}.",
        )


def asks(reads: Iterable[Mapping[str, tuple[str, ...]]]) -> dict[str, object]:
    """The parameters of COVERAGE for queries that read these columns."""
    pairs = dict.fromkeys(
        (table, column)
        for columns_of in reads
        for table, columns in columns_of.items()
        for column in columns
    )
    tables = list(dict.fromkeys(table for table, _ in pairs))
    return {
        "tables": tables,
        "commands": ["r"] * len(tables),
        "of_tables": [table for table, _ in pairs],
        "columns": [column for _, column in pairs],
    }


def coverage_of(row: Mapping[str, object]) -> Coverage:
    """The row of COVERAGE, as the driver gives it."""
    now, lag = cast("datetime", row["now"]), row["lag_seconds"]
    hidden = cast("list[dict[str, object]]", row["hidden"])
    return Coverage(
        now=now,
        zone=str(row["zone"]),
        standby=bool(row["standby"]),
        paused=bool(row["paused"]),
        receives=bool(row["receives"]),
        lag=float(lag) if isinstance(lag, int | float) else None,
        hidden=hidden_of(hidden),
        times=cast("dict[str, str]", row["times"]),
    )


def hidden_of(rows: Sequence[Mapping[str, object]]) -> tuple[Hidden, ...]:
    """Rows of `hidden`."""
    return tuple(
        Hidden(
            table=str(row["tab"]),
            base=str(row["base"]),
            reader=str(row["reader"]),
            wholly=bool(row["wholly"]),
            restricted=bool(row["restricted"]),
            stored=bool(row["stored"]),
        )
        for row in rows
    )


def hidden_problem(hidden: Sequence[Hidden], command: str = "SELECT") -> Problem:
    """Why these relations are no basis: the worst of what is so, and the mend of all of that.

    command: what a policy must allow: "SELECT", or "ALL" for a role that also changes rows
    """
    stored = [entry for entry in hidden if entry.stored]
    wholly = [entry for entry in hidden if entry.wholly]
    restricted = [entry for entry in hidden if entry.restricted]
    if stored:
        names = _names(stored)
        return Problem(
            what=f"{names} shows the rows of its last REFRESH: it is a materialized view.",
            mend="Let the reader's search_path find the table itself.",
        )
    if wholly:
        return Problem(
            what=f"Row-level security hides every row of {_names(wholly)} from {_readers(wholly)}.",
            mend=_policies(wholly, command),
        )
    if restricted:
        return Problem(
            what=f"A restrictive policy may hide rows of {_names(restricted)} from"
            f" {_readers(restricted)}.",
            mend="Leave that role out of the policy (TO …), or give it BYPASSRLS.",
        )
    return Problem(
        what=f"Row-level security may hide rows of {_names(hidden)} from {_readers(hidden)}.",
        mend=_policies(hidden, command),
    )


def _names(hidden: Sequence[Hidden]) -> str:
    return ", ".join(
        dict.fromkeys(
            entry.base
            if entry.base == entry.table
            else f"{entry.base} (behind the view {entry.table})"
            for entry in hidden
        )
    )


def _readers(hidden: Sequence[Hidden]) -> str:
    return ", ".join(dict.fromkeys(entry.reader for entry in hidden))


def _policies(hidden: Sequence[Hidden], command: str) -> str:
    made = dict.fromkeys(
        f"CREATE POLICY golive ON {entry.base} FOR {command} TO {entry.reader} USING (true);"
        for entry in hidden
    )
    return f"As the tables' owner: {' '.join(made)}"


def clock_problem(offset: float) -> Problem:
    """The two clocks differ by so many seconds; more than 0: the database's is ahead."""
    way = "ahead of" if offset > 0 else "behind"
    return Problem(
        what=f"The database's clock is {abs(offset):.0f} s {way} golive's.",
        mend="Run a time service (chrony, systemd-timesyncd) on both machines: windows go by the"
        " clock.",
    )


def clock_offset(now: datetime, before: datetime, after: datetime) -> float:
    """Seconds that the server's clock is ahead of this machine's, which it was asked between."""
    off = min(now - before, timedelta()) or max(now - after, timedelta())
    return off.total_seconds()


# --- rows whose times were written in another zone ----------------------------------------------

_STEP = timedelta(minutes=15)
"""Every offset from UTC that is in use is a multiple of it."""

_SLACK = timedelta(minutes=2)
"""By how much the newest row and the newest sign of a message may differ: a log may tell whole
minutes, and a row is written while its request goes on."""

_RECENT = timedelta(hours=1)
"""Of rows younger than this nobody asks whether their hours are off."""

_FARTHEST = timedelta(hours=14)
"""The farthest that a zone is from UTC (tz database: Pacific/Kiritimati)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What is known of messages that came, from elsewhere than their rows' own times.

    until:   the latest instant at which one is known to have come; None where none is
    counted: whether that is known from rows themselves, by the counter of inserts
    quiet:   whether it is known that none came
    """

    until: datetime | None = None
    counted: bool = False
    quiet: bool = False


def misread_times(evidence: DatabaseEvidence, traffic: Traffic) -> Problem | None:
    """Why rows' times without a zone were read in another zone than they were written in.

    None where they fit, or where all times carry their zone.
    """
    newest, now = evidence.newest, evidence.server_time
    if newest is None or now is None:
        return None
    if newest - now > _SLACK:
        return _off(evidence, newest - now, "ahead of the clock")
    if traffic.quiet:
        return None
    if traffic.until is None:
        age = now - newest
        return _undecided(evidence, age) if _RECENT < age <= _FARTHEST + _RECENT else None
    gap = traffic.until - newest
    whole = abs(gap - round(gap / _STEP) * _STEP) <= _SLACK
    if gap > _SLACK and (traffic.counted or (_STEP - _SLACK < gap <= _FARTHEST and whole)):
        return _off(evidence, gap, "behind the newest message")
    return None


def _off(evidence: DatabaseEvidence, by: timedelta, way: str) -> Problem:
    return Problem(
        what=f"The newest row of messages is {_span(by)} {way}: created_at has no time zone and was"
        f" read as {evidence.timezone}.",
        mend="Set database.timezone in runbook.yaml to the zone that the application writes.",
    )


def _undecided(evidence: DatabaseEvidence, age: timedelta) -> Problem:
    return Problem(
        what=f"The newest row of messages is {_span(age)} old, read as {evidence.timezone}:"
        " created_at has no time zone, and whether its hours are off or no message came cannot be"
        " told.",
        mend="Give golive the log too (--log), or set database.timezone in runbook.yaml and accept"
        " it.",
    )


def _span(span: timedelta) -> str:
    hours, minutes = divmod(round(span.total_seconds() / 60), 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"
