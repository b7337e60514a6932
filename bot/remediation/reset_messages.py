"""Fix of incident 3: failed messages back into the queue, by unit, of the last hour."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar, Final, LiteralString
from uuid import UUID

from bot.remediation import message_queries as sql
from bot.remediation.database import Connection, FixDatabase, Row, fetch
from bot.remediation.kinds import Outcome, Preview, Seen, grouped, shown, unit_named, written_out
from bot.remediation.message_outcome import became
from bot.remediation.values import SAMPLES, Aim, Change, Choice, Claim, FixRefused, Sheet, Wish
from checks.engine.model import Json
from checks.engine.runbook.remediation import ResetMessages as Rules
from checks.engine.wording import last, plural

ALL: Final = "*"

_NOT_DRAINED: Final = (
    "Nothing in this application sends `{status}` messages by itself: after the reset they stay"
    " there until somebody triggers their sending."
)
RETRIED: Final = "retried_only"
ALL_FAILED: Final = "all_failed"
"""What an operator chooses: the runbook's investigation, or its workaround as it is written."""

_OPEN_ENDS: Final = (
    *("timeout", "timed out", "etimedout", "socket hang up"),
    *("econnreset", "connection reset", "epipe"),
)
"""Parts of errors behind which a message may have been sent all the same."""

_WORKER: Final = (
    "The application's requeue worker takes `failed` and `pending` messages every minute, and may"
    " mark them as sent without sending them."
)


class ResetMessages:
    """`Kind` of incident 3.

    Args:
        rules: which messages.
        most: the cap on rows; one more is asked for, to see that it is exceeded.
        waiting: how long a message may be queued before it is stranded.
        secrets: live secrets, masked as literals in what is shown.
        sent: ids by which the log says that messages were sent. The recorded application writes
            ids of its own there; only those that are a message's id leave one out.
    """

    name: ClassVar[str] = "reset_messages"
    check: ClassVar[str] = "outbound_success"
    undoable: ClassVar[bool] = True
    uses: ClassVar[Mapping[str, str]] = {
        "messages": "rw",
        "conversations": "r",
        "units": "r",
        "unit_whatsapp_connections": "r",
    }
    statements: ClassVar[tuple[LiteralString, ...]] = (
        *(sql.KNOWN, sql.BY_UNIT, sql.FACTS, sql.CHANGE, sql.RESTORE, sql.TOUCHED),
    )

    def __init__(
        self,
        rules: Rules,
        *,
        most: int,
        waiting: timedelta,
        secrets: Callable[[], Awaitable[Sequence[str]]],
        sent: Callable[[], Awaitable[Sequence[str]]],
    ) -> None:
        self._rules = rules
        self._most = most
        self._waiting = waiting
        self._secrets = secrets
        self._sent = sent

    async def look(self, *, proposing: bool) -> Seen:
        """What must not be shown; for a new preview also what the log says was sent."""
        sent = tuple(await self._sent()) if proposing else ()
        return Seen(secrets=tuple(await self._secrets()), sent=sent)

    async def aim(self, connection: Connection, wish: Wish, seen: Seen) -> Aim:
        """A unit, or all of them where that was said."""
        if wish.target.strip().lower() in {"all", ALL}:
            target, name = ALL, "all units"
        elif wish.target.strip():
            unit = await unit_named(connection, wish.target)
            target, name = str(unit["id"]), shown(unit["name"], 60)
        else:
            raise FixRefused(await self._which(connection, wish))
        logged = list(seen.sent)
        known = await fetch(connection, sql.KNOWN, {"ids": logged}) if logged else []
        return Aim(
            target=target,
            name=name,
            parameters={
                "since": (wish.at - self._rules.within).isoformat(),
                "until": wish.at.isoformat(),
                "sent": [str(row["id"]) for row in known],
                "log_sends": len(logged),
                "only_retried": self._only_retried(wish),
            },
        )

    def _only_retried(self, wish: Wish) -> bool:
        """What was chosen; without a choice, what the runbook says."""
        if wish.stated & {RETRIED, ALL_FAILED}:
            return RETRIED in wish.stated
        return self._rules.only_retried

    async def units(self, connection: Connection, wish: Wish) -> tuple[Row, ...]:
        """Units with failed messages, the most first: id, name, failed."""
        since = wish.at - self._rules.within
        return tuple(await fetch(connection, sql.BY_UNIT, {"since": since}))

    async def _which(self, connection: Connection, wish: Wish) -> str:
        found = await self.units(connection, wish)
        listed = ", ".join(f"`{shown(row['name'], 40)}` ({row['failed']})" for row in found[:8])
        which = f" Failed messages have: {listed}." if listed else " No unit has failed messages."
        return (
            "Say which unit: `/golive fix reset_messages UNIT`; all of them only by"
            f" `/golive fix reset_messages all`.{which}"
        )

    async def change(self, connection: Connection, aim: Aim, seen: Seen) -> tuple[Change, ...]:
        """Reset what another try can help."""
        values = {**self._values(aim), "status": self._rules.status, "most": self._most + 1}
        rows = await fetch(connection, sql.CHANGE, values)
        return tuple(_change(row, seen.secrets) for row in rows)

    async def facts(self, connection: Connection, aim: Aim) -> Mapping[str, object]:
        """What is left out, what is stranded already, who is offline; the statement in full."""
        (row,) = await fetch(connection, sql.FACTS, self._values(aim))
        values = {**self._values(aim), "status": self._rules.status, "most": self._most + 1}
        left = [f"{n} {words}" for words, n in _left_out(row, aim) if n]
        return {
            **row,
            "choice": _choice(aim),
            "sql": await written_out(connection, sql.CHANGE, values),
            "left_out": f"Left out: {'; '.join(left)}." if left else "",
        }

    async def sheet(self, preview: Preview) -> Sheet:
        """How many, of which units, with which errors; what is left out; what to expect."""
        facts, rules, count = preview.facts, self._rules, len(preview.changes)
        hour = last(rules.within)
        tried = " that were tried again" if preview.aim.parameters["only_retried"] else ""
        return Sheet(
            title=f"Reset failed messages of {preview.aim.name}",
            verb=f"Reset {count}",
            rows=count,
            facts=(
                f"{plural(_int(facts['failed']), 'message')} failed in {hour};"
                f" {count} would be reset.",
            ),
            groups=grouped(preview.changes, ("error", "unit")),
            samples=tuple(change.sample for change in preview.changes[:SAMPLES]),
            left_out=tuple((w, n) for w, n in _left_out(facts, preview.aim) if n),
            warnings=tuple(self._warnings(preview)),
            words=(
                f"Sets status to '{rules.status}', retry_count to 0 and error_details to NULL for"
                f" failed outbound messages of {preview.aim.name} of {hour}{tried}."
            ),
            sql=str(facts["sql"]),
            steps=() if rules.resend else ("Trigger their sending by hand (the runbook's step).",),
            choice=_choice(preview.aim),
        )

    def _warnings(self, preview: Preview) -> list[str]:
        facts, status = preview.facts, self._rules.status
        said = [_WORKER if status == "pending" else _NOT_DRAINED.format(status=status)]
        if self._rules.resend is not None:
            said.append(f"Each message is then handed to {self._rules.resend.host} (resend).")
        open_ends = sum(_open_end(change) for change in preview.changes)
        if open_ends:
            said.append(
                f"{open_ends} of them ended in a timeout or a broken connection: they may have been"
                " sent all the same, and would then arrive twice."
            )
        sends = _int(preview.aim.parameters.get("log_sends"))
        if sends and not preview.aim.parameters.get("sent"):
            said.append(
                f"The end of the log tells of {plural(sends, 'send')}, by ids of its own that are"
                " no message's in the database: only the provider's id (external_id) tells what was"
                " sent."
            )
        stranded = _int(facts["stranded"])
        if stranded:
            stand = "stands" if stranded == 1 else "stand"
            hour = last(self._rules.within)
            said.append(f"{plural(stranded, 'message')} of {hour} {stand} in queued already.")
        if facts["offline"]:
            names = shown(facts["offline"], 120)
            said.append(f"Not connected, so they would fail again: {names}.")
        return said

    async def restore(self, connection: Connection, claim: UUID) -> tuple[list[UUID], list[str]]:
        """Put back what still stands as the fix left it; list the rest."""
        restored: list[UUID] = [
            row["id"] for row in await fetch(connection, sql.RESTORE, {"claim": claim})
        ]
        touched = await fetch(connection, sql.TOUCHED, {"claim": claim})
        others = [row for row in touched if row["row_id"] not in set(restored)]
        return restored, [_conflict(row) for row in others]

    async def outcome(self, database: FixDatabase, claim: Claim) -> Outcome:
        """How many were sent, failed again, or stand where the fix left them."""
        async with database.transaction(keep=False) as connection:
            return became(await fetch(connection, sql.TOUCHED, {"claim": claim.id}))

    def _values(self, aim: Aim) -> dict[str, object]:
        sent = aim.parameters.get("sent")
        return {
            "since": aim.parameters["since"],
            "until": aim.parameters["until"],
            "unit": None if aim.target == ALL else aim.target,
            "only_retried": aim.parameters["only_retried"],
            "waiting_seconds": self._waiting.total_seconds(),
            "permanent": list(self._rules.permanent_errors),
            "sent": list(sent) if isinstance(sent, list) else [],
        }


def _change(row: Row, secrets: Sequence[str]) -> Change:
    before: dict[str, Json] = {
        "status": row["old_status"],
        "retry_count": row["old_retry_count"],
        "error_details": row["old_error"],
    }
    after: dict[str, Json] = {
        "status": row["status"],
        "retry_count": row["retry_count"],
        "error_details": row["error_details"],
    }
    error = shown(row["old_error"] or "no error was written", 80, secrets)
    unit = shown(row["unit"], 40, secrets)
    at = row["created_at"]
    return Change(
        table="messages",
        row_id=row["id"],
        before=before,
        after=after,
        # The requeue worker counts retry_count up every minute: that alone is no drift.
        seen={"status": row["old_status"], "error": row["old_error"]},
        groups={"error": error, "unit": unit},
        sample=f"{str(row['id'])[:8]} · {unit} · {at:%H:%M:%S} UTC · "
        f"{plural(row['old_retry_count'], 'retry', 'retries')} · {error}",
    )


def _open_end(change: Change) -> bool:
    error = str(change.before["error_details"] or "").lower()
    return any(part in error for part in _OPEN_ENDS)


def _choice(aim: Aim) -> Choice:
    ways = (
        (RETRIED, "Tried again only (retry_count > 0), as the runbook investigates"),
        (ALL_FAILED, "All that failed, as the runbook's workaround has it"),
    )
    options = tuple((f"{ResetMessages.name} {aim.target} {way}", words) for way, words in ways)
    chosen = RETRIED if aim.parameters["only_retried"] else ALL_FAILED
    return Choice(
        label="Which failed messages?",
        options=options,
        chosen=f"{ResetMessages.name} {aim.target} {chosen}",
    )


def _left_out(facts: Mapping[str, Any], aim: Aim) -> list[tuple[str, int]]:
    out = [
        ("with a permanent error, which no further try mends", _int(facts["permanent"])),
        ("with evidence of having been sent", _int(facts["sent"])),
    ]
    if aim.parameters["only_retried"]:
        out.append(("that were never tried again (retry_count = 0)", _int(facts["untried"])))
    return out


def _conflict(row: Row) -> str:
    now = "no longer there" if row["status"] is None else f"{shown(row['status'], 20)} now"
    return f"{str(row['row_id'])[:8]}: {now}"


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0
