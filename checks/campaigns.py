"""Campaigns that stand still, fail or never start (runbook, checkpoint 3, section 11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, LiteralString

from checks.engine.check import Check, Query, View, unknown
from checks.engine.masking import harmless, mask
from checks.engine.model import Json, Measurement, Quantity, Row
from checks.engine.wording import percent, plural

_UNIT = "campaigns"
_SIGNALS = ("campaign_started", "campaign_finished")
_SHOWN = 5

FROM_CAMPAIGNS: Final[LiteralString] = """
        (SELECT NULL::timestamptz AS scheduled_at) AS nothing
        CROSS JOIN LATERAL (
            SELECT
                id, unit_id, name, status::text AS status, completed_at, created_at, scheduled_at,
                greatest(created_at, scheduled_at)::timestamptz AS due_at
            FROM campaigns
        ) AS c
        JOIN units AS u ON u.id = c.unit_id
"""
"""Campaigns `c` with their units `u`, for FROM.

Not every version of the application has campaigns.scheduled_at: where it is missing, the name is
that of `nothing`, and every campaign is due when it was made.
"""
CAMPAIGN_COLUMNS: Final = ("id", "unit_id", "name", "status", "completed_at", "created_at")
SCHEDULED: Final = {"campaigns": ("scheduled_at",)}
"""What FROM_CAMPAIGNS reads, and what it reads where that exists."""

PROCESSING = Query(
    name="campaigns_processing",
    # started_at is never written and updated_at never moves: a send is the only trace of progress.
    sql="""
        SELECT
            c.id,
            c.name,
            u.name AS unit,
            c.due_at,
            max(r.sent_at)::timestamptz AS newest_sent,
            count(r.id) AS recipients,
            count(r.id) FILTER (WHERE r.status::text = 'pending') AS pending,
            count(r.id) FILTER (WHERE r.status::text = 'failed') AS failed
        FROM """
    + FROM_CAMPAIGNS
    + """
        LEFT JOIN campaign_recipients AS r ON r.campaign_id = c.id
        WHERE c.status = 'processing'
        GROUP BY c.id, c.name, u.name, c.due_at
        ORDER BY pending DESC, c.id
    """,
    reads={
        "campaigns": CAMPAIGN_COLUMNS,
        "campaign_recipients": ("id", "campaign_id", "status", "sent_at"),
        "units": ("id", "name"),
    },
    optional=SCHEDULED,
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
        FROM """
    + FROM_CAMPAIGNS
    + """
        LEFT JOIN campaign_recipients AS r ON r.campaign_id = c.id
        WHERE c.status::text = 'completed'
          AND c.completed_at >= %(since)s::timestamptz
          AND c.completed_at < %(until)s::timestamptz
        GROUP BY c.id, c.name, u.name
        ORDER BY c.id
    """,
    reads={
        "campaigns": CAMPAIGN_COLUMNS,
        "campaign_recipients": ("id", "campaign_id", "status"),
        "units": ("id", "name"),
    },
    optional=SCHEDULED,
)
"""A row for each campaign that was completed in the window; older ones are history."""

ACTIVE = Query(
    name="campaigns_active",
    # Failed recipients carry no time, and neither does the failure of a campaign: what tells that a
    # campaign was at work is its own times, a send, its log lines, and what the watch saw move.
    sql="""
        SELECT
            c.id,
            c.name,
            u.name AS unit,
            c.status = 'failed' AS gave_up,
            count(r.id) FILTER (WHERE r.status::text IN ('sent', 'delivered', 'read')) AS sent,
            count(r.id) FILTER (
                WHERE r.status::text IN ('sent', 'delivered', 'read')
                  AND r.sent_at >= %(deployed_at)s::timestamptz
            ) AS sent_since,
            count(r.id) FILTER (WHERE r.status::text = 'failed') AS failed,
            left(mode() WITHIN GROUP (ORDER BY r.error_message::text)
                FILTER (WHERE r.status::text = 'failed'), 200) AS error
        FROM """  # noqa: S608 - constants only
    + FROM_CAMPAIGNS
    + """
        LEFT JOIN campaign_recipients AS r ON r.campaign_id = c.id
        WHERE c.created_at < %(until)s::timestamptz
          AND (c.status = 'processing'
               OR c.status IN ('completed', 'failed')
                  AND (greatest(c.due_at, c.completed_at) >= %(deployed_at)s::timestamptz
                       OR c.id::text = ANY (%(moved_campaigns)s::text[])
                       OR c.id IN (SELECT campaign_id FROM campaign_recipients
                                   WHERE sent_at >= %(deployed_at)s::timestamptz)))
        GROUP BY c.id, c.name, u.name, c.status
        ORDER BY failed DESC, c.id
    """,
    reads={
        "campaigns": CAMPAIGN_COLUMNS,
        "campaign_recipients": ("id", "campaign_id", "status", "sent_at", "error_message"),
        "units": ("id", "name"),
    },
    optional=SCHEDULED,
)
"""A row for each campaign that was at work since the deploy, the most failures first."""

OVERDUE = Query(
    name="campaigns_overdue",
    # What was overdue at the deploy already is history.
    sql="""
        SELECT c.id, c.name, u.name AS unit, c.due_at
        FROM """  # noqa: S608 - constants only
    + FROM_CAMPAIGNS
    + """
        WHERE c.status = 'scheduled'
          AND c.scheduled_at IS NOT NULL
          AND c.due_at <= %(now)s::timestamptz
              - make_interval(secs => %(overdue_seconds)s::float8)
          AND c.due_at > %(deployed_at)s::timestamptz
              - make_interval(secs => %(overdue_seconds)s::float8)
        ORDER BY c.due_at, c.id
    """,
    reads={"campaigns": CAMPAIGN_COLUMNS, "units": ("id", "name")},
    optional=SCHEDULED,
)
"""A row for each scheduled campaign whose time has passed without a start, since the deploy."""


def measure(view: View) -> Measurement:
    """Campaigns that stand still, whose sums are off, that failed, or that did not start in time.

    Standing still is no progress for `still_seconds`: no recipient that left pending, no send, no
    log line of the campaign. A watch knows it and can say "stands still"; a single run saw nothing
    move and can only say "looks stuck". A scheduled campaign is overdue `overdue_seconds` after its
    time. The failed share is of all recipients that campaigns tried since the deploy.
    """
    kept = view.evidence.database.results
    # Evidence that was stored before these were asked has no answer to them.
    asked = [PROCESSING, COMPLETED, *(query for query in (ACTIVE, OVERDUE) if query.name in kept)]
    results = {query.name: view.rows(query) for query in asked}
    for result in results.values():
        if result.problem is not None:
            return unknown(_UNIT, result.problem)
    rows = {name: result.rows for name, result in results.items()}
    parts = [_still(view, rows[PROCESSING.name]), _sums(rows[COMPLETED.name])]
    if ACTIVE.name in rows:
        parts.append(_failing(view, rows[ACTIVE.name]))
    if OVERDUE.name in rows:
        parts.append(_overdue(view, rows[OVERDUE.name]))
    words = [said for part in parts for said in part.words]
    lines = [line for part in parts for line in part.lines]
    return Measurement(
        value=len(frozenset[str]().union(*(part.troubled for part in parts))),
        unit=_UNIT,
        summary=f"{'; '.join(words) or _nothing(len(rows[PROCESSING.name]))}.",
        quantities={name: one for part in parts for name, one in part.quantities.items()},
        details={name: one for part in parts for name, one in part.details.items()},
        evidence=tuple(lines[:_SHOWN]),
        window=view.window,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """What one question about campaigns adds to the measurement.

    troubled: ids of the campaigns that count in its value
    """

    quantities: Mapping[str, Quantity]
    details: Mapping[str, Json]
    words: Sequence[str] = ()
    lines: Sequence[str] = ()
    troubled: frozenset[str] = frozenset()


def _still(view: View, processing: Sequence[Row]) -> _Part:
    """Campaigns in processing that nothing moves any more."""
    still = timedelta(seconds=view.param("still_seconds"))
    stuck = [row for row in processing if view.evidence.now - _progress(view, row) >= still]
    watched = view.evidence.observed is not None
    return _Part(
        quantities=_standing(stuck, watched=watched),
        details={
            "processing": len(processing),
            "still": [_name(row) for row in stuck[:_SHOWN]],
        },
        words=_standing_words(stuck, watched=watched),
        lines=[_still_line(row) for row in stuck],
        troubled=_ids(stuck),
    )


def _sums(completed: Sequence[Row]) -> _Part:
    """Completed campaigns whose recipients are not all accounted for."""
    off = [
        row
        for row in completed
        if _number(row["sent"]) + _number(row["failed"]) != _number(row["recipients"])
    ]
    said = f"{plural(len(off), 'completed campaign')} whose sent and failed do not add up"
    return _Part(
        quantities={"sums_off": Quantity(value=len(off))},
        details={"completed": len(completed), "sums_off": len(off)},
        words=[said] if off else [],
        lines=[_sum_line(row) for row in off],
    )


def _failing(view: View, active: Sequence[Row]) -> _Part:
    """Campaigns that failed, and the share of recipients that was not reached."""
    gave_up = [row for row in active if row["gave_up"]]
    share = _failed_share(view, active)
    words: list[str] = []
    if gave_up:
        words.append(f"{plural(len(gave_up), 'campaign')} failed")
    if share.bad:
        words.append(
            f"{share.bad} of {plural(share.sample or 0, 'recipient')} failed"
            f" ({percent(share.value)})"
        )
    return _Part(
        quantities={"failed": Quantity(value=len(gave_up)), "failed_share": share},
        details={
            "failed": len(gave_up),
            "recipients": share.sample,
            "recipients_failed": share.bad,
        },
        words=words,
        lines=[_failed_line(row) for row in active if row["gave_up"] or row["failed"]],
        troubled=_ids(gave_up),
    )


def _overdue(view: View, overdue: Sequence[Row]) -> _Part:
    """Scheduled campaigns that did not start in time."""
    said = f"{plural(len(overdue), 'scheduled campaign')} did not start"
    return _Part(
        quantities={"overdue": Quantity(value=len(overdue))},
        details={"overdue": [_name(row) for row in overdue[:_SHOWN]]},
        words=[said] if overdue else [],
        lines=[_overdue_line(view, row) for row in overdue],
        troubled=_ids(overdue),
    )


def _ids(rows: Sequence[Row]) -> frozenset[str]:
    return frozenset(str(row["id"]) for row in rows)


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


def _standing(stuck: list[Row], *, watched: bool) -> dict[str, Quantity]:
    if not watched:
        return {"looks_stuck": Quantity(value=len(stuck))}
    largest = max((_number(row["pending"]) for row in stuck), default=0)
    return {
        "standing": Quantity(value=len(stuck)),
        "largest_pending": Quantity(value=largest),
    }


def _failed_share(view: View, active: Sequence[Row]) -> Quantity:
    """Failed recipients among those that campaigns tried since the deploy.

    What failed before is known to a watch only: a failure carries no time.
    """
    observed = view.evidence.observed
    before: Mapping[str, int] = {} if observed is None else observed.failed_at_start
    failed = sum(max(0, _number(row["failed"]) - before.get(str(row["id"]), 0)) for row in active)
    sent = sum(_number(row["sent" if observed is None else "sent_since"]) for row in active)
    tried = failed + sent
    return Quantity(value=failed / tried if tried else 0.0, sample=tried, bad=failed)


def _standing_words(stuck: list[Row], *, watched: bool) -> list[str]:
    if not stuck:
        return []
    pending = sum(_number(row["pending"]) for row in stuck)
    one = len(stuck) == 1
    watching = "stands still" if one else "stand still"
    guessing = "looks stuck" if one else "look stuck"
    return [
        f"{plural(len(stuck), 'campaign')} {watching if watched else guessing}"
        f" with {plural(pending, 'recipient')} pending"
    ]


def _nothing(processing: int) -> str:
    return f"{plural(processing, 'campaign') if processing else 'No campaign'} in processing"


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


def _failed_line(row: Row) -> str:
    tried = _number(row["failed"]) + _number(row["sent"])
    state = "failed, " if row["gave_up"] else ""
    error = f": {mask(str(row['error']))}" if row["error"] else ""
    return harmless(f"{_name(row)}: {state}{row['failed']} of {tried} recipients failed{error}")


def _overdue_line(view: View, row: Row) -> str:
    due = row["due_at"]
    if not isinstance(due, datetime):
        raise TypeError(type(due).__name__)
    late = round((view.evidence.now - due).total_seconds() / 60)
    return f"{_name(row)}: due {due:%Y-%m-%d %H:%M:%S} UTC, {late} min ago, and still scheduled"


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


CHECK = Check(
    id="campaigns",
    title="Campaigns",
    checkpoint=3,
    measure=measure,
    quantities=(
        "standing",
        "largest_pending",
        "sums_off",
        "looks_stuck",
        "failed",
        "failed_share",
        "overdue",
    ),
    signals=_SIGNALS,
    queries=(PROCESSING, COMPLETED, ACTIVE, OVERDUE),
    params=("still_seconds", "overdue_seconds"),
)
