"""Sources that say what a test tells them to, and remember in which order they were asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from checks.engine.check import Query
from checks.engine.model import DatabaseEvidence, HealthEvidence, LogEvidence, Problem
from checks.sources.database import LiveSecrets
from checks.sources.logs.source import Mark, ScanRequest, ScanState


@dataclass(kw_only=True)
class Journal:
    """What was asked, in order."""

    entries: list[str] = field(default_factory=list[str])


@dataclass(kw_only=True)
class FakeLog:
    """A log source with a fixed answer, or one that breaks."""

    evidence: LogEvidence
    journal: Journal = field(default_factory=Journal)
    breaks: Exception | None = None
    lines: tuple[str, ...] = ()
    sizes: tuple[Mark, ...] = ()
    requests: list[ScanRequest] = field(default_factory=list[ScanRequest])
    states: list[ScanState | None] = field(default_factory=list[ScanState | None])

    async def scan(
        self,
        request: ScanRequest,
        state: ScanState | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> tuple[LogEvidence, ScanState]:
        """Answer as told."""
        self.journal.entries.append("log.scan")
        self.requests.append(request)
        self.states.append(state)
        if self.breaks is not None:
            raise self.breaks
        if progress is not None:
            progress(self.evidence.bytes, self.evidence.bytes)
        return self.evidence, ScanState()

    async def tail(self, lines: int, secrets: Sequence[str] = ()) -> tuple[str, ...] | Problem:
        """The lines it was told to have."""
        del secrets
        return self.lines[-lines:]

    async def search(self, pattern: re.Pattern[bytes], lines: int) -> tuple[bytes, ...] | Problem:
        """What the pattern finds in the lines it was told to have."""
        text = "\n".join(self.lines[-lines:]).encode()
        return tuple(dict.fromkeys(match.group(1) for match in pattern.finditer(text)))

    async def marks(self) -> tuple[Mark, ...]:
        """The sizes it was told to have."""
        return self.sizes


@dataclass(kw_only=True)
class FakeDatabase:
    """A database with fixed answers, or one that breaks."""

    evidence: DatabaseEvidence = field(default_factory=DatabaseEvidence)
    live: tuple[str, ...] = ()
    problem: Problem | None = None
    breaks_secrets: Exception | None = None
    journal: Journal = field(default_factory=Journal)
    breaks: Exception | None = None
    asked: dict[str, Mapping[str, object]] = field(default_factory=dict[str, Mapping[str, object]])

    async def secrets(self) -> LiveSecrets:
        """The secrets it was told to have."""
        self.journal.entries.append("database.secrets")
        if self.breaks_secrets is not None:
            raise self.breaks_secrets
        return LiveSecrets(values=self.live, problem=self.problem)

    async def collect(self, work: Sequence[tuple[Query, Mapping[str, object]]]) -> DatabaseEvidence:
        """Answer as told."""
        self.journal.entries.append("database.collect")
        self.asked.update({query.name: params for query, params in work})
        if self.breaks is not None:
            raise self.breaks
        return self.evidence


@dataclass(kw_only=True)
class FakeProbe:
    """A health probe with a fixed answer, or one that breaks."""

    evidence: HealthEvidence = field(default_factory=HealthEvidence)
    journal: Journal = field(default_factory=Journal)
    breaks: Exception | None = None

    async def probe(self) -> HealthEvidence:
        """Answer as told."""
        self.journal.entries.append("health.probe")
        if self.breaks is not None:
            raise self.breaks
        return self.evidence
