"""What a watch learns from one look after the other: pure, from evidence to what it remembers.

A single run sees a state; only somebody who keeps looking sees that a unit was lost, that a
campaign moved, or that replies came before and stopped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import cast

from bot.storage.values import WatchState
from checks.campaigns import PROCESSING
from checks.connection_stability import CONNECTIONS, PAIRING
from checks.database_activity import INSERTED
from checks.engine.model import (
    Evidence,
    Json,
    LogEvidence,
    Observed,
    ProbeTry,
    Row,
    Window,
    instant_of,
    minute_of,
)
from checks.sources.logs.routes import signal_of

_CONNECTED = "connected"
_PENDING = "pending"
_OWN = "own_probes"
_KEEP = timedelta(hours=3)
"""How long a probe is remembered: longer than any window that is looked at."""


def baseline(evidence: Evidence, deployed_at: datetime) -> WatchState:
    """How things stood at T+0, as far as they could be looked at."""
    connected = _connected(evidence)
    rows = _rows(evidence, INSERTED.name)
    inserted = rows[0]["inserted"] if rows else None
    observed = Observed(
        deployed_at=deployed_at,
        inserted=inserted if isinstance(inserted, int) else None,
        connected_at_start=frozenset(connected or ()),
        progress={str(row["id"]): evidence.taken_at for row in _rows(evidence, PROCESSING.name)},
        failed_at_start={
            str(row["id"]): failed
            for row in _rows(evidence, PROCESSING.name)
            if (failed := _number(row.get("failed")))
        },
        probes=_probed(evidence),
        began=evidence.taken_at,
        pairing=_pairing(evidence, {}),
    )
    return WatchState(observed=observed, memory=_memory(evidence, {}))


def look(state: WatchState, evidence: Evidence, deployed_at: datetime) -> WatchState:
    """What one more look adds to what is remembered."""
    before = state.observed or Observed(deployed_at=deployed_at, began=evidence.taken_at)
    drops = dict(before.drops)
    connected = _connected(evidence)
    if connected is not None:
        for unit in _strings(state.memory.get(_CONNECTED)) - connected:
            drops[unit] = drops.get(unit, 0) + 1
    known = cast("Mapping[str, Json]", state.memory.get(_PENDING) or {})
    progress = dict(before.progress)
    for row in _rows(evidence, PROCESSING.name):
        campaign = str(row["id"])
        if campaign not in known or known[campaign] != row["pending"]:
            progress[campaign] = evidence.taken_at
    observed = replace(
        before,
        drops=drops,
        progress=progress,
        probes={**before.probes, **_probed(evidence)},
        pairing=_pairing(evidence, before.pairing),
    )
    return WatchState(observed=observed, memory=_memory(evidence, state.memory))


def expectation(log: LogEvidence, now: datetime, lately: timedelta | None) -> str | None:
    """Why inbound messages are to be expected: they came before what is looked at.

    lately: the window in which inbound messages are looked for; None for all since the deploy
    """
    found = log.signals.get("inbound_created")
    if found is None or lately is None:
        return None
    border = now - lately
    earlier = sum(n for minute, n in found.minutes.items() if instant_of(minute + 1) <= border)
    return f"{earlier} came earlier in this watch" if earlier > 0 else None


def own_probes(state: WatchState, window: Window, log: LogEvidence) -> dict[str, int]:
    """Signal → responses in the log that golive's own health probes caused in a window.

    Never more than the log shows on the health path: a proxy may have answered before it.
    """
    out: dict[str, int] = {}
    for minute, counts in _own(state.memory).items():
        if minute_of(window.since) <= minute <= minute_of(window.until):
            for signal, n in counts.items():
                out[signal] = out.get(signal, 0) + n
    shown = {name: found.count for name, found in log.signals.items()}
    most = {
        "http_health": shown.get("http_health", 0),
        "http_responses": shown.get("http_health", 0),
        "http_health_5xx": shown.get("http_health_5xx", 0),
        "http_5xx": shown.get("http_health_5xx", 0),
    }
    capped = {signal: min(n, most.get(signal, shown.get(signal, 0))) for signal, n in out.items()}
    return {signal: n for signal, n in capped.items() if n > 0}


def _memory(evidence: Evidence, before: Mapping[str, Json]) -> dict[str, Json]:
    """What the next look compares with; what could not be looked at now stays as it was."""
    memory: dict[str, Json] = {}
    connected = _connected(evidence)
    if connected is not None:
        memory[_CONNECTED] = list[Json](sorted(connected))
    result = evidence.database.results.get(PROCESSING.name)
    if result is not None and result.problem is None:
        memory[_PENDING] = {str(row["id"]): _number(row["pending"]) for row in result.rows}
    memory[_OWN] = _counted(evidence, before)
    return memory


def _counted(evidence: Evidence, before: Mapping[str, Json]) -> dict[str, Json]:
    oldest = minute_of(evidence.taken_at - _KEEP)
    own = {minute: dict(n) for minute, n in _own(before).items() if minute >= oldest}
    now = own.setdefault(minute_of(evidence.taken_at), {})
    for probe in evidence.health.tries:
        for signal in _signals(probe):
            now[signal] = now.get(signal, 0) + 1
    return {str(minute): cast("Json", counts) for minute, counts in own.items() if counts}


def _signals(probe: ProbeTry) -> tuple[str, ...]:
    """What one probe leaves in the application's log."""
    if probe.status is None:
        return ()
    signal = signal_of(probe.status)
    failed = ("http_health_5xx",) if signal == "http_5xx" else ()
    return ("http_responses", "http_health", *((signal,) if signal else ()), *failed)


def _own(memory: Mapping[str, Json]) -> dict[int, Mapping[str, int]]:
    kept = cast("Mapping[str, Mapping[str, int]]", memory.get(_OWN) or {})
    return {int(minute): counts for minute, counts in kept.items()}


def _probed(evidence: Evidence) -> dict[int, bool]:
    """The minute of this look, and whether any of its probes was answered below 500."""
    tries = evidence.health.tries
    if not tries:
        return {}
    answered = any(probe.status is not None and probe.status < 500 for probe in tries)
    return {minute_of(evidence.taken_at): answered}


def _connected(evidence: Evidence) -> frozenset[str] | None:
    """Units connected now; None where it could not be looked at."""
    result = evidence.database.results.get(CONNECTIONS.name)
    if result is None or result.problem is not None:
        return None
    return frozenset(str(row["unit_id"]) for row in result.rows if row["status"] == "connected")


def _pairing(evidence: Evidence, before: Mapping[str, datetime]) -> Mapping[str, datetime]:
    """Units in `qr` or `connecting`, since when; as before where it could not be looked at."""
    if _connected(evidence) is None:
        return before
    units = (row for row in _rows(evidence, CONNECTIONS.name) if row["status"] in PAIRING)
    at = evidence.taken_at
    return {unit: before.get(unit, at) for unit in (str(row["unit_id"]) for row in units)}


def _rows(evidence: Evidence, query: str) -> tuple[Row, ...]:
    result = evidence.database.results.get(query)
    return () if result is None or result.problem is not None else result.rows


def _strings(value: Json) -> set[str]:
    return {str(item) for item in value} if isinstance(value, list) else set()


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
