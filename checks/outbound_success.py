"""What became of outbound messages (runbook, checkpoint 3, section 10)."""

from __future__ import annotations

from checks.engine.check import Check, Query, View, unknown
from checks.engine.masking import harmless, mask
from checks.engine.model import Json, Measurement, Quantity, Row
from checks.engine.wording import percent, plural

_UNIT = "messages sent"

OUTCOMES = Query(
    name="outbound_outcomes",
    # As text, here and in every query: an enum without one of these values cannot be compared with
    # it.
    sql="""
        WITH outbound AS (
            SELECT
                status::text IN ('sent', 'delivered', 'read') AS done,
                coalesce(external_id::text, '') <> '' AS at_provider,
                status::text = 'failed' AS failed,
                status::text IN ('queued', 'pending') AS open,
                created_at < %(now)s::timestamptz
                    - make_interval(secs => %(waiting_seconds)s::float8) AS late
            FROM messages
            WHERE sender::text = 'agent'
              AND created_at >= %(since)s::timestamptz
              AND created_at < %(until)s::timestamptz
        )
        SELECT
            count(*) FILTER (WHERE done AND at_provider) AS sent,
            count(*) FILTER (WHERE done AND NOT at_provider) AS sent_without_provider_id,
            count(*) FILTER (WHERE failed) AS failed,
            count(*) FILTER (WHERE open AND late) AS waiting,
            count(*) FILTER (WHERE open AND NOT late) AS under_way,
            count(*) AS total
        FROM outbound
    """,
    reads={"messages": ("sender", "status", "external_id", "created_at")},
)
"""One row of counts; every agent message of the window is in exactly one, or in `total` only."""

ERRORS = Query(
    name="outbound_errors",
    sql="""
        SELECT left(error_details::text, 200) AS error, count(*) AS messages
        FROM messages
        WHERE sender::text = 'agent'
          AND created_at >= %(since)s::timestamptz
          AND created_at < %(until)s::timestamptz
          AND error_details::text <> ''
          AND (status::text = 'failed'
               OR (status::text IN ('sent', 'delivered', 'read')
                   AND coalesce(external_id::text, '') = ''))
        GROUP BY 1
        ORDER BY 2 DESC, 1
        LIMIT 5
    """,
    reads={"messages": ("sender", "status", "external_id", "created_at", "error_details")},
)
"""The five most frequent errors (`error`, `messages`) of messages that did not go out."""


def measure(view: View) -> Measurement:
    """Shares of outbound messages that succeeded, failed or wait, in the last hour.

    Success needs the provider's id: a worker may mark a failed message as sent without sending it.
    Such messages count as failed. Messages younger than `waiting_seconds` that are still under way
    are in no share.
    """
    result = view.rows(OUTCOMES)
    if result.problem is not None:
        return unknown(_UNIT, result.problem)
    counts = {name: _number(value) for name, value in result.rows[0].items()}
    sent, lost = counts["sent"], counts["failed"] + counts["sent_without_provider_id"]
    sample = counts["total"] - counts["under_way"]
    quantities = {
        "sent": Quantity(value=sent),
        "success_share": _share(sent, sample, bad=sample - sent),
        "failed_share": _share(lost, sample, bad=lost),
        "waiting_share": _share(counts["waiting"], sample, bad=counts["waiting"]),
    }
    return Measurement(
        value=sent,
        unit=_UNIT,
        summary=_summary(counts, sample),
        quantities=quantities,
        details=_details(counts, quantities if sample else {}),
        evidence=tuple(_error_line(row) for row in view.rows(ERRORS).rows),
        window=view.window,
    )


def _share(value: int, sample: int, *, bad: int) -> Quantity:
    return Quantity(value=value / sample if sample else 0.0, sample=sample, bad=bad)


def _details(counts: dict[str, int], quantities: dict[str, Quantity]) -> dict[str, Json]:
    shares = {n: round(q.value, 4) for n, q in quantities.items() if n.endswith("share")}
    return {**counts, **shares}


def _summary(counts: dict[str, int], sample: int) -> str:
    if not counts["total"]:
        return "No traffic: no outbound message in the window."
    if not sample:
        return f"{plural(counts['under_way'], 'outbound message')} under way, none decided yet."
    lacking = [
        f"{counts[name]} {words}"
        for name, words in (
            ("failed", "failed"),
            ("sent_without_provider_id", "marked sent without a provider id"),
            ("waiting", "waiting"),
        )
        if counts[name]
    ]
    other = sample - sum(
        counts[name] for name in ("sent", "failed", "sent_without_provider_id", "waiting")
    )
    if other:
        lacking.append(f"{other} in a status that is not known")
    went = (
        f"{counts['sent']} of {sample} outbound messages sent ({percent(counts['sent'] / sample)})"
    )
    return f"{went}: {', '.join(lacking)}." if lacking else f"{went}."


def _error_line(row: Row) -> str:
    return harmless(f"{row['messages']} × {mask(str(row['error']))}")


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


CHECK = Check(
    id="outbound_success",
    title="Outbound success",
    checkpoint=3,
    measure=measure,
    quantities=("success_share", "failed_share", "waiting_share", "sent"),
    queries=(OUTCOMES, ERRORS),
    params=("waiting_seconds",),
)
