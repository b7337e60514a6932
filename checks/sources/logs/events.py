"""Counting what the event patterns hit, and keeping the ids that some of them name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from checks.sources.logs.lines import Places
from checks.sources.logs.profile import Pattern, Profile
from checks.sources.logs.state import EVIDENCE_LINES, Tally
from checks.sources.logs.text import Segment, Text


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
    lines: dict[int, Sequence[int]] = {
        index: _hit_lines(text.data, ends)
        for index, ends in zip(profile.searched, hits, strict=True)
        if ends
    }
    if opened:
        lines |= {index: starts.tolist() for index, starts in opened.items() if len(starts)}
    for index in sorted(lines):
        pattern = profile.patterns[index]
        for segment, part in _by_segment(text, lines[index]):
            if not segment.counted:
                continue
            signal = tally.signal(pattern.signal)
            signal.add(len(part), segment.minute)
            for begin in part[-EVIDENCE_LINES:]:
                signal.lines.append(text.data[begin : text.data.find(b"\n", begin)])
            if pattern.keeps:
                for begin in part:
                    _keep(pattern, text.data, begin, segment.minute, tally)


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


def _by_segment(text: Text, lines: Sequence[int]) -> list[tuple[Segment, Sequence[int]]]:
    if len(text.segments) == 1:
        return [(text.segments[0], lines)]
    groups: dict[int, list[int]] = {}
    index = 0
    for begin in lines:
        while begin >= text.segments[index].end and index + 1 < len(text.segments):
            index += 1
        groups.setdefault(index, []).append(begin)
    return [(text.segments[at], part) for at, part in groups.items()]


def _keep(pattern: Pattern, data: bytes, begin: int, minute: int | None, tally: Tally) -> None:
    """Keep the row id, unit or campaign that an event names."""
    match = pattern.compiled.match(data, begin)
    if match is None:
        return
    groups = match.groupdict()
    if (row := groups.get("id")) is not None:
        tally.created.append((row.decode("ascii", "replace"), minute))
    if (unit := groups.get("unit")) is not None:
        up = pattern.signal == "connection_up"
        tally.changes.append((unit.decode("ascii", "replace"), up, minute))
    if (campaign := groups.get("campaign")) is not None:
        tally.campaigns[campaign.decode("ascii", "replace")] = minute
