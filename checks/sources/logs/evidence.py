"""From what the files' scans counted to the evidence that checks measure: masked and summed up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from checks.engine.masking import evidence_line
from checks.engine.model import (
    ConnectionChange,
    CreatedMessage,
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
        streak_5xx=max((p.tally.longest_streak for p in main), default=0) if best.has_ids else None,
        grew=frame.grew,
        notes=(*frame.notes, *(note for part in parts for note in part.notes)),
        until=frame.until,
    )


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
