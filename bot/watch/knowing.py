"""What a watch knows at one instant: read from the store, for messages and measurements."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.storage.store import Store
from bot.storage.values import WatchState
from bot.watch import plan
from bot.watch.lookout import Subject
from bot.watch.model import LATE, Deployment, Note, NoteKind, Point, Taken, WatchView
from checks.engine.history import Past
from checks.engine.model import Level, Report
from checks.engine.runbook import CHECKPOINTS, Runbook
from checks.engine.runbook.model import FINAL

_LOOKED_BACK = 10
"""How many watches are gone through for one that came to the same point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A watch as the store has it.

    taken:    the points so far, by when they were due, without their reports
    previous: the report of the newest point that judged all of its checkpoint; None before that
    notes:    everything that people decided, expired notes included
    """

    deployment: Deployment
    taken: tuple[Taken, ...] = ()
    previous: Report | None = None
    notes: tuple[Note, ...] = ()
    state: WatchState = field(default_factory=WatchState)

    def view(
        self,
        runbook: Runbook,
        now: datetime,
        *,
        report: Report | None = None,
        live: bool = False,
        problems: tuple[str, ...] = (),
    ) -> WatchView:
        """The watch as a message may show it; without a report, by its newest point."""
        return WatchView(
            deployment=self.deployment,
            now=now,
            taken=self.taken,
            upcoming=()
            if self.deployment.closed_at
            else plan.upcoming(self.deployment, runbook, self.taken, now),
            report=report or self.previous,
            live=live,
            previous=self.previous if report is not None else None,
            notes=tuple(
                note
                for note in self.notes
                if note.holds(now) and note.kind is not NoteKind.ROLLBACK
            ),
            rollback=self.rollback,
            problems=problems,
        )

    @property
    def rollback(self) -> str | None:
        """Where a rollback stands; None where none was declared."""
        said = [note.reason for note in self.notes if note.kind is NoteKind.ROLLBACK]
        return said[-1] if said else None

    def after(self, taken: Taken) -> Known:
        """The same with one more point taken; `previous` stays what it was before."""
        return replace(self, taken=(*self.taken, taken))

    def closed(self, *, by: str, at: datetime) -> Known:
        """The same, ended."""
        return replace(self, deployment=replace(self.deployment, closed_by=by, closed_at=at))

    def noted(self, note: Note) -> Known:
        """The same with one more note."""
        return replace(self, notes=(*self.notes, note))


async def know(store: Store, deployment: Deployment) -> Known:
    """Read what the store has of a watch."""
    taken = await store.taken(deployment.id)
    judged = [one for one in taken if one.decision is not None and one.point.run != "health"]
    newest = max(judged, key=lambda one: one.taken_at, default=None)
    previous = None
    if newest is not None:
        found = await store.reports(deployment.id, [newest.point.key])
        previous = found.get(newest.point.key)
    return Known(
        deployment=deployment,
        taken=taken,
        previous=previous,
        notes=await store.notes(deployment.id),
        state=await store.state(deployment.id),
    )


def subject(known: Known, point: Point, runbook: Runbook, now: datetime) -> Subject:
    """What a look at a watch is about, at one of its points.

    A point that is taken late is judged on its own time. What was missed with it is looked at with
    it, and only the newest of them says how things stand now.
    """
    late = point.run != "baseline" and now - point.due_at >= LATE
    due = point.due_at if late else None
    recent = point.run != FINAL and any(one.point.run == FINAL for one in known.taken)
    since = (due or now) - runbook.default_window if recent else known.deployment.deployed_at
    earlier: dict[str, str] = {}
    for one in known.taken:
        for check, level in one.levels.items() if one.taken_at >= since else ():
            if level is Level.CRITICAL:
                earlier.setdefault(check, one.point.key)
    accepted, silenced = _decided(known, now)
    return Subject(
        deployment=known.deployment,
        checkpoint=_thresholds(point),
        state=known.state,
        recent=recent,
        accepted=accepted,
        silenced=silenced,
        earlier=earlier,
        only=("health",) if point.run == "health" else (),
        due=due,
        present=present(known, runbook, now).checkpoint or "" if late else "",
        superseded=late and plan.is_superseded(known.deployment, runbook, known.taken, point, now),
    )


async def deployment_before(
    store: Store, deployment: Deployment, key: str, by: datetime
) -> dict[str, Past]:
    """What the same point of the channel's deployment before found, by check; empty without one.

    What was taken after the instant `by` was not known then: a deploy that went before may have
    been watched afterwards.
    """
    earlier = await store.recent(deployment.channel, _LOOKED_BACK, before=deployment.deployed_at)
    for one in earlier:
        report = (await store.reports(one.deployment.id, [key])).get(key)
        if report is None or report.taken_at > by:
            continue
        window = report.evidence.window
        return {
            finding.check: Past(
                version=one.deployment.version,
                finding=finding,
                seconds=(
                    (finding.window or window).until - (finding.window or window).since
                ).total_seconds(),
            )
            for finding in report.findings
        }
    return {}


def present(known: Known, runbook: Runbook, now: datetime) -> Point:
    """A point outside the schedule, judged as the last one was."""
    deployment = known.deployment
    hour = plan.hour(deployment, runbook)
    passed = [point for point in hour if point.due_at <= now and point.checkpoint]
    second = int((now - deployment.deployed_at).total_seconds()) % 60
    return Point(
        key=f"{plan.key_of(deployment, now)}:{second:02d}",
        run=plan.MANUAL,
        checkpoint=passed[-1].checkpoint if passed else CHECKPOINTS[0],
        due_at=now,
    )


def _thresholds(point: Point) -> str:
    """Whose thresholds judge; the baseline judges nothing and looks at everything."""
    return FINAL if point.run == "baseline" else point.checkpoint or CHECKPOINTS[0]


def _decided(known: Known, now: datetime) -> tuple[dict[str, str], dict[str, str]]:
    """What is accepted, by whom, and what is silenced, as a sentence; by check."""
    accepted: dict[str, str] = {}
    silenced: dict[str, str] = {}
    for note in known.notes:
        if note.check is None or not note.holds(now):
            continue
        if note.kind is NoteKind.ACCEPT:
            accepted[note.check] = note.by
        elif note.kind is NoteKind.SILENCE and note.until is not None:
            silenced[note.check] = f"Silenced by {note.by} until {note.until:%H:%M} UTC."
    return accepted, silenced
