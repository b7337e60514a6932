"""Counting the responses of a format that writes one a line, and keeping the last of the bad."""

from __future__ import annotations

from collections.abc import Mapping
from typing import SupportsInt

import numpy as np

from checks.engine.linear import LinearPattern
from checks.engine.profiles import LineResponses
from checks.sources.logs.outages import Request, follow
from checks.sources.logs.response_lines import Marks, ResponseLines, ResponseReader
from checks.sources.logs.routes import STATUS_SIGNALS
from checks.sources.logs.state import EVIDENCE_LINES, Tally
from checks.sources.logs.text import Text

_BAD_REQUEST, _FAILED = 400, 500
_NOBODY = b"-"
_LEAST = min(_FAILED, *STATUS_SIGNALS)
"""The least status that is a signal of its own."""


class BlockCounter:
    """Counts the responses of one line-based profile."""

    def __init__(self, spec: LineResponses, line: LinearPattern, health_path: str) -> None:
        self._line = line
        self._has_method = "method" in line.groupindex
        self._reader = ResponseReader(spec, line, health_path)

    def marks(self, data: bytes) -> Marks:
        """What `count` needs to know of a text; found without the interpreter's lock."""
        return self._reader.marks(data)

    def count(self, text: Text, marks: Marks, tally: Tally) -> None:
        """Count every response of a text by its minute."""
        lines = self._reader.read(text.data, marks)
        bad = np.flatnonzero(lines.statuses >= _LEAST)
        statuses = lines.statuses[bad]
        flags = {"http_5xx": statuses >= _FAILED}
        flags |= {signal: statuses == status for status, signal in STATUS_SIGNALS.items()}
        failed_health = flags["http_5xx"] & lines.health[bad]
        ends = np.searchsorted(lines.starts, [segment.end for segment in text.segments])
        stops = np.searchsorted(bad, ends)
        begin = first = kept = 0
        for segment, end, stop in zip(text.segments, ends.tolist(), stops.tolist(), strict=True):
            if segment.counted:
                tally.lines += end - begin
                counted = {
                    "http_responses": np.count_nonzero(lines.statuses[begin:end]),
                    "http_health": np.count_nonzero(lines.health[begin:end]),
                    "http_health_5xx": np.count_nonzero(failed_health[first:stop]),
                    **{name: np.count_nonzero(found[first:stop]) for name, found in flags.items()},
                }
                _add(counted, segment.minute, tally)
            else:
                kept = stop
            begin, first = end, stop
        self._follow(text, lines, ends, bool(flags["http_5xx"].any()), tally)
        limit = tally.routes_left()
        for signal, found in flags.items():
            starts = lines.starts[bad[kept:][found[kept:]]]
            self._keep_lines(text, signal, starts, limit, tally)

    def _keep_lines(self, text: Text, signal: str, starts: Marks, limit: int, tally: Tally) -> None:
        """Keep evidence lines and routes: of all bad responses, or of the last where many are."""
        if not len(starts):
            return
        if len(starts) >= limit:
            tally.routes_sampled = True
        seen: list[bytes] = []
        for begin in starts[-limit:][::-1].tolist():
            request = self.request(text.data, begin)
            if signal == "http_5xx":
                tally.outages.touched(request)
            tally.route(signal, request.route)
            if len(seen) < EVIDENCE_LINES:
                seen.append(text.data[begin : text.data.find(b"\n", begin)])
        tally.signal(signal).lines.extend(reversed(seen))

    def _follow(
        self, text: Text, lines: ResponseLines, ends: Marks, failing: bool, tally: Tally
    ) -> None:
        """Follow the failing stretches through the lines that count."""
        statuses = lines.statuses
        if not tally.outages.succeeded:
            tally.outages.succeeded = bool(((statuses > 0) & (statuses < _BAD_REQUEST)).any())
        timed = text.times is not None
        if timed and tally.outages.open is None and not failing:
            return
        statuses = np.where(lines.health, 0, statuses)
        begin = 0
        for segment, end in zip(text.segments, ends.tolist(), strict=True):
            if not segment.counted:
                statuses[begin:end] = 0
            begin = end
        if not timed:
            failed = statuses >= _FAILED
            tally.in_a_row(failed[failed | ((statuses > 0) & (statuses < 300))])
        follow(tally.outages, text, lines.starts, statuses, self)

    def begin(self, data: bytes, start: int) -> int | None:
        """Where method and path of a line stand; see `Requests`."""
        quote = self._reader.quote
        if quote is not None:
            return data.find(quote, start) + 1
        match = self._line.match(data, start, data.find(b"\n", start))
        return None if match is None else match.start("method" if self._has_method else "path")

    def request(self, data: bytes, start: int) -> Request:
        """The request that a line tells of; see `Requests`."""
        front = self._reader.front
        match = None if front is None else front.match(data, start)
        if match is None:
            match = self._line.match(data, start, data.find(b"\n", start))
        if match is None:
            return Request(b"?", b"?")
        groups = self._line.groupindex
        method = match["method"] if self._has_method else None
        client = match["client"] if "client" in groups else None
        unit = match["unit"] if "unit" in groups else None
        named = None if client == _NOBODY else client
        return Request(method or b"", match["path"] or b"", named, unit)


def _add(counted: Mapping[str, SupportsInt], minute: int | None, tally: Tally) -> None:
    for signal, n in counted.items():
        if n:
            tally.signal(signal).add(int(n), minute)
