"""What goes into the store and what comes out of it: claims, posts, state, audit entries.

A claim is a row's lease. Its `attempt` is a fencing token: whoever claims later gets a higher one,
and from then on nothing can be written under the lower.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from bot.render.message import Message
from bot.watch.model import Deployment, Point, Present, Taken
from checks.engine.model import Decision, Json, Observed, Problem
from checks.sources.logs.source import Mark


class StoreUnavailable(Exception):  # noqa: N818 - it names the state that the caller must handle
    """The store could not do what it was asked. The only exception that callers catch.

    problem: what happened and the mend, as sentences without secrets
    retry:   whether the same call may succeed later without anybody's help
    """

    def __init__(self, problem: Problem, *, retry: bool) -> None:
        super().__init__(str(problem))
        self.problem = problem
        self.retry = retry


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A watch in the history: what it was about, and how it stands, or stood at its end.

    last:    the last point that judged; None if none did
    present: the verdict since; None where nothing was judged, or by an older version
    """

    deployment: Deployment
    last: Taken | None = None
    present: Present | None = None

    @property
    def judged(self) -> tuple[Decision, datetime] | None:
        """The present verdict, and when it was reached; None where nothing was judged."""
        last, present = self.last, self.present
        whole = None if last is None or last.point.run == "health" else last
        if (
            present is not None
            and present.decision is not None
            # A point that it does not build on was taken by an older version.
            and (whole is None or whole.taken_at <= present.base_at)
        ):
            return present.decision, present.at
        if last is None or last.decision is None:
            return None
        return last.decision, last.taken_at


# --- claims -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to take one point of a watch, until its lease ends and somebody else claims it."""

    deployment_id: UUID
    point: Point
    owner: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TickClaim:
    """The right to do one tick of a watch: its samples and what follows from them.

    at:    the tick's instant
    state: what the watch remembers, as it was when the tick was claimed
    """

    deployment_id: UUID
    at: datetime
    attempt: int
    state: WatchState


# --- state --------------------------------------------------------------------------------------


AUDIT_HEAD = "audit_head"
"""Name in a watch's memory: the end of the audit of fixes at its final review, NUMBER:DIGEST."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchState:
    """What a watch remembers between its points and ticks.

    As an argument it is what changed: it is merged into what is stored (`merged`), so that a
    checkpoint and a tick that end at the same time, on two replicas, lose nothing of each other.

    observed:  the baseline and what the watch's own samples saw; None before the baseline
    memory:    anything else, by name (units last seen connected, counters, alarms already called)
    present:   the present verdict; None before anything was judged
    ticked_at: instant of the last tick; set by the store, ignored in arguments
    """

    observed: Observed | None = None
    memory: Mapping[str, Json] = field(default_factory=dict[str, Json])
    present: Present | None = None
    ticked_at: datetime | None = None

    def merged(self, change: WatchState) -> WatchState:
        """This state with a change applied."""
        return WatchState(
            observed=_merged(self.observed, change.observed),
            memory={**self.memory, **change.memory},
            present=_newer(self.present, change.present),
            ticked_at=self.ticked_at,
        )


def _newer(old: Present | None, new: Present | None) -> Present | None:
    """Of two verdicts the one that builds on the later point; of two on the same, the later one."""
    if old is None or new is None:
        return old if new is None else new
    return old if (old.base_at, old.at) > (new.base_at, new.at) else new


def _merged(old: Observed | None, new: Observed | None) -> Observed | None:
    """Both observations of one watch: the first baseline, the most drops, the latest progress.

    A minute counts as answered if anybody saw an answer in it. Which units wait to be connected is
    as the newer look saw it, each since whoever saw it first.
    """
    if old is None or new is None:
        return old if new is None else new
    return replace(
        new,
        inserted=new.inserted if old.inserted is None else old.inserted,
        connected_at_start=old.connected_at_start or new.connected_at_start,
        failed_at_start=old.failed_at_start or new.failed_at_start,
        drops={
            unit: max(old.drops.get(unit, 0), n) for unit, n in {**old.drops, **new.drops}.items()
        },
        progress={
            campaign: max(old.progress.get(campaign, at), at)
            for campaign, at in {**old.progress, **new.progress}.items()
        },
        inbound_expected=new.inbound_expected or old.inbound_expected,
        probes={
            minute: old.probes.get(minute, False) or answered
            for minute, answered in {**old.probes, **new.probes}.items()
        },
        began=old.began or new.began,
        pairing={unit: min(old.pairing.get(unit, at), at) for unit, at in new.pairing.items()},
    )


# --- posts --------------------------------------------------------------------------------------

STATUS = "status"
"""Key of the message that is updated in place and always shows where the watch stands."""

STATUS_UPDATE = f"{STATUS}:update"
"""Key of its newest content. Where somebody deleted the message, it is posted anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPost:
    """Something to say in Slack: a message, or new content of an earlier one.

    key:           what it is, unique within its deployment (without one: within its channel); the
                   same key again is ignored
    deployment_id: the watch it belongs to; None for what belongs to a channel only
    thread_of:     key of the post in whose thread it goes; where that was given up or is not known,
                   it goes into the channel itself, for a verdict must not be lost
    broadcast:     show a thread's reply in the channel too
    update_of:     key of the post whose content it replaces (chat.update); where that was given up
                   or is not known, it is dropped
    supersedes:    only the newest content matters: the same key again replaces the content, and
                   sends it again if it was sent already
    not_before:    an instant before which it is not sent; until then it holds up nothing
    """

    key: str
    channel: str
    message: Message
    deployment_id: UUID | None = None
    thread_of: str | None = None
    broadcast: bool = False
    update_of: str | None = None
    supersedes: bool = False
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusContent:
    """New content of the message that shows where the watch stands (the post `of`)."""

    message: Message
    of: str = STATUS

    def post(self, deployment: Deployment) -> NewPost:
        """The superseding update that brings it into Slack."""
        return NewPost(
            key=f"{self.of}:update",
            channel=deployment.channel,
            deployment_id=deployment.id,
            message=self.message,
            update_of=self.of,
            supersedes=True,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PostClaim:
    """The right to send one post.

    id:        goes into Slack's metadata (`event_payload.post_id`); stable over all attempts
    token:     fences; the store compares it
    attempt:   1 at the first try of this content
    unsure:    an earlier attempt may have reached Slack: look for `id` there before posting again
    ts:        where the message was posted already and only files are missing; None before
    thread_ts: of the thread it goes into; None for the channel itself
    update_ts: of the message to replace; None for a new message
    revision:  of the content, which a superseding update changes
    uploaded:  file ids by number: the message's pictures from 0 on, then its text files
    """

    id: UUID
    key: str
    channel: str
    deployment_id: UUID | None
    message: Message
    owner: str
    token: int
    attempt: int
    revision: int
    unsure: bool = False
    ts: str | None = None
    thread_ts: str | None = None
    update_ts: str | None = None
    broadcast: bool = False
    uploaded: Mapping[int, str] = field(default_factory=dict[int, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """Posts that are due and not in Slack yet: how many, and how long the oldest one has waited."""

    depth: int
    age: timedelta | None


# --- audit --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """Who did what, when, and what came of it. Written once, never changed.

    by:      Slack's user id, or "golive"
    action:  a short fixed word ("start", "fix:unit", "refused", "close")
    outcome: a sentence
    """

    at: datetime
    by: str
    action: str
    outcome: str = ""
    channel: str | None = None
    deployment_id: UUID | None = None
    details: Mapping[str, Json] = field(default_factory=dict[str, Json])


# --- waits --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """A wait under way.

    mark:    how large the log was when it began; None where there was no file to look at
    missed:  how long nobody looked meanwhile, where a process was gone
    in_log, in_rows: when a message was seen first in the log, and in the application's database
    """

    id: UUID
    channel: str
    asked_by: str
    began_at: datetime
    mark: Mark | None
    missed: timedelta
    in_log: datetime | None
    in_rows: datetime | None
