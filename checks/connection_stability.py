"""Units that lost their WhatsApp connection, or flap (runbook, checkpoint 2, section 8)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from checks.engine.check import Check, Query, View, unknown
from checks.engine.masking import harmless, mask
from checks.engine.model import (
    ConnectionChange,
    Json,
    Measurement,
    Quantity,
    Row,
    instant_of,
    minute_of,
)
from checks.engine.wording import plural

_UNIT = "units"
_SIGNALS = ("connection_up", "connection_down")
_SHOWN = 5

CONNECTIONS = Query(
    name="unit_connections",
    # disconnected_at IS NULL means never disconnected: the stable case.
    sql="""
        SELECT
            w.unit_id,
            u.name AS unit,
            w.status,
            w.connected_at::timestamptz AS connected_at,
            w.disconnected_at::timestamptz AS disconnected_at,
            w.updated_at::timestamptz AS updated_at
        FROM unit_whatsapp_connections AS w
        JOIN units AS u ON u.id = w.unit_id
        ORDER BY u.name, w.unit_id
    """,
    reads={
        "unit_whatsapp_connections": (
            "unit_id",
            "status",
            "connected_at",
            "disconnected_at",
            "updated_at",
        ),
        "units": ("id", "name"),
    },
)
"""A row for each unit that has a connection, in whatever state."""


def measure(view: View) -> Measurement:
    """Units that were connected at the deploy or since and are not now, and units that flap.

    Not connected counts after `grace_seconds`; flapping is `flap_disconnects` disconnects in the
    window. Units that were down before the deploy already are context.
    """
    result = view.rows(CONNECTIONS)
    if result.problem is not None:
        return unknown(_UNIT, result.problem)
    changes = _changes(view)
    lines: list[str] = []
    before: list[Json] = []
    for row in result.rows:
        why = _unstable(view, row, changes.get(str(row["unit_id"]), _Unit(up=True)))
        if why:
            lines.append(f"{_name(row)}: {why}")
        elif row["status"] != "connected":
            before.append(f"{_name(row)}: {row['status']}")
    lines += _removed(view, result.rows)
    connected = sum(row["status"] == "connected" for row in result.rows)
    return Measurement(
        value=len(lines),
        unit=_UNIT,
        summary=_summary(len(lines), connected, len(result.rows), len(before)),
        quantities={"value": Quantity(value=len(lines))},
        details={"units": len(result.rows), "connected": connected, "not_counted": before[:_SHOWN]},
        evidence=tuple(lines[:_SHOWN]),
        window=view.window,
    )


@dataclass(slots=True)
class _Unit:
    """What the log and the watch's own samples say about one unit, in the window."""

    up: bool
    came_up: bool = False
    disconnects: int = 0
    down_since: datetime | None = None

    def see(self, change: ConnectionChange) -> None:
        """Take one change of the log; a unit that is down does not disconnect by saying so."""
        if change.connected:
            self.came_up, self.down_since = True, None
        elif self.up:
            self.disconnects += 1
            self.down_since = None if change.minute is None else instant_of(change.minute)
        self.up = change.connected


def _changes(view: View) -> dict[str, _Unit]:
    """Units of which anything was heard. One of unknown state is taken to have been up."""
    observed = view.evidence.observed
    units: dict[str, _Unit] = {}
    for change in _logged(view):
        up = observed is None or change.unit in observed.connected_at_start
        units.setdefault(change.unit, _Unit(up=up)).see(change)
    if observed is not None:
        for unit, drops in observed.drops.items():
            seen = units.setdefault(unit, _Unit(up=True))
            seen.disconnects = max(seen.disconnects, drops)
    return units


def _logged(view: View) -> list[ConnectionChange]:
    """The changes that the log shows in the window, in its order; none where it cannot tell."""
    if view.log_unknown(*_SIGNALS) is not None:
        return []
    first, last = minute_of(view.window.since), minute_of(view.window.until)
    return [
        change
        for change in view.evidence.log.connections
        if change.minute is None or first <= change.minute <= last
    ]


def _unstable(view: View, row: Row, seen: _Unit) -> str:
    """Why this unit counts as unstable; "" if it does not."""
    if seen.disconnects >= view.param("flap_disconnects"):
        return f"{plural(seen.disconnects, 'disconnect')} in the window, now {row['status']}"
    if row["status"] == "connected":
        return ""
    since = _down_since(row, seen.down_since)
    if not _counts(view, row, since, came_up=seen.came_up):
        return ""
    grace = timedelta(seconds=view.param("grace_seconds"))
    if since is not None and view.evidence.now - since <= grace:
        return ""
    return f"{row['status']}" + (f" since {since:%Y-%m-%d %H:%M:%S} UTC" if since else "")


def _down_since(row: Row, logged: datetime | None) -> datetime | None:
    """When the unit went down; None if nothing tells.

    A manual disconnect sets no time but updated_at. With a QR code on show updated_at tells
    nothing: every new code moves it.
    """
    connected, disconnected = row["connected_at"], row["disconnected_at"]
    if isinstance(disconnected, datetime) and (
        not isinstance(connected, datetime) or disconnected >= connected
    ):
        return disconnected
    if logged is not None:
        return logged
    updated = row["updated_at"]
    if row["status"] != "qr" and isinstance(connected, datetime) and isinstance(updated, datetime):
        return updated
    return None


def _counts(view: View, row: Row, since: datetime | None, *, came_up: bool) -> bool:
    """Whether the unit was connected at the deploy or since: only such a unit can be lost.

    In a single run the time at which it went down must lie in the window.
    """
    observed = view.evidence.observed
    if observed is None:
        return since is not None and since >= view.window.since
    connected = row["connected_at"]
    return (
        str(row["unit_id"]) in observed.connected_at_start
        or came_up
        or (isinstance(connected, datetime) and connected >= observed.deployed_at)
    )


def _removed(view: View, rows: tuple[Row, ...]) -> list[str]:
    """Units that were connected at T+0 and have no connection any more."""
    observed = view.evidence.observed
    if observed is None:
        return []
    there = {str(row["unit_id"]) for row in rows}
    gone = sorted(observed.connected_at_start - there)
    return [f"unit {unit}: connected at T+0, its connection was removed" for unit in gone]


def _summary(unstable: int, connected: int, units: int, before: int) -> str:
    if not units and not unstable:
        return "No unit has a connection."
    context = f", {before} down before" if before else ""
    state = f"{connected} of {plural(units, 'unit')} connected{context}"
    if not unstable:
        return f"No unit was lost: {state}."
    return f"{plural(unstable, 'unit')} lost or flapping: {state}."


def _name(row: Row) -> str:
    return harmless(mask(str(row["unit"])))


CHECK = Check(
    id="connection_stability",
    title="Connection stability",
    checkpoint=2,
    measure=measure,
    signals=_SIGNALS,
    queries=(CONNECTIONS,),
    params=("grace_seconds", "flap_disconnects"),
)
