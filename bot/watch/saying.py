"""What a watch says: from what was taken to the posts that go into the outbox."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol

from bot.render.alarm import (
    acknowledged,
    calling,
    edited_call,
    escalation,
    no_go,
    recovered,
    reminder,
    shared_channel,
    undecided,
)
from bot.render.baseline import baseline_message, health_message
from bot.render.chart import picture_of_hour
from bot.render.checkpoint import checkpoint_message
from bot.render.closing import watch_closed
from bot.render.message import Button, Message, Picture
from bot.render.pulse import pulse_message, worse_findings
from bot.render.review import final_review
from bot.render.status import watch_status
from bot.storage.store import Store
from bot.storage.values import STATUS, NewPost, StatusContent, WatchState
from bot.watch import alarms, plan
from bot.watch.affected import count_affected
from bot.watch.buttons import ACK, ROLLBACK, ack_button, diagnose_buttons, rollback_button
from bot.watch.knowing import Known
from bot.watch.lookout import Lookout
from bot.watch.model import Affected, Alarm, Deployment, Note, Taken, WatchView
from checks.engine.model import Decision, Problem, Report
from checks.engine.runbook import Runbook
from checks.engine.runbook.model import FINAL
from checks.engine.thresholds import Rule

_LINES = 50
"""Log lines of an escalation (runbook, escalation contact 3)."""


class Called(Protocol):
    """Who is called on escalation; it may become known later."""

    @property
    def mention(self) -> str | None:
        """A ready mention; None while nobody can be called."""
        ...

    @property
    def problem(self) -> str | None:
        """Why nobody can be called, as a sentence."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One point, just taken.

    before:    what was known until then; view: with this point in it
    state:     what the watch remembers from now on
    mention:   whether the lead is called in the point's own post
    audit:     the digest at the end of the audit of fixes, for a final review; "" where none is
    restarted: whether golive was started anew since the point was due
    """

    before: Known
    taken: Taken
    report: Report
    view: WatchView
    state: WatchState
    alarm: Alarm | None = None
    mention: bool = False
    audit: str = ""
    restarted: bool = False


class Speech:
    """Composes the posts of watches.

    Args:
        runbook: its links, cadences and thresholds.
        lookout: the log's last lines and the database, for an escalation.
        lead: who is called.
    """

    def __init__(self, *, runbook: Runbook, lookout: Lookout, lead: Called) -> None:
        self._runbook = runbook
        self._lookout = lookout
        self._lead = lead

    def status(self, view: WatchView) -> Message:
        """The message of a watch that is edited in place."""
        return watch_status(view, buttons=_buttons(view)).with_public_line()

    async def point(self, moment: Moment) -> list[NewPost]:
        """All that one point has to say, in order; a calm pulse says nothing."""
        view, deployment = moment.view, moment.view.deployment
        posts: list[NewPost] = []
        if moment.taken.point.run == "baseline":
            posts.append(_post(deployment, STATUS, self.status(view)))
        reply = await self._reply(moment)
        if reply is not None:
            key = point_key(moment.taken)
            posts.append(
                _reply_to(
                    deployment, key, reply.with_public_line(), broadcast=self._is_news(moment)
                )
            )
        if moment.alarm is not None:
            posts.append(await self.escalation(view, moment.alarm))
        follows = moment.taken.point.run == plan.FOLLOW_UP
        if follows and plan.asks_to_decide(self._runbook, view.taken):
            posts.append(self._undecided(view, moment.taken))
        return posts

    async def escalation(self, view: WatchView, alarm: Alarm) -> NewPost:
        """The full call: issue, whom it touches, rollback, log lines, links, picture."""
        lines, affected, secrets, picture = await asyncio.gather(
            self._lookout.tail(_LINES),
            self._affected(view),
            self._lookout.live_secrets(),
            self.picture(view),
        )
        message = escalation(
            view,
            alarm,
            lead=self._lead.mention,
            affected=affected,
            links=self._runbook.links,
            lines=(str(lines),) if isinstance(lines, Problem) else lines,
            picture=picture,
            buttons=_buttons(view, called=True),
            secrets=secrets,
        )
        return _post(view.deployment, alarm.key, message)

    async def _affected(self, view: WatchView) -> Affected:
        if view.report is None:
            return Affected(not_counted=("nothing was measured yet",))
        return await count_affected(
            self._lookout.sources.database,
            view.report,
            view.deployment.deployed_at,
            waiting=self._runbook.numbers("outbound_success", FINAL).params["waiting_seconds"],
            key=self._lookout.fingerprint_key,
        )

    def reminder(self, view: WatchView, key: str, waited: timedelta) -> NewPost:
        """The second and last call."""
        alarm = Alarm(key=key, kind="reminder", title="Still not acknowledged", reminder=True)
        message = reminder(
            view, alarm, lead=self._lead.mention, waited=waited, buttons=_buttons(view, called=True)
        )
        return _post(view.deployment, f"{key}:reminder", message)

    def no_go(self, view: WatchView, key: str, causes: Sequence[str], *, mention: bool) -> NewPost:
        """A NO-GO that was found between two points, told the channel too."""
        lead = self._lead.mention if mention else ""
        message = no_go(view, causes, lead=lead, buttons=_buttons(view))
        return _reply_to(view.deployment, key, message.with_public_line(), broadcast=True)

    def recovered(self, view: WatchView, key: str, was: Sequence[str]) -> NewPost:
        """A NO-GO is over, by a look between two points."""
        message = recovered(view, was, better_for=self._runbook.between.over_after)
        return _reply_to(view.deployment, key, message.with_public_line(), broadcast=True)

    async def edits(self, store: Store, known: Known, *, over: str = "") -> list[NewPost]:
        """The calls of the present stretch of trouble, once somebody answered, or when it is over.

        Args:
            store: has what they said.
            known: the watch, while it stands at NO-GO.
            over: how that ended, as a sentence; "" where it did not.

        Raises:
            StoreUnavailable: the store does not answer.
        """
        present, memory = known.present, known.state.memory
        if present is None or present.no_go_since is None:
            return []
        answered = alarms.answer(alarms.called_at(memory, present), known.notes)
        if answered is None and not over:
            return []
        keys = alarms.posts_of(memory, present.episode)
        calls = await store.messages(known.deployment.id, keys)
        gone = {ACK, ROLLBACK} if over else {ACK}
        return [
            StatusContent(
                message=edited_call(message, gone, answered=answered, over=over), of=key
            ).post(known.deployment)
            for key, message in calls.items()
        ]

    def closed(self, view: WatchView) -> NewPost:
        """The last words in the thread."""
        return _reply_to(view.deployment, "closed", watch_closed(view).with_public_line())

    def acknowledged(self, view: WatchView, note: Note) -> NewPost:
        """Who is on it, in the thread."""
        alarm = Alarm(key="ack", kind="no-go", title="NO-GO")
        key = f"ack:{note.at.isoformat()}"
        return _reply_to(view.deployment, key, acknowledged(view, alarm, note))

    def shared(self, deployment: Deployment) -> NewPost:
        """Tells the lead, once a watch, that its channel is shared with another organisation."""
        return _post(deployment, "shared", shared_channel(deployment, self._lead.mention))

    def _undecided(self, view: WatchView, taken: Taken) -> NewPost:
        waited = taken.taken_at - view.deployment.deployed_at
        message = undecided(view, lead=self._lead.mention, waited=waited, buttons=_buttons(view))
        return _post(view.deployment, f"undecided:{taken.point.key}", message)

    async def _reply(self, moment: Moment) -> Message | None:
        view, taken = moment.view, moment.taken
        buttons = _buttons(view)
        match taken.point.run:
            case "baseline":
                return baseline_message(
                    view,
                    recorded=_recorded(moment),
                    cannot=_blind(moment.report),
                    uncalled=self._lead.problem,
                )
            case "health":
                message = health_message(view, taken, buttons=buttons)
            case "pulse":
                if not worse_findings(moment.report, view.previous):
                    return None
                message = pulse_message(view, taken, buttons=buttons)
            case "final":
                message = final_review(
                    view,
                    taken,
                    self._runbook,
                    picture=await self.picture(view),
                    buttons=buttons,
                    restarted=moment.restarted,
                    audit=moment.audit,
                )
            case _:
                message = checkpoint_message(
                    view, taken, buttons=buttons, restarted=moment.restarted
                )
        return calling(message, self._lead.mention) if moment.mention else message

    def _is_news(self, moment: Moment) -> bool:
        """Whether the channel is told too: a worse verdict, or the final review."""
        decision = moment.taken.decision
        if decision is None:
            return False
        last = moment.before.decision or Decision.GO
        return moment.taken.point.run == FINAL or plan.is_worse(decision, last)

    async def picture(self, view: WatchView) -> Picture | None:
        """The hour in a picture; None before anything was measured."""
        if view.report is None:
            return None
        return await asyncio.to_thread(
            picture_of_hour, view.report, view.deployment.deployed_at, view.taken, self._rule_of
        )

    def _rule_of(self, check: str) -> Rule | None:
        return self._runbook.rule(check, FINAL)


def point_key(taken: Taken) -> str:
    """The key of the post that a point makes."""
    return f"point:{taken.point.key}"


def _post(deployment: Deployment, key: str, message: Message) -> NewPost:
    return NewPost(
        key=key,
        channel=deployment.channel,
        deployment_id=deployment.id,
        message=message.with_public_line(),
    )


def _reply_to(
    deployment: Deployment, key: str, message: Message, *, broadcast: bool = False
) -> NewPost:
    """A post in the watch's thread."""
    post = _post(deployment, key, message)
    return replace(post, thread_of=STATUS, broadcast=broadcast)


def _buttons(view: WatchView, *, called: bool = False) -> Sequence[Button]:
    """Only where there is something to do: acknowledge, roll back, look for the cause."""
    if view.deployment.closed_at is not None:
        return ()
    no_go = view.report is not None and view.report.verdict.decision is Decision.NO_GO
    answered = not called and alarms.answer(view.called_at, view.notes) is not None
    out: list[Button] = []
    if (no_go or called) and not answered:
        out.append(ack_button(view.deployment))
    if (no_go or called) and view.rollback is None:
        out.append(rollback_button(view.deployment))
    if view.report is not None:
        out += diagnose_buttons(view.report)
    return tuple(out)


def _blind(report: Report) -> tuple[Problem, ...]:
    """What cannot be looked at; that nothing has happened yet is no trouble."""
    evidence = report.evidence
    results = evidence.database.results.values()
    found = (
        evidence.log.problem or evidence.log.unwindowed,
        evidence.database.problem,
        *(result.problem for result in results),
        evidence.health.problem,
    )
    return tuple(dict.fromkeys(problem for problem in found if problem is not None))


def _recorded(moment: Moment) -> tuple[str, ...]:
    """What was counted at T+0, against which the hour is held."""
    observed = moment.state.observed
    out: list[str] = []
    if observed is not None and observed.inserted is not None:
        out.append(f"messages: {observed.inserted:,} rows inserted so far.")
    if observed is not None:
        out.append(f"Connected units: {len(observed.connected_at_start)}.")
    log = moment.report.evidence.log
    if log.problem is None:
        timed = "carries times" if log.timed else "carries no times, its growth is recorded"
        out.append(f"Log format {log.profile}: it {timed}.")
    return tuple(out)
