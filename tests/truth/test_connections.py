"""Units that lost their connection, or never get one: what is known of the time before a look.

The rows say how a unit stands now. Whether it stood otherwise before is known from a time in the
row, from the log, or from looks of a watch; where nothing tells, the answer is UNKNOWN, never OK.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.storage.values import WatchState
from bot.watch import observing
from bot.watch.buttons import DIAGNOSE, diagnose_buttons
from checks import CHECKS
from checks.connection_stability import CHECK
from checks.engine import runner
from checks.engine.model import ConnectionChange, Finding, Level, Report, Window
from checks.engine.plan import Occasion
from checks.engine.runner import Sources
from checks.sources.database import PostgresDatabase
from tests.support.crm_rows import Rows
from tests.support.database_runs import RUNBOOK, found, minutes_ago
from tests.support.evidence import HOUR, ago, log
from tests.support.logs import scan_on

T0 = HOUR.since
LONG_AGO = T0 - timedelta(days=30)


def at(minutes: float) -> datetime:
    """So many minutes after the deploy."""
    return T0 + timedelta(minutes=minutes)


# --- a single run: it cannot know what was before -----------------------------------------------

UNDATED = {
    "qr since it was connected": {"status": "qr", "updated_at": minutes_ago(10)},
    "qr, reconnected after an older loss": {
        "status": "qr",
        "connected_at": minutes_ago(60 * 24),
        "disconnected_at": minutes_ago(60 * 25),
        "updated_at": minutes_ago(1),
    },
    "disconnected without any time": {"status": "disconnected", "updated_at": None},
    "in error without any time": {"status": "error", "updated_at": None},
    "connecting without any time": {"status": "connecting", "updated_at": None},
}
DATED_BEFORE = {
    "qr, and nothing moved since the deploy": {"status": "qr", "updated_at": minutes_ago(61)},
    "qr, disconnected yesterday": {
        "status": "qr",
        "disconnected_at": minutes_ago(60 * 24),
        "updated_at": minutes_ago(1),
    },
    "qr, never connected": {"status": "qr", "connected_at": None, "updated_at": minutes_ago(1)},
    "disconnected by hand yesterday": {
        "status": "disconnected",
        "updated_at": minutes_ago(60 * 24),
    },
}


@pytest.mark.parametrize("units", [1, 3])
@pytest.mark.parametrize("kind", UNDATED)
async def test_a_unit_that_was_connected_and_is_not_without_a_time_is_unknown(
    crm_database: str, kind: str, units: int
) -> None:
    """It may have been lost since the deploy, and "down before" would be a guess."""
    with Rows(crm_database) as rows:
        rows.run("ALTER TABLE unit_whatsapp_connections ALTER updated_at DROP NOT NULL")
        for number in range(units):
            rows.unit(f"Lost{number}", created_at=LONG_AGO, **UNDATED[kind])
    finding = await found(crm_database, CHECK)
    assert finding.level is Level.UNKNOWN
    assert finding.value is None
    assert "Lost0" in finding.summary
    assert "before" not in finding.summary


@pytest.mark.parametrize("kind", DATED_BEFORE)
async def test_a_unit_that_is_known_to_be_down_since_before_is_context(
    crm_database: str, kind: str
) -> None:
    """A healthy system with idle units stays GO."""
    with Rows(crm_database) as rows:
        rows.unit("Idle", created_at=LONG_AGO, **DATED_BEFORE[kind])
    finding = await found(crm_database, CHECK)
    assert (finding.level, finding.value) == (Level.OK, 0)


async def test_the_log_may_tell_the_time_that_the_row_does_not(crm_database: str) -> None:
    """Then the unit was lost in the window."""
    with Rows(crm_database) as rows:
        unit = rows.unit("Alfa", created_at=LONG_AGO, **UNDATED["qr since it was connected"])
    change = ConnectionChange(unit=str(unit.id), connected=False, minute=ago(9))
    finding = await found(crm_database, CHECK, log=log(connections=(change,)))
    assert (finding.level, finding.value) == (Level.WARNING, 1)


async def test_what_is_known_to_be_lost_counts_beside_what_is_not_known(crm_database: str) -> None:
    """Two lost units are CRITICAL, whatever a third one's row does not tell; it is named."""
    with Rows(crm_database) as rows:
        for name in ("Alfa", "Beta"):
            rows.unit(
                name, created_at=LONG_AGO, status="disconnected", disconnected_at=minutes_ago(9)
            )
        rows.unit("Gama", created_at=LONG_AGO, **UNDATED["qr since it was connected"])
    finding = await found(crm_database, CHECK)
    assert (finding.level, finding.value) == (Level.CRITICAL, 2)
    assert "Gama" in str(finding.details["not_known"])


# --- a watch: it knows what it saw --------------------------------------------------------------


@dataclass(slots=True)
class Watched:
    """A watch over a database: it looks when told, and remembers as the bot does."""

    url: str
    state: WatchState = field(default_factory=WatchState)

    async def look(self, minutes: float) -> Finding:
        """Look once, so many minutes after the deploy."""
        report = await self.report(minutes)
        if self.state.observed is None:
            change = observing.baseline(report.evidence, T0)
        else:
            change = observing.look(self.state, report.evidence, T0)
        self.state = self.state.merged(change)
        report = await self.report(minutes)
        return next(finding for finding in report.findings if finding.check == CHECK.id)

    async def report(self, minutes: float) -> Report:
        """What the check says with what is remembered."""
        occasion = Occasion(
            checkpoint="2",
            window=Window(since=T0, until=at(minutes)),
            now=at(minutes),
            observed=self.state.observed,
            only=(CHECK.id,),
        )
        async with PostgresDatabase(self.url) as database:
            return await runner.run(CHECKS, RUNBOOK, Sources(database=database), occasion)


@pytest.mark.parametrize("status", ["qr", "connecting"])
async def test_a_unit_that_nobody_can_connect_is_incident_1(crm_database: str, status: str) -> None:
    """More than five minutes in `qr` or `connecting` since T+0; the button diagnoses it."""
    with Rows(crm_database) as rows:
        unit = rows.unit("Nova", created_at=LONG_AGO, status="disconnected", connected_at=None)
        watch = Watched(crm_database)
        assert (await watch.look(0)).level is Level.OK
        rows.run(
            "UPDATE unit_whatsapp_connections SET status = %(status)s WHERE id = %(id)s",
            status=status,
            id=unit.connection,
        )
        for minutes in (3, 5, 8):
            assert (await watch.look(minutes)).level is Level.OK, minutes
        finding = await watch.look(8.1)
        assert (finding.level, finding.value) == (Level.WARNING, 1)
        assert status in finding.evidence[0]
        (button,) = diagnose_buttons(await watch.report(8.1))
        assert button.action == f"{DIAGNOSE}:1"
        rows.run("UPDATE unit_whatsapp_connections SET status = 'connected', connected_at = now()")
        assert (await watch.look(9)).level is Level.OK
        rows.run(
            "UPDATE unit_whatsapp_connections SET status = %(status)s, connected_at = NULL",
            status=status,
        )
        assert (await watch.look(10)).level is not Level.CRITICAL


async def test_two_units_that_nobody_can_connect_are_critical(crm_database: str) -> None:
    """As two that are lost: more than one phone."""
    watch = Watched(crm_database)
    with Rows(crm_database) as rows:
        await watch.look(0)
        for name in ("Nova", "Velha"):
            rows.unit(name, created_at=at(1), status="qr", connected_at=None)
        await watch.look(1)
        assert (await watch.look(7)).level is Level.CRITICAL


@pytest.mark.parametrize(
    ("updated_at", "level"),
    [
        (T0 + timedelta(minutes=4), Level.WARNING),  # a new code: somebody is trying
        (LONG_AGO, Level.OK),  # an old code on nobody's screen: idle since before the deploy
    ],
)
async def test_a_unit_that_shows_a_code_since_before_the_deploy(
    crm_database: str, updated_at: datetime, level: Level
) -> None:
    """It is idle while its code does not change, and in the way of somebody while it does."""
    watch = Watched(crm_database)
    with Rows(crm_database) as rows:
        unit = rows.unit("Gama", created_at=LONG_AGO, status="qr", connected_at=None)
        await watch.look(0)
        rows.run(
            "UPDATE unit_whatsapp_connections SET updated_at = %(at)s WHERE id = %(id)s",
            at=updated_at,
            id=unit.connection,
        )
        assert (await watch.look(5)).level is Level.OK
        assert (await watch.look(5.5)).level is level


async def test_a_reconnect_within_two_minutes_is_no_outage_without_a_time_either(
    crm_database: str,
) -> None:
    """A QR code sets no time: the watch's first look at it is the time."""
    watch = Watched(crm_database)
    with Rows(crm_database) as rows:
        rows.unit("Alfa", created_at=LONG_AGO)
        await watch.look(0)
        rows.run("UPDATE unit_whatsapp_connections SET status = 'qr', updated_at = now()")
        assert (await watch.look(4)).level is Level.OK
        assert (await watch.look(6)).level is Level.OK
        finding = await watch.look(6.5)
        assert finding.level is Level.WARNING
        assert finding.evidence == (f"Alfa: qr since {at(4):%Y-%m-%d %H:%M:%S} UTC",)


# --- a watch that began late knows no more than a single run --------------------------------------


async def test_a_watch_that_began_late_does_not_take_its_first_look_for_the_deploy(
    crm_database: str,
) -> None:
    """Lost at T+20, first looked at at T+50: lost since the deploy, not "down before"."""
    with Rows(crm_database) as rows:
        for name in ("Alfa", "Beta"):
            rows.unit(name, created_at=LONG_AGO, status="disconnected", disconnected_at=at(20))
    assert (await Watched(crm_database).look(50)).level is Level.CRITICAL


async def test_a_watch_that_began_late_does_not_know_what_no_time_tells(crm_database: str) -> None:
    """All units in `qr` at its first look: UNKNOWN; at a first look in time they were so before."""
    with Rows(crm_database) as rows:
        for name in ("Alfa", "Beta"):
            rows.unit(name, created_at=LONG_AGO, status="qr", updated_at=at(40))
    assert (await Watched(crm_database).look(50)).level is Level.UNKNOWN
    assert (await Watched(crm_database).look(0.5)).level is Level.OK


# --- what the log itself says -------------------------------------------------------------------


@pytest.mark.parametrize("seconds_apart", [None, 1, 40])
@pytest.mark.parametrize(("losses", "level"), [(2, Level.OK), (3, Level.WARNING)])
async def test_flaps_are_read_in_the_order_of_the_log(
    crm_database: str, tmp_path: Path, losses: int, level: Level, seconds_apart: int | None
) -> None:
    """Also where they all fall in one minute, and in a log without times."""
    with Rows(crm_database) as rows:
        unit = rows.unit("Alfa", created_at=LONG_AGO)
    lines: list[str] = []
    for number in range(2 * losses):
        when = "" if seconds_apart is None else f"{at(30 + number * seconds_apart / 60):%FT%TZ} "
        status = ("disconnected", "connected")[number % 2]
        lines.append(
            f"{when}[INFO] [MessageHandler] Updating connection status for unit {unit.id}:"
            f" {{ status: '{status}', reason: 'x', hasQr: false }}\n"
        )
    path = tmp_path / "app.log"
    path.write_text("".join(lines))
    whole = 0 if seconds_apart is None else None
    seen, _ = await asyncio.to_thread(
        scan_on, path, window=HOUR, now=HOUR.until, since_offset=whole
    )
    assert [change.connected for change in seen.connections] == [False, True] * losses
    finding = await found(crm_database, CHECK, log=seen)
    assert finding.level is level
