"""Incident 4: a campaign is stuck in processing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from checks.diagnosis.campaign_queries import BLOCKED, CAMPAIGNS, LIMITED, LONG
from checks.diagnosis.facts import Facts
from checks.diagnosis.model import (
    Fix,
    FixKind,
    Incident,
    Outcome,
    Procedure,
    Suspect,
    Target,
    clear,
    holds,
    manual,
    untested,
)
from checks.engine.masking import harmless, mask
from checks.engine.model import Problem, Row
from checks.engine.wording import lately, plural

_NONE = "No campaign is in processing."


def _worker(facts: Facts) -> Outcome:
    """Whether the worker still moves each campaign; one that is held up by others is not dead."""
    found = facts.view.rows(CAMPAIGNS)
    if found.problem is not None:
        return untested(found.problem)
    if not found.rows:
        return clear(_NONE)
    still = _still(facts)
    if not still:
        return clear(
            f"{plural(len(found.rows), 'campaign')} in processing, all of them moving.",
            tuple(_line(facts, row) for row in found.rows),
        )
    lines = tuple(_line(facts, row) for row in still)
    held = _held_up(facts, still)
    if held is not None:
        return untested(held, lines)
    minutes = round(facts.rules["campaigns"].params["still_seconds"] / 60)
    seen = "" if facts.observed else " A single look saw nothing move; a watch would know."
    return holds(
        f"{plural(len(still), 'campaign')} without any progress for {minutes} minutes or more, and "
        f"nothing else holds {'it' if len(still) == 1 else 'them'} up.{seen}",
        Fix(
            kind=FixKind.RESET_CAMPAIGN,
            step="Restart the backend first: while the first worker lives, a reset and re-dispatch "
            "sends twice. Then reset the campaign and dispatch it again.",
            targets=tuple(Target(id=str(row["id"]), name=_name(row)) for row in still),
        ),
        lines,
    )


def _held_up(facts: Facts, still: list[Row]) -> Problem | None:
    """What else may hold the campaigns up, so that a living worker would stand still too."""
    others = (_lock(facts), _rate_limit(facts), _connection(facts))
    wait = next((outcome for outcome in others if outcome.fix is not None), None)
    if wait is None:
        return None
    what = plural(len(still), "campaign")
    return Problem(
        what=f"{what} without progress, but that may have another cause: {wait.why}",
        mend="Mend that first; if nothing moves then, restart the backend.",
    )


def _lock(facts: Facts) -> Outcome:
    """Whether sessions wait for locks, or are long in a transaction on a dispatch's tables."""
    blocked, long = facts.view.rows(BLOCKED), facts.view.rows(LONG)
    problem = blocked.problem or long.problem
    known = [row for row in long.rows if not row["hidden"]]
    if blocked.rows:
        ends = [row for row in blocked.rows if not row["waits_itself"]] or list(blocked.rows)
        sessions = len({row["blocked"] for row in blocked.rows})
        return holds(
            f"{plural(sessions, 'session')} blocked by {_who(ends[0])}.",
            manual(_statements(ends)),
            tuple(map(_pair, blocked.rows)),
        )
    if known:
        return holds(
            f"{plural(len(known), 'session')} long in a transaction that writes to "
            f"{known[0]['tables']}.",
            manual(_statements([{**row, "blocker": row["pid"]} for row in known])),
            tuple(_session(row, row["pid"]) + f" holds locks on {row['tables']}" for row in known),
        )
    if problem is not None:
        return untested(problem)
    if long.rows:
        return untested(
            Problem(
                what=f"{plural(len(long.rows), 'session')} of other roles write to the tables of a "
                "dispatch; since when may not be seen.",
                mend=f"As a superuser: GRANT pg_read_all_stats TO {long.rows[0]['me']};",
            )
        )
    return clear("No session waits for a lock, and none is long in a transaction.")


def _who(row: Row) -> str:
    return f"session {row['blocker']} ({_program(row)})"


def _program(row: Row) -> str:
    named = (str(row[column] or "") for column in ("role", "program"))
    return harmless(mask(", ".join(word for word in named if word)), 80) or "unknown"


def _session(row: Row, pid: object) -> str:
    open_for = _duration(row["open_seconds"])
    since = f", in its transaction for {open_for}" if open_for else ""
    said = harmless(mask(" ".join(str(row["statement"] or "").split())), 120)
    return f"{pid} ({_program(row)}, {row['state'] or 'state unknown'}{since}): {said}…"


def _pair(row: Row) -> str:
    said = harmless(mask(" ".join(str(row["blocked_statement"] or "").split())), 80)
    waits = _duration(row["waits_seconds"])
    return f"{row['blocked']} waits {waits} ({said}…) for {_session(row, row['blocker'])}"


def _statements(rows: list[Row]) -> str:
    """What an administrator would run. golive does not: it ends no session."""
    said: dict[str, None] = {}
    for row in rows:
        act = "pg_cancel_backend" if row["state"] == "active" else "pg_terminate_backend"
        said[f"SELECT {act}({row['blocker']});"] = None
    return f"Let it finish, or have an administrator run: {' '.join(said)}"


def _duration(seconds: object) -> str:
    if not isinstance(seconds, int | float):
        return ""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _rate_limit(facts: Facts) -> Outcome:
    """Whether Evolution answered sends with 429, in messages and in recipients of these campaigns.

    The application's own 429s in the log are about its clients and say nothing of this.
    """
    messages, campaigns = facts.view.rows(LIMITED), facts.view.rows(CAMPAIGNS)
    problem = messages.problem or campaigns.problem
    if problem is not None:
        return untested(problem)
    in_messages = _number(messages.rows[0]["messages"])
    in_recipients = sum(_number(row["limited"]) for row in campaigns.rows)
    if not in_messages + in_recipients:
        return clear("Evolution answered no send with 429.")
    tried = facts.view.lines("send_attempt_failed")
    window = facts.rules["outbound_success"].window
    return holds(
        f"Evolution answered {plural(in_messages + in_recipients, 'send')} with 429: "
        f"{plural(in_messages, 'message')} {lately(window)}, {plural(in_recipients, 'recipient')}.",
        manual("Wait until the limit is over, then dispatch again; raise the pause between sends."),
        tuple(line for line in tried if " 429" in line),
    )


def _connection(facts: Facts) -> Outcome:
    """Whether the unit of each campaign is connected: without, a dispatch ends at once."""
    found = facts.view.rows(CAMPAIGNS)
    if found.problem is not None:
        return untested(found.problem)
    off = [row for row in found.rows if row["connection"] != "connected"]
    if not off:
        return clear("Every campaign's unit is connected." if found.rows else _NONE)
    return holds(
        f"{plural(len(off), 'campaign')} of a unit that is not connected.",
        manual("Connect the unit first (incident 1), then dispatch again."),
        tuple(f"{_name(row)}: {row['connection'] or 'no connection'}" for row in off),
    )


def _context(facts: Facts) -> tuple[str, ...]:
    """For each campaign: its recipients, and what a re-dispatch would do."""
    return tuple(
        f"{_name(row)}: {row['sent']} sent, {row['failed']} failed, {row['pending']} pending of "
        f"{row['recipients']}. {_redispatch(row)}"
        for row in facts.view.rows(CAMPAIGNS).rows
    )


def _redispatch(row: Row) -> str:
    pending, failed = _number(row["pending"]), _number(row["failed"])
    left = f"; the {failed} failed stay failed" if failed else ""
    if not pending:
        return f"A re-dispatch would send to nobody{left}."
    return f"A re-dispatch would send to the {pending} pending only{left}."


def _still(facts: Facts) -> list[Row]:
    span = timedelta(seconds=facts.rules["campaigns"].params["still_seconds"])
    now = facts.evidence.now
    rows = facts.view.rows(CAMPAIGNS).rows
    return [row for row in rows if now - _progress(facts, row) >= span]


def _progress(facts: Facts, row: Row) -> datetime:
    """The latest instant at which this campaign is known to have moved."""
    identity = str(row["id"])
    logged = facts.evidence.log.campaigns.get(identity)
    known = [row["newest_sent"], datetime.fromtimestamp(logged, UTC) if logged else None]
    if facts.observed is None:
        known.append(row["due_at"])
    else:
        # A campaign that was not seen before is seen for the first time now.
        known.append(facts.observed.progress.get(identity, facts.evidence.now))
    return max(instant for instant in known if isinstance(instant, datetime))


def _line(facts: Facts, row: Row) -> str:
    moved = _progress(facts, row)
    return f"{_name(row)}: {row['pending']} pending, last progress {moved:%Y-%m-%d %H:%M:%S} UTC"


def _name(row: Row) -> str:
    return harmless(mask(f"{row['name']} ({row['unit']})"), 100)


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


PROCEDURE = Procedure(
    incident=Incident.CAMPAIGN_STUCK,
    title="Campaign stuck in processing",
    suspects=(
        Suspect(id="worker_dead", title="Worker crashed", examine=_worker),
        Suspect(id="database_lock", title="Database lock", examine=_lock),
        Suspect(id="rate_limit", title="Evolution's rate limit hit", examine=_rate_limit),
        Suspect(id="not_connected", title="Unit not connected", examine=_connection),
    ),
    signals=("campaign_started", "campaign_finished", "send_attempt_failed"),
    # BLOCKED and LONG come first: a lock on the tables themselves stops what follows.
    queries=(BLOCKED, LONG, CAMPAIGNS, LIMITED),
    checks=("campaigns", "outbound_success"),
    # A lock that is waited for as long as a send is no accident.
    params={"blocked_seconds": 5, "long_seconds": 300},
    context=_context,
)
