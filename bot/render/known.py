"""What sentences about fixes need to know of a preview and of a claim."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID


class Counts(Protocol):
    """How many rows fall under each value of one grouping."""

    @property
    def name(self) -> str:
        """The grouping's name."""
        ...

    @property
    def counts(self) -> tuple[tuple[str, int], ...]:
        """Value and rows, the largest first."""
        ...


class Ways(Protocol):
    """Several ways to make a fix, of which a preview shows one."""

    @property
    def label(self) -> str: ...  # noqa: D102 - the names say it; remediation.values explains
    @property
    def options(self) -> tuple[tuple[str, str], ...]: ...  # noqa: D102
    @property
    def chosen(self) -> str: ...  # noqa: D102


class Shown(Protocol):
    """A preview, as it is kept with its claim."""

    @property
    def title(self) -> str: ...  # noqa: D102 - the names say it; remediation.values explains
    @property
    def verb(self) -> str: ...  # noqa: D102
    @property
    def rows(self) -> int: ...  # noqa: D102
    @property
    def facts(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def groups(self) -> Sequence[Counts]: ...  # noqa: D102
    @property
    def samples(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def left_out(self) -> tuple[tuple[str, int], ...]: ...  # noqa: D102
    @property
    def warnings(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def words(self) -> str: ...  # noqa: D102
    @property
    def sql(self) -> str: ...  # noqa: D102
    @property
    def steps(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def choice(self) -> Ways | None: ...  # noqa: D102


class Known(Protocol):
    """A claim, as far as sentences tell of it."""

    @property
    def id(self) -> UUID: ...  # noqa: D102
    @property
    def sheet(self) -> Shown: ...  # noqa: D102
    @property
    def state(self) -> str: ...  # noqa: D102
    @property
    def state_at(self) -> datetime | None: ...  # noqa: D102
    @property
    def state_by(self) -> str | None: ...  # noqa: D102
    @property
    def proposed_by(self) -> str: ...  # noqa: D102
    @property
    def expires_at(self) -> datetime: ...  # noqa: D102
    @property
    def reason(self) -> str | None: ...  # noqa: D102
    @property
    def approved_by(self) -> str | None: ...  # noqa: D102
    @property
    def executed_by(self) -> str | None: ...  # noqa: D102
    @property
    def executed_at(self) -> datetime | None: ...  # noqa: D102
    @property
    def rows_changed(self) -> int | None: ...  # noqa: D102
    @property
    def undone_by(self) -> str | None: ...  # noqa: D102
    @property
    def undone_at(self) -> datetime | None: ...  # noqa: D102
