"""What the database says about the messages that the log claims (part of `message_errors`)."""

from __future__ import annotations

from checks.engine.check import Query

CREATED_WITHOUT_ROW = Query(
    name="created_without_row",
    # An id that is no uuid cannot be a row's id: it counts as missing instead of failing the query.
    sql="""
        WITH claimed AS (
            SELECT DISTINCT lower(id) AS id
            FROM unnest(%(created_ids)s::text[]) AS given (id)
        ), missing AS (
            SELECT claimed.id
            FROM claimed
            LEFT JOIN messages AS m ON m.id = CASE
                WHEN claimed.id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
                THEN claimed.id::uuid
            END
            WHERE m.id IS NULL
        )
        SELECT
            (SELECT count(*) FROM claimed) AS claimed,
            count(*) AS missing,
            coalesce((SELECT string_agg(id, ', ' ORDER BY id)
                      FROM (SELECT id FROM missing ORDER BY id LIMIT 5) AS first_five), '')
                AS examples
        FROM missing
    """,
    reads={"messages": ("id",)},
)
"""One row: `claimed` (distinct ids), `missing` (int), `examples` (up to 5 ids, comma-separated)."""

OUTBOUND_FAILED = Query(
    name="outbound_failed",
    sql="""
        SELECT
            count(*) FILTER (WHERE status::text = 'failed') AS failed,
            count(*) AS total
        FROM messages
        WHERE sender::text = 'agent'
          AND created_at >= %(since)s::timestamptz
          AND created_at < %(until)s::timestamptz
    """,
    reads={"messages": ("sender", "status", "created_at")},
)
"""One row: `failed` (agent messages of the window that say so) and `total` (all of them)."""
