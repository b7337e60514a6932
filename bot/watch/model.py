"""The words of a watch: the deployment, its points in time, what people decided about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from checks.engine.model import Criterion, Decision, Finding, Level, Report, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A version that went live at an instant, in a channel: what a watch is about.

    channel:     Slack's id of the channel that it is posted in; there is one open watch a channel
    started_by:  Slack's user id; closed_by: a user id, or "golive" where the watch ended by itself
    """

    id: UUID
    channel: str
    version: str
    deployed_at: datetime
    started_by: str
    started_at: datetime
    closed_at: datetime | None = None
    closed_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One instant at which a watch has something to do.

    key:        "T+10", "T+60", "T+75": minutes since the deploy; unique in a watch
    run:        "baseline", "health", "checkpoint", "pulse", "final" or "follow-up"
    checkpoint: whose thresholds judge ("1", "2", "3", "final"); None before the first
    """

    key: str
    run: str
    checkpoint: str | None
    due_at: datetime


LATE = timedelta(minutes=1)
"""From when on a point is late, and is judged on its own time: counts are by the minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A point that was taken: when, how late, and what came out.

    decision: None for the baseline, which judges nothing
    report:   None where only the outline is needed
    """

    point: Point
    taken_at: datetime
    decision: Decision | None = None
    levels: Mapping[str, Level] = field(default_factory=dict[str, Level])
    report: Report | None = None

    @property
    def late(self) -> timedelta:
        """How long after its instant it was taken."""
        return max(timedelta(0), self.taken_at - self.point.due_at)


class NoteKind(StrEnum):
    """What a person can say about a watch; ROLLBACK: where a rollback stands (`reason`)."""

    ACK = "ack"
    ACCEPT = "accept"
    SILENCE = "silence"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What a person decided: an acknowledgement, an accepted finding, a silenced check.

    check: None for an acknowledgement, which is about the watch's present alarm
    until: when a silence ends; None for what ends with the watch
    """

    kind: NoteKind
    by: str
    at: datetime
    check: str | None = None
    reason: str = ""
    until: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Whether it has not expired."""
        return self.until is None or now < self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One reason of a NO-GO that is not over.

    id:           a check's id, or a rollback criterion's behind "rollback:"
    since:        when it was first seen
    better_since: since when every look found it better; None while it is bad
    """

    id: str
    since: datetime
    better_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """The present verdict: what the last point said, and what was found since.

    It is stored, and every message that shows where a watch stands reads it.

    at:          when it changed last
    verdict:     None before anything was judged
    base:        key of the point whose report it builds on, which was taken at `base_at`
    findings:    what was found since, in place of that report's; criteria: the same
    causes:      what is not over, the oldest first
    suspected:   what too few looks have seen, where one is not enough: cause → looks in a row
    mentioned:   cause → when the lead was last mentioned because of it
    episode:     names the present stretch of trouble, or the next one: "start", or the key of the
                 instant at which it was last no NO-GO
    no_go_since: when the present stretch of NO-GO began; None where there is none
    """

    at: datetime
    base: str
    base_at: datetime
    verdict: Verdict | None = None
    findings: tuple[Finding, ...] = ()
    criteria: tuple[Criterion, ...] = ()
    causes: tuple[Cause, ...] = ()
    suspected: Mapping[str, int] = field(default_factory=dict[str, int])
    mentioned: Mapping[str, datetime] = field(default_factory=dict[str, datetime])
    episode: str = "start"
    no_go_since: datetime | None = None

    @property
    def decision(self) -> Decision | None:
        """GO, MONITOR or NO-GO; None before anything was judged."""
        return None if self.verdict is None else self.verdict.decision


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchView:
    """All that a message about a watch may show; what is not known is None.

    taken:     the points taken so far, oldest first; those of this watch only
    upcoming:  the points still to come in the hour (or the next one of the follow-up)
    report:    the present verdict with its findings; of a live look (`live`) the newest findings
    previous:  the report of the checkpoint before it, for "changed since"
    notes:     acknowledgements, acceptances and silences that hold now, oldest first
    rollback:  where a rollback stands, in one sentence; None where none was declared
    problems:  what golive itself cannot do at the moment (its store is down), as sentences
    called_at: when the lead was last called in the present stretch of NO-GO, or when it began;
               None where there is no NO-GO
    unjudged:  what a live look found beyond its bound and the verdict does not know yet
    between:   when a NO-GO was posted between two points, and because of what
    """

    deployment: Deployment
    now: datetime
    taken: tuple[Taken, ...] = ()
    upcoming: tuple[Point, ...] = ()
    report: Report | None = None
    live: bool = False
    previous: Report | None = None
    notes: tuple[Note, ...] = ()
    rollback: str | None = None
    problems: tuple[str, ...] = ()
    called_at: datetime | None = None
    unjudged: tuple[Finding, ...] = ()
    between: tuple[tuple[datetime, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """Whom an incident touches. Zero is never said: who was not counted is in `not_counted`.

    units:       how many; names: of those that are known by name; of_units: all there are
    contacts:    people who miss messages, or whose rows crossed
    clients:     addresses whose requests failed
    everybody:   why it is everybody; "" if it is not
    not_counted: why not all of it can be counted, as clauses
    """

    units: int = 0
    names: tuple[str, ...] = ()
    of_units: int | None = None
    contacts: int = 0
    clients: int = 0
    everybody: str = ""
    not_counted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Why the lead is called.

    key:      the condition; it is escalated once, and again only if it becomes worse
    kind:     "no-go" (mention once), "critical" (two or more at once) or "rollback"
    title:    the issue's type in a few words
    criteria: ids of the rollback criteria that are met
    reminder: whether this is the second call, because nobody acknowledged the first
    """

    key: str
    kind: str
    title: str
    criteria: tuple[str, ...] = ()
    reminder: bool = False
