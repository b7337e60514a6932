"""Looking at the application, for every watch of this process and for `/golive status`.

The log is read on from where the last look stopped, so that a look costs what is new. Callers
within a few seconds share one look.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.operations.metrics import UNMEASURED, Metrics, Run
from bot.storage.values import WatchState
from bot.watch import observing
from bot.watch.known_secrets import KnownSecrets
from bot.watch.model import Deployment
from bot.watch.shared import Shared
from bot.watch.verdict import Look
from checks.engine import plan, runner
from checks.engine.check import Check
from checks.engine.history import Past
from checks.engine.model import DatabaseEvidence, Evidence, Problem, Report, Window
from checks.engine.runbook import Runbook
from checks.engine.runbook.model import FINAL
from checks.engine.runner import Occasion, Sources
from checks.sources.database import Database
from checks.sources.database.snapshot import Work
from checks.sources.http import HealthProbe
from checks.sources.logs.source import Mark, ScanState

_NONE = timedelta(0)

_SLACK = timedelta(minutes=10)
"""How much further back than the last hour a live look may begin, to be read on from."""

MARKS_KEPT = timedelta(hours=3)
"""How long a mark is remembered: longer than any window of a log that carries no times."""

_LIVE = "live"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a look at a watch is about, besides the application itself.

    checkpoint: whose thresholds judge: "1", "2", "3" or "final"
    recent:     whether only the last hour counts (a follow-up), not everything since the deploy
    exact:      whether nothing older than the window may be in it; else the log is read on
    due:        the instant that is judged, if it is past: a point that is taken late
    present:    whose thresholds hold now, for what cannot be told for that instant
    superseded: whether a later point is due as well
    """

    deployment: Deployment
    checkpoint: str
    state: WatchState
    recent: bool = False
    exact: bool = True
    accepted: Mapping[str, str] = field(default_factory=dict[str, str])
    silenced: Mapping[str, str] = field(default_factory=dict[str, str])
    earlier: Mapping[str, str] = field(default_factory=dict[str, str])
    between: tuple[str, ...] = ()
    past: Mapping[str, Past] = field(default_factory=dict[str, Past])
    only: tuple[str, ...] = ()
    due: datetime | None = None
    present: str = ""
    superseded: bool = False


@dataclass(slots=True, kw_only=True)
class _Reading:
    """How far the log was read for one purpose: from which instant on, and up to which.

    unsearched: whether that was without all live secrets
    """

    since: datetime
    until: datetime
    scan: ScanState | None = None
    unsearched: bool = False


class Lookout:
    """Collects and judges, and remembers how far the log was read.

    Args:
        checks: all checks.
        runbook: whose thresholds and windows hold.
        sources: where to look.
        quick_probe: the health probe of a tick, which waits less long than that of `sources`.
        clock: gives the instant of a look.
        secrets: all that golive was given and that the log must not show.
        fingerprint_key: names a leaked secret without showing it.
        metrics: are told of every look.
    """

    def __init__(
        self,
        *,
        checks: Sequence[Check],
        runbook: Runbook,
        sources: Sources,
        quick_probe: HealthProbe | None = None,
        clock: Clock,
        secrets: tuple[str, ...] = (),
        fingerprint_key: bytes = b"",
        metrics: Metrics = UNMEASURED,
    ) -> None:
        self._checks = checks
        self._runbook = runbook
        self._by_limit = runbook.by_limit()
        self.sources = sources
        self._quick = sources if quick_probe is None else replace(sources, health=quick_probe)
        self._clock = clock
        self._secrets = secrets
        self.known_secrets = KnownSecrets(clock)
        self._metrics = metrics
        self.fingerprint_key = fingerprint_key
        self._readings: dict[str, _Reading] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._marks: list[Mark] = []
        self._shared = Shared(clock)
        self.shared, self.expire = self._shared.report, self._shared.expire
        self._events: dict[str, datetime] = {}
        self.adjust: Callable[[Evidence, str], Awaitable[Evidence]] = _as_it_is
        """Given the evidence and a checkpoint: no fix may turn its own check green."""

    @property
    def now(self) -> datetime:
        """The instant of a look."""
        return self._clock.now()

    # --- marks ----------------------------------------------------------------------------------

    async def mark(self) -> tuple[Mark, ...]:
        """Note how large the log is now: what gives times to a log that carries none."""
        if self.sources.log is None:
            return ()
        fresh = await self.sources.log.marks()
        self.remember_marks(fresh)
        return fresh

    def remember_marks(self, marks: Sequence[Mark]) -> None:
        """Take up marks that were recorded before, or by another replica."""
        oldest = self._clock.now() - MARKS_KEPT
        known = {mark: None for mark in (*self._marks, *marks) if mark.at >= oldest}
        self._marks = sorted(known, key=lambda mark: mark.at)

    def remember_events(self, events: Mapping[str, datetime]) -> None:
        """Take up golive's own test events by their names; what they leave in the log is its own.

        Args:
            events: name → when it was sent, by this replica or another.
        """
        oldest = self._clock.now() - MARKS_KEPT
        known = {**self._events, **events}
        self._events = {name: at for name, at in known.items() if at >= oldest}

    # --- looking --------------------------------------------------------------------------------

    async def watch(self, subject: Subject) -> Report:
        """Look at the application as one watch sees it."""
        return await self._watch(subject, self.sources, "point")

    async def raw(self, subject: Subject) -> Report:
        """The same as it is measured, with what fixes only renamed under its new name."""
        return await self._watch(subject, self.sources, "point", raw=True)

    async def tick(self, subject: Subject, *, database: bool = True) -> Look:
        """The same, in a hurry: one try of the health probe, and shares judged by their limit too.

        Args:
            subject: what the look is about.
            database: whether the database is asked for more than its live secrets.
        """
        begun, sources = time.monotonic(), self._quick
        if sources.database is not None and not database:
            sources = replace(sources, database=_SecretsAlone(sources.database))
        evidence, occasion = await self._seen(subject, sources)
        return Look(
            plain=self._assessed(evidence, occasion, "tick", begun),
            limited=runner.assess(self._checks, self._by_limit, evidence, occasion),
            due=frozenset(self.due(subject.checkpoint)),
            tried=frozenset(check.id for check in self._checks if check.probes),
        )

    async def _watch(
        self, subject: Subject, sources: Sources, run: Run, *, raw: bool = False
    ) -> Report:
        begun = time.monotonic()
        evidence, occasion = await self._seen(subject, sources, raw=raw)
        return self._assessed(evidence, occasion, run, begun)

    async def _seen(
        self, subject: Subject, sources: Sources, *, raw: bool = False
    ) -> tuple[Evidence, Occasion]:
        looked_at = self._clock.now()
        now = subject.due or looked_at
        deployed_at = subject.deployment.deployed_at
        since = deployed_at
        if subject.recent:
            since = max(deployed_at, now - self._runbook.default_window)
        window = Window(since=since, until=max(now, since))
        occasion = replace(
            self._occasion(subject.checkpoint, window, now),
            observed=subject.state.observed,
            accepted=subject.accepted,
            silenced=subject.silenced,
            earlier=subject.earlier,
            between=subject.between,
            past=subject.past,
            only=subject.only,
            looked_at=None if subject.due is None else looked_at,
            present=subject.present,
            superseded=subject.superseded,
        )
        key = str(subject.deployment.id)
        slack = _NONE if subject.exact else _SLACK
        # Whatever was live during the watch is looked for to its end.
        evidence = await self._collect(occasion, sources, key, slack, deployed_at)
        evidence = replace(
            evidence,
            own_probes={
                **observing.own_probes(subject.state, evidence.logged, evidence.log),
                **evidence.own_probes,
            },
        )
        if evidence.observed is not None:
            lately = self._runbook.numbers("inbound_flow", subject.checkpoint).window
            expected = observing.expectation(evidence.log, now, lately)
            evidence = replace(
                evidence, observed=replace(evidence.observed, inbound_expected=expected)
            )
        evidence = evidence if raw else await self.adjust(evidence, subject.checkpoint)
        return evidence, occasion

    def due(self, checkpoint: str) -> tuple[str, ...]:
        """Ids of the checks that a checkpoint judges."""
        now = self._clock.now()
        occasion = self._occasion(checkpoint, Window(since=now, until=now), now)
        return tuple(check.id for check in plan.due(self._checks, occasion))

    @property
    def runbook(self) -> Runbook:
        """By which it judges."""
        return self._runbook

    async def live(self) -> Report:
        """All checks over the last hour, by the final thresholds; callers share it."""
        return await self.shared(_LIVE, self._look_live)

    async def keep_warm(self) -> None:
        """Read the log on, so that the next `live` finds little left to read."""
        await self._look_live()

    def forget(self, key: str) -> None:
        """Drop what is remembered for a watch that ended."""
        self._readings.pop(key, None)
        self._locks.pop(key, None)
        self._shared.forget(key)

    async def tail(self, lines: int) -> tuple[str, ...] | Problem:
        """The last lines of the log, masked; or why there are none."""
        if self.sources.log is None:
            return Problem(
                what="No log was given to golive.",
                mend="Set GOLIVE_LOG or GOLIVE_LOKI_URL.",
            )
        return await self.sources.log.tail(lines, await self.live_secrets())

    async def live_secrets(self) -> tuple[str, ...]:
        """Everything that must never be shown, as literals. Never print them."""
        database = self.sources.database
        if database is None:
            return self._secrets
        live = await self.known_secrets.beside(database, None).secrets()
        return (*self._secrets, *live.values)

    async def _look_live(self) -> Report:
        begun, now = time.monotonic(), self._clock.now()
        window = Window(since=now - self._runbook.default_window, until=now)
        occasion = self._occasion(FINAL, window, now)
        evidence = await self._collect(occasion, self.sources, _LIVE, _SLACK, window.since)
        return self._assessed(evidence, occasion, "live", begun)

    def _assessed(self, evidence: Evidence, occasion: Occasion, run: Run, begun: float) -> Report:
        report = runner.assess(self._checks, self._runbook, evidence, occasion)
        levels = {finding.check: finding.level for finding in report.findings}
        self._metrics.looked(run, levels, time.monotonic() - begun)
        return report

    def occasion(self, deployment: Deployment | None, state: WatchState) -> Occasion:
        """What a diagnosis looks at: since the deploy of a watch, else the last hour."""
        now = self._clock.now()
        since = deployment.deployed_at if deployment else now - self._runbook.default_window
        window = Window(since=min(since, now), until=now)
        return replace(self._occasion(FINAL, window, now), observed=state.observed)

    def _occasion(self, checkpoint: str, window: Window, now: datetime) -> Occasion:
        return Occasion(
            checkpoint=checkpoint,
            window=window,
            now=now,
            secrets=self._secrets,
            fingerprint_key=self.fingerprint_key,
            marks=tuple(self._marks),
            own_events=tuple(self._events),
        )

    async def _collect(
        self, occasion: Occasion, sources: Sources, key: str, slack: timedelta, live: datetime
    ) -> Evidence:
        """Look once, reading the log on where what was read before still fits the window.

        Secrets that were live at the instant `live` or later are looked for, replaced or not.
        """
        since, until = occasion.window.since, occasion.window.until
        if sources.database is not None:
            known = self.known_secrets.beside(sources.database, live)
            sources = replace(sources, database=known)
        async with self._locks.setdefault(key, asyncio.Lock()):
            reading = self._readings.get(key)
            if reading is not None and reading.until > until:
                # What was read beyond the window's end cannot be taken back: that is read apart.
                reading = _Reading(since=since, until=until)
            elif reading is None or not since - slack <= reading.since <= since:
                reading = self._readings[key] = _Reading(since=since, until=until)
            reading.until = until
            evidence, reading.scan = await runner.collect(
                self._checks, self._runbook, sources, occasion, state=reading.scan
            )
            if reading.unsearched and evidence.log.unsearched is None:
                # The secrets are known now: what was read without them is read again.
                evidence, reading.scan = await runner.collect(
                    self._checks, self._runbook, sources, occasion
                )
            reading.unsearched = evidence.log.unsearched is not None
        return evidence


class _SecretsAlone:
    """Implements `Database` by another one, which is asked for its live secrets and nothing else.

    Without them the log would be searched for less, and had to be read again.
    """

    def __init__(self, database: Database) -> None:
        self.secrets = database.secrets

    async def collect(self, work: Work) -> DatabaseEvidence:
        """Nothing."""
        del work
        return DatabaseEvidence(problem=_NOT_NOW)


_NOT_NOW = Problem(
    what="The database was not asked at this look.",
    mend="It is asked every `between.database_every` of the runbook, and at each checkpoint.",
)


async def _as_it_is(evidence: Evidence, checkpoint: str) -> Evidence:
    del checkpoint
    return evidence
