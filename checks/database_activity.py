"""Rows inserted into messages since the deploy (runbook, checkpoint 2, section 7)."""

from __future__ import annotations

from dataclasses import dataclass

from checks.engine.check import Check, Query, View, unknown
from checks.engine.model import Json, Measurement, Problem, Quantity
from checks.engine.wording import plural

_UNIT = "rows"
_SIGNALS = ("inbound_created", "send_ok")

INSERTED = Query(
    name="messages_inserted",
    # Inserts only: a preview that is rolled back raises the update counter. A standby counts the
    # inserts of nobody.
    sql="""
        SELECT n_tup_ins AS inserted, pg_is_in_recovery() AS standby
        FROM pg_stat_user_tables
        WHERE relid = to_regclass('messages')
    """,
    reads={"pg_stat_user_tables": ("relid", "relname", "n_tup_ins")},
)
"""One row: `inserted` (int, cumulative since the statistics were reset), `standby` (bool)."""

CREATED = Query(
    name="messages_created",
    sql="""
        SELECT count(*) AS created
        FROM messages
        WHERE created_at >= %(since)s::timestamptz
          AND created_at < %(until)s::timestamptz
    """,
    reads={"messages": ("created_at",)},
)
"""One row: `created`, the messages of the window."""


def measure(view: View) -> Measurement:
    """Rows inserted into messages since the deploy, beside the messages that the log shows.

    A watch compares PostgreSQL's insert counter with its value at T+0. A single run, which knows no
    earlier value, counts the rows created in the window.
    """
    seen = _look(view)
    if isinstance(seen, Problem):
        return unknown(_UNIT, seen)
    logged = _logged(view)
    details: dict[str, Json] = {
        "counted_by": seen.by,
        "log_messages": None if isinstance(logged, Problem) else logged,
    }
    if not seen.rows and isinstance(logged, Problem):
        problem = Problem(
            what=f"No row was inserted into messages, and whether there was traffic is not known: "
            f"{logged.what}",
            mend=logged.mend,
        )
        return unknown(_UNIT, problem, details)
    silent = not seen.rows and not isinstance(logged, Problem) and logged > 0
    return Measurement(
        value=seen.rows,
        unit=_UNIT,
        summary=_summary(seen.rows, logged),
        quantities={"silent": Quantity(value=int(silent))},
        details=details,
        evidence=view.lines(*_SIGNALS) if silent else (),
        window=view.window,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    rows: int
    by: str


def _look(view: View) -> _Seen | Problem:
    """Rows that came, by the counter where there is a baseline, else by their own times."""
    observed = view.evidence.observed
    baseline = observed.inserted if observed else None
    created = view.rows(CREATED)
    by_time = 0 if created.problem else _number(created.rows[0]["created"])
    if baseline is not None:
        counted = _counter(view, baseline)
        if counted is not None:
            # A counter that stands still while rows carry a time after the deploy is not being
            # kept (track_counts is off, or it is a moment late).
            if isinstance(counted, Problem) or counted or not by_time:
                return (
                    counted if isinstance(counted, Problem) else _Seen(rows=counted, by="counter")
                )
            return _Seen(rows=by_time, by="created_at")
    if created.problem is not None:
        return created.problem
    return _Seen(rows=by_time, by="created_at")


def _counter(view: View, baseline: int) -> int | Problem | None:
    """Inserts since T+0 by the statistics; None where this server does not keep them."""
    result = view.rows(INSERTED)
    if result.problem is not None:
        return result.problem
    if not result.rows or result.rows[0]["standby"]:
        return None
    inserted = _number(result.rows[0]["inserted"])
    if inserted < baseline:
        return Problem(
            what=f"The insert counter of messages fell from {baseline} to {inserted}: the "
            "statistics were reset since T+0.",
            mend="Look at the newest rows of messages by hand, or accept it.",
        )
    return inserted - baseline


def _logged(view: View) -> int | Problem:
    problem = view.log_unknown(*_SIGNALS)
    return problem or sum(view.count(signal) for signal in _SIGNALS)


def _summary(rows: int, logged: int | Problem) -> str:
    came = f"{plural(rows, 'row')} inserted into messages"
    if isinstance(logged, Problem):
        return f"{came}; the log could not be compared."
    if not rows and not logged:
        return "No traffic: nothing inserted, and the log shows no message."
    return f"{came}; the log shows {plural(logged, 'message')}."


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


CHECK = Check(
    id="database_activity",
    title="Database activity",
    checkpoint=2,
    measure=measure,
    quantities=("silent",),
    flags=("silent",),
    signals=_SIGNALS,
    queries=(INSERTED, CREATED),
)
