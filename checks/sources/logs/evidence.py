"""From what the files' scans counted to the evidence that checks measure: masked and summed up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from checks.engine.masking import evidence_line
from checks.engine.model import (
    MAX_FAILED,
    ConnectionChange,
    CreatedMessage,
    FailingStretch,
    Leak,
    LogEvidence,
    Problem,
    SignalEvidence,
    instant_of,
)
from checks.engine.own_events import SIGNAL
from checks.sources.logs.profile import Profile
from checks.sources.logs.state import EVIDENCE_LINES, LeakKey, SignalTally, Tally

_MAX_ROUTE = 120
_ANSWERS = ("http_responses", "http_5xx", "http_health")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """One file's part of the evidence."""

    path: str
    profile: Profile
    timed: bool
    tally: Tally
    sampled: int
    recognised: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What holds for the whole evidence, whichever file it came from.

    since_minute: older minutes are left out; None keeps all
    until:        where the counts end, if they cannot be cut where the window ends
    """

    source: str
    problem: Problem | None = None
    unwindowed: Problem | None = None
    by_offset: bool = False
    since_minute: int | None = None
    until: datetime | None = None
    secrets: tuple[bytes, ...] = field(default=(), repr=False)
    grew: bool | None = None
    notes: tuple[str, ...] = ()


def build(parts: Sequence[Counted], frame: Frame) -> LogEvidence:
    """Sum the parts up.

    Where files of different formats show the same signal, only the format that is believed most
    counts: a proxy's access log repeats the responses that the application logs itself.
    """
    if not parts:
        return LogEvidence(source=frame.source, problem=frame.problem, notes=frame.notes)
    ranked = sorted({part.profile.name: part.profile for part in parts}.values(), key=_rank)
    owner: dict[str, str] = {}
    for profile in ranked:
        for signal in sorted(profile.carries):
            if signal != "secret_leak":
                owner.setdefault(signal, profile.name)
    signals = {
        name: _signal([t for part in parts if (t := _owned(part, name, owner)) is not None], frame)
        for name in sorted({*owner, "secret_leak"})
    }
    best = ranked[0]
    main = [part for part in parts if part.profile.name == best.name]
    return LogEvidence(
        source=frame.source,
        problem=frame.problem,
        unwindowed=frame.unwindowed,
        profile=" + ".join(profile.name for profile in ranked),
        timed=all(part.timed for part in main),
        by_offset=frame.by_offset,
        carries=frozenset(owner) | {"secret_leak"},
        signals=signals,
        routes=_routes(parts, owner, frame.secrets),
        routes_sampled=any(part.tally.routes_sampled for part in parts),
        leaks=_leaks(parts, frame.secrets),
        secrets_searched=len(frame.secrets),
        connections=_connections(main, frame),
        campaigns={
            name: None if minute is None else minute * 60.0
            for part in main
            for name, minute in part.tally.campaigns.items()
        },
        created=_created(main, frame),
        own_events=_own_events(parts, owner, frame),
        bytes=sum(part.tally.bytes for part in parts),
        lines=sum(part.tally.lines for part in parts),
        sampled=sum(part.sampled for part in parts),
        recognised=sum(part.recognised for part in parts),
        unpaired=sum(p.tally.pairing.unpaired for p in main) if best.has_ids else None,
        unpaired_lines=_shown(
            (line for part in main for line in part.tally.pairing.lines), frame.secrets
        ),
        failing=_failing(main, frame) if all(part.timed for part in main) else None,
        succeeded=any(part.tally.outages.succeeded for part in main),
        failed_clients=_distinct(part.tally.outages.clients for part in main),
        failed_units=_distinct(part.tally.outages.units for part in main),
        streak_5xx=max((part.tally.longest_streak for part in main), default=0),
        grew=frame.grew,
        notes=(*frame.notes, *(note for part in parts for note in part.notes)),
        until=frame.until,
    )


def _failing(main: Sequence[Counted], frame: Frame) -> tuple[FailingStretch, ...]:
    """The failing stretches of all files; where another file shows answers, nothing was down."""
    stretches: list[FailingStretch] = []
    for part in main:
        up = {minute for other in main if other is not part for minute in _up(other)}
        for stretch in part.tally.outages.stretches():
            stretches += _outside(stretch, up)
    merged: list[FailingStretch] = []
    for one in sorted(stretches, key=lambda stretch: stretch.first):
        if not _recent(int(one.last) // 60, frame):
            continue
        before = merged[-1] if merged else None
        if before is None or one.first > before.last:
            merged.append(one)
        else:
            merged[-1] = FailingStretch(
                first=before.first,
                last=max(before.last, one.last),
                routes=max(before.routes, one.routes),
                clients=max(before.clients, one.clients),
            )
    return tuple(merged)


def _up(part: Counted) -> set[int]:
    """Minutes in which a file shows other answers than failing ones, outside of its stretches."""
    signals = part.tally.signals
    counts = {name: signals.get(name, SignalTally()).minutes for name in _ANSWERS}
    down = {
        minute
        for stretch in part.tally.outages.stretches()
        for minute in range(int(stretch.first) // 60, int(stretch.last) // 60 + 1)
    }
    return {
        minute
        for minute, n in counts["http_responses"].items()
        if minute not in down
        and n - counts["http_health"].get(minute, 0) > counts["http_5xx"].get(minute, 0)
    }


def _outside(stretch: FailingStretch, minutes: set[int]) -> list[FailingStretch]:
    """The parts of a stretch that lie in none of some minutes."""
    parts: list[FailingStretch] = []
    first = stretch.first
    for minute in sorted(minutes):
        begin, end = minute * 60.0, minute * 60.0 + 60
        if begin > stretch.last or end <= first:
            continue
        if begin > first:
            parts.append(replace(stretch, first=first, last=begin))
        first = end
    return [*parts, replace(stretch, first=first)] if first <= stretch.last else parts


def _distinct(named: Iterable[set[bytes]]) -> int | None:
    """How many different names there are; None where there is none."""
    return min(len(set[bytes]().union(*named)), MAX_FAILED) or None


def _rank(profile: Profile) -> int:
    return profile.rank


def _owned(part: Counted, signal: str, owner: Mapping[str, str]) -> SignalTally | None:
    if owner.get(signal, part.profile.name) != part.profile.name:
        return None
    return part.tally.signals.get(signal)


def _recent(minute: int | None, frame: Frame) -> bool:
    return minute is None or frame.since_minute is None or minute >= frame.since_minute


def _connections(main: Sequence[Counted], frame: Frame) -> tuple[ConnectionChange, ...]:
    return tuple(
        ConnectionChange(unit=unit, connected=up, minute=minute)
        for part in main
        for unit, up, minute in part.tally.changes
        if _recent(minute, frame)
    )


def _created(main: Sequence[Counted], frame: Frame) -> tuple[CreatedMessage, ...]:
    return tuple(
        CreatedMessage(id=row, at=None if minute is None else minute * 60.0)
        for part in main
        for row, minute in part.tally.created
        if _recent(minute, frame)
    )


def _own_events(parts: Sequence[Counted], owner: Mapping[str, str], frame: Frame) -> dict[str, int]:
    """The names of test events, counted where their signal is."""
    return dict(
        Counter(
            name
            for part in parts
            if owner.get(SIGNAL) == part.profile.name
            for name, minute in part.tally.own_events
            if _recent(minute, frame)
        )
    )


def _signal(tallies: Sequence[SignalTally], frame: Frame) -> SignalEvidence:
    minutes: dict[int, int] = {}
    older = 0
    for tally in tallies:
        for minute, n in tally.minutes.items():
            if _recent(minute, frame):
                minutes[minute] = minutes.get(minute, 0) + n
            else:
                older += n
    last = max((t.last_minute for t in tallies if t.last_minute is not None), default=None)
    return SignalEvidence(
        count=sum(tally.count for tally in tallies) - older,
        minutes=minutes,
        last=None if last is None else instant_of(last),
        lines=_shown((line for tally in tallies for line in tally.lines), frame.secrets),
    )


def _shown(lines: Iterable[bytes], secrets: tuple[bytes, ...]) -> tuple[str, ...]:
    return tuple(evidence_line(line, secrets) for line in list(lines)[-EVIDENCE_LINES:])


def _routes(
    parts: Sequence[Counted], owner: Mapping[str, str], secrets: tuple[bytes, ...]
) -> dict[str, dict[str, int]]:
    routes: dict[str, dict[str, int]] = {}
    for part in parts:
        for signal, found in part.tally.routes.items():
            if owner.get(signal) != part.profile.name:
                continue
            into = routes.setdefault(signal, {})
            for path, n in found.items():
                route = evidence_line(path.encode(), secrets)[:_MAX_ROUTE]
                into[route] = into.get(route, 0) + n
    return routes


def _leaks(parts: Sequence[Counted], secrets: tuple[bytes, ...]) -> tuple[Leak, ...]:
    counts: dict[LeakKey, int] = {}
    lines: dict[LeakKey, bytes] = {}
    for part in parts:
        for key, n in part.tally.leaks.items():
            counts[key] = counts.get(key, 0) + n
            lines[key] = part.tally.leak_lines[key]
    return tuple(
        Leak(
            kind=key.kind,
            place=key.place,
            proof=key.proof,
            count=n,
            fingerprint=key.fingerprint,
            example=evidence_line(lines[key], secrets),
        )
        for key, n in sorted(counts.items(), key=lambda item: (-item[1], item[0].fingerprint))
    )
