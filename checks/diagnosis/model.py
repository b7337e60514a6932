"""The words of a diagnosis: an incident's suspects, the state of each cause, the fix that fits.

A procedure declares what it needs and examines plain facts; only the runner touches sources.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum

from checks.diagnosis.facts import Facts
from checks.engine.check import Query
from checks.engine.model import Problem


class Incident(IntEnum):
    """The runbook's incidents, by its own numbers."""

    NOT_CONNECTED = 1
    INBOUND_MISSING = 2
    OUTBOUND_FAILING = 3
    CAMPAIGN_STUCK = 4


class State(StrEnum):
    """What is known about a cause. UNTESTED: could not look. It is never "does not hold"."""

    HOLDS = "holds"
    CLEAR = "does not hold"
    UNTESTED = "could not be tested"


class FixKind(StrEnum):
    """What can be done: the fixes that golive offers, or a step of the runbook by hand."""

    REGENERATE_SECRET = "regenerate_secret"  # noqa: S105 - the name of a fix
    RESET_MESSAGES = "reset_messages"
    RESET_CAMPAIGN = "reset_campaign"
    ROLLBACK = "rollback"
    MANUAL = "manual"


class Probe(StrEnum):
    """What a procedure needs beside log and database."""

    BASE_URL = "base URL"
    CERTIFICATE = "certificate"
    TEST_EVENT = "test event"
    EVOLUTION = "Evolution"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A unit or a campaign that a fix is about: its id, and how people call it."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """What mends a cause.

    step: what to do, as a sentence; for a manual fix the runbook's own step
    """

    kind: FixKind
    step: str
    targets: tuple[Target, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the examination of one suspect came to.

    why:      one sentence
    evidence: up to five lines, masked
    mend:     how it can be tested, where it could not be
    """

    state: State
    why: str
    evidence: tuple[str, ...] = ()
    mend: str = ""
    fix: Fix | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """One root cause that the runbook or experience names, and how it is examined."""

    id: str
    title: str
    examine: Callable[[Facts], Outcome]

    @property
    def about(self) -> str:
        """What is examined, in the words of its own docstring."""
        return " ".join((self.examine.__doc__ or "").split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A suspect after its examination."""

    id: str
    title: str
    state: State
    why: str
    evidence: tuple[str, ...] = ()
    mend: str = ""
    fix: Fix | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What an incident comes from, as far as it can be seen.

    causes:     all of them, in the order in which they are to be believed
    cause:      id of the first that holds; None where none does
    headline:   one sentence: that cause, or that none holds and what could not be tested
    fix:        what mends that cause
    context:    further lines that help to decide, masked
    probe_name: the instance name of the test event that was sent, whose lines in the application's
                log are not the application's; "" where none was sent
    """

    incident: Incident
    title: str
    taken_at: datetime
    causes: tuple[Cause, ...]
    cause: str | None
    headline: str
    fix: Fix | None
    context: tuple[str, ...] = ()
    probe_name: str = ""


def _no_context(_: Facts) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Procedure:
    """How one incident is diagnosed.

    signals: log signals that it counts; queries: what it reads in the application's database
    checks:  the checks whose numbers in the runbook it goes by
    params:  numbers of its own, which the runbook does not have
    context: further lines from the facts
    """

    incident: Incident
    title: str
    suspects: tuple[Suspect, ...]
    signals: tuple[str, ...] = ()
    queries: tuple[Query, ...] = ()
    probes: frozenset[Probe] = frozenset()
    checks: tuple[str, ...] = ()
    params: Mapping[str, float] = field(default_factory=dict[str, float])
    context: Callable[[Facts], tuple[str, ...]] = _no_context


def holds(why: str, fix: Fix, evidence: tuple[str, ...] = ()) -> Outcome:
    """The cause is there."""
    return Outcome(state=State.HOLDS, why=why, evidence=evidence[:_SHOWN], fix=fix)


def clear(why: str, evidence: tuple[str, ...] = ()) -> Outcome:
    """The cause was looked for and is not there."""
    return Outcome(state=State.CLEAR, why=why, evidence=evidence[:_SHOWN])


def untested(problem: Problem, evidence: tuple[str, ...] = ()) -> Outcome:
    """The cause could not be looked for."""
    return Outcome(
        state=State.UNTESTED, why=problem.what, evidence=evidence[:_SHOWN], mend=problem.mend
    )


def manual(step: str, targets: tuple[Target, ...] = ()) -> Fix:
    """A step by hand."""
    return Fix(kind=FixKind.MANUAL, step=step, targets=targets)


_SHOWN = 5


def conclude(procedure: Procedure, facts: Facts) -> Diagnosis:
    """Examine every suspect; the first cause that holds is the headline. Pure."""
    causes = tuple(_cause(suspect, suspect.examine(facts)) for suspect in procedure.suspects)
    first = next((cause for cause in causes if cause.state is State.HOLDS), None)
    return Diagnosis(
        incident=procedure.incident,
        title=procedure.title,
        taken_at=facts.evidence.now,
        causes=causes,
        cause=first.id if first else None,
        headline=f"{first.title}: {first.why}" if first else _nothing(causes),
        fix=first.fix if first else None,
        context=procedure.context(facts),
        probe_name=facts.event.name if facts.event else "",
    )


def _cause(suspect: Suspect, outcome: Outcome) -> Cause:
    return Cause(
        id=suspect.id,
        title=suspect.title,
        state=outcome.state,
        why=outcome.why,
        evidence=outcome.evidence,
        mend=outcome.mend,
        fix=outcome.fix,
    )


def _nothing(causes: tuple[Cause, ...]) -> str:
    open_ones = [cause for cause in causes if cause.state is State.UNTESTED]
    if not open_ones:
        return f"None of the {len(causes)} known causes holds."
    names = ", ".join(cause.title.lower() for cause in open_ones)
    return (
        f"No cause was found to hold, but {len(open_ones)} of {len(causes)} could not be tested: "
        f"{names}."
    )
