"""What was seen before anyone draws conclusions: plain values without any secret in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from checks.engine.check import View
from checks.engine.model import Evidence, Observed, Problem, instant_of
from checks.engine.thresholds import Rule

NEEDED_EVENTS = ("MESSAGES_UPSERT", "MESSAGES_UPDATE", "CONNECTION_UPDATE", "QRCODE_UPDATED")
"""What the application must be told."""

_NEUTRAL = Rule(check="diagnosis", thresholds=())
NO_UNITS = Problem(
    what="No unit has an Evolution connection.", mend="Connect a unit, and diagnose again."
)


class Reach(StrEnum):
    """How an Evolution server answered to the test of its key.

    DOWN:           nothing listens, it hangs, or it answers with errors
    NO_WAY:         nothing comes back, the name is not known, or TLS fails: between here and there
    NOT_CONFIGURED: no address or no key, or an address where something else answers
    """

    ANSWERS = "answers"
    DOWN = "down"
    NO_WAY = "no way to it"
    WRONG_KEY = "wrong key"
    NOT_CONFIGURED = "not configured"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts:
    """One Evolution server with one key: how it answered, and for how many units it is used."""

    address: str
    reach: Reach
    problem: Problem | None = None
    instances: int | None = None
    units: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookFacts:
    """One instance's webhook, compared with BASE_URL and the secret of the database.

    address:        as it may be shown: everything in the path but known words is masked
    leads_here:     whether it goes to BASE_URL's webhook route; None without a BASE_URL
    secret_matches: None where its path has no place for a secret
    missing:        needed events that it does not send
    """

    address: str
    leads_here: bool | None
    secret_matches: bool | None
    enabled: bool
    missing: tuple[str, ...]
    by_events: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitFacts:
    """One unit's connection, in the database and in Evolution.

    status:  as the database has it
    exists:  whether Evolution knows the instance; None where that could not be asked
    link:    "open", "connecting", "close" or "unknown", as Evolution has it; None if not asked
    webhook: None where there is none, and where that could not be asked (`webhook_problem`)
    problem: why Evolution could not be asked about the instance at all
    """

    id: str
    name: str
    instance: str
    status: str
    has_secret: bool
    exists: bool | None = None
    link: str | None = None
    webhook: WebhookFacts | None = None
    webhook_problem: Problem | None = None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseFacts:
    """What BASE_URL is: `loopback` means that nothing outside this machine can reach it."""

    shown: str
    https: bool
    loopback: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFacts:
    """The certificate at BASE_URL: until when it is valid, or what is wrong with it."""

    expires: datetime | None = None
    invalid: str | None = None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFacts:
    """What became of the test event.

    name:    the instance name that it carried
    refused: whether a refusal came back to the attempt to connect
    """

    name: str
    status: int | None = None
    refused: bool = False
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that a procedure may look at; what was not asked is None or empty.

    evidence: log, database and health probe, as the checks see them
    units:    the first of `units_total` Evolution connections, those not connected first
    rules:    check → what the runbook says of it, for the checks that the procedure goes by
    """

    evidence: Evidence
    base: BaseFacts | Problem
    units: tuple[UnitFacts, ...] = ()
    units_total: int = 0
    units_problem: Problem | None = None
    servers: tuple[ServerFacts, ...] = ()
    certificate: CertificateFacts | None = None
    event: EventFacts | None = None
    rules: Mapping[str, Rule] = field(default_factory=dict[str, Rule])

    @property
    def observed(self) -> Observed | None:
        """What a watch has seen; None in a single look."""
        return self.evidence.observed

    @property
    def view(self) -> View:
        """The evidence through the eyes of the checks, in the whole window."""
        return View(evidence=self.evidence, rule=_NEUTRAL)

    @property
    def among(self) -> str:
        """Which units were looked at, where it was not all of them."""
        if len(self.units) >= self.units_total:
            return ""
        return f" (the first {len(self.units)} of {self.units_total} units were looked at)"

    def lately(self, signal: str, minutes: int) -> bool:
        """Whether the log shows a signal in the last minutes; False where it carries no times."""
        found = self.evidence.log.signals.get(signal)
        if found is None:
            return False
        now = self.evidence.now
        return any(
            0 <= (now - instant_of(minute)).total_seconds() <= minutes * 60 + 60
            for minute, events in found.minutes.items()
            if events
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What one unit says about a suspect: `wrong` True or False; `problem` where it cannot say."""

    wrong: bool = False
    line: str = ""
    problem: Problem | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sightings:
    """What all units say about a suspect."""

    wrong: tuple[UnitFacts, ...] = ()
    lines: tuple[str, ...] = ()
    fine: tuple[str, ...] = ()
    problem: Problem | None = None


def sightings(facts: Facts, look: Callable[[UnitFacts], Sighting]) -> Sightings:
    """Ask every unit. `problem` is set where some unit could not say, and none was wrong."""
    if facts.units_problem is not None:
        return Sightings(problem=facts.units_problem)
    if not facts.units:
        return Sightings(problem=NO_UNITS)
    seen = [(unit, look(unit)) for unit in facts.units]
    wrong = tuple(unit for unit, sighting in seen if sighting.wrong)
    problems = [sighting.problem for _, sighting in seen if sighting.problem is not None]
    return Sightings(
        wrong=wrong,
        lines=tuple(f"{unit.name}: {s.line}" for unit, s in seen if s.wrong),
        fine=tuple(f"{u.name}: {s.line}" for u, s in seen if s.line and not s.wrong),
        problem=problems[0] if problems and not wrong else None,
    )
