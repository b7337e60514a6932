"""A point that is taken late says what it would have said in time.

What carries times is cut at the instant at which the point was due: a log with times, a log whose
growth was marked, rows. What cannot be cut is judged by the thresholds that hold when it is looked
at; of several points that were missed together only the newest says how things stand then.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.demo.cast import Cast
from bot.demo.events import Event, begins
from bot.demo.formats import Line, lines
from bot.demo.script import Script
from bot.demo.world import Dice, make_world
from bot.storage.values import WatchState
from bot.watch import observing, plan
from bot.watch.knowing import Known, subject
from bot.watch.lookout import Lookout
from bot.watch.model import Deployment, Point, Taken
from bot.watch.replaying import replay
from checks import CHECKS
from checks.engine.model import Decision, Level, Report
from checks.engine.runner import Sources
from checks.sources.database import Database, PostgresDatabase
from checks.sources.logs.source import Mark
from tests.bot.storage.things import rows
from tests.bot.watch.bench import BOOK, LEAD, T0, Bench, answering, at, bench, watch
from tests.scenarios.mixture import mixture
from tests.support.crm_rows import Rows
from tests.support.fakes import FakeProbe
from tests.support.hand import HandClock
from tests.support.hours import FORMATS
from tests.support.logs import log_of

WATCH = watch()
CHECKPOINTS = ("T+10", "T+20", "T+30", "T+60")
MARKED = "crm-console"
"""The format that carries no times."""

Said = dict[str, tuple[Level, float | None, str]]


def pages(first: float, number: int, status: int) -> list[Event]:
    """So many answers of one status, a second apart, from a minute after the deploy on."""
    dice = Dice(int(first * 60) * 1_000 + status)
    script = Script(Cast(dice, make_world(dice, T0)))
    for n in range(number):
        script.page(at(first) + timedelta(seconds=n), status=status)
    return script.events


def clean_until(minutes: float) -> list[Event]:
    """An hour in which all is well until a minute, and then every answer is bad."""
    good = [page for n in range(1, int(minutes)) for page in pages(n, 5, 200)]
    return [*good, *pages(minutes, 60, 500)]


def written(events: Iterable[Event], form: str) -> list[Line]:
    """The lines of a log, in order."""
    return list(lines(sorted(events, key=begins), FORMATS[form]))


def write(path: Path, log: Sequence[Line], until: datetime) -> None:
    """Write what the application had written by an instant; the file stays the same one."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f"{line.text}\n" for line in log if line.at < until)


def marks(path: Path, log: Sequence[Line], instants: Iterable[datetime]) -> list[Mark]:
    """How large the file was at these instants."""
    inode = path.stat().st_ino
    return [
        Mark(
            path=str(path),
            at=instant,
            inode=inode,
            offset=sum(len(f"{line.text}\n".encode()) for line in log if line.at < instant),
        )
        for instant in instants
    ]


def every_half_minute(first: float, last: float) -> list[datetime]:
    """When golive marks the log, if it runs in these minutes; it is never quite punctual."""
    count = int((last - first) * 2)
    return [at(first + n / 2) + timedelta(seconds=7) for n in range(count)]


def point(key: str) -> Point:
    """A point of the hour."""
    return next(one for one in plan.hour(WATCH, BOOK) if one.key == key)


def known(key: str, *, missed: Sequence[str] = (), state: WatchState | None = None) -> Known:
    """A watch that has taken every other point of the hour, but for those that it missed."""
    taken = tuple(
        Taken(point=one, taken_at=one.due_at, decision=Decision.GO)
        for one in plan.hour(WATCH, BOOK)
        if one.key != key and one.key not in missed
    )
    return Known(deployment=WATCH, taken=taken, state=state or WatchState())


async def look(
    key: str,
    looked: datetime,
    *,
    path: Path | None = None,
    marked: Sequence[Mark] = (),
    database: Database | None = None,
    state: WatchState | None = None,
    probe: FakeProbe | None = None,
    missed: Sequence[str] = (),
) -> Report:
    """The report of a point, taken at an instant."""
    clock = HandClock(looked)
    lookout = Lookout(
        checks=CHECKS,
        runbook=BOOK,
        sources=Sources(
            log=None if path is None else log_of(path, now=looked),
            database=database,
            health=probe or answering(200),
        ),
        clock=clock,
    )
    lookout.remember_marks([mark for mark in marked if mark.at <= looked])
    about = subject(known(key, missed=missed, state=state), point(key), BOOK, looked)
    return await lookout.watch(about)


def said(report: Report) -> Said:
    """What a reader sees of every check."""
    return {f.check: (f.level, f.value, f.summary) for f in report.findings}


def level(report: Report, check: str) -> Level:
    """The level of one check."""
    return next(finding.level for finding in report.findings if finding.check == check)


# --- what carries times is cut ------------------------------------------------------------------


@pytest.mark.parametrize("form", ["docker", "json-lines-pino", "access-log", MARKED])
@given(
    seed=st.integers(0, 2**32),
    size=st.integers(0, 120),
    key=st.sampled_from(CHECKPOINTS),
    late=st.integers(2, 90),
)
@settings(max_examples=12)
def test_a_late_point_says_what_a_point_in_time_says(
    form: str, seed: int, size: int, key: str, late: int
) -> None:
    """Whatever happened after it was due, in a log of any format, however late the look is."""
    due = point(key).due_at
    # What happens just at that instant may be counted to either side, by the minute.
    calm = timedelta(minutes=1)
    events = [e for e in mixture(seed, size, begin=T0) if abs(begins(e) - due) > calm]
    log = written([*events, *pages(0.2, 1, 200)], form)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "app.log"
        write(path, log, due)
        noted = marks(path, log, every_half_minute(-1, 151)) if form == MARKED else []
        in_time = asyncio.run(look(key, due, path=path, marked=noted))
        write(path, log, at(200))
        looked = due + timedelta(minutes=late)
        taken_late = asyncio.run(look(key, looked, path=path, marked=noted))
    assert said(taken_late) == said(in_time)
    assert taken_late.verdict == in_time.verdict
    assert [c.met for c in taken_late.rollback_criteria] == [
        c.met for c in in_time.rollback_criteria
    ]
    assert taken_late.taken_at == looked


async def test_rows_are_cut_by_their_times(crm_database: str) -> None:
    """Sends that failed, a unit that was lost, rows that cross: all of it after T+30."""
    before = T0 - timedelta(days=1)
    with Rows(crm_database) as found:
        alfa, beta = (found.unit(name, created_at=before) for name in ("Alfa", "Beta"))
        talk = found.conversation(alfa, created_at=before)
        for n in range(30):
            found.message(talk, created_at=at(n / 2 + 1))
        async with PostgresDatabase(crm_database) as database:
            state = observing.baseline((await look("T+0", T0, database=database)).evidence, T0)
            in_time = await look("T+30", at(30), database=database, state=state)
            for n in range(30):
                found.message(talk, created_at=at(31 + n / 10), status="failed", external_id=None)
            found.conversation(alfa, created_at=at(32), instance_id=beta.connection)
            found.run(
                "UPDATE unit_whatsapp_connections SET status = 'disconnected',"
                " disconnected_at = %(at)s, updated_at = %(at)s",
                at=at(33),
            )
            late = await look("T+30", at(38), database=database, state=state)
            now = await look("T+40", at(40), database=database, state=state)
    assert said(late)["outbound_success"] == said(in_time)["outbound_success"]
    assert level(late, "tenant_isolation") is level(in_time, "tenant_isolation") is Level.OK
    assert level(late, "connection_stability") is Level.OK
    assert level(late, "outbound_success") is Level.OK
    assert level(now, "outbound_success") is Level.CRITICAL
    assert level(now, "tenant_isolation") is Level.CRITICAL
    assert level(now, "connection_stability") is Level.CRITICAL


# --- what cannot be cut -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("looked", "missed", "expected"),
    [
        (65, (), Level.WARNING),  # the final thresholds: 6 to 15
        (45, ("T+60",), Level.CRITICAL),  # those of a checkpoint: more than 5
        (65, ("T+60",), Level.UNKNOWN),  # the final review says it
    ],
)
async def test_a_log_that_cannot_be_cut_is_judged_by_the_present_phase(
    tmp_path: Path, looked: int, missed: tuple[str, ...], expected: Level
) -> None:
    """Nobody marked its growth around T+30: ten bad answers may be of any of those minutes."""
    log = written([*pages(5, 30, 200), *pages(35, 10, 500)], MARKED)
    path = tmp_path / "app.log"
    write(path, log, at(90))
    noted = marks(path, log, [*every_half_minute(-1, 20), at(looked)])
    report = await look("T+30", at(looked), path=path, marked=noted, missed=missed)
    assert level(report, "http_5xx") is expected
    assert level(report, "health") is Level.OK


@pytest.mark.parametrize(
    ("key", "expected"),
    [("T+10", Level.UNKNOWN), ("T+20", Level.UNKNOWN), ("T+30", Level.CRITICAL)],
)
async def test_the_newest_of_several_missed_points_says_how_things_stand(
    key: str, expected: Level
) -> None:
    """/health fails at the look; when that began, nobody knows."""
    missed = [other for other in ("T+10", "T+20", "T+30") if other != key]
    report = await look(key, at(35), probe=answering(503, 503, 503), missed=missed)
    found = next(finding for finding in report.findings if finding.check == "health")
    assert found.level is expected
    if expected is Level.UNKNOWN:
        assert report.verdict.decision is not Decision.NO_GO
        assert "golive looked at" in found.summary


# --- the whole catch-up: posts, calls, replay ---------------------------------------------------


@pytest.fixture
async def bed(store_database: str) -> AsyncGenerator[Bench]:
    """One replica, fifty minutes after the deploy of which it hears now."""
    async with bench(store_database, clock=HandClock(at(50))) as bed:
        yield bed


async def caught_up(bed: Bench, path: Path) -> tuple[Deployment, dict[str, Decision | None]]:
    """Begin a watch over the deploy of T+0 and take all that is due; the decisions."""
    now = bed.clock.now()
    bed.lookout.sources = replace(bed.lookout.sources, log=log_of(path, now=now))
    deployment = await bed.begin()
    for one in plan.hour(deployment, BOOK):
        if one.due_at <= now:
            await bed.taker.take(deployment, one)
    taken = await bed.store.taken(deployment.id)
    return deployment, {one.point.key: one.decision for one in taken}


def calls(bed: Bench) -> list[str]:
    """The keys of the posts that mention the lead."""
    asked = "SELECT key, message::text FROM golive.posts WHERE update_of IS NULL ORDER BY seq"
    return [str(key) for key, words in rows(bed.url, asked) if LEAD in str(words)]


async def test_a_watch_that_begins_late_calls_once(bed: Bench, tmp_path: Path) -> None:
    """Clean until T+45: the points before are no NO-GO, and the one at T+50 calls the lead."""
    path = tmp_path / "app.log"
    write(path, written(clean_until(45), "docker"), at(50))
    deployment, decisions = await caught_up(bed, path)
    assert {key for key, one in decisions.items() if one is Decision.NO_GO} == {"T+50"}
    assert len(calls(bed)) == 1
    again = await replay(bed.store, deployment, CHECKS, BOOK)
    assert [one.taken.point.key for one in again if not one.same] == []


async def test_trouble_of_its_own_time_is_still_told(bed: Bench, tmp_path: Path) -> None:
    """Bad until T+12, clean since: T+10 is a NO-GO, as it would have been in time."""
    good = [page for n in range(13, 50) for page in pages(n, 5, 200)]
    path = tmp_path / "app.log"
    write(path, written([*pages(2, 60, 500), *good], "docker"), at(50))
    _, decisions = await caught_up(bed, path)
    assert decisions["T+10"] is Decision.NO_GO


async def test_what_fails_now_is_told_once(bed: Bench, tmp_path: Path) -> None:
    """/health fails at T+50 and the log is clean: one NO-GO, at the newest point."""
    path = tmp_path / "app.log"
    write(path, written(clean_until(49), "docker"), at(49))
    bed.lookout.sources = replace(bed.lookout.sources, health=answering(503, 503, 503))
    _, decisions = await caught_up(bed, path)
    assert {key for key, one in decisions.items() if one is Decision.NO_GO} == {"T+50"}
    assert len(calls(bed)) == 1
