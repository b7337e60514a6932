"""`/golive expect inbound`: the runbook's manual test, watched in log and database.

The wait is kept in the store. Every replica looks, so that the end of the process that began it
does not end the wait; whoever is first says the outcome.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog

from bot.clock import Clock, Timer
from bot.desk import Call, Reply
from bot.render.inbound import busy_message, outcome_message
from bot.render.sentences import say, store_down
from bot.storage.store import Store
from bot.storage.values import STATUS, NewPost, StoreUnavailable, Wait
from bot.watch.log_place import end_of, read_from
from bot.watch.lookout import Lookout
from checks.engine.check import Query
from checks.engine.model import LogEvidence, Problem
from checks.engine.runbook.model import FINAL

PATIENCE: Final = timedelta(minutes=2)
LOOK: Final = timedelta(seconds=3)
"""How often it looks: the runbook expects the line within 5 seconds."""

EVERY: Final = timedelta(seconds=30)
"""How often it looks for waits that another process began."""

_GAP: Final = 5 * LOOK
"""Nobody looked for so long: the process that did was gone."""

_ROUND: Final = "expect"
_SIGNALS: Final = (
    "webhooks",
    "inbound_created",
    "inbound_dropped",
    "inbound_failed",
    "unknown_instance",
)

_INBOUND: Final = Query(
    name="expected_inbound",
    sql="""
        SELECT count(*) AS messages FROM messages
        WHERE sender::text = 'customer' AND created_at >= %(since)s::timestamptz
    """,
    reads={"messages": ("sender", "created_at")},
)
"""Inbound messages that were stored since an instant."""

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What one look saw since the wait began.

    until:   up to when the log is known
    problem: why the log says nothing
    """

    until: datetime
    counts: dict[str, int] = field(default_factory=dict[str, int])
    rows: int = 0
    problem: Problem | None = None


class Expecting:
    """Waits by the timer; the answer is posted.

    Args:
        store: keeps the waits; the outbox, and the thread of the channel's watch.
        lookout: log and database.
        clock, timer: give the instant and call back at one.
        wake: tells the sender.
        shared: whether people from another organisation are in a channel; None: not known.
    """

    def __init__(
        self,
        store: Store,
        lookout: Lookout,
        clock: Clock,
        timer: Timer,
        wake: Callable[[], None],
        *,
        shared: Callable[[str], Awaitable[bool | None]],
    ) -> None:
        self._store = store
        self._lookout = lookout
        self._clock = clock
        self._timer = timer
        self._wake = wake
        self._shared = shared
        rule = lookout.runbook.numbers("message_errors", FINAL)
        self._settle = timedelta(seconds=rule.params["settle_seconds"])
        self._armed: set[UUID] = set()
        self._ended = False

    async def begin(self) -> None:
        """Take up the waits that were left behind, and look for more from now on."""
        await self._round()

    def end(self) -> None:
        """Look no more; what is under way is left to another process."""
        self._ended = True
        self._timer.cancel(_ROUND)
        for wait_id in self._armed:
            self._timer.cancel(_job(wait_id))

    async def expect_inbound(self, call: Call) -> Reply:
        """Begin to wait; the outcome is posted in the channel, or to whoever asked alone."""
        sources = self._lookout.sources
        if sources.log is None and sources.database is None:
            return Reply(message=say("golive has neither a log nor a database to look at."))
        mark = await end_of(sources.log)
        now = self._clock.now()
        try:
            wait, begun = await self._store.begin_wait(
                call.channel, by=call.user, at=now, mark=mark
            )
        except StoreUnavailable:
            return Reply(message=store_down("expect inbound"))
        self._arm(wait.id)
        if not begun:
            return Reply(message=busy_message(wait.asked_by, now - wait.began_at))
        said = "Send a WhatsApp message to a connected number now. golive waits up to two minutes."
        return Reply(message=say(said), in_channel=True)

    # --- by the timer ---------------------------------------------------------------------------

    async def _round(self) -> None:
        try:
            for wait in await self._store.open_waits():
                self._arm(wait.id)
        except StoreUnavailable as error:
            _log.warning("waits cannot be looked up", why=error.problem.what)
        finally:
            if not self._ended:
                self._timer.at(self._clock.now() + EVERY, _ROUND, self._round)

    def _arm(self, wait_id: UUID) -> None:
        if wait_id not in self._armed:
            self._armed.add(wait_id)
            self._later(wait_id)

    def _later(self, wait_id: UUID) -> None:
        async def look() -> None:
            going_on = True
            try:
                going_on = await self._look(wait_id)
            except StoreUnavailable as error:
                _log.warning("a wait cannot be looked after", why=error.problem.what)
            finally:
                # Also where a look breaks: a wait that nobody looks after would never end.
                if going_on:
                    self._later(wait_id)
                else:
                    self._armed.discard(wait_id)

        if not self._ended:
            self._timer.at(self._clock.now() + LOOK, _job(wait_id), look)

    async def _look(self, wait_id: UUID) -> bool:
        """Look once; whether the wait goes on."""
        wait = await self._store.open_wait(wait_id)
        if wait is None:
            return False
        now = self._clock.now()
        seen = await self._see(wait, now)
        found = await self._store.looked(
            wait_id,
            now,
            gap=_GAP,
            in_log=bool(seen.counts.get("inbound_created")),
            in_rows=bool(seen.rows),
        )
        if found is None:
            return False
        if not self._over(found, seen, now):
            return True
        if await self._store.end_wait(wait_id, now, [await self._post(found, seen, now)]):
            self._wake()
        return False

    def _over(self, wait: Wait, seen: _Seen, now: datetime) -> bool:
        """Whether both were seen, or will not be: what came in the time has had its time."""
        first = min((at for at in (wait.in_log, wait.in_rows) if at is not None), default=None)
        if first is None:
            last = wait.began_at + PATIENCE
            return seen.until >= last or now >= last + self._settle
        sources = self._lookout.sources
        both = sources.log is not None and sources.database is not None
        whole = wait.in_log is not None and wait.in_rows is not None
        return whole or not both or now >= first + self._settle

    async def _see(self, wait: Wait, now: datetime) -> _Seen:
        rows = await self._rows(wait)
        log = self._lookout.sources.log
        if log is None:
            return _Seen(until=now, rows=rows)
        # Each time from the same byte on: what comes in two minutes is little.
        request = await read_from(log, wait.mark, wait.began_at, now + LOOK)
        found, _ = await log.scan(request)
        if found.problem is not None:
            return _Seen(until=now, rows=rows, problem=found.problem)
        counts = {signal: _count(found, signal) for signal in _SIGNALS}
        return _Seen(until=found.until or now, counts=counts, rows=rows)

    async def _rows(self, wait: Wait) -> int:
        database = self._lookout.sources.database
        if database is None:
            return 0
        found = await database.collect([(_INBOUND, {"since": wait.began_at})])
        result = found.results.get(_INBOUND.name)
        number = result.rows[0]["messages"] if result is not None and result.rows else 0
        return number if isinstance(number, int) else 0

    async def _post(self, wait: Wait, seen: _Seen, now: datetime) -> NewPost:
        message = outcome_message(
            wait, seen.counts, waited=now - wait.began_at, trouble=seen.problem
        )
        if await self._shared(wait.channel) is not False:
            # Slack takes a user's id for the direct conversation with the bot.
            return NewPost(key=f"expect:{wait.id}", channel=wait.asked_by, message=message)
        watch = await self._store.open_watch(wait.channel)
        return NewPost(
            key=f"expect:{wait.id}",
            channel=wait.channel,
            message=message,
            deployment_id=watch.id if watch else None,
            thread_of=STATUS if watch else None,
        )


def _count(seen: LogEvidence, signal: str) -> int:
    found = seen.signals.get(signal)
    return found.count if found is not None else 0


def _job(wait_id: UUID) -> str:
    return f"expect:{wait_id}"
