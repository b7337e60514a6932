"""The words of the engine: levels, evidence, measurements, findings, verdicts.

Everything here is a plain frozen value. Sources fill `Evidence`, a check turns it into a
`Measurement`, a rule of the runbook judges that into a `Finding`, and all findings are decided on
together into a `Verdict`. None of these types does I/O or knows the clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


class Level(StrEnum):
    """The four states of a finding. UNKNOWN: could not look, or no evidence. It is never OK."""

    OK = "OK"
    WARNING = "WARNING"
    CRITICAL = "CRITICAL"
    UNKNOWN = "UNKNOWN"


class Decision(StrEnum):
    """What the runbook's decision matrix knows."""

    GO = "GO"
    MONITOR = "MONITOR"
    NO_GO = "NO-GO"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A half-open span of time, `since <= t < until`; both aware, in UTC."""

    since: datetime
    until: datetime

    def last(self, span: timedelta | None) -> Window:
        """The part of this window that lies in its last `span`; all of it for None."""
        if span is None:
            return self
        return Window(since=max(self.since, self.until - span), until=self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why something could not be looked at, and what the reader can do about it.

    `what` and `mend` are whole sentences for a person on call, free of secrets.
    """

    what: str
    mend: str

    def __str__(self) -> str:
        return f"{self.what} {self.mend}".strip()


# --- evidence: what the sources saw -------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalEvidence:
    """How often one signal occurred in the scanned part of the log.

    minutes: epoch minute (Unix time // 60) → events; empty where the log carries no times.
    lines:   the last five lines, masked and escaped.
    """

    count: int = 0
    minutes: Mapping[int, int] = field(default_factory=dict[int, int])
    last: datetime | None = None
    lines: tuple[str, ...] = ()


MAX_FAILED = 1_000
"""Clients, units and routes of failing responses that are told apart; more are not counted."""


class Proof(StrEnum):
    """How sure it is that a secret in the log is a leak of the application.

    proven:    a known live secret, inside an error dump, or in a request not answered 4xx
    attempted: only in requests that were answered 4xx or not at all (a stranger's guess)
    proxy:     a webhook path in an access log, whose writer cannot mask
    """

    PROVEN = "proven"
    ATTEMPTED = "attempted"
    PROXY = "proxy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """Lines that carry the same unmasked secret in the same place. Never holds the value."""

    kind: str
    place: str
    proof: Proof
    count: int
    fingerprint: str
    example: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionChange:
    """A unit's status as the log says that it changed; `minute` None in a log without times."""

    unit: str
    connected: bool
    minute: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedMessage:
    """An inbound message that the log says was stored: its row id, and when (epoch seconds)."""

    id: str
    at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FailingStretch:
    """Unbroken time in which responses failed (5xx), as the log shows it.

    Health checks, preflights, 3xx and 4xx neither count nor end it; a 2xx ends it only on a route
    that failed in it.

    first, last: when its first and its last failing response were logged, in epoch seconds
    routes:      distinct routes among the failing responses
    clients:     distinct clients; paths instead, where the log names no client
    """

    first: float
    last: float
    routes: int
    clients: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEvidence:
    """What one scan of the log saw, summed over all files of the source.

    problem:    set when nothing can be said at all (no log, unreadable, format not recognised)
    unwindowed: set when counts exist but it is not known which of them lie in the window
    carries:    signals that the profile's format can show; any other is UNKNOWN, not zero
    by_offset:  counted from a byte on; every counted event is in every window
    sampled:    lines of the newest part that were looked at, of which the profile `recognised`
    routes:     signal → route → responses; a sample where there are very many (`routes_sampled`)
    unpaired:   responses not counted because their id has not exactly one request and response;
                None where the format carries no ids and forgery cannot be seen
    streak_5xx: most responses in a row, in file order, that were 5xx; None where not tracked
    until:      where the counts end, where that is not the window's end: before it, what was
                written later may not have arrived yet; after it, nothing tells what is older
    unknown:    signals that the format carries but that could not be counted here, and why
    own_events: name → events of `unknown_instance` that carry it, of names that look like those of
                golive's own test events
    unsearched: why the live secrets, or some of them, were not searched; None where all were, and
                where no database was given that could name them
    failing:    stretches of failing responses that may be an outage, oldest first; None where they
                were not looked for (a log without times, or evidence of an older version)
    succeeded:  whether a response below 400 was ever seen, in the window or before it; None where
                that was not looked for. A log that only carries errors says nothing of an outage
    failed_clients, failed_units: distinct clients and units of the responses that were 5xx, at
                most MAX_FAILED; None where the log does not name them, or was not asked
    """

    source: str
    problem: Problem | None = None
    unwindowed: Problem | None = None
    profile: str | None = None
    timed: bool = False
    carries: frozenset[str] = frozenset()
    signals: Mapping[str, SignalEvidence] = field(default_factory=dict[str, SignalEvidence])
    by_offset: bool = False
    routes: Mapping[str, Mapping[str, int]] = field(default_factory=dict[str, dict[str, int]])
    routes_sampled: bool = False
    leaks: tuple[Leak, ...] = ()
    secrets_searched: int = 0
    connections: tuple[ConnectionChange, ...] = ()
    campaigns: Mapping[str, float | None] = field(default_factory=dict[str, float | None])
    created: tuple[CreatedMessage, ...] = ()
    bytes: int = 0
    lines: int = 0
    sampled: int = 0
    recognised: int = 0
    unpaired: int | None = None
    unpaired_lines: tuple[str, ...] = ()
    streak_5xx: int | None = None
    grew: bool | None = None
    notes: tuple[str, ...] = ()
    until: datetime | None = None
    unknown: Mapping[str, Problem] = field(default_factory=dict[str, Problem])
    own_events: Mapping[str, int] = field(default_factory=dict[str, int])
    unsearched: Problem | None = None
    failing: tuple[FailingStretch, ...] | None = None
    succeeded: bool | None = None
    failed_clients: int | None = None
    failed_units: int | None = None


Row: TypeAlias = Mapping[str, bool | int | float | str | datetime | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryResult:
    """The rows of one query, or why there are none."""

    rows: tuple[Row, ...] = ()
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseEvidence:
    """Results by query name, all from one snapshot; `problem` when there was no connection.

    What was not covered is a problem of each query that reads it. Beside that stands:

    hidden:       tables whose rows the reader does not see, or not all of them, or not as they are
    standby:      whether it is a standby; stale: why it does not have what its primary has
    server_time:  its clock; clock_offset: seconds that it is ahead of golive's
    timezone:     in which timestamps without time zone were read
    zoneless:     the columns, as "table.column", that were read so
    newest:       when the newest message was made, where that is such a column
    """

    problem: Problem | None = None
    server_version: str | None = None
    results: Mapping[str, QueryResult] = field(default_factory=dict[str, QueryResult])
    hidden: tuple[str, ...] = ()
    standby: bool = False
    stale: Problem | None = None
    server_time: datetime | None = None
    clock_offset: float = 0.0
    timezone: str | None = None
    zoneless: tuple[str, ...] = ()
    newest: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeTry:
    """One GET: the status that came back, or None and the reason; `seconds` is the latency."""

    status: int | None
    seconds: float
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthEvidence:
    """The tries of one health probe; `url` carries no credentials."""

    problem: Problem | None = None
    url: str = ""
    tries: tuple[ProbeTry, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What a watch has seen since T+0 and a single run cannot know.

    inserted:          rows ever inserted into messages, as counted at T+0 (n_tup_ins)
    connected_at_start: units that were connected at T+0
    drops:             unit → disconnects that the watch's own samples saw in the window
    progress:          campaign id → latest instant at which the watch saw it move
    failed_at_start:   campaign id → recipients that had failed at T+0, of those in processing then
    inbound_expected:  why inbound traffic is known to be expected; None if nothing says so
    probes:            epoch minute → whether any health probe of that minute answered below 500
    began:             the watch's first look; long after T+0 it tells little about T+0
    pairing:           unit → the first of its looks in a row that saw it in `qr` or `connecting`
    """

    deployed_at: datetime
    inserted: int | None = None
    connected_at_start: frozenset[str] = frozenset()
    drops: Mapping[str, int] = field(default_factory=dict[str, int])
    progress: Mapping[str, datetime] = field(default_factory=dict[str, datetime])
    inbound_expected: str | None = None
    probes: Mapping[int, bool] = field(default_factory=dict[int, bool])
    failed_at_start: Mapping[str, int] = field(default_factory=dict[str, int])
    began: datetime | None = None
    pairing: Mapping[str, datetime] = field(default_factory=dict[str, datetime])


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything that the sources saw for one run; serialisable, so a verdict can be replayed.

    observed:   None in a single run, where nothing was watched
    own_probes: signal → events in the log that golive's own probes caused
    expected:   signal → a sentence on those of its events that a fix explains; they count
    looked_at:  when it was looked at, where that is later than `now`, whose state it is to show
    """

    now: datetime
    window: Window
    log: LogEvidence
    database: DatabaseEvidence
    health: HealthEvidence
    observed: Observed | None = None
    own_probes: Mapping[str, int] = field(default_factory=dict[str, int])
    expected: Mapping[str, str] = field(default_factory=dict[str, str])
    looked_at: datetime | None = None

    @property
    def taken_at(self) -> datetime:
        """When it was looked at."""
        return self.looked_at or self.now

    @property
    def logged(self) -> Window:
        """The span that the log is known for: less than the window, or more if it cannot be cut."""
        until = self.log.until
        if until is None or (until >= self.window.until and self.looked_at is None):
            return self.window
        return Window(since=min(self.window.since, until), until=until)


# --- measurement: what one check makes of it ----------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """One number that the runbook puts a bound on.

    A plain count has no `sample`. A share (0.0–1.0) names the events it is a share of (`sample`)
    and how many of them were bad (`bad`), because a ratio needs a sample before it is judged.
    """

    value: float
    sample: int | None = None
    bad: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What a check measured, before anyone judges it.

    value:      the headline number in `unit`; None when there is nothing to measure
    unknown:    set when no level can be given; the finding is then UNKNOWN
    quantities: the numbers that thresholds name
    summary:    one sentence for a person in a hurry, without a level word
    window:     the span the numbers are about; None where the log carries no times
    """

    value: float | int | None
    unit: str
    summary: str
    quantities: Mapping[str, Quantity] = field(default_factory=dict[str, Quantity])
    unknown: Problem | None = None
    details: Mapping[str, Json] = field(default_factory=dict[str, Json])
    evidence: tuple[str, ...] = ()
    window: Window | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A judged measurement.

    value:     None where the level is UNKNOWN
    threshold: as interface JSON shows it: {"warning": 6, "critical": 16}; for ratios
               {"warning": {"above": 0.05}, …}; None for compound rules, whose text stands in
               details["threshold"]
    would_change: what the measurement would have to be for a better level, as a sentence; "" if OK
    accepted_by: who accepted this WARNING or UNKNOWN for the rest of the watch
    """

    check: str
    title: str
    level: Level
    value: float | int | None
    unit: str
    summary: str
    threshold: dict[str, Json] | None
    details: Mapping[str, Json]
    evidence: tuple[str, ...] = ()
    window: Window | None = None
    quantities: Mapping[str, Quantity] = field(default_factory=dict[str, Quantity])
    unknown: Problem | None = None
    would_change: str = ""
    accepted_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """A rollback or success criterion: met, not met, or not verified (None), and why."""

    id: str
    met: bool | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The decision, the reasons it rests on, what is missing, and what would change it."""

    decision: Decision
    because: tuple[str, ...]
    missing: tuple[str, ...] = ()
    would_change: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One run of the checks: what `golive check` prints and a checkpoint posts."""

    checkpoint: str
    taken_at: datetime
    window: Window | None
    findings: tuple[Finding, ...]
    rollback_criteria: tuple[Criterion, ...]
    success_criteria: tuple[Criterion, ...]
    verdict: Verdict
    evidence: Evidence
    switched_off: Mapping[str, str] = field(default_factory=dict[str, str])


def minute_of(instant: datetime) -> int:
    """The epoch minute that an aware instant lies in."""
    return int(instant.timestamp()) // 60


def instant_of(minute: int) -> datetime:
    """The start of an epoch minute, in UTC."""
    return datetime.fromtimestamp(minute * 60, UTC)
