"""What the database says about stuck campaigns: their recipients, and who blocks whom."""

from __future__ import annotations

from checks.campaigns import CAMPAIGN_COLUMNS, FROM_CAMPAIGNS, SCHEDULED
from checks.engine.check import Query

_SESSION = ("pid", "datname", "usename", "application_name", "state", "xact_start", "query")
"""The columns of pg_stat_activity that tell who a session is and what it does."""

CAMPAIGNS = Query(
    name="diagnosis_campaigns",
    # started_at is never written and updated_at never moves: a send is the only trace of progress.
    sql=r"""
        SELECT
            c.id,
            c.name,
            u.name AS unit,
            c.due_at,
            max(r.sent_at)::timestamptz AS newest_sent,
            count(r.id) AS recipients,
            count(r.id) FILTER (WHERE r.status::text IN ('sent', 'delivered', 'read')) AS sent,
            count(r.id) FILTER (WHERE r.status::text = 'failed') AS failed,
            count(r.id) FILTER (WHERE r.status::text = 'pending') AS pending,
            count(r.id) FILTER (WHERE r.error_message::text ~ '\m429\M') AS limited,
            (SELECT w.status::text FROM unit_whatsapp_connections AS w WHERE w.unit_id = c.unit_id)
                AS connection
        FROM """  # noqa: S608 - constants only
    + FROM_CAMPAIGNS
    + r"""
        LEFT JOIN campaign_recipients AS r ON r.campaign_id = c.id
        WHERE c.status = 'processing'
        GROUP BY c.id, c.name, u.name, c.due_at, c.unit_id
        ORDER BY pending DESC, c.id
        LIMIT 20
    """,
    reads={
        "campaigns": CAMPAIGN_COLUMNS,
        "campaign_recipients": ("id", "campaign_id", "status", "sent_at", "error_message"),
        "units": ("id", "name"),
        "unit_whatsapp_connections": ("unit_id", "status"),
    },
    optional=SCHEDULED,
)
"""A row for each campaign that is being sent, up to 20."""

LIMITED = Query(
    name="diagnosis_limited",
    sql=r"""
        SELECT
            count(*) AS messages,
            max(coalesce(last_retry_at, created_at))::timestamptz AS newest
        FROM messages
        WHERE sender::text = 'agent'
          AND created_at >= %(outbound_success_since)s::timestamptz
          AND created_at < %(now)s::timestamptz
          AND error_details::text ~ '\m429\M'
    """,
    reads={"messages": ("sender", "created_at", "last_retry_at", "error_details")},
)
"""One row: outbound messages of outbound_success' window that Evolution answered with 429."""

BLOCKED = Query(
    name="diagnosis_blocked",
    # Of a statement only the part before its first literal leaves the database: what is in quotes
    # may be a secret. A session that is idle has nothing to cancel and can only be terminated.
    sql=r"""
        WITH waiting AS (
            SELECT pid, min(waitstart) AS since
            FROM pg_locks
            WHERE NOT granted
            GROUP BY pid
        ), pairs AS (
            SELECT pid, since, unnest(pg_blocking_pids(pid)) AS blocker FROM waiting
        )
        SELECT
            p.pid AS blocked,
            p.blocker,
            b.usename::text AS role,
            b.application_name AS program,
            b.state,
            extract(epoch FROM clock_timestamp() - p.since)::float8 AS waits_seconds,
            extract(epoch FROM clock_timestamp() - b.xact_start)::float8 AS open_seconds,
            left(split_part(regexp_replace(a.query, '\$\w*\$', '''', 'g'), '''', 1), 160)
                AS blocked_statement,
            left(split_part(regexp_replace(b.query, '\$\w*\$', '''', 'g'), '''', 1), 160)
                AS statement,
            EXISTS (SELECT FROM waiting AS w WHERE w.pid = p.blocker) AS waits_itself
        FROM pairs AS p
        JOIN pg_stat_activity AS a ON a.pid = p.pid
        LEFT JOIN pg_stat_activity AS b ON b.pid = p.blocker
        WHERE a.datname = current_database()
          AND p.pid <> pg_backend_pid()
          AND clock_timestamp() - p.since >= make_interval(secs => %(blocked_seconds)s::float8)
        ORDER BY p.since
        LIMIT 20
    """,
    reads={
        "pg_locks": ("pid", "granted", "waitstart"),
        "pg_stat_activity": _SESSION,
    },
)
"""A row for each pair of a session that waits for a lock and one that it waits for."""

LONG = Query(
    name="diagnosis_long",
    # A view stands for the tables that it reads: the application may write to those.
    sql=r"""
        WITH RECURSIVE tables (oid) AS (
            SELECT to_regclass(named.tab)::oid
            FROM unnest(ARRAY['campaigns', 'campaign_recipients', 'messages']) AS named (tab)
            UNION
            SELECT d.refobjid
            FROM tables AS t
            JOIN pg_rewrite AS w ON w.ev_class = t.oid
            JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
            WHERE d.refclassid = 'pg_class'::regclass
        )
        SELECT
            a.pid,
            a.usename::text AS role,
            a.application_name AS program,
            a.state,
            extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS open_seconds,
            left(split_part(regexp_replace(a.query, '\$\w*\$', '''', 'g'), '''', 1), 160)
                AS statement,
            string_agg(DISTINCT l.relation::regclass::text, ', ') AS tables,
            a.xact_start IS NULL AS hidden,
            current_user::text AS me
        FROM pg_locks AS l
        JOIN pg_stat_activity AS a ON a.pid = l.pid
        WHERE a.datname = current_database()
          AND l.pid <> pg_backend_pid()
          AND l.locktype = 'relation'
          AND l.granted
          AND l.mode <> 'AccessShareLock'
          AND l.relation IN (SELECT oid FROM tables)
          AND (a.xact_start IS NULL
               OR clock_timestamp() - a.xact_start
                  >= make_interval(secs => %(long_seconds)s::float8))
        GROUP BY a.pid, a.usename, a.application_name, a.state, a.xact_start, a.query
        ORDER BY a.xact_start
        LIMIT 20
    """,
    reads={
        "pg_locks": ("pid", "granted", "locktype", "mode", "relation"),
        "pg_rewrite": ("oid", "ev_class"),
        "pg_depend": ("classid", "objid", "refclassid", "refobjid"),
        "pg_stat_activity": _SESSION,
    },
)
"""A row for each session that is long in a transaction which writes to the tables of a dispatch."""
