"""The words of a fix: what is wished, what would change, what was claimed, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, TypeAlias
from uuid import UUID

from pydantic import TypeAdapter

from checks.engine.model import Json, Problem

SAMPLES: Final = 20
"""How many rows a preview shows."""

RESTARTED: Final = "restarted"
"""What an operator states behind a campaign: the backend, with its first worker, was restarted."""


class FixUnavailable(Exception):  # noqa: N818 - it names the state that the caller must handle
    """The application's database did not do what a fix asked; nothing of the fix was written.

    problem: what happened and the mend, as sentences without secrets
    retry:   whether the same may succeed later without anybody's help
    """

    def __init__(self, problem: Problem, *, retry: bool) -> None:
        super().__init__(str(problem))
        self.problem = problem
        self.retry = retry


class FixRefused(Exception):  # noqa: N818 - a guard's answer, which the engine turns into a value
    """A guard says no, in a sentence; nothing was written."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class FixState(StrEnum):
    """Where a claim stands (golive.fix_claims.state)."""

    PROPOSED = "proposed"
    EXECUTING = "executing"
    UNSETTLED = "unsettled"
    EXECUTED = "executed"
    UNDONE = "undone"
    REFUSED = "refused"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody asks for.

    target:     a unit or a campaign as they named it; "" where they named none
    deployment: the watch that it belongs to; None outside one
    version:    what that watch is about
    stated:     what they said besides ("restarted": the backend was)
    """

    kind: str
    target: str
    by: str
    channel: str
    at: datetime
    deployment: UUID | None = None
    version: str = ""
    stated: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What a fix is about, resolved: enough to run the same statement again later.

    target: a unit's or a campaign's id, "*" for all
    name:   how people call it, masked
    """

    target: str
    name: str
    parameters: Mapping[str, Json] = field(default_factory=dict[str, Json])


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One row that the statement changes: only the columns that it sets.

    seen:   further values that the choice rests on; a change of them is a drift
    groups: what the row is counted under: name of a grouping → its value, masked
    sample: the row in a line, masked
    hidden: values that never leave the process
    """

    table: str
    row_id: UUID
    before: Mapping[str, Json]
    after: Mapping[str, Json]
    seen: Mapping[str, Json] = field(default_factory=dict[str, Json])
    groups: Mapping[str, str] = field(default_factory=dict[str, str])
    sample: str = ""
    hidden: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """How many rows fall under each value of one grouping, the largest first."""

    name: str
    counts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which of several ways a fix is made, to be chosen in its preview.

    label:   the question
    options: a value that asks for the same fix that way, and its words
    chosen:  the value of the way that the preview shows
    """

    label: str
    options: tuple[tuple[str, str], ...]
    chosen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A preview as it is shown, and kept with its claim: no secret is in it.

    title:    the fix and its target
    verb:     what its button says
    facts:    what is so, in sentences
    left_out: what the statement leaves alone, and how many rows that are
    words:    the statement in words; sql: in full, with its values
    steps:    what people do by hand afterwards, a tick each
    choice:   other ways to make it; None where there is one way only
    """

    title: str
    verb: str
    rows: int
    facts: tuple[str, ...] = ()
    groups: tuple[Group, ...] = ()
    samples: tuple[str, ...] = ()
    left_out: tuple[tuple[str, int], ...] = ()
    warnings: tuple[str, ...] = ()
    words: str = ""
    sql: str = ""
    steps: tuple[str, ...] = ()
    choice: Choice | None = None


SHEET: Final = TypeAdapter(Sheet)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One proposed fix on its way: a row of golive.fix_claims."""

    id: UUID
    kind: str
    target: str
    channel: str
    proposed_by: str
    proposed_at: datetime
    expires_at: datetime
    digest: str
    rows_expected: int
    parameters: Mapping[str, Json]
    sheet: Sheet
    approvals_needed: int = 1
    state: FixState = FixState.PROPOSED
    state_at: datetime | None = None
    state_by: str | None = None
    reason: str | None = None
    approved_by: str | None = None
    executed_by: str | None = None
    executed_at: datetime | None = None
    rows_changed: int | None = None
    undone_by: str | None = None
    undone_at: datetime | None = None
    settle_attempts: int = 0
    settled_at: datetime | None = None
    lease_until: datetime | None = None

    @property
    def name(self) -> str:
        """How people call its target."""
        return str(self.parameters.get("name") or self.target)

    @property
    def deployment(self) -> UUID | None:
        """The watch that it belongs to."""
        found = self.parameters.get("deployment")
        return UUID(found) if isinstance(found, str) else None

    @property
    def aim(self) -> Aim:
        """What it is about, to run its statement again."""
        return Aim(target=self.target, name=self.name, parameters=self.parameters)

    @property
    def confirmed_first(self) -> bool:
        """Whether it takes two operators, and the first confirmed."""
        return self.approvals_needed > 1 and bool(self.reason)

    @property
    def waits_for_second(self) -> bool:
        """Whether the first operator confirmed and the second has not."""
        return self.state is FixState.PROPOSED and self.confirmed_first


# --- results ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Nothing was done, and why, in sentences.

    last:   who did the same before
    choice: other ways to make the fix, which may find something
    """

    why: str
    last: Claim | None = None
    choice: Choice | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Over:
    """Nothing was done: the claim is used, expired or superseded.

    claim:  the one that was asked for
    winner: the one that was executed in its place, where there is one
    """

    claim: Claim
    winner: Claim | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stale:
    """Nothing was done: the rows are others than the preview showed. Here is what is so now."""

    fresh: Claim | Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Confirmed, or asked to be undone, by one operator; a different one must approve."""

    claim: Claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The fix was made, by this call."""

    claim: Claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsettled:
    """Two systems may disagree; golive goes on until they do not."""

    claim: Claim
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """The fix was taken back, but for the rows that somebody changed since."""

    claim: Claim
    restored: int
    conflicts: tuple[str, ...] = ()


Result: TypeAlias = Refusal | Over | Stale | Waiting | Done | Unsettled
