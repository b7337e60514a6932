"""Looking at every source once: the only part of the engine that does I/O."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar
from uuid import UUID

import structlog

from checks.engine import plan
from checks.engine.check import Check, Query
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
from checks.sources.database import Database, LiveSecrets
from checks.sources.database.coverage import Traffic, misread_times
from checks.sources.http import HealthProbe
from checks.sources.logs.source import LogSource, ScanRequest, ScanState

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)

Progress = Callable[[int, int], None]

NO_LOG = Problem(
    what="No log was given.",
    mend="Use --log PATH or --loki URL, for the bot GOLIVE_LOG or GOLIVE_LOKI_URL.",
)
NO_DATABASE = Problem(
    what="No database was given.", mend="Set GOLIVE_DATABASE_URL, or GOLIVE_DATABASE_URL_FILE."
)
NO_URL = Problem(what="No base URL was given.", mend="Use --base-url URL or BASE_URL.")
_NOT_NEEDED = Problem(what="No check of this run needed it.", mend="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where the evidence comes from; None for what was not given."""

    log: LogSource | None = None
    database: Database | None = None
    health: HealthProbe | None = None


async def collect(
    checks: Sequence[Check],
    runbook: Runbook,
    sources: Sources,
    occasion: Occasion,
    *,
    state: ScanState | None = None,
    progress: Progress | None = None,
) -> tuple[Evidence, ScanState | None]:
    """Look at every source that the checks need, once.

    The live secrets come first, because the log is searched for them; then the log; then the
    database, which is asked about what the log says, beside the health probe, whose own requests
    therefore never stand in the log that was just read.

    Args:
        checks: what there is to measure.
        runbook: by which rules.
        sources: where to look.
        occasion: the window, and what is to be searched.
        state: what the last scan of this log remembered; None reads the window anew.
        progress: is told (bytes done, bytes in all) while the log is read.

    Returns:
        The evidence, and what the next scan needs (`state` again where no log was read).
    """
    chosen = plan.measured(checks, runbook, occasion)
    log, state = await _scan(chosen, sources, occasion, state, progress)
    chosen = plan.measured(checks, runbook, occasion, log)
    database, health = await asyncio.gather(
        _query(chosen, sources.database, occasion, log), _probe(chosen, sources.health)
    )
    evidence = Evidence(
        now=occasion.now,
        window=occasion.window,
        log=log,
        database=database,
        health=health,
        observed=occasion.observed,
        own_probes={**occasion.own_probes, **own_probes(log, occasion.own_events)},
        looked_at=occasion.looked_at,
    )
    return evidence, state


async def _scan(
    chosen: Sequence[tuple[Check, Rule]],
    sources: Sources,
    occasion: Occasion,
    state: ScanState | None,
    progress: Progress | None,
) -> tuple[LogEvidence, ScanState | None]:
    if not any(check.signals for check, _ in chosen):
        return LogEvidence(source="", problem=_NOT_NEEDED), state
    if sources.log is None:
        return LogEvidence(source="", problem=NO_LOG), state
    known = LiveSecrets()
    if sources.database is not None:
        asked = await _guarded("database", sources.database.secrets())
        known = LiveSecrets(problem=asked) if isinstance(asked, Problem) else asked
    request = ScanRequest(
        window=occasion.window,
        since_offset=occasion.since_offset,
        secrets=(*occasion.secrets, *known.values),
        fingerprint_key=occasion.fingerprint_key,
        marks=occasion.marks,
    )
    scanned = await _guarded("log", sources.log.scan(request, state, progress))
    if isinstance(scanned, Problem):
        return LogEvidence(source="", problem=scanned), state
    found, state = scanned
    return replace(found, unsearched=known.problem), state


async def _query(
    chosen: Sequence[tuple[Check, Rule]],
    database: Database | None,
    occasion: Occasion,
    log: LogEvidence,
) -> DatabaseEvidence:
    work = [
        (query, _parameters(rule, occasion, log))
        for check, rule in chosen
        for query in check.queries
    ]
    if not work:
        return DatabaseEvidence(problem=_NOT_NEEDED)
    if database is None:
        return DatabaseEvidence(problem=NO_DATABASE)
    found = await _guarded("database", database.collect(work))
    if isinstance(found, Problem):
        return DatabaseEvidence(problem=found)
    return without_misread(found, [query for query, _ in work], traffic(found, occasion, log))


def without_misread(
    evidence: DatabaseEvidence, queries: Sequence[Query], traffic: Traffic
) -> DatabaseEvidence:
    """The evidence without answers that rest on times read in another zone than written in."""
    problem = misread_times(evidence, traffic)
    if problem is None:
        return evidence
    zoneless = set(evidence.zoneless)
    misread = {
        query.name: QueryResult(problem=problem)
        for query in queries
        if zoneless & {f"{table}.{name}" for table, names in query.reads.items() for name in names}
    }
    return replace(evidence, results={**evidence.results, **misread})


_MESSAGES = ("inbound_created", "send_ok")


def traffic(evidence: DatabaseEvidence, occasion: Occasion, log: LogEvidence) -> Traffic:
    """What counter and log know of messages that came, whatever the rows' own times say."""
    observed, counter = occasion.observed, evidence.results.get("messages_inserted")
    if observed is not None and observed.inserted is not None and not evidence.standby:
        inserted = counter.rows[0]["inserted"] if counter is not None and counter.rows else None
        if isinstance(inserted, int) and inserted > observed.inserted:
            return Traffic(until=observed.deployed_at, counted=True)
        if inserted == observed.inserted and inserted:
            return Traffic(quiet=True)
    if log.problem is not None or log.unwindowed is not None or log.carries.isdisjoint(_MESSAGES):
        return Traffic()
    seen = [log.signals[name] for name in _MESSAGES if name in log.signals]
    came = [found for found in seen if found.count]
    last = [found.last for found in came if found.last is not None]
    until: datetime | None = max(last) if last else occasion.window.since
    return Traffic(until=until if came else None, quiet=not came)


def _parameters(rule: Rule, occasion: Occasion, log: LogEvidence) -> dict[str, object]:
    """What a check's statement may bind: its own window and numbers, and what the log says."""
    window = occasion.window.last(rule.window)
    observed = occasion.observed
    return {
        **rule.params,
        "now": occasion.now,
        "since": window.since,
        "until": window.until,
        "deployed_at": observed.deployed_at if observed else occasion.window.since,
        "moved_campaigns": [*log.campaigns, *(observed.progress if observed else ())],
        "created_ids": _created(
            log, occasion.now.timestamp() - rule.params.get("settle_seconds", 0)
        ),
    }


def _created(log: LogEvidence, before: float) -> list[str]:
    """Ids of inbound messages that the log says were stored by then, as PostgreSQL writes uuids.

    The log is not trusted: what is no uuid would make the whole statement fail.
    """
    out: dict[str, None] = {}
    for created in log.created:
        if created.at is None or created.at <= before:
            try:
                out[str(UUID(created.id))] = None
            except ValueError:
                continue
    return list(out)


async def _probe(
    chosen: Sequence[tuple[Check, Rule]], health: HealthProbe | None
) -> HealthEvidence:
    if not any(check.probes for check, _ in chosen):
        return HealthEvidence(problem=_NOT_NEEDED)
    if health is None:
        return HealthEvidence(problem=NO_URL)
    found = await _guarded("health probe", health.probe())
    return HealthEvidence(problem=found) if isinstance(found, Problem) else found


_T = TypeVar("_T")


async def _guarded(source: str, work: Awaitable[_T]) -> _T | Problem:
    """A source's answer; a crash of it becomes the reason why it could not be looked at.

    Sources turn trouble that they know into evidence. What still gets here is a bug, and it must
    not take the findings of the other sources with it.
    """
    try:
        return await work
    except Exception as error:  # noqa: BLE001 - the runner is where crashes become UNKNOWN
        return bug(f"reading of the {source}", error)


def bug(what: str, error: Exception) -> Problem:
    """Log where it happened, and say so; an exception's own words may quote the log or a secret."""
    frames = [
        f"{frame.filename}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
    ]
    _log.error("crash", what=what, error=type(error).__name__, traceback=frames)
    return Problem(
        what=f"golive's own {what} failed ({type(error).__name__}).",
        mend="This is a bug in golive: its log has the traceback.",
    )
