"""Finding request and response records that an application writes over several lines.

The records of a whole text are found at once, in the table of its lines.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from checks.engine.profiles import PairedResponses
from checks.sources.logs.ids import UUID, IdHash, Keys
from checks.sources.logs.lines import PAD, LineTable, Mask, Places
from checks.sources.logs.outages import Request

_MAX_RECORD_LINES = 40
_SHAPES_TRIED = 6
_LONGEST_ID = 64
_ASKED_BEFORE = 65_536
"""Bytes before a response in which its request is looked for, to know whose it was."""


@dataclass(frozen=True, slots=True)
class Records:
    """Records of one text: the keys of the request ids, and the responses in file order.

    Per response: the key of its id, its status, where its header line starts, and whether it
    answers a health probe.
    """

    requests: Keys
    ids: Keys
    statuses: npt.NDArray[np.int64]
    starts: Places
    health: Mask


_Row = tuple[int, bytes, int, bool]


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
        self._unit = None if spec.unit is None else _value(spec.unit)
        self._clients = [_value(literal) for literal in spec.client]
        self._nobody = None if spec.nobody is None else spec.nobody.encode()

    def is_record(self, line: bytes) -> bool:
        """Whether a line begins a request or a response record."""
        return line.startswith((self._request, self._response))

    def id_of(self, text: bytes, start: int) -> bytes | None:
        """The id of the record whose header line starts at `start`."""
        found = self._id_value.search(text, start, self._end_of_record(text, start))
        return found.group(1) if found else None

    def read(self, table: LineTable, hashed: IdHash) -> Records:
        """All complete records of a text. Incomplete ones are left out."""
        lines, slow = self._split(table, table.beginning_with(self._request))
        ids, others = self._one_line_ids(table, table.starts[slow])
        uuids = np.concatenate((self._ids(table, lines), ids))
        requests = np.concatenate((hashed.of_uuids(uuids), hashed.of(others)))
        return self._responses(table, hashed, requests)

    def _split(self, table: LineTable, headers: Places) -> tuple[Places, Places]:
        """Header lines that have a UUID on the next line, and the others."""
        headers = headers[headers + 1 < len(table.starts)]
        follow = table.starts[headers + 1]
        regular = table.continues(follow, self._id_line)
        ends = table.raw[np.minimum(follow + len(self._id_line) + UUID, len(table.raw) - 1)]
        regular &= (ends == ord("'")) | (ends == ord('"'))
        return headers[regular], headers[~regular]

    def _ids(self, table: LineTable, headers: Places) -> npt.NDArray[np.bytes_]:
        """The UUIDs on the lines after these."""
        return table.pieces(table.starts[headers + 1] + len(self._id_line), UUID)

    def _one_line_ids(
        self, table: LineTable, headers: Places
    ) -> tuple[npt.NDArray[np.bytes_], list[bytes]]:
        """UUIDs of one-line records, and ids of another kind.

        Most records have the same path, and so the id at the same place.
        """
        data = table.data
        uuids: list[npt.NDArray[np.bytes_]] = [table.pieces(headers[:0], UUID)]
        others: list[bytes] = []
        for _ in range(_SHAPES_TRIED):
            if not len(headers):
                break
            first = int(headers[0])
            found = self._id_value.search(data, first, self._end_of_record(data, first))
            if found is None:
                headers = headers[1:]
                continue
            before = data[first + len(self._request) : found.start(1)]
            if len(found.group(1)) != UUID or b"\n" in before or len(before) > PAD // 2:
                others.append(found.group(1))
                headers = headers[1:]
                continue
            same = headers + len(self._request) + len(before) + UUID < len(data)
            places = np.where(same, headers, 0) + len(self._request)
            same &= table.continues(places, before)
            places += len(before)
            same &= table.raw[places + UUID] == ord("'")
            uuids.append(table.pieces(places[same], UUID))
            headers = headers[~same]
        rest = (self.id_of(data, start) for start in headers.tolist())
        others += [value for value in rest if value is not None]
        return np.concatenate(uuids), others

    def _responses(self, table: LineTable, hashed: IdHash, requests: Keys) -> Records:
        lines, slow = self._split(table, table.beginning_with(self._response))
        third = table.starts[np.minimum(lines + 2, len(table.starts) - 1)]
        regular = table.continues(third, self._status_line)
        # What is no digit wraps around to a large number.
        digits = [
            table.raw[third + (len(self._status_line) + place)] - np.uint8(ord("0"))
            for place in range(4)
        ]
        regular &= (digits[0] <= 9) & (digits[1] <= 9) & (digits[2] <= 9) & (digits[3] > 9)
        statuses = digits[0] * np.int64(100) + digits[1] * np.int64(10) + digits[2]
        others = table.starts[np.concatenate((slow, lines[~regular]))].tolist()
        if not regular.all():
            lines, statuses = lines[regular], statuses[regular]
        starts = table.starts[lines]
        uuids = hashed.of_uuids(self._ids(table, lines))
        found = Records(requests, uuids, statuses, starts, self._healthy(table, starts))
        rows = [row for start in others if (row := self._slow(table.data, start)) is not None]
        return _merged(found, rows, hashed) if rows else found

    def _healthy(self, table: LineTable, starts: Places) -> Mask:
        """Which of the responses that start there answer a health probe."""
        path_at = starts + len(self._response)
        found = np.zeros(len(starts), np.bool_)
        places = table.continuing(path_at, self._health)
        after = table.raw[path_at[places] + len(self._health)]
        found[places] = (after == ord(" ")) | (after == ord("?"))
        return found

    def _slow(self, data: bytes, start: int) -> _Row | None:
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

    def begin(self, _data: bytes, start: int) -> int | None:
        """Where method and path of a response's header line stand; see `Requests`."""
        return start + len(self._response)

    def request(self, data: bytes, start: int) -> Request:
        """The request that the response at `start` answers; see `Requests`."""
        method, path = self.request_of(data, start)
        record = start, self._end_of_record(data, start)
        unit = None if self._unit is None else self._named(self._unit, data, *record)
        client = self._client(data, *record) or self._client(data, *self._asked(data, start))
        return Request(method, path, client, unit)

    def _client(self, data: bytes, begin: int, end: int) -> bytes | None:
        found = (self._named(literal, data, begin, end) for literal in self._clients)
        return next((name for name in found if name is not None), None)

    def _named(self, literal: re.Pattern[bytes], data: bytes, begin: int, end: int) -> bytes | None:
        match = literal.search(data, begin, end)
        return None if match is None or match[1] == self._nobody else match[1]

    def _asked(self, data: bytes, start: int) -> tuple[int, int]:
        """The request record of a response, where it stands shortly before; else nothing."""
        asked = self.id_of(data, start)
        if asked is None or len(asked) > _LONGEST_ID:
            return start, start
        least = max(0, start - _ASKED_BEFORE)
        place = data.rfind(self._id + asked, least, start)
        begin = data.rfind(self._request, least, place) if place >= 0 else -1
        if begin < 0:
            return start, start
        end = self._end_of_record(data, begin)
        return (begin, end) if place < end else (start, start)


def _value(literal: str) -> re.Pattern[bytes]:
    return re.compile(re.escape(literal.encode()) + rb"([^'\",\s}]+)")


def _merged(found: Records, rows: Sequence[_Row], hashed: IdHash) -> Records:
    """Further responses put where they stand in the file."""
    starts, ids, statuses, health = zip(*rows, strict=True)
    places = np.concatenate((found.starts, np.array(starts, np.int64)))
    order = np.argsort(places)
    return Records(
        found.requests,
        np.concatenate((found.ids, hashed.of(ids)))[order],
        np.concatenate((found.statuses, np.array(statuses, np.int64)))[order],
        places[order],
        np.concatenate((found.health, np.array(health, np.bool_)))[order],
    )
