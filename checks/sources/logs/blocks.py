"""Counting responses of a format that writes one a line, whole blocks at a time.

In a regular block every line has the literal before the status exactly once, and other literals as
often as the profile says. Then counting a literal counts lines, at the speed of memory. Where the
sums show that a block is not regular, it is halved until the odd lines stand alone; those are read
one by one with the profile's strict pattern.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import stringzilla

from checks.engine.profiles import LineResponses
from checks.sources.logs.routes import STATUS_SIGNALS, route_of, signal_of
from checks.sources.logs.state import EVIDENCE_LINES, Tally
from checks.sources.logs.text import Segment, Text

_LEAF = 2_048
_HTTP_VERSIONS = ("1.1", "1.0", "2.0", "3.0")


@dataclass(slots=True)
class Counts:
    """Responses of one block."""

    lines: int = 0
    responses: int = 0
    signals: dict[str, int] = field(default_factory=dict[str, int])

    def add(self, signal: str, n: int = 1) -> None:
        """Count responses of a signal."""
        if n:
            self.signals[signal] = self.signals.get(signal, 0) + n


class BlockCounter:
    """Counts the responses of one line-based profile."""

    def __init__(self, spec: LineResponses, line: re.Pattern[bytes], health_path: str) -> None:
        self._line = line
        self._health_path = health_path.encode()
        self._after = spec.status_after
        self._exactly = tuple(spec.exactly.items())
        if spec.status_after is not None:
            after = spec.status_after
            self._classes = tuple(f"{after}{digit}" for digit in "12345")
            self._needles = {
                "http_5xx": f"{after}5",
                **{signal: f"{after}{status} " for status, signal in STATUS_SIGNALS.items()},
            }
            self._health = f" {health_path} HTTP/"
            self._failed_health = tuple(
                f"{self._health}{version}{after}5" for version in _HTTP_VERSIONS
            )

    def count(self, text: Text, tally: Tally) -> int:
        """Count every response of a text; returns how many lines were responses."""
        start = 0
        found = 0
        view = stringzilla.Str(text.data)
        for segment in text.segments:
            counts = Counts()
            if segment.counted:
                self._block(text.data, view, start, segment.end, counts)
                self._store(counts, segment, tally)
                found += counts.responses
            start = segment.end
        self._keep_lines(text, tally)
        return found

    def _block(
        self, data: bytes, view: stringzilla.Str, start: int, end: int, counts: Counts
    ) -> None:
        if end - start > _LEAF and self._after is not None:
            part = view[start:end]
            if self._regular(part, counts):
                return
            middle = data.rfind(b"\n", start, (start + end) // 2) + 1 or start
            if middle <= start:
                middle = data.find(b"\n", (start + end) // 2, end) + 1
            if start < middle < end:
                self._block(data, view, start, middle, counts)
                self._block(data, view, middle, end, counts)
                return
        self._strictly(data, start, end, counts)

    def _regular(self, part: stringzilla.Str, counts: Counts) -> bool:
        """Count a block by its literals, if every line of it is a plain response."""
        count: Callable[[str], int] = part.count
        lines = count("\n")
        failed = count(self._needles["http_5xx"])
        if failed + sum(count(needle) for needle in self._classes[:4]) != lines:
            return False
        if any(count(literal) != times * lines for literal, times in self._exactly):
            return False
        health = count(self._health)
        counts.lines += lines
        counts.responses += lines
        counts.add("http_5xx", failed)
        for signal, needle in self._needles.items():
            if signal != "http_5xx":
                counts.add(signal, count(needle))
        counts.add("http_health", health)
        return True

    def _any_failed_health(self, part: stringzilla.Str) -> bool:
        """Whether a failed health response may be in a block: then its lines are read singly."""
        return any(
            part.count(f"{self._health}{v}{self._after}5") for v in ("1.1", "1.0", "2.0", "3.0")
        )

    def _strictly(self, data: bytes, start: int, end: int, counts: Counts) -> None:
        for line in data[start:end].splitlines():
            counts.lines += 1
            match = self._line.match(line)
            if match is None:
                continue
            status = int(match["status"])
            counts.responses += 1
            signal = signal_of(status)
            if signal is not None:
                counts.add(signal)
            if match["path"] == self._health_path:
                counts.add("http_health")
                if signal == "http_5xx":
                    counts.add("http_health_5xx")

    def _store(self, counts: Counts, segment: Segment, tally: Tally) -> None:
        tally.lines += counts.lines
        if counts.responses:
            tally.signal("http_responses").add(counts.responses, segment.minute)
        for signal, n in counts.signals.items():
            tally.signal(signal).add(n, segment.minute)

    def _keep_lines(self, text: Text, tally: Tally) -> None:
        """Keep evidence lines and routes: of all bad responses, or of the last where many are."""
        limit = tally.routes_left()
        for signal in ("http_5xx", *STATUS_SIGNALS.values()):
            needle = self._needle_bytes(signal)
            if needle is None:
                continue
            end = len(text.data)
            seen: list[bytes] = []
            while len(seen) < limit:
                position = text.data.rfind(needle, 0, end)
                if position < 0:
                    break
                begin, stop = text.line_at(position)
                if not text.segment_at(begin).counted:
                    break
                end = begin
                match = self._line.match(text.data, begin, stop)
                if match is None or signal_of(int(match["status"])) != signal:
                    continue
                groups = match.groupdict()
                tally.route(signal, route_of(groups.get("method") or b"", match["path"]))
                seen.append(text.data[begin:stop])
            else:
                tally.routes_sampled = True
            tally.signal(signal).lines.extend(reversed(seen[:EVIDENCE_LINES]))

    def _needle_bytes(self, signal: str) -> bytes | None:
        if self._after is None:
            return None
        return self._needles[signal].encode()
