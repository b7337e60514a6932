"""Campaigns that stand still, or whose sums are off (runbook, checkpoint 3, section 11)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from checks.engine.check import Check, Query, View, unknown
from checks.engine.masking import harmless, mask
from checks.engine.model import Json, Measurement, Quantity, Row
from checks.engine.wording import plural

_UNIT = "campaigns"
_SIGNALS = ("campaign_started", "campaign_finished")
_SHOWN = 5

PROCESSING = Query(
    name="campaigns_processing",
    # started_at is never written and updated_at never moves: a send is the only trace of progress.
    sql="""
        SELECT
            c.id,
            c.name,
            u.name AS unit,
            greatest(c.created_at, c.scheduled_at)::timestamptz AS due_at,
            max(r.sent_at)::timestamptz AS newest_sent,
            count(r.id) AS recipients,
            count(r.id) FILTER (WHERE r.status::text = 'pending') AS pending
        FROM campaigns AS c
        JOIN units AS u ON u.id = c.unit_id
        LEFT JOIN campaign_recipients AS r ON r.campaign_id = c.id
        WHERE c.status::text = 'processing'
        GROUP BY c.id, u.name
        ORDER BY pending DESC, c.id
    """,
    reads={
        "campaigns": ("id", "unit_id", "name", "status", "scheduled_at", "created_at"),
        "campaign_recipients": ("id", "campaign_id", "status", "sent_at"),
        "units": ("id", "name"),
    },
)
"""A row for each campaign that is being sent."""

COMPLETED = Query(
    name="campaigns_completed",
    sql="""
        SELECT
            c.id,
            c.name,
            u.name AS unit,
            count(r.id) AS recipients,
            count(r.id) FILTER (WHERE r.status::text IN ('sent', 'delivered', 'read')) AS sent,
            count(r.id) FILTER (WHERE r.status::text = 'failed') AS failed
        FROM campaigns AS c
        JOIN units AS u ON u.id = c.unit_id
        LEFT JOIN campaign_recipients AS r ON r.campaign_id = c.id
        WHERE c.status::text = 'completed'
          AND c.completed_at >= %(since)s::timestamptz
          AND c.completed_at < %(until)s::timestamptz
        GROUP BY c.id, u.name
        ORDER BY c.id
    """,
    reads={
        "campaigns": ("id", "unit_id", "name", "status", "completed_at"),
        "campaign_recipients": ("id", "campaign_id", "status"),
        "units": ("id", "name"),
    },
)
"""A row for each campaign that was completed in the window; older ones are history."""


def measure(view: View) -> Measurement:
    """Campaigns in processing without any progress for `still_seconds`, and sums that are off.

    Progress is a recipient that left pending, a send, or a log line of the campaign. A watch knows
    it and can say "stands still"; a single run saw nothing move and can only say "looks stuck".
    """
    processing, completed = view.rows(PROCESSING), view.rows(COMPLETED)
    problem = processing.problem or completed.problem
    if problem is not None:
        return unknown(_UNIT, problem)
    still = timedelta(seconds=view.param("still_seconds"))
    stuck = [row for row in processing.rows if view.evidence.now - _progress(view, row) >= still]
    off = [
        row
        for row in completed.rows
        if _number(row["sent"]) + _number(row["failed"]) != _number(row["recipients"])
    ]
    watched = view.evidence.observed is not None
    return Measurement(
        value=len(stuck),
        unit=_UNIT,
        summary=_summary(stuck, off, len(processing.rows), watched=watched),
        quantities=_quantities(stuck, off, watched=watched),
        details={
            "processing": len(processing.rows),
            "completed": len(completed.rows),
            "sums_off": len(off),
            "still": [_name(row) for row in stuck[:_SHOWN]],
        },
        evidence=(*(_still_line(row) for row in stuck), *(_sum_line(row) for row in off))[:_SHOWN],
        window=view.window,
    )


def _progress(view: View, row: Row) -> datetime:
    """The latest instant at which this campaign is known to have moved."""
    identity = str(row["id"])
    known = [row["newest_sent"]]
    at = view.evidence.log.campaigns.get(identity)
    if at is not None:
        known.append(datetime.fromtimestamp(at, UTC))
    observed = view.evidence.observed
    if observed is None:
        known.append(row["due_at"])
    else:
        # A campaign that the watch has not seen before is seen for the first time now.
        known.append(observed.progress.get(identity, view.evidence.now))
    return max(instant for instant in known if isinstance(instant, datetime))


def _quantities(stuck: list[Row], off: list[Row], *, watched: bool) -> dict[str, Quantity]:
    quantities = {"sums_off": Quantity(value=len(off))}
    if not watched:
        return quantities | {"looks_stuck": Quantity(value=len(stuck))}
    largest = max((_number(row["pending"]) for row in stuck), default=0)
    return quantities | {
        "standing": Quantity(value=len(stuck)),
        "largest_pending": Quantity(value=largest),
    }


def _summary(stuck: list[Row], off: list[Row], processing: int, *, watched: bool) -> str:
    parts: list[str] = []
    if stuck:
        pending = sum(_number(row["pending"]) for row in stuck)
        one = len(stuck) == 1
        watching = "stands still" if one else "stand still"
        guessing = "looks stuck" if one else "look stuck"
        parts.append(
            f"{plural(len(stuck), 'campaign')} {watching if watched else guessing}"
            f" with {plural(pending, 'recipient')} pending"
        )
    if off:
        parts.append(
            f"{plural(len(off), 'completed campaign')} whose sent and failed do not add up"
        )
    if not parts:
        return f"{plural(processing, 'campaign') if processing else 'No campaign'} in processing."
    return "; ".join(parts) + "."


def _name(row: Row) -> Json:
    return harmless(mask(f"{row['name']} ({row['unit']})"))


def _still_line(row: Row) -> str:
    sent = row["newest_sent"]
    last = f"last send {sent:%Y-%m-%d %H:%M:%S} UTC" if isinstance(sent, datetime) else "no send"
    return f"{_name(row)}: {row['pending']} of {row['recipients']} pending, {last}"


def _sum_line(row: Row) -> str:
    return (
        f"{_name(row)}: completed with {row['sent']} sent and {row['failed']} failed of "
        f"{row['recipients']}"
    )


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


CHECK = Check(
    id="campaigns",
    title="Campaigns",
    checkpoint=3,
    measure=measure,
    quantities=("standing", "largest_pending", "sums_off", "looks_stuck"),
    signals=_SIGNALS,
    queries=(PROCESSING, COMPLETED),
    params=("still_seconds",),
)
