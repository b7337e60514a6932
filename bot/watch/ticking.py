"""Between two points: samples, log marks, rollback criteria, and calls that nobody answered."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.clock import Clock
from bot.storage.store import Store
from bot.storage.values import NewPost
from bot.watch import alarms, observing
from bot.watch.knowing import Known, know, present, subject
from bot.watch.lookout import Lookout
from bot.watch.model import Deployment
from bot.watch.saying import Speech
from checks.engine.model import Json, Report
from checks.engine.runbook import Runbook

EVERY = timedelta(seconds=30)
"""How often rollback criteria are evaluated between checkpoints (checks.md, decision)."""

_GAP = timedelta(seconds=25)
"""A tick sooner than this after another replica's is none."""

_SAMPLED = ("connection_stability", "campaigns", "health")
"""Checks whose queries and probes a tick makes for what a watch has to observe."""


class Ticker:
    """Does the ticks of all watches, whichever replica it runs on.

    Args:
        store, lookout, speech, runbook, clock: as for `Taker`.
    """

    def __init__(
        self,
        *,
        store: Store,
        lookout: Lookout,
        speech: Speech,
        runbook: Runbook,
        clock: Clock,
    ) -> None:
        self._store = store
        self._lookout = lookout
        self._speech = speech
        self._runbook = runbook
        self._clock = clock
        rules = runbook.rollback_criteria
        wanted = (*_SAMPLED, *(check for rule in rules for check, _, _ in rule.any_of))
        self._only = tuple(
            check for check in dict.fromkeys(wanted) if check not in runbook.switched_off
        )

    async def tick(self, deployment: Deployment) -> bool:
        """Look once between two points; False where it is too early, or another replica's turn.

        Raises:
            StoreUnavailable: nothing was recorded; the next tick makes up for it.
        """
        claim = await self._store.claim_tick(deployment.id, self._clock.now(), _GAP)
        if claim is None:
            return False
        known = await know(self._store, deployment)
        if not known.taken:
            # The baseline is still to be taken: there is nothing to hold a sample against.
            return await self._store.record_tick(claim)
        report = await self._look(known)
        state = observing.look(known.state, report.evidence, deployment.deployed_at)
        posts, memory = await self._calls(known, report)
        state = replace(state, memory={**state.memory, **memory})
        return await self._store.record_tick(claim, state, posts)

    async def _look(self, known: Known) -> Report:
        now = self._clock.now()
        point = present(known, self._runbook, now)
        about = subject(known, point, self._runbook, now)
        return await self._lookout.tick(replace(about, only=self._only, exact=False))

    async def _calls(self, known: Known, report: Report) -> tuple[list[NewPost], dict[str, Json]]:
        """What is to be posted at once, and what is to be remembered of it."""
        posts: list[NewPost] = []
        memory: dict[str, Json] = {}
        now = report.taken_at
        view = known.view(self._runbook, now, report=report, live=True)
        before = known.state.memory
        alarm = alarms.due_alarm(report, self._runbook, known.taken, before, criticals=False)
        if alarm is not None:
            posts.append(await self._speech.escalation(view, alarm))
            memory |= alarms.called(alarm, known.taken, now)
        wait = self._runbook.remind_after
        unanswered = alarms.due_reminder(before, known.taken, known.notes, now, wait)
        if unanswered is not None:
            posts.append(self._speech.reminder(view, unanswered, wait))
            memory |= alarms.reminded(unanswered, now)
        return posts, memory
