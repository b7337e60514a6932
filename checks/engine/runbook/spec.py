"""runbook.yaml as it is written: the shape that is refused when it does not fit."""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeAlias, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from checks.engine.model import Json
from checks.engine.profiles import ProfileSpec
from checks.engine.runbook.primitives import (
    Count,
    Flag,
    HostName,
    Instant,
    Number,
    Span,
    Strict,
    Text,
    no_number,
    zone,
)
from checks.engine.runbook.remediation import RemediationSpec
from checks.engine.thresholds import Bound, Op

NO_CRITICAL = "no_critical"
"""The one criterion that is about levels and names no quantity."""


class _OneBound(Strict):
    at_least: Number | None = None
    above: Number | None = None
    at_most: Number | None = None
    below: Number | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self._given_ops()) != 1:
            raise ValueError("give exactly one of at_least, above, at_most, below")
        return self

    def _given_ops(self) -> dict[Op, float]:
        values = {op: getattr(self, op.value) for op in Op}
        return {op: float(value) for op, value in values.items() if value is not None}

    @property
    def bound(self) -> Bound:
        """The bound that is written here."""
        ((op, value),) = self._given_ops().items()
        return Bound(op=op, value=value)


class BoundSpec(_OneBound):
    """The values from which on a level holds: a number n (n or more), or one comparison."""

    @model_validator(mode="before")
    @classmethod
    def _number(cls, value: object) -> object:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return {Op.AT_LEAST.value: value}
        if isinstance(value, dict):
            return value  # pyright: ignore[reportUnknownVariableType] - pydantic looks inside
        raise ValueError("expected a number, or a comparison such as {above: 0.10}")


class ThresholdSpec(Strict):
    """The bounds of one quantity.

    `says` names the quantity in a sentence ("failed messages"); without it the check's unit stands.
    """

    warning: BoundSpec | None = None
    critical: BoundSpec | None = None
    says: str = ""

    @model_validator(mode="after")
    def _any(self) -> Self:
        if self.warning is None and self.critical is None:
            raise ValueError("give warning or critical, or both")
        return self


Thresholds: TypeAlias = dict[str, ThresholdSpec]


class WindowSpec(Strict):
    """The last span that a check looks at: one for all, or one for each column."""

    checkpoint: Span | None = None
    final: Span | None = None

    @model_validator(mode="before")
    @classmethod
    def _same(cls, value: object) -> object:
        if isinstance(value, dict):
            return value  # pyright: ignore[reportUnknownVariableType] - pydantic looks inside
        text = no_number(value)
        return {"checkpoint": text, "final": text}


class CheckSpec(Strict):
    """One check: its thresholds at the checkpoints and at the final review, or why it is off."""

    enabled: Flag = True
    reason: Text | None = None
    window: WindowSpec | None = None
    params: dict[str, Annotated[Number, Field(ge=0)]] = Field(default_factory=dict)
    checkpoint: Thresholds | None = None
    final: Thresholds | None = None
    both: Thresholds | None = Field(default=None, alias="any")


class PointSpec(Strict):
    """A point in the schedule, counted from the deploy, and what runs there."""

    at: Instant
    run: Literal[
        "baseline", "health", "checkpoint 1", "checkpoint 2", "checkpoint 3", "pulse", "final"
    ]


class DecisionSpec(Strict):
    """How many findings make a NO-GO, and which checks are the matrix metrics."""

    critical: Count
    matrix_warnings: Count
    matrix: Annotated[list[str], Field(min_length=1)]


class EscalationSpec(Strict):
    """When the lead is called in full, when again, and what the call links to."""

    critical: Count
    remind_after: Span
    links: dict[str, Text] = Field(default_factory=dict)


class BetweenSpec(Strict):
    """How the time between two checkpoints is judged, and when the lead is mentioned again.

    `looks`: in so many looks in a row a share, or the health probe, has to be bad. `over_after`: a
    cause is over once it was better for so long. `mention_every`: one mention a cause in such a
    span.
    """

    every: Span
    database_every: Span
    looks: Count
    over_after: Span
    mention_every: Span


class SourceSpec(_OneBound):
    """One quantity that can meet a criterion."""

    check: str
    quantity: str


class CriterionSpec(Strict):
    """A criterion: met if any of its sources is."""

    any_of: list[SourceSpec] = Field(default_factory=list[SourceSpec])


class PhaseSpec(Strict):
    """How often the follow-up looks, for how long, and whether it then decides anew."""

    every: Span
    lasts: Span | None = None
    then: Literal["decide"] | None = None


Phases: TypeAlias = Annotated[list[PhaseSpec], Field(min_length=1)]


class FollowUpSpec(Strict):
    """What follows the final review, by its verdict."""

    go: Phases = Field(alias="GO")
    monitor: Phases = Field(alias="MONITOR")
    no_go: Phases = Field(alias="NO-GO")


class HistorySpec(Strict):
    """Which checks a clear rise against the deployment before makes a WARNING, and how clear."""

    raises: list[str] = Field(default_factory=list[str])
    below: Annotated[Number, Field(gt=0, lt=1)]


class LokiSpec(Strict):
    """How Loki is asked. `lag` is how long a line may take to get there: windows end before it."""

    lag: Instant


class LogSpec(Strict):
    """How the log is read: the time zone of times that name none, and the known formats."""

    timezone: Annotated[str, AfterValidator(zone)]
    loki: LokiSpec | None = None
    profiles: dict[str, ProfileSpec]


class EvolutionSpec(Strict):
    """Which hosts a connection's provider_config may name; EVOLUTION_API_URL's own always may.

    With the list no other host is asked, and those on it may be asked over http://.
    """

    hosts: Annotated[list[HostName], Field(min_length=1)]


class DatabaseSpec(Strict):
    """When the database is no basis, and the time zone of times in it that name none."""

    timezone: Annotated[str, AfterValidator(zone)] | None = None
    lag: Span
    clock_offset: Span


class RunbookSpec(Strict):
    """The runbook of a go-live as data: what is looked at when, and what follows from it."""

    schedule: Annotated[list[PointSpec], Field(min_length=1)]
    default_window: Span
    min_sample: Count
    min_bad: Count
    confidence: Annotated[Number, Field(gt=0.5, lt=1)]
    checks: dict[str, CheckSpec]
    decision: DecisionSpec
    escalation: EscalationSpec
    between: BetweenSpec | None = None
    rollback: dict[str, CriterionSpec]
    success: dict[str, CriterionSpec]
    follow_up: FollowUpSpec
    history: HistorySpec | None = None
    remediation: RemediationSpec | None = None
    evolution: EvolutionSpec | None = None
    log: LogSpec
    database: DatabaseSpec | None = None


_T = TypeVar("_T", bound=BaseModel)


def salvage(model: type[_T], value: Json) -> _T | None:
    """A part of the file if it fits its shape, so that the rest can still be looked at."""
    try:
        return TypeAdapter(model).validate_python(value)
    except ValidationError:
        return None
