"""Spans of time in epoch milliseconds: what Loki is asked about, cut where minutes begin."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

MINUTE: Final = 60_000
"""Milliseconds of a minute."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def milliseconds(at: datetime) -> int:
    """Epoch milliseconds of an aware instant, exactly."""
    return (at - _EPOCH) // _MILLISECOND


def instant(at: int) -> datetime:
    """The instant of epoch milliseconds."""
    return _EPOCH + at * _MILLISECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """`since <= t < until`, in epoch milliseconds."""

    since: int
    until: int

    @property
    def length(self) -> int:
        """How long it is; 0 or less where nothing is in it."""
        return self.until - self.since

    @property
    def _minutes(self) -> tuple[int, int]:
        """The first and the last border of a minute in it; in a part of one minute they cross."""
        return -(-self.since // MINUTE) * MINUTE, self.until // MINUTE * MINUTE

    def pieces(self) -> Iterator[Span]:
        """The parts of minutes at its two ends."""
        first, last = self._minutes
        if self.length <= 0:
            return
        if first > last:
            yield self
            return
        if self.since < first:
            yield Span(since=self.since, until=first)
        if last < self.until:
            yield Span(since=last, until=self.until)

    def whole_minutes(self, most: int) -> Iterator[Span]:
        """The whole minutes between, in stretches of so many at most."""
        first, last = self._minutes
        for begin in range(first, last, most * MINUTE):
            yield Span(since=begin, until=min(begin + most * MINUTE, last))

    def after(self, at: int) -> Span:
        """What of it lies at or after an instant."""
        return Span(since=max(self.since, at), until=max(self.until, at))

    def before(self, at: int) -> Span:
        """What of it lies before an instant."""
        return Span(since=min(self.since, at), until=min(self.until, at))
