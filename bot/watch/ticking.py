"""Between two points: samples, log marks, the present verdict, and calls that nobody answered."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.storage.store import Store
from bot.storage.values import NewPost, StatusContent
from bot.watch import alarms, observing, plan, verdict
from bot.watch.knowing import Known, know, no_go_between, present, subject
from bot.watch.lookout import Lookout
from bot.watch.model import Deployment, Present
from bot.watch.saying import Speech
from bot.watch.verdict import Look
from checks.engine.model import Decision, Json, Report
from checks.engine.runbook import Runbook

_EARLY = timedelta(seconds=5)
"""So much sooner than it is due a tick may be; sooner than that after another replica's is none."""

_POINT = timedelta(minutes=1)
"""So long a point that is due keeps ticks from judging: it sees more, at the same instant."""

_ASKED = "database_asked"
"""Under which name a watch remembers when a tick last asked the database."""

_SAMPLED = ("connection_stability", "campaigns", "health")
"""Checks whose queries and probes a tick makes for what a watch has to observe."""


@dataclass(slots=True, kw_only=True)
class _News:
    """What a tick has to say, and what is to be remembered of it."""

    posts: list[NewPost] = field(default_factory=list[NewPost])
    memory: dict[str, Json] = field(default_factory=dict[str, Json])


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
        self._started_at = clock.now()
        rules = runbook.rollback_criteria
        self._always = (*_SAMPLED, *(check for rule in rules for check, _, _ in rule.any_of))

    async def tick(self, deployment: Deployment) -> bool:
        """Look once between two points; False where it is too early, or another replica's turn.

        Raises:
            StoreUnavailable: nothing was recorded; the next tick makes up for it.
        """
        now = self._clock.now()
        claim = await self._store.claim_tick(
            deployment.id, now, self._runbook.between.every - _EARLY
        )
        if claim is None:
            return False
        known, news = await know(self._store, deployment, self._runbook), _News()
        state = replace(known.state, memory={})
        if known.present is not None and known.base is not None and not self._is_due(known, now):
            asks = self._asks_database(known, now)
            look = await self._look(known, now, database=asks)
            state = observing.look(known.state, look.plain.evidence, deployment.deployed_at)
            if asks:
                news.memory[_ASKED] = now.isoformat()
            state = replace(state, present=await self._judge(known, known.base, look, news))
        # Before the baseline there is nothing to hold a sample against.
        self._remind(known, now, news)
        memory = {**state.memory, **news.memory}
        return await self._store.record_tick(claim, replace(state, memory=memory), news.posts)

    def _is_due(self, known: Known, now: datetime) -> bool:
        """Whether a point judges at this instant; those that were missed are taken first."""
        point = plan.next_point(known.deployment, self._runbook, known.taken, now)
        if point is None or now < point.due_at:
            return False
        since = max(point.due_at, self._started_at, known.deployment.started_at)
        return now - since < _POINT

    def _asks_database(self, known: Known, now: datetime) -> bool:
        asked = known.state.memory.get(_ASKED)
        every = self._runbook.between.database_every - _EARLY
        return not isinstance(asked, str) or now - datetime.fromisoformat(asked) >= every

    async def _look(self, known: Known, now: datetime, *, database: bool) -> Look:
        point = present(known, self._runbook, now)
        about = subject(known, point, self._runbook, now)
        wanted = (*self._lookout.due(about.checkpoint), *self._always)
        only = tuple(
            check for check in dict.fromkeys(wanted) if check not in self._runbook.switched_off
        )
        about = replace(about, only=only, exact=False)
        return await self._lookout.tick(about, database=database)

    async def _judge(self, known: Known, base: Report, look: Look, news: _News) -> Present | None:
        """The present verdict after a look; what is new is posted at once."""
        before = known.present
        if before is None:
            return None
        deployment, now = known.deployment, look.at
        key = f"{plan.key_of(deployment, now)}:{_second(deployment, now):02d}"
        found, report = verdict.after_look(before, base, look, self._runbook, key)
        if report is None:
            return found
        after = known.now(found, report)
        if found.decision is Decision.NO_GO:
            after = await self._raise(after, report, now, news, new=before.no_go_since is None)
        elif before.decision is Decision.NO_GO:
            was = () if known.report is None else verdict.titles(known.report, before.causes)
            view = after.view(self._runbook, now)
            news.posts.append(self._speech.recovered(view, f"over:{key}", was))
            news.posts += await self._speech.edits(
                self._store, known, over=f"Better since {_since(before, now):%H:%M} UTC."
            )
        if found.at != before.at:
            status = self._speech.status(after.view(self._runbook, now))
            news.posts.append(StatusContent(message=status).post(deployment))
        return after.present

    async def _raise(
        self, known: Known, report: Report, now: datetime, news: _News, *, new: bool
    ) -> Known:
        """Call where that is due, and post a NO-GO that is new; the lead is mentioned once."""
        found, memory = known.present, known.state.memory
        if found is None:
            return known
        quiet = alarms.quiet(found, now, self._runbook.between.mention_every)
        alarm = alarms.due_alarm(report, self._runbook, found.episode, memory, quiet=quiet)
        causes = [cause.id for cause in found.causes]
        said: dict[str, Json] = {}
        mention = alarm is not None or (new and not quiet.issuperset(causes))
        if alarm is not None:
            said |= alarms.called(alarm, found.episode, now)
        elif new:
            key = f"no-go:{now.isoformat()}"
            said |= alarms.told(key, found.episode, now)
            view = known.view(self._runbook, now)
            news.posts.append(self._speech.no_go(view, key, causes, mention=mention))
        if new:
            said |= no_go_between(now, ", ".join(verdict.titles(report, found.causes)))
        after = known.now(alarms.mentioned(found, now) if mention else found, report, said)
        if alarm is not None:
            view = after.view(self._runbook, now)
            news.posts.append(await self._speech.escalation(view, alarm))
        news.memory |= said
        return after

    def _remind(self, known: Known, now: datetime, news: _News) -> None:
        """Call once more where nobody answered."""
        if known.present is None:
            return
        memory, wait = known.state.memory, self._runbook.remind_after
        unanswered = alarms.due_reminder(memory, known.present.episode, known.notes, now, wait)
        if unanswered is not None:
            view = known.view(self._runbook, now)
            news.posts.append(self._speech.reminder(view, unanswered, wait))
            news.memory |= alarms.reminded(unanswered, now)


def _second(deployment: Deployment, now: datetime) -> int:
    return int((now - deployment.deployed_at).total_seconds()) % 60


def _since(present: Present, now: datetime) -> datetime:
    """Since when the last of a verdict's causes was better."""
    return max((cause.better_since or now for cause in present.causes), default=now)
