"""The runbook of a go-live as the engine uses it: frozen, checked, complete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import NamedTuple

from checks.engine.model import Decision
from checks.engine.profiles import ProfileSpec
from checks.engine.runbook.remediation import Remediation
from checks.engine.runbook.source import YamlSource
from checks.engine.shares import SampleRule
from checks.engine.thresholds import Bound, Rule

FINAL = "final"
CHECKPOINTS = ("1", "2", "3", FINAL)
"""The checkpoints that judge; a follow-up judges as "final" does."""


class CriterionSource(NamedTuple):
    """One quantity that meets a criterion when its bound holds."""

    check: str
    quantity: str
    bound: Bound


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionRule:
    """A rollback or success criterion: met if any source is. `no_critical` has no source."""

    id: str
    any_of: tuple[CriterionSource, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulePoint:
    """What happens at one time of the hour.

    at:         since the deploy
    run:        "baseline", "health", "checkpoint", "pulse" (posts only what got worse) or "final"
    checkpoint: "1", "2", "3" or "final": whose thresholds hold from here on; None before the first
    """

    at: timedelta
    run: str
    checkpoint: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One stretch of the follow-up.

    lasts:  None until the watch is closed
    decide: whether the verdict is decided anew at its end
    """

    every: timedelta
    lasts: timedelta | None = None
    decide: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRule:
    """So many CRITICAL findings, or WARNINGs among the matrix metrics, are a NO-GO."""

    critical: int
    matrix_warnings: int


LOKI_LAG = timedelta(seconds=30)
"""How long a line may take to get into Loki, where the runbook does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRule:
    """How the log is read.

    timezone: IANA name, for times in the log that carry no offset
    profiles: the formats that can be recognised, by name
    loki_lag: how long a line may take to get into Loki; a window there ends before it
    """

    timezone: str
    profiles: Mapping[str, ProfileSpec]
    loki_lag: timedelta = LOKI_LAG


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseRule:
    """When what the database answers is no basis; these hold where the runbook does not say.

    timezone:     IANA name in which timestamps without time zone are read; None: the database's own
    lag:          how far a standby may be behind what it received
    clock_offset: by how much its clock and golive's may differ
    """

    timezone: str | None = None
    lag: timedelta = timedelta(seconds=30)
    clock_offset: timedelta = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRule:
    """Checks that a clear rise against the deployment before raises from OK to WARNING.

    below: the probability (0.0–1.0) of so many by chance, below which a rise is clear
    """

    checks: frozenset[str]
    below: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BetweenRule:
    """How the time between two checkpoints is judged; what holds where the runbook says nothing.

    every:          how often log and probe are looked at
    database_every: how often the database is, at the most
    looks:          in so many looks in a row a share, or the health probe, has to be bad
    over_after:     a cause is over once it was better for so long
    mention_every:  because of one cause the lead is mentioned once in such a span
    """

    every: timedelta = timedelta(seconds=30)
    database_every: timedelta = timedelta(minutes=2)
    looks: int = 2
    over_after: timedelta = timedelta(minutes=5)
    mention_every: timedelta = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Runbook:
    """The whole runbook.

    switched_off:    check id → the reason that verdicts show
    matrix:          ids of the checks that the decision matrix counts
    escalation:      so many CRITICAL at once are the full escalation
    remind_after:    how long a call waits for an acknowledgement before it is repeated, once
    links:           what a call links to, by name
    follow_up:       what follows the final review, by its verdict
    between:         how the time between two checkpoints is judged
    default_window:  what a follow-up and a run without `--since` look at
    sample:          when a share is evidence enough to be judged
    off:             what would hold for checks that are switched off; see `numbers`
    history:         which checks the deployment before may raise to WARNING; None for none
    remediation:     what fixes may do; None where the runbook offers none
    evolution_hosts: the only hosts that connections may name beside EVOLUTION_API_URL's; () for any
    source:          the file, for messages that point into it
    """

    rules: Mapping[tuple[str, str], Rule]
    switched_off: Mapping[str, str]
    matrix: tuple[str, ...]
    decision: DecisionRule
    escalation: int
    remind_after: timedelta
    links: Mapping[str, str]
    rollback_criteria: tuple[CriterionRule, ...]
    success_criteria: tuple[CriterionRule, ...]
    schedule: tuple[SchedulePoint, ...]
    follow_up: Mapping[Decision, tuple[Phase, ...]]
    log: LogRule
    database: DatabaseRule = field(default_factory=DatabaseRule)
    default_window: timedelta
    sample: SampleRule
    between: BetweenRule = field(default_factory=BetweenRule)
    history: HistoryRule | None = None
    remediation: Remediation | None = None
    evolution_hosts: tuple[str, ...] = ()
    off: Mapping[tuple[str, str], Rule] = field(default_factory=dict[tuple[str, str], Rule])
    source: YamlSource = field(repr=False, compare=False)

    def rule(self, check: str, checkpoint: str) -> Rule | None:
        """What holds for a check at a checkpoint; None where the check is switched off.

        Args:
            check: a check's id.
            checkpoint: "1", "2", "3" or "final".

        Raises:
            KeyError: the runbook knows no such check or checkpoint.
        """
        if check in self.switched_off and checkpoint in CHECKPOINTS:
            return None
        return self.rules[check, checkpoint]

    def numbers(self, check: str, checkpoint: str) -> Rule:
        """Window, params and bounds of a check, for what goes by them without judging.

        Also of a check that is switched off: what the file says of it, and what the runbook that
        golive ships says where the file says nothing.

        Raises:
            KeyError: the runbook knows no such check or checkpoint.
        """
        return self.rule(check, checkpoint) or self.off[check, checkpoint]

    def by_limit(self) -> Runbook:
        """This runbook, with every share judged by its limit, whatever its sample.

        For looks between two checkpoints: at a true share of just a bound, the plain share is
        beyond it every other time, and one of many looks would always find it so.
        """
        sample = replace(self.sample, by_limit=True)
        rules = {key: replace(rule, sample=sample) for key, rule in self.rules.items()}
        return replace(self, rules=rules, sample=sample)
