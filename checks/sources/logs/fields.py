"""Lines that are one JSON object each: status, path, time and message, wherever they stand."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from checks.engine.profiles import JsonResponses
from checks.sources.logs.outages import Request
from checks.sources.logs.times import Clock, read_value

_STATUS_DIGITS = 3


@dataclass(frozen=True, slots=True)
class JsonLine:
    """What one JSON line says."""

    status: int | None
    method: bytes
    path: bytes = field(repr=False)
    message: bytes = field(repr=False)


class JsonFields:
    """Finds the fields of one profile's JSON lines."""

    def __init__(self, spec: JsonResponses) -> None:
        self._status = _paths(spec.status)
        self._path = _paths(spec.path)
        self._time = _paths(spec.time)
        self._message = _paths(spec.message)
        self._client, self._unit = _paths(spec.client), _paths(spec.unit)

    def parse(self, line: bytes) -> Mapping[str, object] | None:
        """The object of a line; None where it is none."""
        if line.lstrip()[:1] != b"{":
            return None
        try:
            found: object = json.loads(line.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            return None
        return cast("Mapping[str, object]", found) if isinstance(found, dict) else None

    def read(self, line: bytes) -> JsonLine | None:
        """Status, method, path and message of a line; None where it is no JSON object."""
        found = self.parse(line)
        if found is None:
            return None
        return JsonLine(
            self._response(found),
            _method(found),
            _bytes(_first(found, self._path)),
            _bytes(_first(found, self._message)),
        )

    def begin(self, _data: bytes, _start: int) -> int | None:
        """Method and path are fields of their own; see `Requests`."""
        return None

    def request(self, data: bytes, start: int) -> Request:
        """The request that the line at `start` tells of; see `Requests`."""
        end = data.find(b"\n", start)
        found = self.parse(data[start : len(data) if end < 0 else end]) or {}
        return Request(
            _method(found),
            _bytes(_first(found, self._path)),
            _bytes(_first(found, self._client)) or None,
            _bytes(_first(found, self._unit)) or None,
        )

    def status_of(self, line: bytes) -> int | None:
        """The response status that a line carries."""
        found = self.parse(line)
        return None if found is None else self._response(found)

    def is_request(self, line: bytes) -> bool:
        """Whether a line tells of a request that it does not know the answer of."""
        found = self.parse(line)
        if found is None or self._response(found) is not None:
            return False
        return isinstance(_first(found, self._path), str)

    def _response(self, found: Mapping[str, object]) -> int | None:
        """The status of a response record: in an object of its own, or beside the request's path.

        A bare status without a path is that of somebody else's answer, in a logged error.
        """
        own = [path for path in self._status if len(path) > 1]
        status = _status(_first(found, own))
        if status is None and isinstance(_first(found, self._path), str):
            status = _status(_first(found, self._status))
        return status

    def time_of(self, line: bytes, clock: Clock) -> float | None:
        """Epoch seconds of a line."""
        found = self.parse(line)
        return None if found is None else read_value(_first(found, self._time), clock)


def _method(found: Mapping[str, object]) -> bytes:
    for base in (found.get("req"), found.get("request"), found):
        value = cast("Mapping[str, object]", base).get("method") if isinstance(base, dict) else None
        if isinstance(value, str):
            return value.encode("utf-8", "replace")
    return b""


def _bytes(value: object) -> bytes:
    return value.encode("utf-8", "replace") if isinstance(value, str) else b""


def _paths(paths: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(path.split(".")) for path in paths)


def _walk(found: object, path: Sequence[str]) -> object:
    for name in path:
        if not isinstance(found, dict):
            return None
        found = cast("Mapping[str, object]", found).get(name)
    return found


def _first(found: Mapping[str, object], paths: Sequence[Sequence[str]]) -> object:
    values: Iterator[object] = (_walk(found, path) for path in paths)
    return next((value for value in values if value is not None), None)


def _status(value: object) -> int | None:
    if isinstance(value, str) and len(value) == _STATUS_DIGITS and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 100 <= value <= 599 else None
