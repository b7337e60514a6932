"""Keeping all watches going: a timer for each one's next point, and a tick every half minute.

Every replica does the same; what is taken already, or claimed by another, is simply not taken here.
Nothing is kept but timers: they are rebuilt from the store at the start, and looked up again at
every tick, so that a watch that began on another replica is known within one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

import structlog
from structlog.contextvars import bound_contextvars

from bot.clock import Clock, Timer
from bot.storage.store import Store
from bot.storage.values import NewPost, StatusContent, StoreUnavailable
from bot.watch import plan
from bot.watch.continuity import Continuity
from bot.watch.knowing import know
from bot.watch.lookout import MARKS_KEPT, Lookout
from bot.watch.marking import keep_events, keep_marks
from bot.watch.model import Deployment
from bot.watch.saying import Speech
from bot.watch.taking import Taker
from bot.watch.ticking import Ticker
from checks.engine.runbook import Runbook

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)

_AGAIN = timedelta(seconds=5)
"""When a point is tried again that another replica had claimed, or that the store refused."""

_WARM_EVERY = timedelta(minutes=5)
_PRUNE_EVERY = timedelta(hours=1)
_REMEMBERED = timedelta(hours=25)
"""How long deliveries and log marks are kept: a watch may begin a day after its deploy."""

_TICK = "tick"


class Running:
    """The watches of one process.

    Args:
        store: where watches are kept.
        taker, ticker: do the work at a point, and between points.
        lookout: whose log readings are kept warm, and forgotten with a watch.
        speech: composes what a watch says at its end.
        runbook: the schedule.
        clock, timer: give the instant and call back at one.
        wake: tells the sender that there is something in the outbox.
        changed: is told that a point was taken, here or elsewhere, that a watch began or ended, or
            that a present verdict is another one.
        ticked: is told of every tick, and whether the store took part in it.
        shared: whether people from another organisation are in a channel; None: not known.
    """

    def __init__(
        self,
        *,
        store: Store,
        taker: Taker,
        ticker: Ticker,
        lookout: Lookout,
        speech: Speech,
        runbook: Runbook,
        clock: Clock,
        timer: Timer,
        wake: Callable[[], None],
        changed: Callable[[], None],
        ticked: Callable[[bool], None],
        shared: Callable[[str], Awaitable[bool | None]],
    ) -> None:
        self._store = store
        self._taker = taker
        self._ticker = ticker
        self._lookout = lookout
        self._speech = speech
        self._runbook = runbook
        self._clock = clock
        self._timer = timer
        self._wake = wake
        self._changed = changed
        self._ticked = ticked
        self._shared = shared
        self._told: set[UUID] = set()
        self._seen: dict[UUID, int] = {}
        self._verdicts: Mapping[UUID, tuple[str, datetime] | None] = {}
        self._continuity = Continuity(store, lookout, clock)
        self._armed: dict[UUID, Deployment] = {}
        self._warmed_at: datetime | None = None
        self._pruned_at: datetime | None = None
        self._ending = False
        self._busy: set[asyncio.Task[None]] = set()

    async def begin(self) -> None:
        """Take up every open watch, and begin to tick."""
        await self._tick()

    async def end(self) -> None:
        """Begin nothing more, and wait for what is being taken: it is recorded, or let go."""
        self._ending = True
        self._timer.cancel(_TICK)
        for deployment_id in list(self._armed):
            self._timer.cancel(_key(deployment_id))
        if self._busy:
            await asyncio.wait(self._busy)

    def arm(self, deployment: Deployment) -> None:
        """See at once what a watch has to do, and set its timer."""
        if deployment.id not in self._armed:
            self._changed()
        self._armed[deployment.id] = deployment
        self._set(self._clock.now(), deployment.id)

    def disarm(self, deployment_id: UUID) -> None:
        """Forget a watch that ended."""
        self._timer.cancel(_key(deployment_id))
        if self._armed.pop(deployment_id, None) is not None:
            self._changed()
        self._seen.pop(deployment_id, None)
        self._told.discard(deployment_id)
        self._lookout.forget(str(deployment_id))

    # --- points ---------------------------------------------------------------------------------

    async def _run(self, deployment_id: UUID) -> None:
        """Take what is due, one point after the other; then wait for the next."""
        following: datetime | None = self._clock.now() + _AGAIN
        try:
            following = await self._catch_up(deployment_id)
        except StoreUnavailable as error:
            _log.warning("store unavailable", why=error.problem.what)
        finally:
            # Whatever went wrong: a watch without a timer would be over in silence.
            if following is not None:
                self._set(following, deployment_id)

    def _set(self, instant: datetime, deployment_id: UUID) -> None:
        async def run() -> None:
            if self._ending:
                return
            with self._counted(), bound_contextvars(deployment=str(deployment_id)):
                await self._run(deployment_id)

        if not self._ending:
            self._timer.at(instant, _key(deployment_id), run)

    @contextmanager
    def _counted(self) -> Generator[None, None, None]:
        """Count the present task among those that the end waits for."""
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._busy.add(task)
        try:
            yield
        finally:
            self._busy.discard(task)

    async def _catch_up(self, deployment_id: UUID) -> datetime | None:
        """Take all that is due; when to come back, or None where the watch is over."""
        while not self._ending:
            deployment = await self._store.watch(deployment_id)
            if deployment is None:
                await self._check_store()
            if deployment is None or deployment.closed_at is not None:
                self.disarm(deployment_id)
                return None
            now = self._clock.now()
            taken = await self._store.taken(deployment_id)
            if self._seen.get(deployment_id, 0) < len(taken):
                self._changed()
            self._seen[deployment_id] = len(taken)
            point = plan.next_point(deployment, self._runbook, taken, now)
            if point is None:
                await self.close(deployment, by="golive")
                return None
            if point.due_at > now:
                return point.due_at
            if await self._taker.take(deployment, point) is None:
                return self._clock.now() + _AGAIN
            self._wake()
        return None

    async def close(self, deployment: Deployment, *, by: str) -> bool:
        """End a watch and say so; False if it was over already."""
        at = self._clock.now()
        known = await know(self._store, deployment, self._runbook)
        closed = known.closed(by=by, at=at)
        view = closed.view(self._runbook, at)
        posts: list[NewPost] = [
            StatusContent(message=self._speech.status(view)).post(deployment),
            self._speech.closed(view),
            *await self._speech.edits(self._store, known, over="The watch is closed."),
        ]
        done = await self._store.close_watch(deployment.id, by=by, at=at, posts=posts)
        self.disarm(deployment.id)
        self._wake()
        return done

    # --- ticks ----------------------------------------------------------------------------------

    async def _tick(self) -> None:
        if self._ending:
            return
        with self._counted():
            try:
                await self._look_around()
            except StoreUnavailable as error:
                _log.warning("store unavailable", why=error.problem.what)
                self._ticked(False)
            else:
                self._ticked(True)
            finally:
                if not self._ending:
                    at = self._clock.now() + self._runbook.between.every
                    self._timer.at(at, _TICK, self._tick)

    async def _check_store(self) -> None:
        """Let go of the watches that are gone with a store that was replaced."""
        gone = await self._continuity.lost(tuple(self._armed.values()))
        for watch in gone:
            self.disarm(watch.id)
        if gone:
            self._wake()

    async def _look_around(self) -> None:
        marks = await self._lookout.mark()  # first, for they are of use here without a store too
        await self._check_store()
        # One that begins while the store is asked is not among its watches, and not gone.
        armed = set(self._armed)
        watches = await self._store.open_watches()
        fresh = [deployment for deployment in watches if deployment.id not in armed]
        if fresh:
            await keep_marks(self._store, self._lookout, self._clock.now() - MARKS_KEPT)
        else:
            await self._store.add_marks(marks)
        for deployment in fresh:
            self.arm(deployment)
        for gone in armed - {deployment.id for deployment in watches}:
            self.disarm(gone)
        await keep_events(self._store, self._lookout, self._clock.now() - MARKS_KEPT)
        try:
            await self._tick_all(watches)
        finally:
            await self._see_verdicts()
        now = self._clock.now()
        if self._pruned_at is None or now - self._pruned_at >= _PRUNE_EVERY:
            self._pruned_at = now
            await self._store.prune(now - _REMEMBERED)
        if self._warmed_at is None or now - self._warmed_at >= _WARM_EVERY:
            self._warmed_at = now
            await self._lookout.keep_warm()

    async def _see_verdicts(self) -> None:
        """Tell of a verdict that is another one now, whichever replica found it."""
        verdicts = await self._store.verdicts()
        found = {watch: one and (one.base, one.at) for watch, one in verdicts.items()}
        if found != self._verdicts:
            self._changed()
        self._verdicts = found

    async def _tick_one(self, deployment: Deployment) -> bool:
        with bound_contextvars(deployment=str(deployment.id)):
            told = await self._tell_shared(deployment)
            return await self._ticker.tick(deployment) or told

    async def _tell_shared(self, deployment: Deployment) -> bool:
        """Tell the lead that the channel became a shared one; whether there is something to send.

        The post has a key of its own: what another replica, or this process before, told already
        is not told again.
        """
        if deployment.id in self._told or not await self._shared(deployment.channel):
            return False
        await self._store.enqueue([self._speech.shared(deployment)])
        self._told.add(deployment.id)
        return True

    async def _tick_all(self, watches: Sequence[Deployment]) -> None:
        """Tick each watch; trouble with one keeps nothing from the others."""
        ticks = (self._tick_one(one) for one in watches)
        results = await asyncio.gather(*ticks, return_exceptions=True)
        if any(result is True for result in results):
            self._wake()
        for result in results:
            if isinstance(result, BaseException):
                raise result


def _key(deployment_id: UUID) -> str:
    return f"watch:{deployment_id}"
