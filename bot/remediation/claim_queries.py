"""The statements behind claims: each step is a compare-and-set."""

from __future__ import annotations

from typing import Final

LOCK: Final = """
    SELECT pg_advisory_xact_lock(
        hashtextextended('golive.fix ' || %(kind)s || ' ' || %(target)s, 0))
"""
"""One fix of a kind and a target at a time. It ends with the transaction: a pooler may be used."""

INSERT: Final = """
    INSERT INTO golive.fix_claims (id, kind, target, channel, proposed_by, proposed_at, expires_at,
        digest, rows_expected, parameters, payload, approvals_needed)
    VALUES (%(id)s, %(kind)s, %(target)s, %(channel)s, %(proposed_by)s, %(proposed_at)s,
        %(expires_at)s, %(digest)s, %(rows_expected)s, %(parameters)s, %(payload)s,
        %(approvals_needed)s)
    RETURNING *
"""

FIND: Final = "SELECT * FROM golive.fix_claims WHERE id = %(id)s"

HOLD: Final = "SELECT * FROM golive.fix_claims WHERE id = %(id)s FOR NO KEY UPDATE"
"""One at a time, but for those who only refer to it: an entry of the audit looks at its claim while
it has the chain's end, which who holds the claim may be waiting for."""

EXECUTING: Final = """
    UPDATE golive.fix_claims
    SET state = 'executing', state_at = %(now)s, state_by = %(by)s, executed_by = %(by)s,
        executed_at = %(now)s, lease_until = %(lease)s,
        state_reason = coalesce(state_reason, %(reason)s),
        approved_by = CASE WHEN approvals_needed > 1 THEN %(by)s END,
        approved_at = CASE WHEN approvals_needed > 1 THEN %(now)s::timestamptz END
    WHERE id = %(id)s AND state = 'proposed' AND expires_at > %(now)s
      AND (approvals_needed < 2 OR state_reason IS NOT NULL)
      AND NOT EXISTS (SELECT FROM golive.fix_claims AS o
                      WHERE o.kind = fix_claims.kind AND o.target = fix_claims.target
                        AND o.state = 'executing')
    RETURNING *
"""
"""Single use: of all who press, one gets the row; none while the same thing is under way."""

CONFIRMED: Final = """
    UPDATE golive.fix_claims
    SET state_reason = %(reason)s, state_by = %(by)s, state_at = %(now)s
    WHERE id = %(id)s AND state = 'proposed' AND expires_at > %(now)s AND state_reason IS NULL
      AND proposed_by = %(by)s
    RETURNING *
"""
"""The first of two operators has confirmed: that is the one who proposed."""

ENDED: Final = """
    UPDATE golive.fix_claims
    SET state = %(state)s, state_at = %(now)s, state_by = coalesce(%(by)s, state_by),
        rows_changed = coalesce(%(rows)s, rows_changed),
        after_digest = coalesce(%(after)s, after_digest), lease_until = NULL,
        settled_at = coalesce(%(settled_at)s, settled_at)
    WHERE id = %(id)s AND state = ANY(%(from)s)
    RETURNING *
"""

UNDONE: Final = """
    UPDATE golive.fix_claims
    SET state = 'undone', state_at = %(now)s, state_by = %(by)s, undone_by = %(by)s,
        undone_at = %(now)s
    WHERE id = %(id)s AND state = 'executed' AND executed_at > %(since)s
    RETURNING *
"""

SUPERSEDE: Final = """
    UPDATE golive.fix_claims SET state = 'superseded', state_at = %(now)s, state_by = %(by)s
    WHERE kind = %(kind)s AND target = %(target)s AND id <> %(id)s AND state = 'proposed'
"""
"""Other previews of the same thing: what they show is no longer so."""

EXPIRE: Final = """
    UPDATE golive.fix_claims SET state = 'expired', state_at = %(now)s
    WHERE state = 'proposed' AND expires_at <= %(now)s
"""

WINNER: Final = """
    SELECT * FROM golive.fix_claims
    WHERE kind = %(kind)s AND target IN (%(target)s, '*') AND id <> %(id)s
      AND (state = 'executing'
           OR executed_at >= %(since)s AND state IN ('unsettled', 'executed', 'undone'))
    ORDER BY executed_at DESC LIMIT 1
"""
"""Who did the same since: for this target, or for all of them."""

LEASED: Final = """
    UPDATE golive.fix_claims
    SET lease_until = %(lease)s, settle_attempts = settle_attempts + 1
    WHERE id = %(id)s AND state IN ('executing', 'unsettled') AND lease_until <= %(now)s
    RETURNING *
"""
"""Take up what its owner left behind; one process does."""

RELEASE: Final = """
    UPDATE golive.fix_claims SET lease_until = %(lease)s
    WHERE id = %(id)s AND state IN ('executing', 'unsettled')
"""

LEFT: Final = """
    SELECT * FROM golive.fix_claims
    WHERE state IN ('executing', 'unsettled') AND lease_until <= %(now)s
    ORDER BY executed_at
"""

UNVERIFIED: Final = """
    SELECT c.* FROM golive.fix_claims AS c
    WHERE c.state IN ('executed', 'unsettled') AND c.state_at > %(since)s
      AND NOT EXISTS (SELECT FROM golive.fix_audit AS a
                      WHERE a.claim_id = c.id AND a.action = 'verified')
    ORDER BY c.executed_at
"""

RECENT: Final = """
    SELECT * FROM golive.fix_claims
    WHERE kind = %(kind)s AND target IN (%(target)s, '*') AND executed_at IS NOT NULL
    ORDER BY executed_at DESC LIMIT 1
"""
"""Who did the same last: for this target, or for all of them."""

ENDED_SINCE: Final = """
    SELECT * FROM golive.fix_claims
    WHERE kind = %(kind)s AND state IN ('executed', 'failed') AND executed_at IS NOT NULL
      AND state_at > %(since)s
    ORDER BY state_at
"""
"""What came to an end, well or not."""

NOT_APPROVED: Final = """
    SELECT * FROM golive.fix_claims
    WHERE state = 'expired' AND approvals_needed > 1 AND state_reason IS NOT NULL
      AND expires_at > %(since)s
"""
"""What one of two operators confirmed, and the other did not in time."""

UNDOABLE: Final = """
    SELECT * FROM golive.fix_claims
    WHERE state = 'executed' AND executed_at > %(since)s AND executed_at <= %(until)s
"""
