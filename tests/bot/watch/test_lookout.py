"""Looking at the application: how far the log was read, who shares a look, what is subtracted."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.operations.metrics import Run, Unmeasured
from bot.storage.values import WatchState
from bot.watch.lookout import MARKS_KEPT, SHARED, Lookout
from checks import CHECKS
from checks.engine.model import Evidence, Level, Problem, Report
from checks.engine.runner import Sources
from checks.sources.logs.source import Mark
from tests.bot.watch.bench import (
    BOOK,
    T0,
    Application,
    about,
    answering,
    at,
    looking,
    minute,
    watch,
)
from tests.support.evidence import log, watched
from tests.support.fakes import FakeDatabase, FakeLog
from tests.support.hand import HandClock
from tests.support.logs import access, log_of, text

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


@dataclass(slots=True, kw_only=True)
class Rig:
    """A lookout, and what moves it."""

    clock: HandClock = field(default_factory=lambda: HandClock(T0))
    seen: Application = field(default_factory=Application)

    def lookout(self, *secrets: str) -> Lookout:
        """Over this application."""
        return looking(self.seen, self.clock, secrets=secrets)

    @property
    def windows(self) -> list[tuple[float, float, bool]]:
        """For each scan: its window in minutes after T+0, and whether the log was read on."""
        minutes = timedelta(minutes=1)
        return [
            (
                (request.window.since - T0) / minutes,
                (request.window.until - T0) / minutes,
                state is not None,
            )
            for request, state in zip(self.seen.log.requests, self.seen.log.states, strict=True)
        ]


@pytest.fixture
def rig() -> Rig:
    """At T+0."""
    return Rig()


# --- windows ------------------------------------------------------------------------------------


async def test_a_watch_is_about_all_since_the_deploy_and_reads_the_log_on(rig: Rig) -> None:
    """Each look costs what is new."""
    lookout = rig.lookout()
    for minutes in (0, 10, 20):
        rig.clock.instant = at(minutes)
        await lookout.watch(about())
    assert rig.windows == [(0, 0, False), (0, 10, True), (0, 20, True)]


async def test_a_follow_up_is_about_the_last_hour(rig: Rig) -> None:
    """Exactly: what is older than its window may not be counted, so the log is read anew."""
    lookout = rig.lookout()
    for minutes in (30, 75, 90):
        rig.clock.instant = at(minutes)
        await lookout.watch(about(recent=True))
    assert rig.windows == [(0, 30, False), (15, 75, False), (30, 90, False)]


async def test_a_look_that_need_not_be_exact_reads_on_for_ten_minutes(rig: Rig) -> None:
    """A tick every half minute does not read an hour of log each time."""
    lookout = rig.lookout()
    for minutes in (70, 75, 80, 81):
        rig.clock.instant = at(minutes)
        await lookout.tick(about(recent=True, exact=False))
    assert [on for _, _, on in rig.windows] == [False, True, True, False]


async def test_a_clock_before_the_deploy_looks_at_nothing_and_breaks_nothing(rig: Rig) -> None:
    """Another replica's clock may be ahead."""
    rig.clock.instant = at(-1)
    report = await rig.lookout().watch(about())
    assert rig.windows == [(0, 0, False)]
    assert report.taken_at == at(-1)


async def test_watches_are_read_apart_and_forgotten_with_their_end(rig: Rig) -> None:
    """Two deploys have two windows; after the end nothing is kept of one."""
    lookout = rig.lookout()
    other = watch("other", deployed_at=at(-30))
    await lookout.watch(about())
    await lookout.watch(replace(about(), deployment=other))
    lookout.forget(str(other.id))
    await lookout.watch(replace(about(), deployment=other))
    await lookout.watch(about())
    assert [(since, on) for since, _, on in rig.windows] == [
        (0, False),
        (-30, False),
        (-30, False),
        (0, True),
    ]


async def test_two_looks_at_one_watch_read_the_log_one_after_the_other(rig: Rig) -> None:
    """A tick and a point at the same instant: what one read, the other does not read again."""
    lookout = rig.lookout()
    await asyncio.gather(lookout.watch(about()), lookout.tick(about(exact=False)))
    assert [on for _, _, on in rig.windows] == [False, True]


# --- whom a look serves -------------------------------------------------------------------------


async def test_callers_at_once_share_one_look(rig: Rig) -> None:
    """Two hundred people who type `/golive status` cost as much as one."""
    lookout = rig.lookout()
    reports = await asyncio.gather(*(lookout.live() for _ in range(50)))
    assert len(rig.seen.log.requests) == 1
    assert len({id(report) for report in reports}) == 1
    assert {(f.level is Level.UNKNOWN, f.check) for f in reports[0].findings} >= {
        (False, "http_5xx")
    }


async def test_a_look_serves_for_ten_seconds(rig: Rig) -> None:
    """Then the next caller looks anew, an hour back from now."""
    lookout = rig.lookout()
    first = await lookout.live()
    rig.clock.instant += SHARED
    assert await lookout.live() is first
    rig.clock.instant += SECOND
    assert (await lookout.live()).taken_at == rig.clock.instant
    assert len(rig.windows) == 2


async def test_a_look_from_before_the_clock_was_set_back_serves_nobody(rig: Rig) -> None:
    """Else it would be shown until the clock is there again, an hour later."""
    lookout = rig.lookout()
    await lookout.live()
    rig.clock.instant -= HOUR
    assert (await lookout.live()).taken_at == rig.clock.instant


async def test_what_was_decided_is_seen_by_the_next_caller(rig: Rig) -> None:
    """An accepted check is not shown as open for ten more seconds."""
    lookout = rig.lookout()
    made: list[Report] = []

    async def look() -> Report:
        made.append(await lookout.watch(about()))
        return made[-1]

    await lookout.shared("w", look)
    lookout.expire("w")
    lookout.expire("never looked at")
    assert await lookout.shared("w", look) is made[1]


async def test_a_look_that_fails_serves_nobody(rig: Rig) -> None:
    """The error is its caller's; the next one looks again."""
    lookout = rig.lookout()

    async def fails() -> Report:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await lookout.shared("w", fails)
    assert await lookout.shared("w", lambda: lookout.watch(about())) is not None


async def test_kept_warm_the_next_look_reads_little(rig: Rig) -> None:
    """It reads on from there, though the hour it is about has moved."""
    lookout = rig.lookout()
    await lookout.keep_warm()
    rig.clock.instant = at(5)
    await lookout.live()
    assert rig.windows == [(-60, 0, False), (-55, 5, True)]


# --- marks --------------------------------------------------------------------------------------


def mark(minutes: float, offset: int = 0) -> Mark:
    """How large the log was so many minutes after T+0."""
    return Mark(path="/app.log", at=at(minutes), inode=1, offset=offset)


async def test_marks_of_all_replicas_give_times_to_a_log_without(rig: Rig) -> None:
    """Each once, in the order of time; they are handed to every scan."""
    lookout = rig.lookout()
    rig.seen.log.sizes = (mark(0, 5),)
    assert await lookout.mark() == (mark(0, 5),)
    lookout.remember_marks([mark(-2, 1), mark(0, 5), mark(-1, 3)])
    await lookout.live()
    assert rig.seen.log.requests[0].marks == (mark(-2, 1), mark(-1, 3), mark(0, 5))


@settings(max_examples=40)
@given(ages=st.lists(st.integers(0, 400), max_size=20))
async def test_marks_older_than_any_window_are_let_go(ages: list[int]) -> None:
    """A bot that runs for weeks keeps three hours of them."""
    rig = Rig()
    lookout = rig.lookout()
    lookout.remember_marks([mark(-age) for age in ages])
    await lookout.live()
    kept = sorted({-age for age in ages if timedelta(minutes=age) <= MARKS_KEPT})
    assert list(rig.seen.log.requests[0].marks) == [mark(age) for age in kept]


# --- what is looked at, and with what -----------------------------------------------------------


async def test_a_tick_does_not_wait_for_a_slow_application(rig: Rig) -> None:
    """It asks once, and quickly; a point asks as often as a person would."""
    rig.seen.probe, rig.seen.quick = answering(200, 200), answering(503)
    lookout = rig.lookout()
    assert len((await lookout.tick(about())).evidence.health.tries) == 1
    assert len((await lookout.watch(about())).evidence.health.tries) == 2


async def test_without_a_probe_of_its_own_a_tick_takes_the_other(rig: Rig) -> None:
    """There is one only where a BASE_URL was given."""
    sources = Sources(log=rig.seen.log, health=answering(204))
    lookout = Lookout(checks=CHECKS, runbook=BOOK, sources=sources, clock=rig.clock)
    (tried,) = (await lookout.tick(about())).evidence.health.tries
    assert tried.status == 204


async def test_own_probes_and_expectations_stand_in_the_evidence(rig: Rig) -> None:
    """So that a verdict can be replayed from it."""
    rig.clock.instant = at(59)
    signals: Mapping[str, int | Mapping[int, int]] = {
        "http_responses": 9,
        "http_health": 9,
        "inbound_created": {50: 2},
    }
    rig.seen.log.evidence = log(signals)
    memory = {"own_probes": {str(minute(3)): {"http_health": 2, "http_responses": 2}}}
    state = WatchState(observed=watched(), memory=memory)  # pyright: ignore[reportArgumentType]
    evidence = (await rig.lookout().watch(about(state=state))).evidence
    assert evidence.own_probes == {"http_health": 2, "http_responses": 2}
    assert evidence.observed is not None
    assert evidence.observed.inbound_expected == "2 came earlier in this watch"


async def test_own_test_events_are_subtracted_by_name_in_a_watch_and_outside(rig: Rig) -> None:
    """Those that golive sent, and no stranger's that only looks like one."""
    rig.clock.instant = at(30)
    rig.seen.log.evidence = replace(
        log({"http_responses": 50, "unknown_instance": 7, "webhooks": 9}),
        own_events={"golive-probe-0badcafe": 2, "golive-probe-5eedbeef": 1, "golive-probe-ff": 4},
    )
    lookout = rig.lookout()
    lookout.remember_events({"golive-probe-0badcafe": at(28)})
    lookout.remember_events({"golive-probe-5eedbeef": at(29)})
    for report in (await lookout.live(), await lookout.watch(about())):
        found = next(one for one in report.findings if one.check == "unknown_instances")
        assert found.value == 4
        assert found.details["counted_in_log"] == 7
        assert found.details["own_probes_subtracted"] == 3
        assert found.summary.endswith("wrong secret, 3 test events of golive's own left out.")
    assert lookout.occasion(None, WatchState()).own_events == (
        "golive-probe-0badcafe",
        "golive-probe-5eedbeef",
    )
    rig.clock.instant = at(31 + 180)
    lookout.remember_events({})
    assert lookout.occasion(None, WatchState()).own_events == ()


async def test_no_fix_turns_its_own_check_green(rig: Rig) -> None:
    """What fixes changed is put back before judging; who asks for the raw look gets it as it is."""
    asked: list[str] = []

    async def adjust(evidence: Evidence, checkpoint: str) -> Evidence:
        asked.append(checkpoint)
        return replace(evidence, own_probes={"retry": 1})

    lookout = rig.lookout()
    lookout.adjust = adjust
    assert (await lookout.watch(about(checkpoint="2"))).evidence.own_probes == {"retry": 1}
    assert (await lookout.raw(about(checkpoint="2"))).evidence.own_probes == {}
    assert asked == ["2"]


async def test_the_log_s_tail_is_masked_by_every_secret_that_is_known(tmp_path: Path) -> None:
    """Those that golive was given, and those of the database, whatever their shape."""
    rig = Rig()
    path = tmp_path / "app.log"
    path.write_bytes(text([access(200), "given-secret-0123456789", "live-secret-9876543210 ok"]))
    lookout = Lookout(
        checks=CHECKS,
        runbook=BOOK,
        sources=Sources(
            log=log_of(path),
            database=FakeDatabase(live=("live-secret-9876543210",)),
        ),
        clock=rig.clock,
        secrets=("given-secret-0123456789",),
    )
    assert await lookout.live_secrets() == ("given-secret-0123456789", "live-secret-9876543210")
    shown = await lookout.tail(2)
    assert not isinstance(shown, Problem)
    assert len(shown) == 2
    assert "secret" not in "".join(shown)
    assert shown[1].endswith(" ok")


async def test_without_a_log_it_says_how_to_give_one(rig: Rig) -> None:
    """A file, or Loki."""
    lookout = Lookout(checks=CHECKS, runbook=BOOK, sources=Sources(), clock=rig.clock)
    said = await lookout.tail(5)
    assert str(said) == "No log was given to golive. Set GOLIVE_LOG or GOLIVE_LOKI_URL."
    assert await lookout.mark() == ()
    assert await lookout.live_secrets() == ()


# --- for a diagnosis ----------------------------------------------------------------------------


async def test_a_diagnosis_looks_since_the_deploy_else_at_the_last_hour(rig: Rig) -> None:
    """With what the watch has observed."""
    rig.clock.instant = at(90)
    lookout = rig.lookout("given-secret-0123456789")
    state = WatchState(observed=watched(inserted=3))
    inside = lookout.occasion(watch(), state)
    assert (inside.window.since, inside.window.until) == (T0, at(90))
    assert inside.observed == state.observed
    assert inside.secrets == ("given-secret-0123456789",)
    outside = lookout.occasion(None, WatchState())
    assert (outside.window.since, outside.window.until) == (at(30), at(90))


# --- what is counted ----------------------------------------------------------------------------


@dataclass(slots=True)
class Counting(Unmeasured):
    """Remembers the looks."""

    runs: list[tuple[Run, int]] = field(default_factory=list[tuple[Run, int]])

    def looked(self, run: Run, levels: Mapping[str, Level], seconds: float) -> None:
        """A look."""
        assert seconds >= 0
        self.runs.append((run, len(levels)))


async def test_each_look_is_counted_by_what_it_was_for(rig: Rig) -> None:
    """With the level of each check that it showed."""
    metrics = Counting()
    sources = Sources(log=FakeLog(evidence=log({"http_responses": 9})))
    lookout = Lookout(
        checks=CHECKS, runbook=BOOK, sources=sources, clock=rig.clock, metrics=metrics
    )
    await lookout.watch(about())
    await lookout.tick(about(only=("health",)))
    await lookout.live()
    assert [run for run, _ in metrics.runs] == ["point", "tick", "live"]
    assert metrics.runs[1][1] < metrics.runs[0][1] < metrics.runs[2][1]
