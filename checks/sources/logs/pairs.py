"""Pairing responses with their requests, and counting those that hold.

A response counts only if its id has exactly one request and one response; what an attacker writes
into the log through a newline in a name comes twice or without its partner.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from checks.sources.logs.records import PairReader, Records
from checks.sources.logs.routes import STATUS_SIGNALS, route_of, signal_of
from checks.sources.logs.state import Pairing, Tally
from checks.sources.logs.text import Text

_STATUS_BITS = 10
_HEALTH_BIT = 1 << _STATUS_BITS
STATUS_MASK = _HEALTH_BIT - 1
"""The bits of a packed answer that hold its status."""
_COUNTED_BIT = 1 << (_STATUS_BITS + 1)
_MINUTE_SHIFT = _STATUS_BITS + 2


def count_pairs(reader: PairReader, text: Text, records: Records, tally: Tally) -> None:
    """Pair the records of a text with what is known; count its lines and what is paired."""
    before = 0
    for segment in text.segments:
        upto = int(np.searchsorted(records.newlines, segment.end))
        tally.lines += upto - before if segment.counted else 0
        before = upto
    _ask(tally, records.requests)
    packed = _pack(text, records)
    pairing = tally.pairing
    fresh = set(records.ids)
    if len(fresh) == len(records.ids) and fresh <= pairing.open.keys():
        for answered in records.ids:
            del pairing.open[answered]
        pairing.done.update(zip(records.ids, packed, strict=True))
        _count(tally, packed)
        good: Sequence[int] | None = None
    else:
        good = [
            index
            for index, (answered, value) in enumerate(zip(records.ids, packed, strict=True))
            if _answer(tally, text, records.starts[index], answered, value)
        ]
    _note_bad(reader, text, tally, records, good)
    pairing.forget()


def _pack(text: Text, records: Records) -> list[int]:
    statuses = np.array(records.statuses, np.int64)
    statuses |= np.array(records.health, np.int64) * _HEALTH_BIT
    if len(text.segments) == 1:
        (only,) = text.segments
        base_value = (_COUNTED_BIT if only.counted else 0) | ((only.minute or 0) << _MINUTE_SHIFT)
        return (statuses | base_value).tolist()
    ends = np.array([segment.end for segment in text.segments], np.int64)
    values = np.array(
        [
            (_COUNTED_BIT if segment.counted else 0) | ((segment.minute or 0) << _MINUTE_SHIFT)
            for segment in text.segments
        ],
        np.int64,
    )
    index = np.searchsorted(ends, np.array(records.starts, np.int64), side="right")
    return (statuses | values[np.minimum(index, len(values) - 1)]).tolist()


def _ask(tally: Tally, ids: list[bytes]) -> None:
    pairing = tally.pairing
    fresh = dict.fromkeys(ids)
    clean = len(fresh) == len(ids) and all(
        known.keys().isdisjoint(fresh) for known in (pairing.open, pairing.done, pairing.bad)
    )
    if clean:
        pairing.open.update(fresh)
        return
    for asked in ids:
        if asked in pairing.bad:
            continue
        if asked in pairing.done:
            _take_back(tally, asked)
        elif asked in pairing.open:
            del pairing.open[asked]
            pairing.bad[asked] = None
        else:
            pairing.open[asked] = None


def _answer(tally: Tally, text: Text, start: int, answered: bytes, value: int) -> bool:
    pairing: Pairing = tally.pairing
    if answered in pairing.open:
        del pairing.open[answered]
        pairing.done[answered] = value
        _count(tally, [value])
        return True
    if answered in pairing.done:
        _take_back(tally, answered)
    pairing.bad[answered] = None
    if value & _COUNTED_BIT:
        pairing.unpaired += 1
        pairing.lines.append(text.data[slice(*text.line_at(start))])
    return False


def _take_back(tally: Tally, repeated: bytes) -> None:
    value = tally.pairing.done.pop(repeated)
    tally.pairing.bad[repeated] = None
    if value & _COUNTED_BIT:
        tally.pairing.unpaired += 1
        _count(tally, [value], sign=-1)


def _count(tally: Tally, packed: Sequence[int], sign: int = 1) -> None:
    """Add responses to the tally; minute 0 stands for "no times"."""
    values = np.array(packed, np.int64)
    values = values[(values & _COUNTED_BIT) != 0]
    if not len(values):
        return
    statuses = values & STATUS_MASK
    failed = (statuses >= 500) & (statuses <= 599)
    health = (values & _HEALTH_BIT) != 0
    minutes = values >> _MINUTE_SHIFT
    masks = {
        "http_responses": np.ones(len(values), np.bool_),
        "http_5xx": failed,
        **{signal: statuses == status for status, signal in STATUS_SIGNALS.items()},
        "http_health": health,
        "http_health_5xx": health & failed,
    }
    first = int(minutes[0])
    one_minute = first == int(minutes[-1]) and bool((minutes == first).all())
    for signal, mask in masks.items():
        if one_minute:
            if n := int(np.count_nonzero(mask)):
                tally.signal(signal).add(sign * n, first or None)
            continue
        found, numbers = np.unique(minutes[mask], return_counts=True)
        for minute, n in zip(found.tolist(), numbers.tolist(), strict=True):
            tally.signal(signal).add(sign * n, minute or None)
    if sign > 0:
        _streak(tally, failed)


def _streak(tally: Tally, failed: npt.NDArray[np.bool_]) -> None:
    """Carry the number of 5xx responses in a row on through these."""
    breaks = np.flatnonzero(~failed)
    if not len(breaks):
        tally.streak += len(failed)
    else:
        edges = np.diff(np.concatenate(([-1], breaks, [len(failed)]))) - 1
        tally.longest_streak = max(
            tally.longest_streak, tally.streak + int(edges[0]), int(edges[1:-1].max(initial=0))
        )
        tally.streak = int(edges[-1])
    tally.longest_streak = max(tally.longest_streak, tally.streak)


def _note_bad(
    reader: PairReader, text: Text, tally: Tally, records: Records, good: Sequence[int] | None
) -> None:
    """Keep routes and evidence lines of what a check counts; `good` None: every response holds."""
    statuses = np.array(records.statuses, np.int64)
    counted = (statuses >= 500) & (statuses <= 599)
    for status in STATUS_SIGNALS:
        counted |= statuses == status
    if good is not None:
        holds = np.zeros(len(statuses), np.bool_)
        holds[list(good)] = True
        counted &= holds
    bad: list[int] = np.flatnonzero(counted).tolist()
    limit = tally.routes_left()
    if len(bad) > limit:
        tally.routes_sampled = True
    for index in bad[-limit:]:
        status = records.statuses[index]
        start = records.starts[index]
        signal = signal_of(status)
        if signal is None or not text.segment_at(start).counted:
            continue
        tally.route(signal, route_of(*reader.request_of(text.data, start)))
        end = text.data.find(b"\n", start)
        tally.signal(signal).lines.append(text.data[start:end] + b" status: %d" % status)
