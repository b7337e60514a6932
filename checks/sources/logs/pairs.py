"""Responses of a log that writes requests and responses as records of their own.

The records of a whole text are found at once: line starts as an array, their first bytes compared
eight at a time. A response counts only if its id has exactly one request and one response; what an
attacker writes into the log through a newline in a name comes twice or without its partner.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from checks.engine.profiles import PairedResponses
from checks.sources.logs.routes import STATUS_SIGNALS, route_of, signal_of
from checks.sources.logs.state import Pairing, Tally
from checks.sources.logs.text import Text

_UUID = 36
_PAD = 128
_MAX_RECORD_LINES = 40
_SHAPES_TRIED = 6
_STATUS_BITS = 10
_HEALTH_BIT = 1 << _STATUS_BITS
STATUS_MASK = _HEALTH_BIT - 1
"""The bits of a packed answer that hold its status."""
_COUNTED_BIT = 1 << (_STATUS_BITS + 1)
_MINUTE_SHIFT = _STATUS_BITS + 2


@dataclass(frozen=True, slots=True)
class Records:
    """Records of one text: the request ids, and per response its id, status and header line."""

    requests: list[bytes]
    ids: list[bytes]
    statuses: list[int]
    starts: list[int]
    health: list[bool]
    newlines: npt.NDArray[np.int64]


class PairReader:
    """Finds request and response records of one profile."""

    def __init__(self, spec: PairedResponses, health_path: str) -> None:
        self._request = spec.request.encode()
        self._response = spec.response.encode()
        self._id = spec.id.encode()
        self._id_line = b"  " + self._id
        self._status_line = b"  " + spec.status.encode()
        self._health = f"GET {health_path}".encode()
        self._status = re.compile(
            rb"(?:^  |[{,] )" + re.escape(spec.status.encode()) + rb"(\d{3})\b", re.MULTILINE
        )
        self._id_value = re.compile(re.escape(self._id) + rb"([^'\",\s}]+)")
        self._request_line = re.compile(rb"(\S+) (\S+)")

    def is_record(self, line: bytes) -> bool:
        """Whether a line begins a request or a response record."""
        return line.startswith((self._request, self._response))

    def id_of(self, text: bytes, start: int) -> bytes | None:
        """The id of the record whose header line starts at `start`."""
        found = self._id_value.search(text, start, self._end_of_record(text, start))
        return found.group(1) if found else None

    def read(self, data: bytes) -> Records:
        """All complete records of a text, in file order. Incomplete ones are left out."""
        size = len(data)
        padded = data + b"\0" * _PAD
        raw = np.frombuffer(padded, np.uint8)
        newlines = np.flatnonzero(raw[:size] == ord("\n"))
        starts = np.empty(len(newlines) + 1, np.int64)
        starts[0] = 0
        starts[1:] = newlines + 1
        words = np.ndarray((size + _PAD - 8,), np.uint64, padded, 0, (1,))
        heads = words[starts]
        requests = self._lines_with(self._request, words, starts, heads)
        responses = self._lines_with(self._response, words, starts, heads)
        asked, slow_asked = self._ids(padded, raw, words, starts, requests)
        request_ids = asked[1]
        request_ids += self._one_line_ids(data, padded, raw, words, starts[slow_asked])
        return self._responses(data, padded, raw, words, starts, responses, request_ids)

    def _lines_with(
        self,
        literal: bytes,
        words: npt.NDArray[np.uint64],
        starts: npt.NDArray[np.int64],
        heads: npt.NDArray[np.uint64] | None = None,
    ) -> npt.NDArray[np.int64]:
        """Indexes of the lines that begin with a literal of at least eight bytes."""
        if heads is None:
            heads = words[starts]
        found = np.flatnonzero(heads == np.uint64(int.from_bytes(literal[:8], "little")))
        return found[_continues(words, starts[found], literal)]

    def _ids(
        self,
        padded: bytes,
        raw: npt.NDArray[np.uint8],
        words: npt.NDArray[np.uint64],
        starts: npt.NDArray[np.int64],
        headers: npt.NDArray[np.int64],
    ) -> tuple[tuple[npt.NDArray[np.int64], list[bytes]], npt.NDArray[np.int64]]:
        """Split headers: those with a UUID on the next line (with the ids), and the others."""
        headers = headers[headers + 1 < len(starts)]
        follow = starts[headers + 1]
        regular = _continues(words, follow, self._id_line, whole=True)
        ends = np.minimum(follow + len(self._id_line) + _UUID, len(raw) - 1)
        regular &= (raw[ends] == ord("'")) | (raw[ends] == ord('"'))
        places = follow[regular] + len(self._id_line)
        view = np.ndarray((len(padded) - _UUID,), f"S{_UUID}", padded, 0, (1,))
        return (headers[regular], view[places].tolist()), headers[~regular]

    def _one_line_ids(
        self,
        data: bytes,
        padded: bytes,
        raw: npt.NDArray[np.uint8],
        words: npt.NDArray[np.uint64],
        headers: npt.NDArray[np.int64],
    ) -> list[bytes]:
        """Ids of one-line records: most have the same path, and so the id at the same place."""
        ids: list[bytes] = []
        view = np.ndarray((len(padded) - _UUID,), f"S{_UUID}", padded, 0, (1,))
        for _ in range(_SHAPES_TRIED):
            if not len(headers):
                return ids
            first = int(headers[0])
            found = self._id_value.search(data, first, self._end_of_record(data, first))
            if found is None:
                headers = headers[1:]
                continue
            before = data[first + len(self._request) : found.start(1)]
            if len(found.group(1)) != _UUID or b"\n" in before or len(before) > _PAD // 2:
                ids.append(found.group(1))
                headers = headers[1:]
                continue
            same = headers + len(self._request) + len(before) + _UUID < len(data)
            headers_in = np.where(same, headers, 0)
            same &= _continues(words, headers_in + len(self._request), before, whole=True)
            places = headers_in + len(self._request) + len(before)
            same &= raw[places + _UUID] == ord("'")
            ids += view[places[same]].tolist()
            headers = headers[~same]
        for start in headers.tolist():
            value = self.id_of(data, start)
            if value is not None:
                ids.append(value)
        return ids

    def _responses(
        self,
        data: bytes,
        padded: bytes,
        raw: npt.NDArray[np.uint8],
        words: npt.NDArray[np.uint64],
        starts: npt.NDArray[np.int64],
        headers: npt.NDArray[np.int64],
        request_ids: list[bytes],
    ) -> Records:
        (headers, ids), slow = self._ids(padded, raw, words, starts, headers)
        third = starts[np.minimum(headers + 2, len(starts) - 1)]
        regular = _continues(words, third, self._status_line, whole=True)
        digits = raw[third[:, None] + (len(self._status_line) + np.arange(4))[None, :]].astype(
            np.int64
        )
        digits -= ord("0")
        is_digit = (digits >= 0) & (digits <= 9)
        regular &= is_digit[:, :3].all(axis=1) & ~is_digit[:, 3]
        statuses = digits[:, 0] * 100 + digits[:, 1] * 10 + digits[:, 2]
        places = starts[headers]
        path_at = places + len(self._response)
        health = _continues(words, path_at, self._health, whole=True)
        after = raw[path_at + len(self._health)]
        health &= (after == ord(" ")) | (after == ord("?"))
        if regular.all() and not len(slow):
            return Records(
                request_ids,
                ids,
                statuses.tolist(),
                places.tolist(),
                health.tolist(),
                starts[1:] - 1,
            )
        rows = [
            row
            for row, fine in zip(
                zip(places.tolist(), ids, statuses.tolist(), health.tolist(), strict=True),
                regular.tolist(),
                strict=True,
            )
            if fine
        ]
        others = [*starts[slow].tolist(), *places[~regular].tolist()]
        rows += [row for start in others if (row := self._slow(data, start)) is not None]
        rows.sort()
        return Records(
            request_ids,
            [row[1] for row in rows],
            [row[2] for row in rows],
            [row[0] for row in rows],
            [row[3] for row in rows],
            starts[1:] - 1,
        )

    def _slow(self, data: bytes, start: int) -> tuple[int, bytes, int, bool] | None:
        """A response record in another shape: one line, another order, another kind of id."""
        end = self._end_of_record(data, start)
        status = self._status.search(data, start, end)
        found = self._id_value.search(data, start, end)
        if status is None or found is None:
            return None
        path = data[
            start + len(self._response) : start + len(self._response) + len(self._health) + 1
        ]
        health = path[:-1] == self._health and path[-1:] in b" ?"
        return start, found.group(1), int(status.group(1)), health

    def _end_of_record(self, data: bytes, start: int) -> int:
        """The end of a record: of its header line where that closes it, else of its last line."""
        line_end = data.find(b"\n", start)
        if line_end < 0:
            return len(data)
        if data[line_end - 1 : line_end] == b"}":
            return line_end
        position = line_end + 1
        for _ in range(_MAX_RECORD_LINES):
            if data[position : position + 1] not in (b" ", b"\t"):
                break
            following = data.find(b"\n", position)
            if following < 0:
                return len(data)
            position = following + 1
        return position

    def request_of(self, data: bytes, start: int) -> tuple[bytes, bytes]:
        """Method and path of a response's header line."""
        match = self._request_line.match(data, start + len(self._response))
        return (match.group(1), match.group(2)) if match else (b"?", b"?")


def _continues(
    words: npt.NDArray[np.uint64],
    starts: npt.NDArray[np.int64],
    literal: bytes,
    *,
    whole: bool = False,
) -> npt.NDArray[np.bool_]:
    """Where the text at `starts` goes on with `literal` (from its ninth byte, unless `whole`)."""
    fits = np.ones(len(starts), np.bool_)
    offsets = list(range(0 if whole else 8, max(len(literal) - 7, 1), 8))
    if len(literal) >= 8 and (not offsets or offsets[-1] != len(literal) - 8):
        offsets.append(len(literal) - 8)
    for offset in offsets:
        part = literal[offset : offset + 8]
        want = np.uint64(int.from_bytes(part, "little"))
        found = words[starts + offset]
        if len(part) < 8:
            found = found & np.uint64((1 << (8 * len(part))) - 1)
        fits &= found == want
    return fits


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
