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
    Observed,
    Problem,
    Quantity,
    Row,
    instant_of,
    minute_of,
)
from checks.engine.wording import plural

_UNIT = "units"
_SIGNALS = ("connection_up", "connection_down")
_SHOWN = 5

PAIRING = frozenset({"qr", "connecting"})
"""Statuses of a unit that somebody is about to connect (runbook, issue 1)."""

CONNECTIONS = Query(
    name="unit_connections",
    # disconnected_at IS NULL means never disconnected: the stable case.
    sql="""
        SELECT
            w.unit_id,
            u.name AS unit,
            w.status::text AS status,
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
    """Units that were lost since the deploy, that flap, or that somebody tries to connect in vain.

    Lost is what was connected at the deploy or since and is not, for more than `grace_seconds`;
    in vain is `qr` or `connecting` for more than `pairing_seconds` since the deploy; flapping is
    `flap_disconnects` disconnects in the window. Units that were down before the deploy already
    are context. Only a watch that began in time knows which those are: elsewhere a unit that was
    connected once, and of which nothing tells when it was lost, is not known.
    """
    result = view.rows(CONNECTIONS)
    if result.problem is not None:
        return unknown(_UNIT, result.problem)
    changes = _changes(view)
    lines: list[str] = []
    before: list[Json] = []
    undated: list[str] = []
    for row in result.rows:
        seen = changes.get(str(row["unit_id"]), _Unit(up=True))
        why = _unstable(view, row, seen) or _unpaired(view, row)
        if why:
            lines.append(f"{_name(row)}: {why}")
        elif _undated(view, row, seen):
            undated.append(f"{_name(row)}: {row['status']}")
        elif row["status"] != "connected":
            before.append(f"{_name(row)}: {row['status']}")
    lines += _removed(view, result.rows)
    connected = sum(row["status"] == "connected" for row in result.rows)
    details: dict[str, Json] = {
        "units": len(result.rows),
        "connected": connected,
        "not_counted": before[:_SHOWN],
    }
    if undated:
        details["not_known"] = list[Json](undated[:_SHOWN])
        if not lines:
            return unknown(_UNIT, _not_known(undated), details)
    return Measurement(
        value=len(lines),
        unit=_UNIT,
        summary=_summary(len(lines), connected, len(result.rows), len(before), len(undated)),
        quantities={"value": Quantity(value=len(lines))},
        details=details,
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
    since = since or _first_seen_pairing(view, row)
    grace = timedelta(seconds=view.param("grace_seconds"))
    if since is not None and view.evidence.now - since <= grace:
        return ""
    return f"{row['status']}" + (f" since {_time(since)}" if since else "")


def _unpaired(view: View, row: Row) -> str:
    """Why this unit counts as one that somebody tries to connect in vain; "" if it does not.

    One that was in that state at T+0 already is idle, unless its row changed since: every new QR
    code does that.
    """
    observed, first = view.evidence.observed, _first_seen_pairing(view, row)
    if observed is None or first is None:
        return ""
    entered = observed.began is not None and first > observed.began
    updated = row["updated_at"]
    moved = isinstance(updated, datetime) and updated >= observed.deployed_at
    patience = timedelta(seconds=view.param("pairing_seconds"))
    if not (entered or moved) or view.evidence.now - first <= patience:
        return ""
    return f"{row['status']} since {_time(first)}, and does not become connected"


def _first_seen_pairing(view: View, row: Row) -> datetime | None:
    """Since when the watch has seen this unit in `qr` or `connecting`; None if it has not."""
    observed = view.evidence.observed
    if observed is None or row["status"] not in PAIRING:
        return None
    return observed.pairing.get(str(row["unit_id"]))


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

    Whoever did not look at T+0 has to take that from the time at which it went down.
    """
    observed = view.evidence.observed
    known = _saw_the_deploy(view)
    if known is None:
        lost = since is not None and since >= _deployed_at(view)
        if observed is None or lost:
            return lost
    else:
        observed = known
    connected = row["connected_at"]
    return (
        str(row["unit_id"]) in observed.connected_at_start
        or came_up
        or (isinstance(connected, datetime) and connected >= observed.deployed_at)
    )


def _undated(view: View, row: Row, seen: _Unit) -> bool:
    """Whether this unit was connected once, is not, and nothing tells since when.

    A row with a QR code that did not change since the deploy has shown it since before.
    """
    if row["status"] == "connected" or _saw_the_deploy(view) is not None:
        return False
    if row["connected_at"] is None or _down_since(row, seen.down_since) is not None:
        return False
    updated = row["updated_at"]
    return not isinstance(updated, datetime) or updated >= _deployed_at(view)


def _saw_the_deploy(view: View) -> Observed | None:
    """What a watch observed, if its first look was at T+0, a reconnect's time aside."""
    observed = view.evidence.observed
    if observed is None:
        return None
    began = observed.began or observed.deployed_at
    late = began - observed.deployed_at > timedelta(seconds=view.param("grace_seconds"))
    return None if late else observed


def _deployed_at(view: View) -> datetime:
    observed = view.evidence.observed
    return view.window.since if observed is None else observed.deployed_at


def _not_known(undated: list[str]) -> Problem:
    named = ", ".join(undated[:_SHOWN])
    more = f" and {len(undated) - _SHOWN} more" if len(undated) > _SHOWN else ""
    one = len(undated) == 1
    return Problem(
        what=f"{plural(len(undated), 'unit')} {'was' if one else 'were'} connected once and "
        f"{'is' if one else 'are'} not now ({named}{more}); nothing tells since when.",
        mend="Look in the application whether they should be connected; a watch that begins with "
        "the deploy (/golive start) knows.",
    )


def _removed(view: View, rows: tuple[Row, ...]) -> list[str]:
    """Units that were connected at T+0 and have no connection any more."""
    observed = view.evidence.observed
    if observed is None:
        return []
    there = {str(row["unit_id"]) for row in rows}
    gone = sorted(observed.connected_at_start - there)
    return [f"unit {unit}: connected at T+0, its connection was removed" for unit in gone]


def _summary(unstable: int, connected: int, units: int, before: int, undated: int) -> str:
    if not units and not unstable:
        return "No unit has a connection."
    context = f", {before} down before" if before else ""
    context += f", {undated} down since nobody knows when" if undated else ""
    state = f"{connected} of {plural(units, 'unit')} connected{context}"
    if not unstable:
        return f"No unit was lost: {state}."
    return f"{plural(unstable, 'unit')} lost, flapping or not to be connected: {state}."


def _time(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC"


def _name(row: Row) -> str:
    return harmless(mask(str(row["unit"])))


CHECK = Check(
    id="connection_stability",
    title="Connection stability",
    checkpoint=2,
    measure=measure,
    signals=_SIGNALS,
    queries=(CONNECTIONS,),
    params=("grace_seconds", "flap_disconnects", "pairing_seconds"),
)
