"""Finding request and response records that an application writes over several lines.

The records of a whole text are found at once: line starts as an array, their first bytes compared
eight at a time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from checks.engine.profiles import PairedResponses

_UUID = 36
_PAD = 128
_MAX_RECORD_LINES = 40
_SHAPES_TRIED = 6


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
        """Indexes of the lines that begin with a literal."""
        if heads is None:
            heads = words[starts]
        first = literal[:8]
        if len(first) < 8:
            heads = heads & np.uint64((1 << (8 * len(first))) - 1)
        found = np.flatnonzero(heads == np.uint64(int.from_bytes(first, "little")))
        return found[_continues(words, starts[found], literal)] if len(literal) > 8 else found

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
