"""`/golive expect inbound`: the runbook's manual test, watched in log and database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from bot.clock import Clock, Timer
from bot.desk import Call, Reply
from bot.render.sentences import say
from bot.storage.store import Store
from bot.storage.values import STATUS, NewPost, StoreUnavailable
from bot.watch.lookout import Lookout
from checks.engine.check import Query
from checks.engine.model import LogEvidence, Window
from checks.sources.logs.source import ScanRequest

PATIENCE: Final = timedelta(minutes=2)
LOOK: Final = timedelta(seconds=3)
"""How often it looks: the runbook expects the line within 5 seconds."""

_SETTLE: Final = timedelta(seconds=60)
"""A row may follow its log line by so much."""

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
        WHERE sender = 'customer' AND created_at >= %(since)s::timestamptz
    """,
    reads={"messages": ("sender", "created_at")},
)
"""Inbound messages that were stored since an instant."""


@dataclass(slots=True, kw_only=True)
class _Wait:
    """One wait: since when, from which byte of the log on, what was seen first in which."""

    id: str
    call: Call
    began: datetime
    offset: int | None
    counts: dict[str, int] = field(default_factory=dict[str, int])
    in_log: timedelta | None = None
    in_rows: timedelta | None = None


class Expecting:
    """Waits by the timer; the answer is posted.

    Args:
        store: the outbox, and the thread of the channel's watch.
        lookout: log and database.
        clock, timer: give the instant and call back at one.
        wake: tells the sender.
    """

    def __init__(
        self, store: Store, lookout: Lookout, clock: Clock, timer: Timer, wake: Callable[[], None]
    ) -> None:
        self._store = store
        self._lookout = lookout
        self._clock = clock
        self._timer = timer
        self._wake = wake

    async def expect_inbound(self, call: Call) -> Reply:
        """Begin to wait; the outcome is posted in the channel."""
        sources = self._lookout.sources
        if sources.log is None and sources.database is None:
            return Reply(message=say("golive has neither a log nor a database to look at."))
        marks = await sources.log.marks() if sources.log is not None else ()
        wait = _Wait(
            id=uuid4().hex,
            call=call,
            began=self._clock.now(),
            offset=marks[-1].offset if marks else None,
        )
        self._later(wait)
        said = "Send a WhatsApp message to a connected number now. golive waits up to two minutes."
        return Reply(message=say(said), in_channel=True)

    def _later(self, wait: _Wait) -> None:
        async def look() -> None:
            await self._look(wait)

        self._timer.at(self._clock.now() + LOOK, f"expect:{wait.id}", look)

    async def _look(self, wait: _Wait) -> None:
        waited = self._clock.now() - wait.began
        await self._read_log(wait)
        await self._read_rows(wait)
        if wait.in_log is None and wait.counts.get("inbound_created"):
            wait.in_log = waited
        if wait.in_rows is None and wait.counts.get("rows"):
            wait.in_rows = waited
        both = self._lookout.sources.log is not None and self._lookout.sources.database is not None
        found = wait.in_log is not None or (wait.in_rows is not None)
        whole = wait.in_log is not None and wait.in_rows is not None
        settled = found and (whole or not both or waited >= (wait.in_log or waited) + _SETTLE)
        if settled or waited >= PATIENCE:
            await self._say(wait, waited)
        else:
            self._later(wait)

    async def _read_log(self, wait: _Wait) -> None:
        log = self._lookout.sources.log
        if log is None:
            return
        window = Window(since=wait.began, until=self._clock.now() + LOOK)
        request = ScanRequest(window=window, since_offset=wait.offset)
        # Each time from the same byte on: what came in two minutes is little.
        seen, _ = await log.scan(request)
        if seen.problem is None:
            wait.counts |= {signal: _count(seen, signal) for signal in _SIGNALS}

    async def _read_rows(self, wait: _Wait) -> None:
        database = self._lookout.sources.database
        if database is None:
            return
        found = await database.collect([(_INBOUND, {"since": wait.began})])
        result = found.results.get(_INBOUND.name)
        if result is not None and result.rows:
            number = result.rows[0]["messages"]
            wait.counts["rows"] = number if isinstance(number, int) else 0

    async def _say(self, wait: _Wait, waited: timedelta) -> None:
        try:
            watch = await self._store.open_watch(wait.call.channel)
            await self._store.enqueue(
                [
                    NewPost(
                        key=f"expect:{wait.id}",
                        channel=wait.call.channel,
                        message=say(_outcome(wait, waited)),
                        deployment_id=watch.id if watch else None,
                        thread_of=STATUS if watch else None,
                    )
                ]
            )
        except StoreUnavailable:
            return
        self._wake()


def _count(seen: LogEvidence, signal: str) -> int:
    found = seen.signals.get(signal)
    return found.count if found is not None else 0


_LOST: Final = (
    (
        "unknown_instance",
        "a webhook came for an unknown instance or with a wrong secret. `/golive diagnose 1`"
        " compares the secrets.",
    ),
    ("inbound_failed", "a webhook came, and its processing failed behind HTTP 200."),
    ("inbound_dropped", "a webhook came, and the application dropped the message."),
    ("webhooks", "a webhook came, but no message was made of it."),
)
"""What was seen last, and where the message got lost then."""

_NEVER: Final = (
    "no webhook reached the application, so it got lost before. `/golive diagnose 2` looks at"
    " Evolution's webhook, BASE_URL and the certificate."
)


def _outcome(wait: _Wait, waited: timedelta) -> str:
    """How long it took, or where it got lost."""
    if wait.in_log is not None and wait.in_rows is not None:
        return (
            f"An inbound message arrived: in the log after {_s(wait.in_log)}, in the database after"
            f" {_s(wait.in_rows)}."
        )
    if wait.in_log is not None:
        return (
            f"An inbound message is in the log after {_s(wait.in_log)}, and in {_s(waited)} there"
            " was no row: it got lost between the application and its database."
        )
    if wait.in_rows is not None:
        return f"An inbound message is in the database after {_s(wait.in_rows)}."
    where = next((words for signal, words in _LOST if wait.counts.get(signal)), _NEVER)
    return f"Nothing arrived within {_s(waited)}: {where}"


def _s(span: timedelta) -> str:
    return f"{round(span.total_seconds())} s"
