"""Counting what the event patterns hit, and keeping the ids that some of them name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from checks.engine import own_events
from checks.engine.linear import LinearMatch, LinearPattern
from checks.sources.logs.lines import Places
from checks.sources.logs.profile import Profile
from checks.sources.logs.state import EVIDENCE_LINES, MAX_CHANGES, MAX_CREATED, Tally
from checks.sources.logs.text import Segment, Text

_OWN = own_events.PREFIX.encode()


def count_events(
    profile: Profile,
    text: Text,
    hits: Sequence[Sequence[int]],
    tally: Tally,
    opened: Mapping[int, Places] | None = None,
) -> None:
    """Count each hit line once per signal.

    Args:
        profile: whose patterns were searched.
        text: where.
        hits: of each pattern that Hyperscan searched, where its hits end.
        tally: where the counts go.
        opened: of other patterns, by index, where the lines start that begin with them.
    """
    lines: dict[int, Places] = {
        index: np.array(_hit_lines(text.data, ends), np.int64)
        for index, ends in zip(profile.searched, hits, strict=True)
        if ends
    }
    if opened:
        lines |= opened
    if profile.naming is not None:
        lines = {at: _naming(profile.naming, text.data, found) for at, found in lines.items()}
    changes: list[tuple[int, str, bool, int | None]] = []
    for index in sorted(lines):
        pattern = profile.patterns[index]
        probed = pattern.signal == own_events.SIGNAL and _OWN in text.data
        for segment, part in _by_segment(text, lines[index]):
            if not segment.counted:
                continue
            signal = tally.signal(pattern.signal)
            signal.add(len(part), segment.minute)
            for begin in part[-EVIDENCE_LINES:].tolist():
                signal.lines.append(text.data[begin : text.data.find(b"\n", begin)])
            if pattern.groups is not None:
                up = pattern.signal == "connection_up"
                found = _keep(pattern.groups, text.data, part, segment.minute, tally)
                changes += [(at, unit, up, segment.minute) for at, unit in found]
            if probed:
                whole = (text.data[at : text.data.find(b"\n", at)] for at in part.tolist())
                names = own_events.names_in(whole)
                tally.own_events.extend((name, segment.minute) for name in names)
    # Ups and downs are told apart by their patterns: how often a unit went down, their order tells.
    changes.sort(key=lambda change: change[0])
    tally.changes.extend((unit, up, minute) for _, unit, up, minute in changes)


def _naming(name: re.Pattern[bytes], data: bytes, lines: Places) -> Places:
    """Those of some lines that have a name in them."""
    found = [b for b in lines.tolist() if name.search(data[b : data.find(b"\n", b)]) is not None]
    return np.array(found, np.int64)


def _hit_lines(data: bytes, ends: Sequence[int]) -> list[int]:
    """Starts of the lines that were hit, each once: a pattern may report several ends on one."""
    starts: list[int] = []
    stop = -1
    for end in ends:
        if end <= stop:
            continue
        begin = data.rfind(b"\n", 0, end - 1) + 1
        stop = data.find(b"\n", end - 1)
        if stop < 0:
            stop = len(data)
        starts.append(begin)
    return starts


def _by_segment(text: Text, lines: Places) -> list[tuple[Segment, Places]]:
    """The lines of each segment that has some."""
    segments = text.segments
    if len(segments) == 1:
        return [(segments[0], lines)] if len(lines) else []
    cuts = np.searchsorted(lines, [segment.end for segment in segments[:-1]])
    parts = zip(segments, np.split(lines, cuts), strict=True)
    return [(segment, part) for segment, part in parts if len(part)]


def _keep(
    pattern: re.Pattern[bytes] | LinearPattern,
    data: bytes,
    lines: Places,
    minute: int | None,
    tally: Tally,
) -> list[tuple[int, str]]:
    """Keep the row ids or campaigns that events name; the units that they name, and where."""
    groups = pattern.groupindex
    if "campaign" not in groups:
        # More of the others than these are forgotten at once.
        lines = lines[-max(MAX_CREATED, MAX_CHANGES) :]
    match = pattern.match
    found = [m for begin in lines.tolist() if (m := match(data, begin)) is not None]
    if "id" in groups:
        tally.created.extend((row, minute) for row in _named(found, "id"))
    if "campaign" in groups:
        tally.campaigns.update(dict.fromkeys(_named(found, "campaign"), minute))
    if "unit" not in groups:
        return []
    return [(m.start(), unit) for m in found for unit in _named([m], "unit")]


def _named(found: Sequence[re.Match[bytes] | LinearMatch], group: str) -> list[str]:
    """What a group of the matches holds."""
    return [value.decode("ascii", "replace") for m in found if (value := m[group]) is not None]
