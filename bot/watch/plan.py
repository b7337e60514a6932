"""When a watch has something to do: derived from the runbook and from what was taken, never stored.

Every replica derives the same points from the same rows, so that nothing about the future has to be
kept or agreed on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.watch.model import Deployment, Point, Taken
from checks.engine.model import Decision
from checks.engine.runbook import Phase, Runbook
from checks.engine.runbook.model import FINAL

FOLLOW_UP = "follow-up"
MANUAL = "manual"
"""A checkpoint that somebody asked for: it stands outside the schedule."""

_RANK = {Decision.GO: 0, Decision.MONITOR: 1, Decision.NO_GO: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cadence:
    """The stretch of the follow-up that a watch is in.

    decision: whose cadence it is; phase: its number; began: the instant the phase counts from
    last:     no point up to this instant is due any more
    ended:    whether the follow-up is over, and the watch with it
    """

    decision: Decision
    phase: int
    began: datetime
    last: datetime
    ended: bool = False


def is_worse(now: Decision, before: Decision) -> bool:
    """Whether a decision is worse than another."""
    return _RANK[now] > _RANK[before]


def hour(deployment: Deployment, runbook: Runbook) -> tuple[Point, ...]:
    """The points of the first hour, in their order."""
    return tuple(
        Point(
            key=key_of(deployment, deployment.deployed_at + point.at),
            run=point.run,
            checkpoint=point.checkpoint,
            due_at=deployment.deployed_at + point.at,
        )
        for point in runbook.schedule
    )


def key_of(deployment: Deployment, instant: datetime) -> str:
    """Minutes since the deploy, as `T+10`."""
    return f"T+{(instant - deployment.deployed_at) // timedelta(minutes=1)}"


def cadence(runbook: Runbook, taken: Sequence[Taken]) -> Cadence | None:
    """Where the follow-up stands; None before the final review."""
    state: Cadence | None = None
    for one in sorted(taken, key=lambda t: t.point.due_at):
        if one.decision is None:
            continue
        if one.point.run == FINAL:
            state = _begin(one.decision, one)
        elif one.point.run == FOLLOW_UP and state is not None:
            state = _after(runbook, state, one, one.decision)
    return state


def next_point(
    deployment: Deployment, runbook: Runbook, taken: Sequence[Taken], now: datetime
) -> Point | None:
    """The next point to take: an overdue one first, the oldest; None when the watch is over.

    Each missed point of the hour is taken, late. Of several missed follow-ups only the newest is:
    the others would say the same at the same instant.
    """
    done = {one.point.key for one in taken}
    for point in hour(deployment, runbook):
        if point.key not in done:
            return point
    state = cadence(runbook, taken)
    if state is None or state.ended:
        return None
    return _follow_up(deployment, _phase(runbook, state), state, now)


def is_superseded(
    deployment: Deployment, runbook: Runbook, taken: Sequence[Taken], point: Point, now: datetime
) -> bool:
    """Whether a later point of the hour than this one is due as well."""
    done = {one.point.key for one in taken}
    return any(
        point.due_at < other.due_at <= now and other.key not in done
        for other in hour(deployment, runbook)
    )


def upcoming(
    deployment: Deployment, runbook: Runbook, taken: Sequence[Taken], now: datetime
) -> tuple[Point, ...]:
    """What is still to come of the hour, or the next follow-up."""
    done = {one.point.key for one in taken}
    left = tuple(point for point in hour(deployment, runbook) if point.key not in done)
    following = next_point(deployment, runbook, taken, now)
    return left or ((following,) if following is not None else ())


def asks_to_decide(runbook: Runbook, taken: Sequence[Taken]) -> bool:
    """Whether the last follow-up ended a stretch that was to decide, and decided nothing.

    Then the lead is asked once to accept what is open, or to close the watch.
    """
    ordered = sorted(
        (t for t in taken if t.decision is not None and t.point.run in (FINAL, FOLLOW_UP)),
        key=lambda t: t.point.due_at,
    )
    if not ordered or ordered[-1].point.run != FOLLOW_UP:
        return False
    before = cadence(runbook, ordered[:-1])
    after = cadence(runbook, ordered)
    if before is None or after is None:
        return False
    phase = _phase(runbook, before)
    same = after.decision is before.decision and after.phase == before.phase + 1
    return phase.decide and same


def _begin(decision: Decision, one: Taken) -> Cadence:
    due = one.point.due_at
    return Cadence(decision=decision, phase=0, began=due, last=max(due, one.taken_at))


def _after(runbook: Runbook, state: Cadence, one: Taken, decision: Decision) -> Cadence:
    """The cadence after one more follow-up."""
    if is_worse(decision, state.decision):
        return _begin(decision, one)
    phase = _phase(runbook, state)
    due = one.point.due_at
    last = max(due, one.taken_at)
    over = phase.lasts is not None and due + phase.every > state.began + phase.lasts
    if is_worse(state.decision, decision) and _may_decide(runbook, state, over=over):
        return _begin(decision, one)
    if not over:
        return Cadence(decision=state.decision, phase=state.phase, began=state.began, last=last)
    following = state.phase + 1
    ended = following >= len(runbook.follow_up[state.decision])
    return Cadence(
        decision=state.decision,
        phase=state.phase if ended else following,
        began=due,
        last=last,
        ended=ended,
    )


def _may_decide(runbook: Runbook, state: Cadence, *, over: bool) -> bool:
    """Whether a better verdict changes the cadence: at the end of a stretch that decides.

    And at each look of the open stretch behind it, which is there because it could not decide.
    """
    phases = runbook.follow_up[state.decision]
    if phases[state.phase].lasts is not None:
        return phases[state.phase].decide and over
    return state.phase > 0 and phases[state.phase - 1].decide


def _phase(runbook: Runbook, state: Cadence) -> Phase:
    return runbook.follow_up[state.decision][state.phase]


def _follow_up(deployment: Deployment, phase: Phase, state: Cadence, now: datetime) -> Point:
    """The first look after the last one, or the newest that was missed; at most the stretch's end.

    Where the end lies before the last look (that was taken very late), the end is due at once.
    """
    first = max(1, (state.last - state.began) // phase.every + 1)
    newest = max(first, (now - state.began) // phase.every)
    if phase.lasts is not None:
        newest = min(newest, phase.lasts // phase.every)
    due = state.began + phase.every * newest
    return Point(key=key_of(deployment, due), run=FOLLOW_UP, checkpoint=FINAL, due_at=due)
