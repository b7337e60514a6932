"""What follows a reset at once: the runbook's hooks hand its rows to whatever sends them.

Each row is handed over at most once. Which ones are about to be is committed before any of them
is called, a few at a time: whoever comes after a crash calls only what was never about to be, and
lists the few of which nobody knows.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, LiteralString, cast
from uuid import UUID

import structlog

from bot.remediation import audit, claims
from bot.remediation.audit import Entry
from bot.remediation.database import Connection, fetch
from bot.remediation.engine import Engine
from bot.remediation.hooks import Answer, Hooks
from bot.remediation.steps import Step
from bot.remediation.values import Claim, FixState, FixUnavailable
from bot.render.handing import handed_message
from bot.storage.values import StoreUnavailable
from bot.watch.fix_posts import FixPosts
from checks.engine.model import Json
from checks.engine.runbook.remediation import Hook

AT_ONCE: Final = 8
"""How many calls a hook gets at a time."""

GRACE: Final = 20.0
"""Seconds that calls get to their end when golive is told to end."""

_SLACK: Final = timedelta(seconds=60)
"""How much longer than a call may take its answer is waited for, before it counts as cut off."""

_FOR: Final = timedelta(hours=2)
"""How far back what was begun is gone on with."""

_ABOUT: Final = "handing over"
_ANSWERED: Final = "handed over"
_ALL: Final = "all handed over"

_MESSAGES: Final[LiteralString] = """
    SELECT b.row_id, coalesce(m.status::text = b.after ->> 'status', false) AS stands
    FROM golive.fix_before_images AS b
    LEFT JOIN messages AS m ON m.id = b.row_id
    WHERE b.claim_id = %(claim)s AND b.table_name = 'messages'
      AND b.row_id <> ALL (%(taken)s::uuid[])
    ORDER BY b.row_id
"""
_CAMPAIGNS: Final[LiteralString] = """
    SELECT b.row_id, coalesce(c.status::text = b.after ->> 'status', false) AS stands
    FROM golive.fix_before_images AS b
    LEFT JOIN campaigns AS c ON c.id = b.row_id
    WHERE b.claim_id = %(claim)s AND b.table_name = 'campaigns'
      AND b.row_id <> ALL (%(taken)s::uuid[])
    ORDER BY b.row_id
"""

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """How rows of one kind of fix are handed over.

    word: what the hook's body calls a row
    left: the statement for the rows that were not yet about to be called
    """

    hook: Hook
    word: str
    left: LiteralString


@dataclass(slots=True, kw_only=True)
class _Past:
    """What the audit has of it.

    begun:    id of a row → when it was about to be called
    answered: id of a row → what came of it; rows whose answer is not known begin with "?"
    """

    begun: dict[str, datetime] = field(default_factory=dict[str, datetime])
    answered: dict[str, str] = field(default_factory=dict[str, str])
    over: bool = False

    @property
    def open(self) -> dict[str, datetime]:
        """Rows that were about to be called, and of which no answer was noted."""
        return {key: at for key, at in self.begun.items() if key not in self.answered}


class SendingOn:
    """Calls `resend` for each message and `redispatch` for a campaign.

    Args:
        engine: whose rules, database, clock and steps count.
        hooks: calls them.
        posts: say what they answered.
    """

    def __init__(self, engine: Engine, hooks: Hooks, posts: FixPosts) -> None:
        self._engine = engine
        self._hooks = hooks
        self._posts = posts
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        self._told: set[UUID] = set()

    @property
    def busy(self) -> bool:
        """Whether anything is being handed over."""
        return bool(self._tasks)

    def begin(self, claim: Claim) -> None:
        """Hand over what a fix changed, where the runbook names a hook for it."""
        way = self._way(claim)
        if way is None or claim.id in self._tasks:
            return
        task = asyncio.create_task(self._go(claim, way), name=f"handing over {claim.kind}")
        self._tasks[claim.id] = task
        task.add_done_callback(lambda _: self._tasks.pop(claim.id, None))

    async def end(self, *, grace: float = GRACE) -> None:
        """Let the calls come to their end; another process goes on with what is left."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(set(self._tasks.values()), timeout=grace)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)

    async def look(self, now: datetime) -> None:
        """Go on with what a process that is gone left behind, and tell what it did not.

        Raises:
            FixUnavailable: the database did not answer, or refused.
        """
        for kind in self._engine.kinds:
            async with self._engine.database.transaction() as connection:
                found = await claims.ended_since(connection, kind, now - _FOR)
            for claim in found:
                way = self._way(claim) if claim.state is FixState.EXECUTED else None
                if way is not None and claim.id not in {*self._told, *self._tasks}:
                    await self._go_on(claim, way, now)

    async def _go_on(self, claim: Claim, way: _Way, now: datetime) -> None:
        async with self._engine.database.transaction() as connection:
            past = await self._past(connection, claim)
        newest = max(past.open.values(), default=claim.executed_at or now)
        # Its own process may still be at it.
        if past.over or newest + way.hook.timeout + _SLACK <= now:
            self.begin(claim)

    async def _go(self, claim: Claim, way: _Way) -> None:
        try:
            while (batch := await self._take(claim, way)) is not None:
                await self._engine.steps.reached(Step.HANDING)
                answers = await asyncio.gather(*(self._call(claim, way, key) for key in batch))
                await self._engine.steps.reached(Step.HANDED)
                await self._note(claim, dict(zip(batch, answers, strict=True)))
            await self._tell(claim, way)
        except (FixUnavailable, StoreUnavailable) as trouble:
            _log.warning("rows cannot be handed over yet", why=trouble.problem.what)

    async def _take(self, claim: Claim, way: _Way) -> tuple[str, ...] | None:
        """The next rows, noted as about to be called by this process; None where there are none.

        A row that is no longer as the fix left it is left alone: somebody sent it already.
        """
        async with self._engine.database.transaction() as connection:
            held = await claims.hold(connection, claim.id)
            past = await self._past(connection, claim)
            if held is None or held.state is not FixState.EXECUTED or past.over:
                return None
            rows = await fetch(connection, way.left, {"claim": claim.id, "taken": [*past.begun]})
            batch = tuple(str(row["row_id"]) for row in rows if row["stands"])[:AT_ONCE]
            if not batch:
                return None
            details: dict[str, Json] = {"host": way.hook.host, "ids": list(batch)}
            await audit.append(connection, self._entry(claim, _ABOUT, len(batch), details))
        return batch

    async def _call(self, claim: Claim, way: _Way, key: str) -> Answer:
        body = {way.word: key, "claim": str(claim.id)}
        return await self._hooks.call(way.hook, body, key=f"{claim.id}:{key}")

    async def _note(self, claim: Claim, answers: Mapping[str, Answer]) -> None:
        said: dict[str, Json] = {key: _words(answer) for key, answer in answers.items()}
        async with self._engine.database.transaction() as connection:
            entry = self._entry(claim, _ANSWERED, len(said), {"answers": said})
            await audit.append(connection, entry)

    async def _tell(self, claim: Claim, way: _Way) -> None:
        """Say once what came of all of them; not while another process has some in hand."""
        now = self._engine.clock.now()
        async with self._engine.database.transaction() as connection:
            held = await claims.hold(connection, claim.id)
            past = await self._past(connection, claim)
            if any(at + way.hook.timeout + _SLACK > now for at in past.open.values()):
                return
            rows = await fetch(connection, way.left, {"claim": claim.id, "taken": [*past.begun]})
            if not past.over:
                entry = self._entry(claim, _ALL, len(past.begun), {"left": len(rows)})
                await audit.append(connection, entry)
        undone = held is not None and held.state is FixState.UNDONE
        counts, open_ones = _counted(past)
        message = handed_message(
            claim.sheet.title,
            host=way.hook.host,
            counts=counts,
            open_ones=open_ones,
            left=len(rows),
            undone=undone,
        )
        await self._posts.notice(claim, "handed", message)
        self._told.add(claim.id)

    async def _past(self, connection: Connection, claim: Claim) -> _Past:
        past = _Past()
        for entry in await audit.entries_of(connection, claim.id):
            if entry.action == _ABOUT:
                ids = cast("Sequence[str]", entry.details["ids"])
                past.begun |= dict.fromkeys(ids, entry.at)
            elif entry.action == _ANSWERED:
                past.answered |= cast("Mapping[str, str]", entry.details["answers"])
            elif entry.action == _ALL:
                past.over = True
        return past

    def _way(self, claim: Claim) -> _Way | None:
        rules = self._engine.rules
        resend, redispatch = rules.reset_messages.resend, rules.reset_campaign.redispatch
        if claim.kind == "reset_messages" and resend is not None:
            return _Way(hook=resend, word="message_id", left=_MESSAGES)
        if claim.kind == "reset_campaign" and redispatch is not None:
            return _Way(hook=redispatch, word="campaign_id", left=_CAMPAIGNS)
        return None

    def _entry(self, claim: Claim, action: str, rows: int, details: Mapping[str, Json]) -> Entry:
        return Entry(
            at=self._engine.clock.now(),
            actor="golive",
            action=action,
            target=f"{claim.kind} {claim.target}",
            claim=claim.id,
            rows=rows,
            details=details,
        )


_UNSURE: Final = "? "
_CUT: Final = "golive ended while it was called"


def _words(answer: Answer) -> str:
    if answer.good:
        return "accepted"
    return f"{_UNSURE}{answer.words}" if answer.unsure else answer.words


def _counted(past: _Past) -> tuple[tuple[tuple[str, int], ...], tuple[str, ...]]:
    """How many got which answer, the most first; and a line for each that was not accepted."""
    ends = {**dict.fromkeys(past.open, f"{_UNSURE}{_CUT}"), **past.answered}
    counts = Counter(words.removeprefix(_UNSURE) for words in ends.values())
    lines = [
        f"{key} · {words.removeprefix(_UNSURE)}"
        + (" · not known whether it was taken" if words.startswith(_UNSURE) else "")
        for key, words in sorted(ends.items(), key=lambda end: (not end[1].startswith("?"), end[0]))
        if words != "accepted"
    ]
    return tuple(counts.most_common()), tuple(lines)
