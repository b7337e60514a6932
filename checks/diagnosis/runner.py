"""One diagnosis: look at every source that the procedure needs, then conclude from what was seen.

This is the only part that touches a source. It takes ten seconds at most: what is late could not
be tested, and is told as such.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from checks.diagnosis.application import Application, HttpApplication
from checks.diagnosis.facts import CertificateFacts, EventFacts, Facts, ServerFacts, UnitFacts
from checks.diagnosis.model import Diagnosis, Probe, Procedure, conclude
from checks.diagnosis.units import CONNECTIONS, ask, connections
from checks.engine.check import Query
from checks.engine.collecting import NO_DATABASE, NO_LOG, NO_URL, traffic, without_misread
from checks.engine.model import (
    DatabaseEvidence,
    Evidence,
    HealthEvidence,
    LogEvidence,
    Problem,
    QueryResult,
)
from checks.engine.own_events import own_probes
from checks.engine.plan import Occasion
from checks.engine.runbook import Runbook
from checks.engine.thresholds import Rule
from checks.sources.database import Database
from checks.sources.evolution import Evolution, ServerSettings
from checks.sources.http import HealthProbe
from checks.sources.logs.source import LogSource, ScanRequest

_NOT_NEEDED = Problem(what="This diagnosis does not need it.", mend="")
_NO_EVOLUTION = Problem(
    what="No way to ask Evolution was given.", mend="Set EVOLUTION_API_URL and EVOLUTION_API_KEY."
)
_AGAIN = "Diagnose again; if it stays, look at its load."


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Seconds that each step may take, and how many units are asked about.

    Log and database are read side by side; the probes come after them.
    """

    reading: float = 4.5
    probes: float = 5.0
    units: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where a diagnosis looks; None for what was not given.

    health:      with one try and short timeouts: a probe that is late tells nothing
    environment: Evolution's address and key for connections that name none of their own
    """

    log: LogSource | None = None
    database: Database | None = None
    health: HealthProbe | None = None
    application: Application = field(default_factory=lambda: HttpApplication(None))
    evolution: Evolution | None = None
    environment: ServerSettings = field(default_factory=ServerSettings)


async def diagnose(
    procedure: Procedure,
    sources: Sources,
    occasion: Occasion,
    runbook: Runbook,
    *,
    log: LogEvidence | None = None,
    limits: Limits | None = None,
) -> Diagnosis:
    """Look, and conclude.

    Args:
        procedure: the incident's.
        sources: where to look.
        occasion: the window, the instant, what a watch observed, what own probes left in the log.
        runbook: how long, how much and how many, as the checks go by it.
        log: what a scan of the log already saw; None scans it.
        limits: how long it may take.
    """
    return conclude(procedure, await look(procedure, sources, occasion, runbook, log, limits))


async def look(
    procedure: Procedure,
    sources: Sources,
    occasion: Occasion,
    runbook: Runbook,
    log: LogEvidence | None = None,
    limits: Limits | None = None,
) -> Facts:
    """See everything that the procedure needs. Trouble is part of the facts."""
    looking = _Looking(
        procedure=procedure,
        sources=sources,
        occasion=occasion,
        rules={check: runbook.numbers(check, occasion.checkpoint) for check in procedure.checks},
        limits=limits or Limits(),
    )
    # The log first: the test event, which is sent after it, does not stand in what was read.
    scanned, database = await asyncio.gather(looking.scan(log), looking.query())
    database = without_misread(database, looking.queries, traffic(database, occasion, scanned))
    health, certificate, event, asked = await asyncio.gather(
        looking.health(), looking.certificate(), looking.event(), looking.evolution(database)
    )
    return Facts(
        evidence=Evidence(
            now=occasion.now,
            window=occasion.window,
            log=scanned,
            database=_without_secrets(database),
            health=health,
            observed=occasion.observed,
            own_probes={**occasion.own_probes, **own_probes(scanned, occasion.own_events)},
        ),
        base=sources.application.base,
        units=asked.units,
        units_total=asked.total,
        units_problem=asked.problem,
        servers=asked.servers,
        certificate=certificate,
        event=event,
        rules=looking.rules,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    units: tuple[UnitFacts, ...] = ()
    servers: tuple[ServerFacts, ...] = ()
    total: int = 0
    problem: Problem | None = None


_T = TypeVar("_T")
_abandoned: set[asyncio.Task[Any]] = set()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Looking:
    procedure: Procedure
    sources: Sources
    occasion: Occasion
    rules: Mapping[str, Rule]
    limits: Limits

    @property
    def queries(self) -> tuple[Query, ...]:
        asked = (CONNECTIONS,) if self.needs(Probe.EVOLUTION) else ()
        return (*self.procedure.queries, *asked)

    def needs(self, probe: Probe) -> bool:
        return probe in self.procedure.probes

    async def scan(self, known: LogEvidence | None) -> LogEvidence:
        if known is not None:
            return known
        if not self.procedure.signals:
            return LogEvidence(source="", problem=_NOT_NEEDED)
        if self.sources.log is None:
            return LogEvidence(source="", problem=NO_LOG)
        request = ScanRequest(
            window=self.occasion.window,
            since_offset=self.occasion.since_offset,
            secrets=self.occasion.secrets,
            fingerprint_key=self.occasion.fingerprint_key,
            marks=self.occasion.marks,
        )
        scanned = await _within(self.limits.reading, self.sources.log.scan(request))
        return LogEvidence(source="", problem=_late("The log")) if scanned is None else scanned[0]

    def numbers(self) -> dict[str, object]:
        """The numbers of the runbook: each param by its name, each window as CHECK_since."""
        out: dict[str, object] = {}
        for check, rule in self.rules.items():
            out.update(rule.params)
            since = None if rule.window is None else self.occasion.now - rule.window
            out[f"{check}_since"] = since or self.occasion.window.since
        return out

    async def query(self) -> DatabaseEvidence:
        values = {
            **self.procedure.params,
            **self.numbers(),
            "now": self.occasion.now,
            "since": self.occasion.window.since,
            "until": self.occasion.window.until,
            "most_units": self.limits.units,
        }
        if not self.queries:
            return DatabaseEvidence(problem=_NOT_NEEDED)
        if self.sources.database is None:
            return DatabaseEvidence(problem=NO_DATABASE)
        work = [(query, values) for query in self.queries]
        found = await _within(self.limits.reading, self.sources.database.collect(work))
        return found or DatabaseEvidence(problem=_late("The database"))

    async def health(self) -> HealthEvidence:
        if not self.needs(Probe.BASE_URL):
            return HealthEvidence(problem=_NOT_NEEDED)
        if self.sources.health is None:
            return HealthEvidence(problem=NO_URL)
        found = await _within(self.limits.probes, self.sources.health.probe())
        return found or HealthEvidence(problem=_late("BASE_URL"))

    async def certificate(self) -> CertificateFacts | None:
        if not self.needs(Probe.CERTIFICATE):
            return None
        found = await _within(self.limits.probes, self.sources.application.certificate())
        return found or CertificateFacts(problem=_late("BASE_URL"))

    async def event(self) -> EventFacts | None:
        if not self.needs(Probe.TEST_EVENT) or isinstance(self.sources.application.base, Problem):
            return None
        found = await _within(self.limits.probes, self.sources.application.send_event())
        return found or EventFacts(name="", problem=_late("The webhook route"))

    async def evolution(self, database: DatabaseEvidence) -> _Asked:
        if not self.needs(Probe.EVOLUTION):
            return _Asked()
        result = database.results.get(CONNECTIONS.name, QueryResult(problem=NO_DATABASE))
        problem = database.problem or result.problem
        if problem is None and self.sources.evolution is None:
            problem = _NO_EVOLUTION
        if problem is not None or self.sources.evolution is None:
            return _Asked(problem=problem)
        total = result.rows[0]["total"] if result.rows else 0
        # Each row may bring a secret of any length, to be looked for from now on.
        found = await asyncio.to_thread(connections, result.rows, self.sources.environment)
        units, servers = await ask(
            self.sources.evolution,
            found,
            base_url=self.sources.application.base_url,
            seconds=self.limits.probes,
        )
        return _Asked(units=units, servers=servers, total=total if isinstance(total, int) else 0)


def _without_secrets(database: DatabaseEvidence) -> DatabaseEvidence:
    """The database's answers without the connections, which hold keys and secrets."""
    kept = {name: found for name, found in database.results.items() if name != CONNECTIONS.name}
    return replace(database, results=kept)


def _late(what: str) -> Problem:
    return Problem(what=f"{what} did not answer in the time that a diagnosis has.", mend=_AGAIN)


async def _within(seconds: float, work: Coroutine[Any, Any, _T]) -> _T | None:
    """What the work returns, or None when it is late.

    Late work is told to stop and is not waited for: a database that hangs takes its time to agree.
    """
    task = asyncio.ensure_future(work)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        task.cancel()
        raise
    if done:
        return task.result()
    _abandoned.add(task)
    task.add_done_callback(_forget)
    task.cancel()
    return None


def _forget(task: asyncio.Task[Any]) -> None:
    _abandoned.discard(task)
    if not task.cancelled():
        task.exception()
