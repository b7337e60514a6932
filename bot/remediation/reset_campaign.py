"""Fix of incident 4: a stuck campaign back to draft, once its worker is known to be gone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Final, LiteralString
from uuid import UUID

from bot.clock import Clock
from bot.remediation.database import Connection, FixDatabase, Row, fetch, one
from bot.remediation.kinds import Outcome, Preview, Seen, plain, shown, written_out
from bot.remediation.values import RESTARTED, Aim, Change, Claim, FixRefused, Sheet, Wish
from checks.engine.runbook.remediation import ResetCampaign as Rules
from checks.engine.wording import plural

_PROCESSING: Final = """
    SELECT c.id, c.name, u.name AS unit FROM campaigns AS c JOIN units AS u ON u.id = c.unit_id
    WHERE c.status::text = 'processing' ORDER BY c.name, c.id
"""

_CHANGE: Final = """
    WITH chosen AS (
        SELECT id, status, started_at FROM campaigns
        WHERE id = %(campaign)s AND status::text = 'processing'
        FOR UPDATE
    )
    UPDATE campaigns AS c
    SET status = 'draft', started_at = NULL
    FROM chosen
    WHERE c.id = chosen.id
    RETURNING c.id, c.name, chosen.status AS old_status, chosen.started_at AS old_started_at,
        c.status, c.started_at,
        (SELECT count(*) FROM campaign_recipients AS r WHERE r.campaign_id = c.id) AS total,
        (SELECT count(*) FROM campaign_recipients AS r WHERE r.campaign_id = c.id
            AND r.status::text IN ('sent', 'delivered', 'read')) AS sent,
        (SELECT count(*) FROM campaign_recipients AS r WHERE r.campaign_id = c.id
            AND r.status::text = 'failed') AS failed,
        (SELECT count(*) FROM campaign_recipients AS r WHERE r.campaign_id = c.id
            AND r.status::text = 'pending') AS pending,
        (SELECT max(r.sent_at) FROM campaign_recipients AS r WHERE r.campaign_id = c.id)
            AS newest_sent
"""
"""The runbook's recovery, for a campaign that is still processing."""

_RESTORE: Final = """
    UPDATE campaigns AS c
    SET status = (jsonb_populate_record(NULL::campaigns, b.before)).status,
        started_at = (jsonb_populate_record(NULL::campaigns, b.before)).started_at
    FROM golive.fix_before_images AS b
    WHERE b.claim_id = %(claim)s AND b.table_name = 'campaigns' AND c.id = b.row_id
      AND c.status::text = b.after ->> 'status' AND c.started_at IS NULL
    RETURNING c.id
"""
"""Each value in the type that its column has, whether a text or an enum."""

_TOUCHED: Final = """
    SELECT b.row_id, c.status,
        (SELECT count(*) FROM campaign_recipients AS r WHERE r.campaign_id = b.row_id
            AND r.status::text IN ('sent', 'delivered', 'read')) AS sent,
        (SELECT count(*) FROM campaign_recipients AS r WHERE r.campaign_id = b.row_id
            AND r.status::text = 'failed') AS failed,
        (SELECT count(*) FROM campaign_recipients AS r WHERE r.campaign_id = b.row_id
            AND r.status::text = 'pending') AS pending
    FROM golive.fix_before_images AS b
    LEFT JOIN campaigns AS c ON c.id = b.row_id
    WHERE b.claim_id = %(claim)s AND b.table_name = 'campaigns'
"""


class ResetCampaign:
    """`Kind` of incident 4.

    Args:
        rules: how long it must have stood still.
        progress: campaign id → when a watch last saw it move (the first sight counts).
        clock: gives the instant.
    """

    name: ClassVar[str] = "reset_campaign"
    check: ClassVar[str] = "campaigns"
    undoable: ClassVar[bool] = True
    uses: ClassVar[Mapping[str, str]] = {
        "campaigns": "rw",
        "campaign_recipients": "r",
        "units": "r",
    }
    statements: ClassVar[tuple[LiteralString, ...]] = (_PROCESSING, _CHANGE, _RESTORE, _TOUCHED)

    def __init__(
        self,
        rules: Rules,
        *,
        progress: Callable[[], Awaitable[Mapping[str, datetime]]],
        clock: Clock,
    ) -> None:
        self._rules = rules
        self._progress = progress
        self._clock = clock

    async def look(self, *, proposing: bool) -> Seen:
        """Which campaigns the watches saw move."""
        del proposing
        return Seen(progress=await self._progress())

    async def aim(self, connection: Connection, wish: Wish, seen: Seen) -> Aim:
        """A campaign that is processing, by its id or name."""
        del seen
        rows = await fetch(connection, _PROCESSING)
        wanted = wish.target.strip().lower()
        found = [r for r in rows if str(r["id"]) == wanted or r["name"].lower() == wanted]
        if len(found) != 1:
            raise FixRefused(_which(wish.target, rows, found))
        return Aim(
            target=str(found[0]["id"]),
            name=shown(f"{found[0]['name']} ({found[0]['unit']})", 80),
            parameters={"stated": " ".join(sorted(wish.stated))},
        )

    async def change(self, connection: Connection, aim: Aim, seen: Seen) -> tuple[Change, ...]:
        """Back to draft, if nothing moves any more."""
        rows = await fetch(connection, _CHANGE, {"campaign": aim.target})
        for row in rows:
            self._guard(aim, row, seen.progress.get(aim.target))
        return tuple(_change(row) for row in rows)

    async def facts(self, connection: Connection, aim: Aim) -> Mapping[str, object]:
        """The statement in full."""
        return {"sql": await written_out(connection, _CHANGE, {"campaign": aim.target})}

    async def sheet(self, preview: Preview) -> Sheet:
        """Sent, failed, pending, and what a re-dispatch would do."""
        seen = preview.changes[0].seen
        sent, failed, pending = (seen.get(key) for key in ("sent", "failed", "pending"))
        again = (
            f"A re-dispatch would send to the {pending} pending only; the {failed} failed stay"
            " failed."
        )
        warnings = ["While the first worker lives, reset and re-dispatch send twice."]
        if RESTARTED in str(preview.aim.parameters.get("stated")).split():
            warnings.append("You state that the backend was restarted; that is kept in the audit.")
        hook = self._rules.redispatch
        if hook is not None:
            warnings.append(f"It is then handed to {hook.host} (redispatch).")
        return Sheet(
            title=f"Reset the campaign {preview.aim.name}",
            verb="Reset",
            rows=len(preview.changes),
            facts=(
                f"{sent} sent, {failed} failed, {pending} pending of {seen.get('total')}.",
                again,
            ),
            samples=tuple(each.sample for each in preview.changes),
            warnings=tuple(warnings),
            words="Sets status to 'draft' and started_at to NULL for this campaign.",
            sql=str(preview.facts["sql"]),
            steps=() if hook else ("Dispatch it again in the admin panel (the runbook's step).",),
        )

    async def restore(self, connection: Connection, claim: UUID) -> tuple[list[UUID], list[str]]:
        """Back to processing, if it is still the draft that the fix made."""
        rows = await fetch(connection, _RESTORE, {"claim": claim})
        restored: list[UUID] = [row["id"] for row in rows]
        touched = await fetch(connection, _TOUCHED, {"claim": claim})
        others = [row for row in touched if row["row_id"] not in set(restored)]
        return restored, [f"{str(r['row_id'])[:8]}: {shown(r['status'], 20)} now" for r in others]

    async def outcome(self, database: FixDatabase, claim: Claim) -> Outcome:
        """Whether somebody dispatched it, and how far it came."""
        async with database.transaction(keep=False) as connection:
            row = await one(connection, _TOUCHED, {"claim": claim.id})
        if row is None:
            return Outcome(counts=())
        status = shown(row["status"] or "no longer there", 20)
        counts = ((f"campaign that is {status} now", 1),)
        line = f"{row['sent']} sent, {row['failed']} failed, {row['pending']} pending."
        if row["status"] == "draft":
            waits = "Nobody has dispatched it again: it stays a draft until somebody does."
            return Outcome(counts=counts, lines=(line, waits), good=False, did="reset")
        good = row["status"] != "failed"
        return Outcome(counts=counts, lines=(line,), good=good, did="reset")

    def _guard(self, aim: Aim, row: Row, moved: datetime | None) -> None:
        """Refuse while the worker may live; failed recipients carry no time, so it is observed."""
        if RESTARTED in str(aim.parameters.get("stated")).split():
            return
        now = self._clock.now()
        sent = row["newest_sent"]
        how = (
            f" If the backend was restarted, say so: `/golive fix reset_campaign {aim.target}"
            f" {RESTARTED}`."
        )
        still = self._rules.still_for
        if moved is None:
            raise FixRefused(
                f"No watch has observed {aim.name}, so nobody knows whether its worker lives:"
                f" reset and re-dispatch would send twice. Start a watch and wait {_minutes(still)}"
                f" without progress.{how}"
            )
        last = max(moved, sent) if isinstance(sent, datetime) else moved
        if now - last < still:
            raise FixRefused(
                f"{aim.name} has a live worker, as far as can be seen: it moved"
                f" {_ago(now - last)} ago, and {_minutes(still)} without progress are needed."
                f" {row['sent']} sent, {row['failed']} failed, {row['pending']} pending.{how}"
            )


def _which(target: str, rows: Sequence[Row], found: Sequence[Row]) -> str:
    names = ", ".join(f"`{shown(row['name'], 40)}` ({row['id']})" for row in rows[:8])
    listed = f" In processing: {names}." if rows else " No campaign is in processing."
    if found:
        return f"{len(found)} campaigns are called that. Use an id.{listed}"
    if not target.strip():
        return f"Say which campaign: `/golive fix reset_campaign CAMPAIGN`.{listed}"
    return f"No campaign `{shown(target, 60)}` is in processing.{listed}"


def _change(row: Row) -> Change:
    newest = row["newest_sent"]
    last = f"last send {newest:%H:%M:%S} UTC" if isinstance(newest, datetime) else "no send"
    return Change(
        table="campaigns",
        row_id=row["id"],
        before={"status": row["old_status"], "started_at": plain(row["old_started_at"])},
        after={"status": row["status"], "started_at": plain(row["started_at"])},
        # Recipients that move between preview and execution are a worker that lives.
        seen={
            "status": row["old_status"],
            **{key: row[key] for key in ("total", "sent", "failed", "pending")},
        },
        sample=f"{str(row['id'])[:8]} · {shown(row['name'], 60)} · {row['sent']} sent,"
        f" {row['failed']} failed, {row['pending']} pending · {last}",
    )


def _minutes(span: timedelta) -> str:
    return plural(round(span.total_seconds() / 60), "minute")


def _ago(span: timedelta) -> str:
    seconds = max(0, int(span.total_seconds()))
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"
