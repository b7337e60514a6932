"""Counting the responses of a format that writes one a line, and keeping the last of the bad."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import SupportsInt

import numpy as np

from checks.engine.profiles import LineResponses
from checks.sources.logs.response_lines import Marks, ResponseReader
from checks.sources.logs.routes import STATUS_SIGNALS, route_of
from checks.sources.logs.state import EVIDENCE_LINES, Tally
from checks.sources.logs.text import Text

_FAILED = 500
_LEAST = min(_FAILED, *STATUS_SIGNALS)
"""The least status that is a signal of its own."""


class BlockCounter:
    """Counts the responses of one line-based profile."""

    def __init__(self, spec: LineResponses, line: re.Pattern[bytes], health_path: str) -> None:
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
            line = text.data[begin : text.data.find(b"\n", begin)]
            match = self._line.match(line)
            if match is not None:
                method = match["method"] if self._has_method else b""
                tally.route(signal, route_of(method or b"", match["path"]))
                seen.append(line)
        tally.signal(signal).lines.extend(reversed(seen[:EVIDENCE_LINES]))


def _add(counted: Mapping[str, SupportsInt], minute: int | None, tally: Tally) -> None:
    for signal, n in counted.items():
        if n:
            tally.signal(signal).add(int(n), minute)
