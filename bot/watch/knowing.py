"""What a watch knows at one instant: read from the store, for messages and measurements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bot.storage.store import Store
from bot.storage.values import WatchState
from bot.watch import alarms, plan, verdict
from bot.watch.lookout import Subject
from bot.watch.model import LATE, Deployment, Note, NoteKind, Point, Present, Taken, WatchView
from checks.engine.history import Past
from checks.engine.model import Decision, Json, Level, Report
from checks.engine.runbook import CHECKPOINTS, Runbook
from checks.engine.runbook.model import FINAL

_LOOKED_BACK = 10
"""How many watches are gone through for one that came to the same point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A watch as the store has it.

    taken:    the points so far, by when they were due, without their reports
    base:     the report that the present verdict builds on: of the newest point that judged all
              of its checkpoint; before that, of the baseline, with nothing judged in it
    report:   the present verdict, as a report; None before anything was judged
    notes:    everything that people decided, expired notes included
    state:    what the watch remembers; its `present` is that of `report`
    """

    deployment: Deployment
    taken: tuple[Taken, ...] = ()
    base: Report | None = None
    report: Report | None = None
    notes: tuple[Note, ...] = ()
    state: WatchState = field(default_factory=WatchState)

    @property
    def present(self) -> Present | None:
        """The present verdict; None before the baseline."""
        return self.state.present

    @property
    def decision(self) -> Decision | None:
        """The present verdict's word."""
        return None if self.present is None else self.present.decision

    def view(
        self,
        runbook: Runbook,
        now: datetime,
        *,
        report: Report | None = None,
        live: bool = False,
        problems: tuple[str, ...] = (),
    ) -> WatchView:
        """The watch as a message may show it; without a report, by its present verdict."""
        return WatchView(
            deployment=self.deployment,
            now=now,
            taken=self.taken,
            upcoming=()
            if self.deployment.closed_at
            else plan.upcoming(self.deployment, runbook, self.taken, now),
            report=report or self.report,
            live=live,
            previous=self.report if report is not None else None,
            notes=tuple(
                note
                for note in self.notes
                if note.holds(now) and note.kind is not NoteKind.ROLLBACK
            ),
            rollback=self.rollback,
            problems=problems,
            called_at=alarms.called_at(self.state.memory, self.present),
            between=between(self.state),
        )

    def now(
        self, present: Present, report: Report | None, memory: Mapping[str, Json] | None = None
    ) -> Known:
        """The same with another present verdict, and with more to remember."""
        merged = {**self.state.memory, **(memory or {})}
        return replace(
            self, report=report, state=replace(self.state, present=present, memory=merged)
        )

    @property
    def rollback(self) -> str | None:
        """Where a rollback stands; None where none was declared."""
        said = [note.reason for note in self.notes if note.kind is NoteKind.ROLLBACK]
        return said[-1] if said else None

    def after(self, taken: Taken) -> Known:
        """The same with one more point taken; the verdict stays what it was before."""
        return replace(self, taken=(*self.taken, taken))

    def closed(self, *, by: str, at: datetime) -> Known:
        """The same, ended."""
        return replace(self, deployment=replace(self.deployment, closed_by=by, closed_at=at))

    def noted(self, note: Note) -> Known:
        """The same with one more note."""
        return replace(self, notes=(*self.notes, note))


async def know(store: Store, deployment: Deployment, runbook: Runbook) -> Known:
    """Read what the store has of a watch."""
    taken = await store.taken(deployment.id)
    state = await store.state(deployment.id)
    point = _base(taken)
    base = report = None
    if point is not None:
        base = (await store.reports(deployment.id, [point.point.key])).get(point.point.key)
    if point is not None and base is not None:
        if point.decision is None:
            base = replace(base, **_NOTHING_JUDGED)
        present = _present(state.present, point, base, runbook)
        state = replace(state, present=present)
        report = verdict.shown(base, present, runbook)
    return Known(
        deployment=deployment,
        taken=taken,
        base=base,
        report=report,
        notes=await store.notes(deployment.id),
        state=state,
    )


_NOTHING_JUDGED: Mapping[str, Any] = {
    "checkpoint": CHECKPOINTS[0],
    "findings": (),
    "rollback_criteria": (),
    "success_criteria": (),
}
"""What becomes of the baseline's report: it looked at everything, and judged nothing."""


def _base(taken: Sequence[Taken]) -> Taken | None:
    """The newest point that says how the whole watch stands; before that, the baseline."""
    judged = [one for one in taken if one.decision is not None and one.point.run != "health"]
    begun = [one for one in taken if one.decision is None]
    return max(judged or begun, key=lambda one: one.taken_at, default=None)


def _present(stored: Present | None, point: Taken, base: Report, runbook: Runbook) -> Present:
    """The stored verdict, or that of a newer point, which an older version took."""
    if stored is not None and stored.base_at >= point.taken_at:
        return stored
    if point.decision is None:
        return verdict.before_any(point)
    return verdict.of_point(point, base, runbook)


_BETWEEN = "no-go:"


def no_go_between(at: datetime, why: str) -> dict[str, Json]:
    """What a watch is to remember of a NO-GO that was posted between two points."""
    return {f"{_BETWEEN}{at.isoformat()}": why}


def between(state: WatchState) -> tuple[tuple[datetime, str], ...]:
    """When a NO-GO was posted between two points, and because of what, oldest first."""
    found = (
        (key.removeprefix(_BETWEEN), str(why))
        for key, why in state.memory.items()
        if key.startswith(_BETWEEN)
    )
    return tuple(sorted((datetime.fromisoformat(at), why) for at, why in found))


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
    said = [at for at, _ in between(known.state) if since <= at <= now]
    return Subject(
        deployment=known.deployment,
        checkpoint=_thresholds(point),
        state=known.state,
        recent=recent,
        accepted=accepted,
        silenced=silenced,
        earlier=earlier,
        between=tuple(plan.key_of(known.deployment, at) for at in said),
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
