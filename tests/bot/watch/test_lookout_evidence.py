"""What a look sees: probes, what golive itself caused, secrets; and what is counted of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from bot.operations.metrics import Run, Unmeasured
from bot.storage.values import WatchState
from bot.watch.lookout import Lookout
from checks import CHECKS
from checks.engine.model import Evidence, Level, Problem
from checks.engine.runner import Sources
from tests.bot.watch.bench import (
    BOOK,
    T0,
    Tower,
    about,
    answering,
    at,
    minute,
    watch,
)
from tests.support.evidence import log, watched
from tests.support.fakes import FakeDatabase, FakeLog
from tests.support.logs import access, log_of, text


@pytest.fixture
def rig() -> Tower:
    """At T+0."""
    return Tower()


# --- what is looked at, and with what -----------------------------------------------------------


async def test_a_tick_does_not_wait_for_a_slow_application(rig: Tower) -> None:
    """It asks once, and quickly; a point asks as often as a person would."""
    rig.seen.probe, rig.seen.quick = answering(200, 200), answering(503)
    lookout = rig.lookout()
    assert len((await lookout.tick(about())).plain.evidence.health.tries) == 1
    assert len((await lookout.watch(about())).evidence.health.tries) == 2


async def test_without_a_probe_of_its_own_a_tick_takes_the_other(rig: Tower) -> None:
    """There is one only where a BASE_URL was given."""
    sources = Sources(log=rig.seen.log, health=answering(204))
    lookout = Lookout(checks=CHECKS, runbook=BOOK, sources=sources, clock=rig.clock)
    (tried,) = (await lookout.tick(about())).plain.evidence.health.tries
    assert tried.status == 204


async def test_own_probes_and_expectations_stand_in_the_evidence(rig: Tower) -> None:
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


async def test_own_test_events_are_subtracted_by_name_in_a_watch_and_outside(
    rig: Tower,
) -> None:
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


async def test_no_fix_turns_its_own_check_green(rig: Tower) -> None:
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
    rig = Tower()
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


async def test_without_a_log_it_says_how_to_give_one(rig: Tower) -> None:
    """A file, or Loki."""
    lookout = Lookout(checks=CHECKS, runbook=BOOK, sources=Sources(), clock=rig.clock)
    said = await lookout.tail(5)
    assert str(said) == "No log was given to golive. Set GOLIVE_LOG or GOLIVE_LOKI_URL."
    assert await lookout.mark() == ()
    assert await lookout.live_secrets() == ()


# --- for a diagnosis ----------------------------------------------------------------------------


async def test_a_diagnosis_looks_since_the_deploy_else_at_the_last_hour(rig: Tower) -> None:
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


async def test_each_look_is_counted_by_what_it_was_for(rig: Tower) -> None:
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
