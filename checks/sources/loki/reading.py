"""What single entries say: the line that is shown, the route of a response, the ids of an event."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from checks.engine.linear import LinearMatch
from checks.engine.profiles import PairedResponses
from checks.sources.logs.prefix import uncoloured
from checks.sources.logs.profile import Pattern
from checks.sources.logs.routes import route_of
from checks.sources.logs.state import Tally
from checks.sources.loki.answers import Entry
from checks.sources.loki.form import Form
from checks.sources.loki.spans import MINUTE


@dataclass(frozen=True, slots=True)
class Shown:
    """One entry as a check shows it. `route` is None for what is no response."""

    entry: Entry
    line: bytes
    route: str | None


class Reading:
    """Reads the entries of one form."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self._patterns = {pattern.signal: pattern for pattern in form.profile.patterns}
        spec = form.profile.spec.responses
        self._response = (
            re.compile(b"^" + re.escape(spec.response.encode()) + rb"(\S+) (\S+)", re.MULTILINE)
            if isinstance(spec, PairedResponses)
            else None
        )
        self._status = (
            re.compile(
                rb"(?:^  |[{,] )" + re.escape(spec.status.encode()) + rb"(\d{3})\b", re.MULTILINE
            )
            if isinstance(spec, PairedResponses)
            else None
        )

    def keeps(self, signal: str) -> Pattern | None:
        """The pattern of a signal that names ids which are kept."""
        pattern = self._patterns.get(signal)
        return pattern if pattern is not None and pattern.groups is not None else None

    def shown(self, signal: str, entries: Iterable[Entry]) -> list[Shown]:
        """The line of each entry that a signal counted."""
        return [self._shown(signal, entry) for entry in entries]

    def _shown(self, signal: str, entry: Entry) -> Shown:
        pattern = self._patterns.get(signal)
        if pattern is not None:
            text = self._event_text(entry)
            match = pattern.compiled.search(text)
            return Shown(entry, _line_at(text, match.start() if match else 0), None)
        text = self._plain(entry)
        if self._response is not None and self._status is not None:
            head = self._response.search(text)
            status = self._status.search(text, head.start()) if head else None
            if head and status:
                line = _line_at(text, head.start()) + b" status: " + status[1]
                return Shown(entry, line, route_of(head[1], head[2]))
        return Shown(entry, _line_at(text, 0), self._route(text))

    def _route(self, text: bytes) -> str | None:
        """The route in a format that writes a response in one line."""
        fields, line = self._form.profile.fields, self._form.profile.line
        if fields is not None:
            found = fields.read(text)
            return None if found is None else route_of(found.method, found.path)
        match = line.match(text) if line is not None else None
        if match is None:
            return None
        groups = match.groupdict()
        return route_of(groups.get("method") or b"", groups.get("path") or b"")

    def said(self, pattern: Pattern, entry: Entry) -> LinearMatch | None:
        """Where an event's pattern is in an entry."""
        return pattern.compiled.search(self._event_text(entry))

    def _event_text(self, entry: Entry) -> bytes:
        """What events are looked for in: the message of a JSON object, in one line."""
        text = self._plain(entry)
        fields = self._form.profile.fields
        if fields is None:
            return text
        found = fields.read(text)
        return b"" if found is None else found.message.replace(b"\n", b"\0")

    def _plain(self, entry: Entry) -> bytes:
        """The text of an entry without colours, carriage returns and prefixes."""
        text = uncoloured(entry.text.encode("utf-8", "replace")).replace(b"\r\n", b"\n")
        return self._form.prefix.strip(text.removesuffix(b"\r"))


def _line_at(text: bytes, start: int) -> bytes:
    begin = text.rfind(b"\n", 0, start) + 1
    end = text.find(b"\n", start)
    return text[begin : len(text) if end < 0 else end]


def keep(reading: Reading, found: Sequence[tuple[Pattern, Entry]], tally: Tally) -> None:
    """Keep the ids that events name, in the order of the events."""
    for pattern, entry in sorted(found, key=lambda pair: pair[1].nanoseconds):
        match = reading.said(pattern, entry)
        if match is None:
            continue
        minute = entry.at // MINUTE
        groups = match.groupdict()
        if (row := groups.get("id")) is not None:
            tally.created.append((_text(row), minute))
        if (unit := groups.get("unit")) is not None:
            tally.changes.append((_text(unit), pattern.signal == "connection_up", minute))
        if (campaign := groups.get("campaign")) is not None:
            tally.campaigns[_text(campaign)] = minute


def _text(raw: bytes) -> str:
    return raw.decode("ascii", "replace")
