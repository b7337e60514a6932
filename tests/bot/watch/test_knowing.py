"""What a watch knows: read from the store, shown in messages, and asked of the next look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.storage.store import Store
from bot.storage.values import WatchState
from bot.watch.knowing import Known, deployment_before, know, present, subject
from bot.watch.model import Deployment, Note, NoteKind, Point, Taken
from checks.engine.model import Decision, Level, Report, Window
from tests.bot.storage import things
from tests.bot.watch.bench import BOOK, CHANNEL, T0, at, point_of, watch

GO, NO_GO = Decision.GO, Decision.NO_GO
WATCH = watch()


def took(
    key: str, decision: Decision | None = GO, levels: Mapping[str, Level] | None = None
) -> Taken:
    """A point of the hour, taken when it was due."""
    point = point_of(WATCH, key)
    return Taken(point=point, taken_at=point.due_at, decision=decision, levels=levels or {})


def follow_up(minutes: int) -> Point:
    """A look after the hour."""
    return Point(key=f"T+{minutes}", run="follow-up", checkpoint="final", due_at=at(minutes))


def note(kind: NoteKind, minutes: float, **more: object) -> Note:
    """What somebody decided so many minutes after the deploy."""
    return replace(Note(kind=kind, by="U1", at=at(minutes)), **more)  # pyright: ignore[reportArgumentType]


# --- what a look is about -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "checkpoint", "only"),
    [
        ("T+0", "final", ()),  # it judges nothing, and looks at everything
        ("T+5", "1", ("health",)),
        ("T+10", "1", ()),
        ("T+40", "3", ()),
        ("T+60", "final", ()),
    ],
)
def test_a_point_is_judged_by_its_own_thresholds(
    key: str, checkpoint: str, only: tuple[str, ...]
) -> None:
    """All since the deploy, up to the final review."""
    found = subject(Known(deployment=WATCH), point_of(WATCH, key), BOOK, at(60))
    assert (found.checkpoint, found.only, found.recent) == (checkpoint, only, False)


def test_a_follow_up_is_about_the_last_hour() -> None:
    """A CRITICAL of before is history then; within the hour it still counts."""
    red = {"retries": Level.CRITICAL}
    known = Known(deployment=WATCH, taken=(took("T+10", NO_GO, red), took("T+60", NO_GO, red)))
    hour = subject(known, point_of(WATCH, "T+60"), BOOK, at(60))
    assert (hour.recent, dict(hour.earlier)) == (False, {"retries": "T+10"})
    soon = subject(known, follow_up(75), BOOK, at(75))
    assert (soon.recent, dict(soon.earlier)) == (True, {"retries": "T+60"})
    assert dict(subject(known, follow_up(135), BOOK, at(135)).earlier) == {}


def test_what_people_decided_goes_with_the_look() -> None:
    """Acceptances hold until the end, silences until theirs; an acknowledgement is neither."""
    known = Known(
        deployment=WATCH,
        notes=(
            note(NoteKind.ACCEPT, 3, check="campaigns", reason="none is planned"),
            note(NoteKind.SILENCE, 4, check="retries", until=at(20)),
            note(NoteKind.ACK, 5),
        ),
    )
    before = subject(known, point_of(WATCH, "T+10"), BOOK, at(19.9))
    assert dict(before.accepted) == {"campaigns": "U1"}
    assert dict(before.silenced) == {"retries": "Silenced by U1 until 11:20 UTC."}
    after = subject(known, point_of(WATCH, "T+20"), BOOK, at(20))
    assert dict(after.silenced) == {}
    assert dict(after.accepted) == {"campaigns": "U1"}


@pytest.mark.parametrize(
    ("minutes", "checkpoint"), [(0, "1"), (9.9, "1"), (20, "2"), (35, "3"), (60, "final")]
)
def test_a_checkpoint_that_somebody_asks_for_is_judged_as_the_last_one_was(
    minutes: float, checkpoint: str
) -> None:
    """Before the first one, as the first will be."""
    assert present(Known(deployment=WATCH), BOOK, at(minutes)).checkpoint == checkpoint


@given(first=st.integers(0, 200_000), later=st.integers(0, 200_000))
def test_its_key_is_its_second(first: int, later: int) -> None:
    """One a second, and never the key of a point of the schedule."""
    known = Known(deployment=WATCH)
    keys = [present(known, BOOK, T0 + timedelta(seconds=n)).key for n in (first, later)]
    assert (keys[0] == keys[1]) == (first == later)
    assert all(":" in key for key in keys)


# --- what a message may show --------------------------------------------------------------------


def test_a_message_shows_what_holds_now() -> None:
    """Expired notes are left out; where a rollback stands is told apart from them."""
    known = Known(
        deployment=WATCH,
        taken=(took("T+0", None), took("T+5")),
        report=things.report(),
        notes=(
            note(NoteKind.SILENCE, 1, check="retries", until=at(6)),
            note(NoteKind.ROLLBACK, 2, reason="It begins."),
            note(NoteKind.ROLLBACK, 3, reason="It is done."),
            note(NoteKind.ACK, 4),
        ),
    )
    view = known.view(BOOK, at(6))
    assert [one.kind for one in view.notes] == [NoteKind.ACK]
    assert view.rollback == "It is done."
    assert [point.key for point in view.upcoming][:2] == ["T+10", "T+20"]


def test_without_a_fresh_report_the_newest_one_is_shown() -> None:
    """Then there is nothing to compare it with."""
    old, fresh = things.report(), things.report(at=things.later(5))
    known = Known(deployment=WATCH, report=old)
    assert (known.view(BOOK, at(6)).report, known.view(BOOK, at(6)).previous) == (old, None)
    view = known.view(BOOK, at(6), report=fresh, live=True)
    assert (view.report, view.previous, view.live) == (fresh, old, True)


def test_nothing_comes_after_the_end() -> None:
    """A closed watch has no next point."""
    closed = Known(deployment=WATCH).closed(by="U2", at=at(7))
    assert closed.view(BOOK, at(8)).upcoming == ()
    assert (closed.deployment.closed_by, closed.deployment.closed_at) == ("U2", at(7))


# --- read from the store ------------------------------------------------------------------------


async def record(
    store: Store,
    deployment: Deployment,
    taken: Taken,
    report: Report | None = None,
    state: WatchState | None = None,
) -> None:
    """Let a point be taken."""
    claim = await store.claim(deployment.id, taken.point, "first")
    assert claim is not None
    assert await store.record(claim, taken, report, state=state)


async def test_what_came_before_is_the_newest_point_that_judged_everything(
    store_database: str,
) -> None:
    """By when it was taken, not by when it was due; a health check looked at one thing only."""
    async with Store(store_database) as store:
        deployment = await things.begin(store)
        assert await know(store, deployment, BOOK) == Known(deployment=deployment)
        late = replace(things.taken(things.point(5, "1")), taken_at=things.later(12))
        first = things.report(at=things.later(12))
        await record(store, deployment, late, first)
        await record(store, deployment, things.taken(things.point(10)), things.report())
        health = replace(things.point(11), run="health")
        state = WatchState(memory={"x": 1})
        await record(store, deployment, things.taken(health), things.report(), state)
        await store.add_note(deployment.id, note(NoteKind.ACK, 3))
        known = await know(store, deployment, BOOK)
        assert known.base == first
        assert known.decision is first.verdict.decision
        assert [one.point.key for one in known.taken] == ["T+5", "T+10", "T+11"]
        assert [one.kind for one in known.notes] == [NoteKind.ACK]
        assert known.state.memory == {"x": 1}


async def deployed(
    store: Store, version: str, hours: float, *, channel: str = CHANNEL, **reports: Report
) -> Deployment:
    """A watch that is over, deployed so many hours before T+0, with these reports by key."""
    instant: datetime = T0 - timedelta(hours=hours)
    found, _ = await store.start(
        channel=channel, version=version, deployed_at=instant, by="U1", at=instant
    )
    for name, report in reports.items():
        minutes = int(name[1:])
        taken_at = instant + timedelta(minutes=minutes)
        taken = things.taken(things.point(minutes))
        await record(store, found, taken, replace(report, taken_at=taken_at))
    await store.close_watch(found.id, by="U1", at=instant + timedelta(hours=1))
    return found


async def test_the_deployment_before_is_the_newest_earlier_one_that_came_to_the_same_point(
    store_database: str,
) -> None:
    """Of this channel; one that was closed before that point is passed over."""
    window = Window(since=T0, until=at(10))
    wide, narrow = (
        things.report(at=things.later(30)),
        things.report(replace(things.finding(), window=window)),
    )
    async with Store(store_database) as store:
        await deployed(store, "v1", 72, m10=wide, m20=wide)
        await deployed(store, "v2", 48, m10=narrow)
        await deployed(store, "v3", 24)
        await deployed(store, "other", 12, channel="C2", m10=wide)
        ours = await deployed(store, "v4", 0)
        await deployed(store, "later", -5, m10=wide)
        found = await deployment_before(store, ours, "T+10", at(10))
        assert {check: (past.version, past.seconds) for check, past in found.items()} == {
            "http_5xx": ("v2", 600)
        }
        found = await deployment_before(store, ours, "T+20", at(20))
        assert {check: (past.version, past.seconds) for check, past in found.items()} == {
            "http_5xx": ("v1", 1800)
        }
        assert await deployment_before(store, ours, "T+30", at(30)) == {}
        then = await deployment_before(store, ours, "T+10", T0 - timedelta(hours=48))
        assert {past.version for past in then.values()} == {"v1"}  # v2's was yet to be taken
