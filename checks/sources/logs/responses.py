"""Counting a text whose lines are JSON objects: responses by field, events by message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from checks.sources.logs.events import count_events
from checks.sources.logs.fields import JsonLine
from checks.sources.logs.matcher import Matcher
from checks.sources.logs.outages import follow
from checks.sources.logs.profile import Profile
from checks.sources.logs.routes import route_of, signal_of
from checks.sources.logs.state import Tally
from checks.sources.logs.text import Segment, Text

_BAD_REQUEST, _FAILED = 400, 500


def count_json(
    profile: Profile, matcher: Matcher, text: Text, tally: Tally
) -> Sequence[Sequence[int]]:
    """Count the responses and events of JSON lines; returns the hits of the secret patterns."""
    fields = profile.fields
    if fields is None:
        return ()
    messages: list[bytes] = []
    moved: list[Segment] = []
    starts: list[int] = []
    statuses: list[int] = []
    start = size = 0
    for segment in text.segments:
        place = following = start
        for line in text.data[start : segment.end].split(b"\n"):
            place, following = following, following + len(line) + 1
            if not line.strip():
                continue
            tally.lines += segment.counted
            found = fields.read(line)
            if found is None:
                continue
            # A newline inside a message is data, never the start of another record.
            message = found.message.replace(b"\n", b"\0") + b"\n"
            messages.append(message)
            size += len(message)
            if found.status is not None and found.status < _BAD_REQUEST:
                tally.outages.succeeded = True
            if segment.counted:
                status = _response(profile, found, line, segment.minute, tally)
                if status is not None:
                    starts.append(place)
                    statuses.append(status)
                if status is not None and status >= _FAILED:
                    tally.outages.touched(fields.request(line, 0))
        moved.append(replace(segment, end=size))
        start = segment.end
    answers = np.array(statuses, np.int64)
    failed = (answers >= _FAILED) & (answers <= 599)
    tally.in_a_row(failed[failed | (answers < 300)])
    follow(tally.outages, text, np.array(starts, np.int64), answers, fields)
    plain = Text(b"".join(messages), tuple(moved))
    count_events(profile, plain, matcher.events(plain.data), tally)
    return matcher.secrets(text.data)


def _response(
    profile: Profile, found: JsonLine, line: bytes, minute: int | None, tally: Tally
) -> int | None:
    """Count a line's response; returns its status, if it answers more than a health check."""
    if found.status is None:
        return None
    tally.signal("http_responses").add(1, minute)
    signal = signal_of(found.status)
    health = found.path.partition(b"?")[0] == profile.spec.health_path.encode()
    if health:
        tally.signal("http_health").add(1, minute)
        if signal == "http_5xx":
            tally.signal("http_health_5xx").add(1, minute)
    if signal is not None:
        tally.signal(signal).add(1, minute)
        tally.signal(signal).lines.append(line)
        tally.route(signal, route_of(found.method, found.path))
    return None if health else found.status
