"""What a scan remembers of one file: counts, open requests, leaks, and where it stopped.

The values are built up in place while a file is scanned; a scan copies the state that it is given
first, so a caller's state never changes under it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from checks.engine.model import Proof
from checks.sources.logs.ids import IdHash, IdMemory
from checks.sources.logs.outages import Outages

EVIDENCE_LINES = 5
MAX_ROUTES = 200
ROUTES_IN_FULL = 2_000
"""Bad responses whose routes are all looked at; beyond them the last few of each chunk are."""
ROUTES_A_CHUNK = 5
MAX_CREATED = 5_000
MAX_CHANGES = 5_000
MAX_OWN_EVENTS = 1_000
MAX_LEAK_GROUPS = 200
_MAX_OPEN_LEAKS = 1_000


def _few() -> deque[bytes]:
    return deque(maxlen=EVIDENCE_LINES)


@dataclass(slots=True, kw_only=True)
class SignalTally:
    """Events of one signal: in all, by epoch minute, and the last raw lines."""

    count: int = 0
    minutes: dict[int, int] = field(default_factory=dict[int, int])
    last_minute: int | None = None
    lines: deque[bytes] = field(default_factory=_few, repr=False)

    def add(self, n: int, minute: int | None) -> None:
        """Count `n` events (negative: take them back) in a minute, if that is known."""
        self.count += n
        if minute is not None:
            self.minutes[minute] = self.minutes.get(minute, 0) + n
            if n > 0 and (self.last_minute is None or minute > self.last_minute):
                self.last_minute = minute

    def copy(self) -> SignalTally:
        """An independent copy."""
        return SignalTally(
            count=self.count,
            minutes=dict(self.minutes),
            last_minute=self.last_minute,
            lines=self.lines.copy(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakKey:
    """What makes two leaking lines the same leak."""

    kind: str
    place: str
    proof: Proof
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLeak:
    """A leak inside a request whose answer decides what it proves. `id` is the id's key."""

    id: int
    key: LeakKey
    line: bytes = field(repr=False)


@dataclass(slots=True, kw_only=True)
class Pairing:
    """Request ids: asked and not yet answered, answered and counted, and not to be trusted.

    `done` keeps what was counted (packed, see pairs.py), so that a later duplicate of the id can
    take it back.
    """

    hashed: IdHash = field(default_factory=IdHash, repr=False)
    open: IdMemory = field(default_factory=IdMemory, repr=False)
    done: IdMemory = field(default_factory=IdMemory, repr=False)
    bad: IdMemory = field(default_factory=IdMemory, repr=False)
    unpaired: int = 0
    lines: deque[bytes] = field(default_factory=_few, repr=False)

    def copy(self) -> Pairing:
        """An independent copy."""
        return Pairing(
            hashed=self.hashed,
            open=self.open.copy(),
            done=self.done.copy(),
            bad=self.bad.copy(),
            unpaired=self.unpaired,
            lines=self.lines.copy(),
        )


def keys_among(ids: IdMemory, leaks: Sequence[OpenLeak]) -> dict[int, int]:
    """The ids of leaks that are remembered there, with their values."""
    if not leaks or not len(ids):
        return {}
    return ids.find(np.array([leak.id for leak in leaks], np.uint64))


@dataclass(slots=True, kw_only=True)
class Tally:
    """Everything counted in one file."""

    signals: dict[str, SignalTally] = field(default_factory=dict[str, SignalTally])
    pairing: Pairing = field(default_factory=Pairing)
    routes: dict[str, dict[str, int]] = field(default_factory=dict[str, dict[str, int]], repr=False)
    routes_sampled: bool = False
    routed: int = 0
    leaks: dict[LeakKey, int] = field(default_factory=dict[LeakKey, int])
    leak_lines: dict[LeakKey, bytes] = field(default_factory=dict[LeakKey, bytes], repr=False)
    open_leaks: list[OpenLeak] = field(default_factory=list[OpenLeak], repr=False)
    proven_leaks: list[OpenLeak] = field(default_factory=list[OpenLeak], repr=False)
    changes: deque[tuple[str, bool, int | None]] = field(
        default_factory=lambda: deque[tuple[str, bool, int | None]](maxlen=MAX_CHANGES)
    )
    campaigns: dict[str, int | None] = field(default_factory=dict[str, int | None])
    created: deque[tuple[str, int | None]] = field(
        default_factory=lambda: deque[tuple[str, int | None]](maxlen=MAX_CREATED)
    )
    own_events: deque[tuple[str, int | None]] = field(
        default_factory=lambda: deque[tuple[str, int | None]](maxlen=MAX_OWN_EVENTS)
    )
    lines: int = 0
    bytes: int = 0
    streak: int = 0
    longest_streak: int = 0
    outages: Outages = field(default_factory=Outages)

    def signal(self, name: str) -> SignalTally:
        """The tally of a signal, made at its first event."""
        found = self.signals.get(name)
        if found is None:
            found = self.signals[name] = SignalTally()
        return found

    def route(self, signal: str, route: str) -> None:
        """Count a response on a (normalised) route; beyond MAX_ROUTES they share "other"."""
        routes = self.routes.setdefault(signal, {})
        if route not in routes and len(routes) >= MAX_ROUTES:
            route = "other"
        routes[route] = routes.get(route, 0) + 1
        self.routed += 1

    def routes_left(self) -> int:
        """Of how many bad responses of a chunk the route is to be looked at."""
        return max(ROUTES_A_CHUNK, ROUTES_IN_FULL - self.routed)

    def leak(self, key: LeakKey, line: bytes, n: int = 1) -> None:
        """Count leaking lines; beyond MAX_LEAK_GROUPS different values share a group.

        `line`: the last of them.
        """
        if key not in self.leaks and len(self.leaks) >= MAX_LEAK_GROUPS:
            key = replace(key, fingerprint="others")
        self.leaks[key] = self.leaks.get(key, 0) + n
        self.leak_lines[key] = line

    def keep_proven(self, leaks: Iterable[OpenLeak]) -> None:
        """Remember leaks that an answer proved; an id that turns out forged takes that back."""
        kept: list[OpenLeak] = []
        proven = list(leaks)
        forged = keys_among(self.pairing.bad, proven)
        for leak in proven:
            if leak.id not in forged:
                kept.append(leak)
                continue
            self._unleak(leak.key)
            self.leak(replace(leak.key, proof=Proof.ATTEMPTED), leak.line)
        self.proven_leaks = kept[-_MAX_OPEN_LEAKS:]

    def in_a_row(self, failed: npt.NDArray[np.bool_]) -> None:
        """Carry the number of 5xx responses in a row on through these, of which some failed."""
        breaks = np.flatnonzero(~failed)
        if not len(breaks):
            self.streak += len(failed)
        else:
            edges = np.diff(np.concatenate(([-1], breaks, [len(failed)]))) - 1
            self.longest_streak = max(
                self.longest_streak, self.streak + int(edges[0]), int(edges[1:-1].max(initial=0))
            )
            self.streak = int(edges[-1])
        self.longest_streak = max(self.longest_streak, self.streak)

    def _unleak(self, key: LeakKey) -> None:
        if key not in self.leaks:
            key = replace(key, fingerprint="others")
        self.leaks[key] -= 1
        if not self.leaks[key]:
            del self.leaks[key], self.leak_lines[key]

    def keep_open(self, leaks: Iterable[OpenLeak]) -> None:
        """Remember leaks whose request has no answer yet; the oldest of very many are attempts."""
        self.open_leaks = list(leaks)
        while len(self.open_leaks) > _MAX_OPEN_LEAKS:
            oldest = self.open_leaks.pop(0)
            self.leak(oldest.key, oldest.line)

    def copy(self) -> Tally:
        """An independent copy."""
        return Tally(
            signals={name: tally.copy() for name, tally in self.signals.items()},
            pairing=self.pairing.copy(),
            routes={signal: dict(routes) for signal, routes in self.routes.items()},
            routes_sampled=self.routes_sampled,
            routed=self.routed,
            leaks=dict(self.leaks),
            leak_lines=dict(self.leak_lines),
            open_leaks=list(self.open_leaks),
            proven_leaks=list(self.proven_leaks),
            changes=self.changes.copy(),
            campaigns=dict(self.campaigns),
            created=self.created.copy(),
            own_events=self.own_events.copy(),
            lines=self.lines,
            bytes=self.bytes,
            streak=self.streak,
            longest_streak=self.longest_streak,
            outages=self.outages.copy(),
        )


@dataclass(slots=True, kw_only=True)
class FileState:
    """Where the scan of one path stopped, and what it had counted by then.

    head: the first bytes of the file, hashed: a file cut and written anew has another beginning
    size: bytes of the file when it was scanned last
    high: running maximum of the line times, epoch seconds
    begun: inode and byte that counting began at; what lies before in that file is never counted
    """

    path: str
    device: int
    inode: int
    offset: int
    head: bytes
    head_size: int
    profile: str
    prefix: str
    timed: bool
    size: int = 0
    high: float | None = None
    begun: tuple[int, int] = (0, 0)
    tally: Tally = field(default_factory=Tally)
    sampled: int = 0
    recognised: int = 0
    notes: tuple[str, ...] = ()

    def copy(self) -> FileState:
        """An independent copy."""
        return FileState(
            path=self.path,
            device=self.device,
            inode=self.inode,
            offset=self.offset,
            head=self.head,
            head_size=self.head_size,
            profile=self.profile,
            prefix=self.prefix,
            timed=self.timed,
            size=self.size,
            high=self.high,
            begun=self.begun,
            tally=self.tally.copy(),
            sampled=self.sampled,
            recognised=self.recognised,
            notes=self.notes,
        )
