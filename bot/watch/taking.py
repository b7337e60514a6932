"""Taking one point of a watch: claim it, look, judge, and record what came out with its posts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime

import structlog
from structlog.contextvars import bound_contextvars

from bot.clock import Clock
from bot.operations.metrics import UNMEASURED, Metrics
from bot.storage.store import Store
from bot.storage.values import AUDIT_HEAD, Claim, StatusContent, StoreUnavailable, WatchState
from bot.watch import alarms, observing, verdict
from bot.watch.knowing import Known, deployment_before, know, subject
from bot.watch.lookout import Lookout
from bot.watch.marking import keep_marks
from bot.watch.model import Deployment, Point, Taken
from bot.watch.saying import Moment, Speech, point_key
from checks.engine.model import Decision, Json, Report
from checks.engine.runbook import Runbook
from checks.engine.runbook.model import FINAL

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


_LEAST_PAUSE = 1.0
"""Seconds between two renewals of a lease, at least."""


class Taker:
    """Takes points, whichever replica it runs on: the claim of a row decides who does.

    Args:
        store: keeps claims and what came out.
        lookout: looks at the application.
        speech: composes the posts.
        runbook: thresholds and schedule.
        clock: gives the instants.
        owner: this process's name in claims.
        started_at: when this process began; what was due before is "taken after a restart".
        audit_head: says the digest at the end of the audit of fixes; "" where there is none.
        metrics: are told of every point that was recorded.
    """

    def __init__(
        self,
        *,
        store: Store,
        lookout: Lookout,
        speech: Speech,
        runbook: Runbook,
        clock: Clock,
        owner: str,
        started_at: datetime,
        audit_head: Callable[[], Awaitable[str]],
        metrics: Metrics = UNMEASURED,
    ) -> None:
        self._store = store
        self._lookout = lookout
        self._speech = speech
        self._runbook = runbook
        self._clock = clock
        self._owner = owner
        self._started_at = started_at
        self._audit_head = audit_head
        self._metrics = metrics

    async def take(self, deployment: Deployment, point: Point) -> Taken | None:
        """Take a point; None where it is taken, or being taken by somebody else.

        Raises:
            StoreUnavailable: nothing was recorded, or it is not known whether it was; taking it
                again is safe.
        """
        with bound_contextvars(deployment=str(deployment.id), checkpoint=point.key):
            return await self._take(deployment, point)

    async def _take(self, deployment: Deployment, point: Point) -> Taken | None:
        claim = await self._store.claim(deployment.id, point, self._owner)
        if claim is None:
            return None
        async with self._kept(claim):
            moment = await self._moment(deployment, point)
            posts = await self._speech.point(moment)
            if moment.view.called_at is None:
                over = f"The verdict of {point.key} is {moment.taken.decision}."
                posts += await self._speech.edits(self._store, moment.before, over=over)
            status = StatusContent(message=self._speech.status(moment.view))
            recorded = await self._store.record(
                claim, moment.taken, moment.report, posts, status, moment.state
            )
        if not recorded:
            _log.warning("claim lost")
            return None
        self._metrics.taken(moment.taken.late)
        _log.info("taken", late=_late(moment.taken))
        return moment.taken

    async def _moment(self, deployment: Deployment, point: Point) -> Moment:
        await keep_marks(self._store, self._lookout, deployment.deployed_at)
        before = await know(self._store, deployment, self._runbook)
        now = self._clock.now()
        about = replace(
            subject(before, point, self._runbook, now),
            past=await deployment_before(self._store, deployment, point.key, now),
        )
        report = await self._lookout.watch(about)
        state = _learn(before, point, report)
        if point.run == "baseline":
            # What is known now belongs to the watch: the first report is already held against it.
            report = await self._lookout.watch(replace(about, state=state))
        taken = _taken(point, report)
        audit = await self._audit_head() if point.run == FINAL else ""
        if audit:
            state = replace(state, memory={**state.memory, AUDIT_HEAD: audit})
        moment = Moment(
            before=before,
            taken=taken,
            report=report,
            view=before.after(taken).view(self._runbook, report.taken_at),
            state=state,
            audit=audit,
            restarted=point.due_at < self._started_at and deployment.started_at < self._started_at,
        )
        return moment if taken.decision is None else self._judged(moment)

    def _judged(self, moment: Moment) -> Moment:
        """The same with the present verdict after the point, and with the calls that are due."""
        before, taken, report = moment.before, moment.taken, moment.report
        present = before.present or verdict.before_any(taken)
        if taken.point.run == "health":
            present, shows = verdict.after_health(present, before.report, report, self._runbook)
        else:
            present, shows = verdict.after_point(
                present,
                before.report,
                taken,
                report,
                self._runbook,
                looked_at=before.state.ticked_at,
            )
            taken = replace(_taken(taken.point, shows), taken_at=taken.taken_at)
        no_go = present.decision is Decision.NO_GO
        memory = before.state.memory
        quiet = alarms.quiet(present, report.taken_at, self._runbook.between.mention_every)
        alarm = None
        said: dict[str, Json] = {}
        if no_go and taken.point.run != "health":
            alarm = alarms.due_alarm(shows, self._runbook, present.episode, memory, quiet=quiet)
        if alarm is not None:
            said |= alarms.called(alarm, present.episode, report.taken_at)
        if no_go:
            said |= alarms.told(point_key(taken), present.episode, report.taken_at)
        new = no_go and before.decision is not Decision.NO_GO
        mention = new and alarm is None and not quiet.issuperset(c.id for c in present.causes)
        if mention or alarm is not None:
            present = alarms.mentioned(present, report.taken_at)
        after = before.after(taken).now(present, shows, said)
        state = replace(moment.state, memory={**moment.state.memory, **said}, present=present)
        view = after.view(self._runbook, report.taken_at, report=shows)
        return replace(
            moment,
            taken=taken,
            view=replace(view, previous=before.report),
            state=state,
            alarm=alarm,
            mention=mention,
        )

    @asynccontextmanager
    async def _kept(self, claim: Claim) -> AsyncGenerator[None, None]:
        """Keep the lease while the block runs; let go of it where the block fails."""
        keeping = asyncio.create_task(self._keep(claim))
        try:
            yield
        except BaseException:
            with suppress(StoreUnavailable):
                await self._store.release(claim)
            raise
        finally:
            keeping.cancel()

    async def _keep(self, claim: Claim) -> None:
        # By the event loop's own clock, as the lease runs by the database's.
        while True:
            await asyncio.sleep(max(self._store.lease / 3, _LEAST_PAUSE))
            with suppress(StoreUnavailable):
                await self._store.renew(claim)


def _learn(before: Known, point: Point, report: Report) -> WatchState:
    deployed_at = before.deployment.deployed_at
    if point.run == "baseline":
        return observing.baseline(report.evidence, deployed_at)
    return observing.look(before.state, report.evidence, deployed_at)


def _taken(point: Point, report: Report) -> Taken:
    judged = point.run != "baseline"
    return Taken(
        point=point,
        taken_at=report.taken_at,
        decision=report.verdict.decision if judged else None,
        levels={finding.check: finding.level for finding in report.findings} if judged else {},
        report=report,
    )


def _late(taken: Taken) -> int:
    return int(taken.late.total_seconds())
