"""The statements behind a reset of failed messages."""

from __future__ import annotations

from typing import Final

CHANGE: Final = """
    WITH chosen AS (
        SELECT m.id, m.status, m.retry_count, m.error_details, m.created_at, u.name AS unit
        FROM messages AS m
        JOIN conversations AS c ON c.id = m.conversation_id
        JOIN units AS u ON u.id = c.unit_id
        WHERE m.sender::text = 'agent'
          AND m.status::text = 'failed'
          AND m.created_at >= %(since)s::timestamptz
          AND m.created_at < %(until)s::timestamptz
          AND (%(unit)s::uuid IS NULL OR c.unit_id = %(unit)s::uuid)
          AND (m.retry_count > 0 OR NOT %(only_retried)s::boolean)
          AND coalesce(m.external_id::text, '') = ''
          AND m.id <> ALL (%(sent)s::uuid[])
          AND NOT EXISTS (
              SELECT FROM unnest(%(permanent)s::text[]) AS p (words)
              WHERE position(lower(p.words) IN lower(coalesce(m.error_details::text, ''))) > 0)
        ORDER BY m.id
        LIMIT %(most)s
        FOR UPDATE OF m
    )
    UPDATE messages AS m
    SET status = %(status)s, retry_count = 0, error_details = NULL
    FROM chosen
    WHERE m.id = chosen.id
    RETURNING m.id, chosen.unit, chosen.created_at::timestamptz AS created_at,
        chosen.status AS old_status,
        chosen.retry_count AS old_retry_count, chosen.error_details AS old_error, m.status,
        m.retry_count, m.error_details
"""
"""The runbook's workaround, for the rows that another try can help."""

FACTS: Final = """
    WITH failed AS (
        SELECT m.id, m.retry_count, m.external_id, EXISTS (
            SELECT FROM unnest(%(permanent)s::text[]) AS p (words)
            WHERE position(lower(p.words) IN lower(coalesce(m.error_details::text, ''))) > 0
        ) AS permanent
        FROM messages AS m
        JOIN conversations AS c ON c.id = m.conversation_id
        WHERE m.sender::text = 'agent' AND m.status::text = 'failed'
          AND m.created_at >= %(since)s::timestamptz AND m.created_at < %(until)s::timestamptz
          AND (%(unit)s::uuid IS NULL OR c.unit_id = %(unit)s::uuid)
    ), judged AS (
        SELECT coalesce(external_id::text, '') <> '' OR id = ANY (%(sent)s::uuid[]) AS sent,
            permanent, retry_count = 0 AND %(only_retried)s::boolean AS untried
        FROM failed
    )
    SELECT count(*) AS failed,
        count(*) FILTER (WHERE sent) AS sent,
        count(*) FILTER (WHERE permanent AND NOT sent) AS permanent,
        count(*) FILTER (WHERE untried AND NOT sent AND NOT permanent) AS untried,
        (SELECT count(*)
            FROM messages AS m JOIN conversations AS c ON c.id = m.conversation_id
            WHERE m.sender::text = 'agent' AND m.status::text = 'queued'
              AND m.created_at >= %(since)s::timestamptz
              AND m.created_at < %(until)s::timestamptz
                  - make_interval(secs => %(waiting_seconds)s::float8)
              AND (%(unit)s::uuid IS NULL OR c.unit_id = %(unit)s::uuid)) AS stranded,
        (SELECT string_agg(u.name, ', ' ORDER BY u.name)
            FROM unit_whatsapp_connections AS w JOIN units AS u ON u.id = w.unit_id
            WHERE w.status::text <> 'connected'
              AND (%(unit)s::uuid IS NULL OR w.unit_id = %(unit)s::uuid)) AS offline
    FROM judged
"""
"""One row: what the statement leaves out, and what guards need to know."""

KNOWN: Final = "SELECT id FROM messages WHERE id = ANY (%(ids)s::uuid[])"
"""Which ids are a message's."""

BY_UNIT: Final = """
    SELECT u.id, u.name, count(*) AS failed
    FROM messages AS m
    JOIN conversations AS c ON c.id = m.conversation_id
    JOIN units AS u ON u.id = c.unit_id
    WHERE m.sender::text = 'agent' AND m.status::text = 'failed'
      AND m.created_at >= %(since)s::timestamptz
    GROUP BY u.id, u.name ORDER BY failed DESC, u.name LIMIT 20
"""
"""Which units have failed messages."""

RESTORE: Final = """
    UPDATE messages AS m
    SET status = (jsonb_populate_record(NULL::messages, b.before)).status,
        retry_count = (b.before ->> 'retry_count')::integer,
        error_details = b.before ->> 'error_details'
    FROM golive.fix_before_images AS b
    WHERE b.claim_id = %(claim)s AND b.table_name = 'messages' AND m.id = b.row_id
      AND m.status::text = b.after ->> 'status'
      AND m.retry_count = (b.after ->> 'retry_count')::integer
      AND m.error_details IS NOT DISTINCT FROM b.after ->> 'error_details'
    RETURNING m.id
"""
"""Only what still equals what the fix wrote; the status in the type that its column has."""

TOUCHED: Final = """
    SELECT b.row_id, m.status, coalesce(m.external_id::text, '') <> '' AS at_provider,
        m.retry_count, m.error_details, b.before ->> 'error_details' AS old_error,
        b.after ->> 'status' AS wrote
    FROM golive.fix_before_images AS b
    LEFT JOIN messages AS m ON m.id = b.row_id
    WHERE b.claim_id = %(claim)s AND b.table_name = 'messages'
    ORDER BY b.row_id
"""
"""The rows that the fix changed, as they are now."""
