"""Pairing responses with their requests, and counting those that hold.

A response counts only if its id has exactly one request and one response; what an attacker writes
into the log through a newline in a name comes twice or without its partner.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from checks.sources.logs.ids import IdMemory, Keys, Mask, Values, among, match, twice
from checks.sources.logs.outages import follow
from checks.sources.logs.records import PairReader, Records
from checks.sources.logs.routes import STATUS_SIGNALS, route_of, signal_of
from checks.sources.logs.state import Pairing, Tally
from checks.sources.logs.text import Text

_BAD_REQUEST, _FAILED = 400, 500
_STATUS_BITS = 10
_HEALTH_BIT = 1 << _STATUS_BITS
STATUS_MASK = _HEALTH_BIT - 1
"""The bits of a packed answer that hold its status."""
_COUNTED_BIT = 1 << (_STATUS_BITS + 1)
_MINUTE_SHIFT = _STATUS_BITS + 2


def count_pairs(
    reader: PairReader, text: Text, newlines: npt.NDArray[np.int64], records: Records, tally: Tally
) -> None:
    """Pair the records of a text with what is known; count its lines and what is paired."""
    before = 0
    for segment in text.segments:
        upto = int(np.searchsorted(newlines, segment.end))
        tally.lines += upto - before if segment.counted else 0
        before = upto
    packed = _pack(text, records)
    good = _pair(tally.pairing, records.requests, records.ids, packed)
    _count(tally, packed if good.held.all() else packed[good.held])
    if len(good.taken_back):
        _count(tally, good.taken_back, sign=-1)
    for index in np.flatnonzero(~good.held & ((packed & _COUNTED_BIT) != 0)).tolist():
        tally.pairing.unpaired += 1
        tally.pairing.lines.append(text.data[slice(*text.line_at(int(records.starts[index])))])
    _note_bad(reader, text, tally, records, good.held)
    _follow(reader, text, tally, records, packed, good.held)


def _follow(
    reader: PairReader, text: Text, tally: Tally, records: Records, packed: Values, held: Mask
) -> None:
    """Follow the failing stretches through the responses that hold."""
    statuses = records.statuses
    if not tally.outages.succeeded:
        tally.outages.succeeded = bool((held & (statuses < _BAD_REQUEST)).any())
    if tally.outages.open is None and not (statuses >= _FAILED).any():
        return
    kept = held & ((packed & (_COUNTED_BIT | _HEALTH_BIT)) == _COUNTED_BIT)
    follow(tally.outages, text, records.starts[kept], statuses[kept], reader)


def _pack(text: Text, records: Records) -> Values:
    """What is kept of each response: its status, whether it counts, and its minute."""
    statuses = records.statuses | (records.health * np.int64(_HEALTH_BIT))
    values = np.array(
        [
            (_COUNTED_BIT if segment.counted else 0) | ((segment.minute or 0) << _MINUTE_SHIFT)
            for segment in text.segments
        ],
        np.int64,
    )
    if len(values) == 1:
        return statuses | values[0]
    ends = np.array([segment.end for segment in text.segments], np.int64)
    index = np.searchsorted(ends, records.starts, side="right")
    return statuses | values[np.minimum(index, len(values) - 1)]


@dataclass(frozen=True, slots=True)
class _Paired:
    """Which responses held when they came, and what was counted before and is taken back."""

    held: Mask
    taken_back: Values


def _pair(pairing: Pairing, asked: Keys, answered: Keys, packed: Values) -> _Paired:
    """Pair the ids of one text: first all that are asked, then all answers.

    Ids that are neither new nor answered once are looked at one by one.
    """
    held = np.ones(len(answered), np.bool_)
    taken_back = packed[:0]
    requests, responses = np.sort(asked), np.sort(answered)
    answered_here, asked_here = match(requests, responses)
    waiting, alone = requests[~answered_here], responses[~asked_here]
    known = [ids.has(requests) for ids in (pairing.open, pairing.done, pairing.bad)]
    odd = np.concatenate(
        (
            twice(requests),
            requests[known[0] | known[1] | known[2]],
            twice(responses),
            alone[~pairing.open.has(alone)],
        )
    )
    if len(odd):
        odd = np.unique(odd)
        places = among(odd, answered)
        slow = _OneByOne(pairing, odd)
        slow.ask(asked[among(odd, asked)])
        held[places] = slow.answer(answered[places], packed[places])
        taken_back = slow.end()
        answered, packed = answered[~places], packed[~places]
        waiting, alone = (ids[~among(odd, ids)] for ids in (waiting, alone))
    pairing.open.remove(alone)
    pairing.open.add(waiting)
    pairing.done.add(answered, packed)
    return _Paired(held, taken_back)


class _OneByOne:
    """Pairs ids that may be forged; what is remembered of them is taken out and put back."""

    def __init__(self, pairing: Pairing, odd: Keys) -> None:
        self._pairing = pairing
        self._open, self._done, self._bad = (
            known.find(odd) for known in (pairing.open, pairing.done, pairing.bad)
        )
        for known in (pairing.open, pairing.done, pairing.bad):
            known.remove(odd)
        self._taken_back: list[int] = []

    def ask(self, ids: Keys) -> None:
        """Requests: one that comes twice makes its id bad."""
        for asked in ids.tolist():
            if asked in self._bad:
                continue
            if asked in self._done:
                self._take_back(asked)
            elif asked in self._open:
                del self._open[asked]
                self._bad[asked] = 0
            else:
                self._open[asked] = 0

    def answer(self, ids: Keys, packed: Values) -> list[bool]:
        """Responses: which of them hold when they come."""
        return [
            self._holds(answered, value)
            for answered, value in zip(ids.tolist(), packed.tolist(), strict=True)
        ]

    def _holds(self, answered: int, value: int) -> bool:
        if answered in self._open:
            del self._open[answered]
            self._done[answered] = value
            return True
        if answered in self._done:
            self._take_back(answered)
        self._bad[answered] = 0
        return False

    def _take_back(self, repeated: int) -> None:
        self._taken_back.append(self._done.pop(repeated))
        self._bad[repeated] = 0

    def end(self) -> Values:
        """Remember the ids again; the values of the responses that are taken back and counted."""
        pairing = self._pairing
        for into, ids in (
            (pairing.open, self._open),
            (pairing.done, self._done),
            (pairing.bad, self._bad),
        ):
            _put(into, ids)
        values = np.array(self._taken_back, np.int64)
        values = values[(values & _COUNTED_BIT) != 0]
        pairing.unpaired += len(values)
        return values


def _put(into: IdMemory, ids: dict[int, int]) -> None:
    into.add(np.array(list(ids), np.uint64), np.array(list(ids.values()), np.int64))


def _count(tally: Tally, values: Values, sign: int = 1) -> None:
    """Add responses to the tally; minute 0 stands for "no times"."""
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
        # As in `outages`: neither a health check nor 3xx and 4xx count, or end the row.
        tally.in_a_row(failed[~health & (failed | (statuses < 300))])


def _note_bad(reader: PairReader, text: Text, tally: Tally, records: Records, held: Mask) -> None:
    """Keep routes and evidence lines of what a check counts."""
    statuses = records.statuses
    counted = (statuses >= 500) & (statuses <= 599)
    for status in STATUS_SIGNALS:
        counted |= statuses == status
    bad: list[int] = np.flatnonzero(counted & held).tolist()
    limit = tally.routes_left()
    if len(bad) > limit:
        tally.routes_sampled = True
    for index in bad[-limit:]:
        status = int(statuses[index])
        start = int(records.starts[index])
        signal = signal_of(status)
        if signal is None or not text.segment_at(start).counted:
            continue
        if status >= _FAILED:
            request = reader.request(text.data, start)
            tally.outages.touched(request)
            tally.route(signal, request.route)
        else:
            tally.route(signal, route_of(*reader.request_of(text.data, start)))
        end = text.data.find(b"\n", start)
        tally.signal(signal).lines.append(text.data[start:end] + b" status: %d" % status)
