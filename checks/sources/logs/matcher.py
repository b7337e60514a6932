"""The rare patterns of a profile as Hyperscan databases: event patterns, and what a secret is."""

from __future__ import annotations

import re
from collections.abc import Sequence

import hyperscan
import numpy as np

from checks.engine.masking import SHAPES
from checks.sources.logs.lines import LineTable

Hits = list[list[int]]
"""By pattern: where its hits end, in order."""

_MULTILINE = hyperscan.HS_FLAG_MULTILINE
# Characters that stand for themselves and are not repeated.
_LITERAL = re.compile(r"((?:(?:[\w :=/'-]|\\[^\w\s])(?![?*+{]))+)")
_LEAST_LITERAL = 3
_MOST_LITERAL = 1_000
"""Bytes; Hyperscan refuses more than 4,000. The line is then searched for the whole secret."""
_TOKEN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.", re.DOTALL)
_UNBOUNDED = re.compile(r"[+*]|,\}")
_MAY_CROSS = re.compile(r"\\[snrDWvf]|\n")
_GROUP = re.compile(r"\((?!\?)|\(\?:|\(\?P<\w+>")


class Matcher:
    """All rare patterns of a profile, compiled.

    Of a shape that begins with a literal, Hyperscan finds that and `re` looks at what follows: to
    Hyperscan a literal is much cheaper than what comes after it.
    """

    def __init__(self, events: Sequence[bytes], secrets: Sequence[bytes]) -> None:
        self._events = _database([(event, _MULTILINE) for event in events])
        self._size = len(events)
        openings = [_opening(event.decode()) for event in events]
        self._openings = {opening for opening in openings if opening is not None}
        self._opened = None not in openings
        expressions: list[tuple[bytes, int]] = []
        self._confirmed: list[tuple[int, int, re.Pattern[bytes]]] = []
        for index, shape in enumerate(SHAPES):
            literal = None if shape.caseless else _leading(shape.probe)
            if literal is not None:
                probe = re.compile(shape.probe.encode())
                self._confirmed.append((index, len(_unescaped(literal)), probe))
            caseless = hyperscan.HS_FLAG_CASELESS if shape.caseless else 0
            expressions.append(((literal or shape.probe).encode(), _MULTILINE | caseless))
        beginnings = [secret[:_MOST_LITERAL] for secret in secrets]
        literals = (b"".join(b"\\x%02x" % byte for byte in one) for one in beginnings)
        expressions += [(literal, _MULTILINE) for literal in literals]
        self._secrets = _database(expressions)
        self._sought = len(expressions)

    def events(self, data: bytes) -> Hits:
        """Hits of the event patterns."""
        return _scan(self._events, data, self._size)

    def secrets(self, data: bytes) -> Hits:
        """Hits of the secret shapes, then of the live secrets."""
        hits = _scan(self._secrets, data, self._sought)
        for index, size, probe in self._confirmed:
            hits[index] = [end for end in hits[index] if probe.match(data, end - size)]
        return hits

    def events_in(self, table: LineTable) -> Hits:
        """`events`, searched only in the lines that begin as the patterns do, if all say how."""
        if not self._opened or not self._size:
            return self.events(table.data)
        found = [table.beginning_with(opening) for opening in self._openings]
        lines = np.unique(np.concatenate(found))
        starts = table.starts[lines]
        stops = np.append(table.starts, len(table.data))[lines + 1]
        places = zip(starts.tolist(), stops.tolist(), strict=True)
        hits = self.events(b"".join([table.data[start:stop] for start, stop in places]))
        ends = np.cumsum(stops - starts)
        moved = stops - ends
        return [(one + moved[np.searchsorted(ends, one)]).tolist() if one else [] for one in hits]


def _database(expressions: Sequence[tuple[bytes, int]]) -> hyperscan.Database | None:
    if not expressions:
        return None
    database = hyperscan.Database()
    database.compile(
        expressions=[expression for expression, _flags in expressions],
        ids=list(range(len(expressions))),
        flags=[flags for _expression, flags in expressions],
    )
    return database


def _scan(database: hyperscan.Database | None, data: bytes, size: int) -> Hits:
    hits: Hits = [[] for _ in range(size)]
    if database is None:
        return hits
    add = [found.append for found in hits]

    def on_match(pattern: int, _start: int, end: int, _flags: int, _context: object) -> None:
        add[pattern](end)

    database.scan(data, match_event_handler=on_match, scratch=hyperscan.Scratch(database))
    return hits


def _unescaped(literal: str) -> str:
    return re.sub(r"\\(.)", r"\1", literal)


def _leading(probe: str) -> str | None:
    """The literal that an expression of bounded length begins with, still escaped.

    None if it is too short, or the expression may go on without end: to try that at every place
    would take the square of a hostile line's length.
    """
    plain = "".join(one if len(one) == 1 else "x" for one in _TOKEN.findall(probe))
    match = _LITERAL.match(probe.removeprefix(r"\b"))
    if match is None or len(match[1]) < _LEAST_LITERAL or _UNBOUNDED.search(plain):
        return None
    return match[1]


def _opening(pattern: str) -> bytes | None:
    """The literal that every line with a hit of a pattern begins with.

    None if there is none, or if a hit may go on to the next line.
    """
    match = _LITERAL.match(pattern, 1)
    if match is None or not pattern.startswith("^") or len(_unescaped(match[1])) < _LEAST_LITERAL:
        return None
    depth = 0
    for place in _TOKEN.finditer(pattern):
        one = place[0]
        if one == "(" and _GROUP.match(pattern, place.start()) is None:
            return None
        if one[:2] == "[^":
            if r"\n" not in one:
                return None
        elif _MAY_CROSS.search(one):
            return None
        depth += {"(": 1, ")": -1}.get(one, 0)
        if one == "|" and not depth:
            return None
    return _unescaped(match[1]).encode()
