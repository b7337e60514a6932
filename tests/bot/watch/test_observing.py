"""What a watch learns from one look after the other, and what of the log it caused itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.storage.values import WatchState
from bot.watch import observing
from checks.engine.model import (
    DatabaseEvidence,
    Evidence,
    HealthEvidence,
    LogEvidence,
    Observed,
    Problem,
    Row,
    SignalEvidence,
    Window,
)
from tests.bot.watch.bench import T0, at, minute
from tests.support.evidence import evidence, log, rows, tried

AWAY = DatabaseEvidence(problem=Problem(what="The database does not answer.", mend="Start it."))
DAY = timedelta(days=1)
LATELY = timedelta(minutes=10)


def seen(
    minutes: float,
    units: dict[str, str] | None = None,
    *,
    campaigns: dict[str, int] | None = None,
    inserted: object = 7,
    database: DatabaseEvidence | None = None,
    health: HealthEvidence | None = None,
) -> Evidence:
    """A look so many minutes after T+0. units: id → status; campaigns: id → pending."""
    connections: tuple[Row, ...] = tuple(
        {"unit_id": unit, "status": status} for unit, status in (units or {}).items()
    )
    processing: tuple[Row, ...] = tuple(
        {"id": campaign, "pending": pending} for campaign, pending in (campaigns or {}).items()
    )
    counted: Row = {"inserted": inserted}  # pyright: ignore[reportAssignmentType]
    answers = rows(
        unit_connections=connections, campaigns_processing=processing, messages_inserted=counted
    )
    return evidence(
        database=database or answers,
        health=health,
        window=Window(since=T0, until=at(minutes)),
    )


def after(*looks: Evidence) -> WatchState:
    """What is remembered after a baseline and further looks, merged as the store does."""
    first, *others = looks
    state = observing.baseline(first, T0)
    for one in others:
        state = state.merged(observing.look(state, one, T0))
    return state


def observed(state: WatchState) -> Observed:
    """What was seen."""
    assert state.observed is not None
    return state.observed


# --- the baseline -------------------------------------------------------------------------------


def test_the_baseline_is_how_things_stood() -> None:
    """Connected units, the counter of inserts, campaigns that run, and whether it was healthy."""
    state = after(
        seen(0, {"a": "connected", "b": "disconnected"}, campaigns={"c": 3}, health=tried(500, 200))
    )
    assert observed(state) == Observed(
        deployed_at=T0,
        inserted=7,
        connected_at_start=frozenset({"a"}),
        progress={"c": T0},
        probes={minute(0): True},
        began=T0,
    )


def test_a_baseline_without_a_database_claims_nothing() -> None:
    """No counter is known: not zero, against which anything would be growth."""
    state = after(seen(0, database=AWAY))
    assert observed(state) == Observed(deployed_at=T0, began=T0)
    assert after(seen(0, inserted=None)).observed == Observed(deployed_at=T0, began=T0)


# --- units --------------------------------------------------------------------------------------


def test_each_disconnect_that_is_seen_is_a_drop() -> None:
    """A unit that comes and goes twice dropped twice; one that stays away dropped once."""
    up, down = {"a": "connected", "b": "connected"}, {"a": "disconnected", "b": "connected"}
    state = after(seen(0, up), seen(1, down), seen(2, down), seen(3, up), seen(4, down))
    assert observed(state).drops == {"a": 2}


def test_a_unit_whose_row_is_gone_dropped() -> None:
    """It was connected, and is not any more."""
    assert observed(after(seen(0, {"a": "connected"}), seen(1))).drops == {"a": 1}


def test_a_look_without_a_database_is_no_disconnect_and_forgets_nothing() -> None:
    """What came before still is what the next look is held against."""
    up = {"a": "connected"}
    away = after(seen(0, up), seen(1, database=AWAY))
    assert observed(away).drops == {}
    assert observed(after(seen(0, up), seen(1, database=AWAY), seen(2, up))).drops == {}
    assert observed(after(seen(0, up), seen(1, database=AWAY), seen(2))).drops == {"a": 1}


def test_a_unit_waits_to_be_connected_since_the_first_look_in_a_row() -> None:
    """`qr` and `connecting` are one wait; any other status ends it, no answer does not."""
    state = after(
        seen(0, {"a": "qr", "b": "disconnected"}),
        seen(1, {"a": "connecting", "b": "qr"}),
        seen(2, database=AWAY),
        seen(3, {"a": "connecting", "b": "qr"}),
    )
    assert observed(state).pairing == {"a": T0, "b": at(1)}
    state = state.merged(observing.look(state, seen(4, {"a": "connected", "b": "qr"}), T0))
    assert observed(state).pairing == {"b": at(1)}


@settings(deadline=None)
@given(looks=st.lists(st.sets(st.sampled_from("abc")), min_size=1, max_size=12))
def test_drops_are_the_transitions_and_nothing_else(looks: list[set[str]]) -> None:
    """For each unit as many as it was there in one look and away in the next."""
    state = after(*(seen(n, dict.fromkeys(up, "connected")) for n, up in enumerate(looks)))
    expected = {
        unit: n
        for unit in "abc"
        if (n := sum(unit in one and unit not in two for one, two in pairwise(looks)))
    }
    assert observed(state).drops == expected


# --- campaigns ----------------------------------------------------------------------------------


def test_a_campaign_moves_when_its_pending_ones_change() -> None:
    """Standing still keeps the instant; a new campaign begins when it is first seen."""
    state = after(
        seen(0, campaigns={"c": 3}),
        seen(5, campaigns={"c": 2, "d": 9}),
        seen(9, campaigns={"c": 2, "d": 9}),
    )
    assert observed(state).progress == {"c": at(5), "d": at(5)}


def test_a_look_without_a_database_is_no_progress() -> None:
    """Neither is the first one after it, if nothing moved."""
    state = after(seen(0, campaigns={"c": 3}), seen(5, database=AWAY), seen(9, campaigns={"c": 3}))
    assert observed(state).progress == {"c": T0}


def test_without_a_baseline_a_look_begins_one() -> None:
    """The state was lost: nothing is claimed about T+0."""
    found = observing.look(WatchState(), seen(5, {"a": "connected"}, campaigns={"c": 1}), T0)
    assert observed(found) == Observed(deployed_at=T0, progress={"c": at(5)}, began=at(5))


# --- inbound ------------------------------------------------------------------------------------


def inbound(**by_minute: int) -> LogEvidence:
    """Messages that were created, by the minute after T+0 (`m3=2`)."""
    minutes = {minute(int(name[1:])): n for name, n in by_minute.items()}
    made = log()
    signals = {"inbound_created": SignalEvidence(count=sum(minutes.values()), minutes=minutes)}
    return LogEvidence(source=made.source, timed=True, carries=made.carries, signals=signals)


def test_replies_are_expected_where_they_came_before_the_last_ten_minutes() -> None:
    """The minute that reaches into those ten is one of them."""
    assert (
        observing.expectation(inbound(m3=2, m4=1), at(20), LATELY) == "3 came earlier in this watch"
    )
    assert observing.expectation(inbound(m9=1), at(20), LATELY) == "1 came earlier in this watch"
    assert observing.expectation(inbound(m9=1), at(19.9), LATELY) is None
    assert observing.expectation(inbound(m15=4), at(20), LATELY) is None
    assert observing.expectation(log(), at(20), LATELY) is None
    assert observing.expectation(inbound(m3=2), at(20), None) is None


# --- golive's own probes ------------------------------------------------------------------------


def shown(**counts: int) -> LogEvidence:
    """A log that shows so many events of these signals."""
    return log(dict(counts))


def probing(*statuses: int | str, minutes: float = 0) -> WatchState:
    """What is remembered of one look whose probes were answered so."""
    return observing.look(WatchState(), seen(minutes, health=tried(*statuses)), T0)


def own_since(since: datetime, state: WatchState, found: LogEvidence) -> dict[str, int]:
    """What of a log golive caused itself in the ten minutes from an instant on."""
    window = Window(since=since, until=since + timedelta(minutes=10))
    return observing.own_probes(state, window, found)


def test_own_probes_are_subtracted_by_what_they_leave_in_the_log() -> None:
    """A response each, a 5xx where it was one; a probe that was not answered leaves nothing."""
    everything = shown(http_responses=99, http_health=9, http_health_5xx=9, http_5xx=20, http_429=5)
    assert own_since(T0, probing(200, "timeout"), everything) == {
        "http_responses": 1,
        "http_health": 1,
    }
    assert own_since(T0, probing(503, 429), everything) == {
        "http_responses": 2,
        "http_health": 2,
        "http_5xx": 1,
        "http_health_5xx": 1,
        "http_429": 1,
    }


def test_a_proxy_that_answered_the_probes_leaves_nothing_to_subtract() -> None:
    """The application never saw them: real 5xx stay what they are."""
    assert own_since(T0, probing(503, 503, 503), shown(http_5xx=3)) == {}


def test_probes_before_the_window_are_not_subtracted() -> None:
    """Whole minutes, as the log is counted."""
    state = probing(200, minutes=5)
    log_shows = shown(http_responses=9, http_health=9)
    assert own_since(at(5.9), state, log_shows) != {}
    assert own_since(at(6), state, log_shows) == {}


def test_probes_after_the_window_are_not_subtracted() -> None:
    """A late look is about the time before it."""
    state = probing(200, minutes=15)
    log_shows = shown(http_responses=9, http_health=9)
    assert own_since(at(4.9), state, log_shows) == {}
    assert own_since(at(5), state, log_shows) != {}


def test_probes_are_forgotten_after_three_hours() -> None:
    """Longer than any window; what is remembered does not grow for a day."""
    state = probing(200)
    for minutes in range(0, 600, 30):
        state = state.merged(observing.look(state, seen(minutes, health=tried(200)), T0))
    kept = state.memory["own_probes"]
    assert isinstance(kept, dict)
    assert min(map(int, kept)) == minute(570 - 180)


@settings(deadline=None)
@given(
    statuses=st.lists(st.sampled_from([200, 204, 401, 429, 500, 503]), max_size=9),
    health=st.integers(0, 6),
    failed=st.integers(0, 6),
    others=st.integers(0, 6),
    limited=st.integers(0, 6),
    since=st.integers(-5, 5),
)
def test_never_more_is_subtracted_than_the_log_shows(
    statuses: list[int], health: int, failed: int, others: int, limited: int, since: int
) -> None:
    """Whatever was probed: no count becomes negative, and nothing is subtracted as a zero."""
    counts = {
        "http_health": health,
        "http_responses": health + others,
        "http_health_5xx": min(health, failed),
        "http_5xx": min(health, failed) + others,
        "http_429": limited,
    }
    found = own_since(at(since), probing(*statuses), shown(**counts))
    for signal, n in found.items():
        assert 0 < n <= min(len(statuses), counts.get(signal, 0))
        assert signal == "http_429" or n <= health
