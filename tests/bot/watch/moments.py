"""Moments of a watch, and the speech that is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from bot.render.message import Message
from bot.storage.values import NewPost, WatchState
from bot.watch.knowing import Known
from bot.watch.model import Alarm, Deployment, Note, Point, Present, Taken
from bot.watch.saying import Moment, Speech
from checks.engine.model import (
    Decision,
    Finding,
    Json,
    Report,
    Verdict,
)
from tests.bot.watch.bench import Application, Called, looking
from tests.render.watches import (
    DEPLOYMENT,
    START,
    point,
    report,
    runbook,
    taken,
)
from tests.support.hand import HandClock

BOOK = runbook()
GO, MONITOR, NO_GO = Decision.GO, Decision.MONITOR, Decision.NO_GO
LEAD = "<@U0LEAD>"
ALARM = Alarm(key="alarm:start:critical", kind="critical", title="2 CRITICAL at once")


@dataclass(slots=True, kw_only=True)
class Platform:
    """Speech over an invented application."""

    seen: Application = field(default_factory=Application)
    lead: Called = field(default_factory=lambda: Called(mention=LEAD))

    @property
    def speech(self) -> Speech:
        """With whom it calls now."""
        lookout = looking(self.seen, HandClock(START))
        return Speech(runbook=BOOK, lookout=lookout, lead=self.lead)


def moment(
    at: Point,
    decision: Decision | None,
    *findings: Finding,
    before: tuple[Taken, ...] = (),
    previous: Report | None = None,
    notes: tuple[Note, ...] = (),
    state: WatchState | None = None,
    alarm: Alarm | None = None,
    found: Report | None = None,
    deployment: Deployment = DEPLOYMENT,
) -> Moment:
    """One point that was just taken."""
    made = found or report(*findings, decision=decision or GO, at=at.due_at)
    stands = standing(before)
    known = Known(
        deployment=deployment,
        taken=before,
        report=previous,
        notes=notes,
        state=replace(state or WatchState(), present=stands),
    )
    one = taken(at, decision, found=made, levels={f.check: f.level for f in findings})
    judged = made if decision is not None else None
    after = known.after(one)
    now = standing(after.taken)
    view = (after if now is None else replace(after, state=replace(after.state, present=now))).view(
        BOOK, at.due_at, report=judged
    )
    new = decision is NO_GO and known.decision is not NO_GO
    return Moment(
        before=known,
        taken=one,
        report=made,
        view=replace(view, previous=previous),
        state=state or WatchState(),
        alarm=alarm,
        mention=new and alarm is None,
    )


def standing(points: Sequence[Taken]) -> Present | None:
    """The present verdict after these points; None where none of them judged."""
    found: Present | None = None
    for one in points:
        if one.decision is None or (one.point.run == "health" and one.decision is not NO_GO):
            continue
        since = found.no_go_since if found is not None else None
        found = Present(
            at=one.taken_at,
            base=one.point.key,
            base_at=one.taken_at,
            verdict=Verdict(decision=one.decision, because=()),
            no_go_since=(since or one.taken_at) if one.decision is NO_GO else None,
        )
    return found


def outline(posts: list[NewPost]) -> list[tuple[str, str | None, bool]]:
    """Key, in whose thread, and whether the channel is told too."""
    return [(post.key, post.thread_of, post.broadcast) for post in posts]


def buttons(message: Message) -> list[str]:
    """Ids of the buttons, without their numbers."""
    rows = [*message.blocks, *message.coloured]
    found = [
        str(element["action_id"])
        for row in rows
        if row.get("type") == "actions"
        for element in cast("list[dict[str, Json]]", row["elements"])
    ]
    return [one.partition(":")[0] for one in found]


def first(message: Message) -> str:
    """The line that a notification shows."""
    return message.text.partition("\n")[0]


BASELINE = point(0, "baseline", None)
HEALTH = point(5, "health", "1")
FIRST = point(10, checkpoint="1")
SECOND = point(20, checkpoint="2")
PULSE = point(40, "pulse", "3")
FINAL = point(60, "final", "final")
CALM = (taken(BASELINE, None), taken(FIRST, GO))
TROUBLE = (taken(BASELINE, None), taken(FIRST, NO_GO))
