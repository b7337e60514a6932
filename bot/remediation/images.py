"""Before-images: each changed row as it was and as it became, in the transaction of the change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from psycopg.types.json import Jsonb

from bot.remediation.database import Connection, fetch
from bot.remediation.values import Change, FixRefused

_INSERT: Final = """
    INSERT INTO golive.fix_before_images (claim_id, table_name, row_id, before, after)
    SELECT %(claim)s, i.table_name, i.row_id, i.before, i.after
    FROM jsonb_to_recordset(%(rows)s)
        AS i (table_name text, row_id uuid, before jsonb, after jsonb)
    RETURNING row_id
"""


async def keep(connection: Connection, claim: UUID, changes: Sequence[Change]) -> None:
    """Keep every row as it was.

    Raises:
        FixRefused: fewer images were written than rows changed: then nothing may be committed.
    """
    rows = [
        {
            "table_name": change.table,
            "row_id": str(change.row_id),
            "before": dict(change.before),
            "after": dict(change.after),
        }
        for change in changes
    ]
    written = await fetch(connection, _INSERT, {"claim": claim, "rows": Jsonb(rows)})
    if len(written) != len(changes):
        raise FixRefused("Not every row could be kept as it was, so nothing was changed.")
