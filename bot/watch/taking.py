"""Taking one point of a watch: claim it, look, judge, and record what came out with its posts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime

import structlog
from structlog.contextvars import bound_contextvars

from bot.clock import Clock
from bot.operations.metrics import UNMEASURED, Metrics
from bot.storage.store import Store
from bot.storage.values import AUDIT_HEAD, Claim, StatusContent, StoreUnavailable, WatchState
from bot.watch import alarms, observing
from bot.watch.knowing import Known, deployment_before, know, subject
from bot.watch.lookout import Lookout
from bot.watch.marking import keep_marks
from bot.watch.model import Deployment, Point, Taken
from bot.watch.saying import Moment, Speech
from checks.engine.model import Report
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
        metrics: Metrics = UNMEASURED,
    ) -> None:
        self._store = store
        self._lookout = lookout
        self._speech = speech
        self._runbook = runbook
        self._clock = clock
        self._owner = owner
        self._started_at = started_at
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
        before = await know(self._store, deployment)
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
        alarm = None
        if point.run not in ("baseline", "health"):
            alarm = alarms.due_alarm(report, self._runbook, before.taken, before.state.memory)
        if alarm is not None:
            memory = {**state.memory, **alarms.called(alarm, before.taken, report.taken_at)}
            state = replace(state, memory=memory)
        audit = await self._speech.audit_head() if point.run == FINAL else ""
        if audit:
            state = replace(state, memory={**state.memory, AUDIT_HEAD: audit})
        judged = report if taken.decision is not None else None
        view = before.after(taken).view(self._runbook, report.taken_at, report=judged)
        return Moment(
            before=before,
            taken=taken,
            report=report,
            view=view,
            state=state,
            alarm=alarm,
            audit=audit,
            restarted=point.due_at < self._started_at and deployment.started_at < self._started_at,
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
