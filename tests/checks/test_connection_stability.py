"""connection_stability on a real PostgreSQL, judged by the shipped runbook."""

from __future__ import annotations

import pytest

from checks.connection_stability import CHECK
from checks.engine.model import ConnectionChange, Level, Problem
from tests.support.crm_rows import Rows
from tests.support.database_runs import found, minutes_ago
from tests.support.evidence import ago, log, watched

LONG_AGO = minutes_ago(60 * 24 * 30)
IDLE = (
    {"status": "qr", "connected_at": None, "updated_at": minutes_ago(1)},
    {"status": "disconnected", "disconnected_at": minutes_ago(60 * 24)},
    {"status": "error", "connected_at": None, "updated_at": minutes_ago(3)},
    {"status": "qr", "disconnected_at": minutes_ago(60 * 24), "updated_at": minutes_ago(1)},
)


def unit(url: str, name: str = "Alfa", **connection: object) -> str:
    """A unit of long ago with such a connection; its id."""
    with Rows(url) as rows:
        return str(rows.unit(name, created_at=LONG_AGO, **connection).id)


def changes(unit_id: str, *connected: bool) -> tuple[ConnectionChange, ...]:
    """A unit's status changes as the log shows them, a minute apart, the last one 5 minutes ago."""
    last = 5 + len(connected) - 1
    return tuple(
        ConnectionChange(unit=unit_id, connected=up, minute=ago(last - n))
        for n, up in enumerate(connected)
    )


async def test_no_connections(crm_database: str) -> None:
    """An application without any connection has lost none."""
    finding = await found(crm_database, CHECK)
    assert (finding.level, finding.summary) == (Level.OK, "No unit has a connection.")


@pytest.mark.parametrize("watching", [True, False])
async def test_never_disconnected_is_stable(crm_database: str, watching: bool) -> None:
    """`disconnected_at IS NULL` is the stable case, which the runbook's own query calls unknown."""
    identity = unit(crm_database)
    observed = watched(connected_at_start=frozenset({identity})) if watching else None
    finding = await found(crm_database, CHECK, observed=observed)
    assert finding.level is Level.OK
    assert finding.details["connected"] == 1


@pytest.mark.parametrize("watching", [True, False])
async def test_idle_units_are_context(crm_database: str, watching: bool) -> None:
    """Units that were down before the deploy are named and not counted, QR refreshes or not."""
    for number, connection in enumerate(IDLE):
        unit(crm_database, f"Idle{number}", **connection)
    finding = await found(crm_database, CHECK, observed=watched() if watching else None)
    assert (finding.level, finding.value) == (Level.OK, 0)
    assert len(finding.details["not_counted"] or ()) == len(IDLE)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("watching", [True, False])
@pytest.mark.parametrize(("minutes", "level"), [(2, Level.OK), (2.1, Level.WARNING)])
async def test_lost_for_more_than_two_minutes(
    crm_database: str, watching: bool, minutes: float, level: Level
) -> None:
    """A unit that was connected counts when it has been down for more than two minutes."""
    identity = unit(crm_database, status="disconnected", disconnected_at=minutes_ago(minutes))
    observed = watched(connected_at_start=frozenset({identity})) if watching else None
    assert (await found(crm_database, CHECK, observed=observed)).level is level


async def test_two_lost_are_critical(crm_database: str) -> None:
    """Two units at once are more than one phone."""
    for name in ("Alfa", "Beta"):
        unit(crm_database, name, status="disconnected", disconnected_at=minutes_ago(9))
    finding = await found(crm_database, CHECK)
    assert (finding.level, finding.value) == (Level.CRITICAL, 2)
    assert finding.evidence[0] == "Alfa: disconnected since 2026-03-05 11:51:00 UTC"


async def test_connected_since_the_deploy_and_lost(crm_database: str) -> None:
    """A unit that came up after T+0 and went down again was lost too."""
    unit(
        crm_database,
        status="disconnected",
        connected_at=minutes_ago(30),
        disconnected_at=minutes_ago(10),
    )
    assert (await found(crm_database, CHECK, observed=watched())).level is Level.WARNING


async def test_manual_disconnect(crm_database: str) -> None:
    """A manual disconnect sets neither time; the moment of the update is what there is."""
    unit(crm_database, status="disconnected", updated_at=minutes_ago(10))
    assert (await found(crm_database, CHECK)).level is Level.WARNING


async def test_waiting_for_a_scan(crm_database: str) -> None:
    """Connected at T+0 and showing a QR code now: lost, though every new code moves updated_at."""
    identity = unit(crm_database, status="qr", updated_at=minutes_ago(0.2))
    observed = watched(connected_at_start=frozenset({identity}))
    finding = await found(crm_database, CHECK, observed=observed)
    assert finding.level is Level.WARNING
    assert finding.evidence == ("Alfa: qr",)


async def test_the_log_tells_when(crm_database: str) -> None:
    """Without a time in the row, the log's own change is the moment."""
    identity = unit(crm_database, status="qr", updated_at=minutes_ago(0.2))
    seen = log(connections=changes(identity, True, False))
    finding = await found(crm_database, CHECK, log=seen)
    assert finding.level is Level.WARNING
    assert finding.evidence == ("Alfa: qr since 2026-03-05 11:54:00 UTC",)


@pytest.mark.parametrize(
    ("ups", "level"),
    [
        ((False, True, False, True, False, True), Level.WARNING),
        ((False, True, False, True), Level.OK),
        ((False, False, False, True), Level.OK),
    ],
)
async def test_flapping(crm_database: str, ups: tuple[bool, ...], level: Level) -> None:
    """Three disconnects in the window are flapping; saying "down" three times is one."""
    identity = unit(crm_database)
    finding = await found(crm_database, CHECK, log=log(connections=changes(identity, *ups)))
    assert finding.level is level


async def test_flaps_outside_the_window(crm_database: str) -> None:
    """What flapped before the window is history."""
    identity = unit(crm_database)
    old = tuple(
        ConnectionChange(unit=identity, connected=up, minute=ago(90 - n))
        for n, up in enumerate((False, True) * 4)
    )
    assert (await found(crm_database, CHECK, log=log(connections=old))).level is Level.OK


async def test_flaps_that_the_watch_saw(crm_database: str) -> None:
    """The watch's own samples count where the log shows nothing."""
    identity = unit(crm_database)
    observed = watched(connected_at_start=frozenset({identity}), drops={identity: 3})
    finding = await found(crm_database, CHECK, observed=observed)
    assert finding.level is Level.WARNING
    assert finding.evidence == ("Alfa: 3 disconnects in the window, now connected",)


async def test_a_log_that_cannot_tell_when(crm_database: str) -> None:
    """Changes that may be of last week are not held against a unit."""
    identity = unit(crm_database)
    unwindowed = Problem(what="The log carries no times.", mend="Use --since-offset.")
    seen = log(
        connections=changes(identity, *(False, True) * 4), timed=False, unwindowed=unwindowed
    )
    assert (await found(crm_database, CHECK, log=seen)).level is Level.OK


async def test_changes_of_unknown_units(crm_database: str) -> None:
    """The log is not trusted: changes of a unit that does not exist count for nobody."""
    unit(crm_database)
    seen = log(connections=changes("00000000-0000-0000-0000-000000000000", *(False, True) * 4))
    assert (await found(crm_database, CHECK, log=seen)).level is Level.OK


async def test_a_removed_connection(crm_database: str) -> None:
    """A unit that was connected at T+0 and has no connection any more is lost."""
    observed = watched(connected_at_start=frozenset({"8370f0b0-788d-49f2-8481-a9d9b11916cd"}))
    finding = await found(crm_database, CHECK, observed=observed)
    assert finding.level is Level.WARNING
    assert "removed" in finding.evidence[0]
