"""The five questions that golive asks Loki: minutes, a count, entries, labels, streams.

A count at an instant T reaches from just after T - range to T itself. Shifted back by a
millisecond it is half-open like every window here: `since <= t < until` to the millisecond.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pydantic import ValidationError

from checks.sources.loki.address import Loki
from checks.sources.loki.answers import (
    Entry,
    read_counts,
    read_entries,
    read_labels,
    read_streams,
)
from checks.sources.loki.failures import LokiError, not_loki
from checks.sources.loki.spans import MINUTE, Span
from checks.sources.loki.transport import Transport

_POINTS = 10_000
"""Loki refuses more than 11,000 points in one answer."""

_T = TypeVar("_T")


class LokiClient:
    """Asks one Loki server, on a transport that its maker closes."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    @property
    def loki(self) -> Loki:
        """Who is asked."""
        return self._transport.loki

    async def minutes(self, pipeline: str, span: Span, *, of: str = "count") -> dict[int, int]:
        """Epoch minute → entries of the stream that pass a pipeline; minutes without any left out.

        Where the span begins or ends inside a minute, that part is asked for by itself.

        Args:
            pipeline: what follows the selector in LogQL.
            span: which entries.
            of: "count" for entries, "bytes" for their bytes.

        Raises:
            LokiError: see `Transport.get`.
        """
        counts: dict[int, int] = {}
        for part in span.pieces():
            n = await self.count(pipeline, part, of=of)
            if n:
                counts[part.since // MINUTE] = n
        for whole in span.whole_minutes(_POINTS):
            params = {
                "query": f"sum({of}_over_time({self._stream(pipeline)} [1m] offset 1ms))",
                "start": _nanoseconds(whole.since + MINUTE),
                "end": _nanoseconds(whole.until),
                "step": "60s",
            }
            found = await self._read("query_range", params, read_counts)
            # A point stands at the end of its minute.
            counts |= {round(at / MINUTE) - 1: n for at, n in found.items() if n}
        return counts

    async def count(self, pipeline: str, span: Span, *, of: str = "count") -> int:
        """How many entries of the stream pass a pipeline, in all.

        Raises:
            LokiError: see `Transport.get`.
        """
        params = {
            "query": f"sum({of}_over_time({self._stream(pipeline)} [{span.length}ms] offset 1ms))",
            "time": _nanoseconds(span.until),
        }
        return sum((await self._read("query", params, read_counts)).values())

    async def entries(self, pipeline: str, span: Span, limit: int) -> list[Entry]:
        """The newest entries that pass a pipeline, oldest first.

        Raises:
            LokiError: see `Transport.get`.
        """
        params = {
            "query": self._stream(pipeline),
            "start": _nanoseconds(span.since),
            "end": _nanoseconds(span.until),
            "limit": str(limit),
            "direction": "backward",
        }
        return await self._read("query_range", params, read_entries)

    async def labels(self, span: Span) -> tuple[str, ...]:
        """The names of all labels that streams have.

        Raises:
            LokiError: see `Transport.get`.
        """
        params = {"start": _nanoseconds(span.since), "end": _nanoseconds(span.until)}
        return await self._read("labels", params, read_labels)

    async def streams(self, span: Span) -> int:
        """How many streams the selector has.

        Raises:
            LokiError: see `Transport.get`.
        """
        params = {
            "match[]": self.loki.selector,
            "start": _nanoseconds(span.since),
            "end": _nanoseconds(span.until),
        }
        return await self._read("series", params, read_streams)

    def _stream(self, pipeline: str) -> str:
        return f"{self.loki.selector} {pipeline}".rstrip()

    async def _read(self, path: str, params: dict[str, str], read: Callable[[bytes], _T]) -> _T:
        body = await self._transport.get(path, params)
        try:
            return read(body)
        except (ValidationError, ValueError, OverflowError) as error:
            raise LokiError(not_loki(self.loki, 200)) from error


def _nanoseconds(milliseconds: int) -> str:
    return str(milliseconds * 1_000_000)
