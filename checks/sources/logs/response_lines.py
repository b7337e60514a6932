"""Finding the responses of a format that writes one a line, all lines of a text at once.

Such a line quotes its request, and the status follows. numpy finds the first two quotes of every
line and what stands around them; a line that is not written just so is read singly, with the
profile's strict pattern.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from checks.engine.linear import LinearPattern
from checks.engine.profiles import LineResponses

Marks = npt.NDArray[np.int64]
"""Places in a text."""
_Flags = npt.NDArray[np.bool_]
_Numbers = npt.NDArray[np.uint64]

_METHODS = (b"GET ", b"POST ", b"PUT ", b"PATCH ", b"DELETE ", b"HEAD ", b"OPTIONS ")
_PIECE = 1 << 20
"""Bytes that are marked at once: few enough for the processor's cache."""
_WORD = 8
_NEWLINE = 10
_LAST_SPACE = 13
"""White space other than the blank lies below: a request with any of it is read singly."""
_BLANK = 32
_ZERO = 48


@dataclass(frozen=True, slots=True)
class ResponseLines:
    """Every line of a text, in order.

    starts:   where the lines begin
    statuses: the status of each; 0 where it is no response
    health:   whether it answers the health path
    """

    starts: Marks
    statuses: npt.NDArray[np.int16]
    health: _Flags


@dataclass(frozen=True, slots=True)
class _Shape:
    """What stands around the fields of a regular line, as the profile's example shows it.

    quote:   the byte that opens and closes the request
    before:  the byte before the time, and how far before the opening quote it stands
    opening: the bytes before the method, up to the quote
    closing: the bytes before the status, from the quote on
    end:     the byte after the status
    """

    quote: int
    before: tuple[int, int]
    opening: bytes
    closing: bytes
    end: int

    @staticmethod
    def of(spec: LineResponses, line: LinearPattern) -> _Shape | None:
        """The shape of a profile's lines; None where they can only be read singly."""
        example = spec.example.encode()
        match = line.match(example)
        if match is None or spec.status_after is None:
            return None
        if not {"time", "method"} <= line.groupindex.keys() or match.start("time") == 0:
            return None
        closing = spec.status_after.encode()
        opening = example[match.end("time") : match.start("method")]
        end = example[match.end("status") : match.end()]
        request = example[match.start("method") : match.start("status")]
        asked = (match["method"] or b"") + b" " + (match["path"] or b"")
        quote = closing[:1]
        quoted = opening.find(quote) == len(opening) - 1 and request.count(quote) == 1
        regular = request.startswith(asked) and request.endswith(closing) and len(end) == 1
        if not (quote and quoted and regular) or len(closing) + 4 > _WORD:
            return None
        before = match.start("time") - 1
        return _Shape(
            quote[0],
            (example[before], match.start("method") - 1 - before),
            opening,
            closing,
            end[0],
        )

    def front(self) -> re.Pattern[bytes]:
        """A line up to its path, for `re`: what it has read it never gives back.

        The client stands first; no quote stands before that of the request.
        """
        quote, before, behind = (
            re.escape(bytes((byte,))) for byte in (self.quote, self.before[0], self.opening[0])
        )
        methods = b"|".join(method[:-1] for method in _METHODS)
        return re.compile(
            b"".join(
                (
                    rb"^(?P<client>[^\s" + quote + rb"]++) ",
                    b"(?:[^" + quote + before + rb"\n]*+" + before + b")++",
                    b"[^" + quote + behind + rb"\n]++" + re.escape(self.opening),
                    b"(?P<method>" + methods + b") ",
                    rb"(?P<path>[^\s" + quote + b"]++)",
                    b"(?: [^" + quote + rb"\n]*+)?+" + re.escape(self.closing) + b"[1-5]",
                )
            ),
            re.MULTILINE,
        )


class _Words:
    """The eight bytes from any place of a text on, as numbers."""

    def __init__(self, data: bytes) -> None:
        self.last = len(data) - _WORD
        self._words: npt.NDArray[Any] = np.ndarray((self.last + 1,), "V8", data, strides=(1,))

    def at(self, places: Marks) -> _Numbers:
        """The words at places; for a place outside of the text, the nearest."""
        return self._words[np.clip(places, 0, self.last)].view("<u8")

    def match(self, places: Marks, literal: bytes) -> _Flags:
        """Where a literal stands, of any length."""
        found = _begin_with(self.at(places), literal[:_WORD])
        for part in range(_WORD, len(literal), _WORD):
            found &= _begin_with(self.at(places + part), literal[part : part + _WORD])
        return found


def _begin_with(words: _Numbers, literal: bytes) -> _Flags:
    mask = np.uint64((1 << 8 * len(literal)) - 1)
    return (words & mask) == np.uint64(int.from_bytes(literal, "little"))


class ResponseReader:
    """Reads the response lines of one profile."""

    def __init__(self, spec: LineResponses, line: LinearPattern, health_path: str) -> None:
        self._line = line
        self._health_path = health_path.encode()
        self._shape = _Shape.of(spec, line)
        self._example = spec.example.encode()

    @cached_property
    def front(self) -> re.Pattern[bytes] | None:
        """What reads client, method and path of a regular line at a fraction of the cost.

        None where a line's first word is not its client, or it tells more of the request.
        """
        groups = self._line.groupindex
        if self._shape is None or not {"client", "method", "path"} <= groups.keys():
            return None
        front = self._shape.front()
        read, strict = front.match(self._example), self._line.match(self._example)
        if read is None or strict is None or "unit" in groups:
            return None
        same = all(read[name] == strict[name] for name in front.groupindex)
        return front if same and strict.start("client") == 0 else None

    @property
    def quote(self) -> bytes | None:
        """What stands before the method; None where lines can only be read singly."""
        return None if self._shape is None else bytes((self._shape.quote,))

    def marks(self, data: bytes) -> Marks:
        """Where newlines, other white space and quotes stand: the long part of the work."""
        quote = _NEWLINE if self._shape is None else self._shape.quote
        text = np.frombuffer(data, np.uint8)
        spaces, quotes = np.empty((2, min(_PIECE, len(text))), np.bool_)
        found: list[Marks] = []
        for start in range(0, len(text), _PIECE):
            piece = text[start : start + _PIECE]
            marked = np.less_equal(piece, _LAST_SPACE, out=spaces[: len(piece)])
            marked |= np.equal(piece, quote, out=quotes[: len(piece)])
            found.append(np.flatnonzero(marked))
            found[-1] += start
        return np.concatenate(found)

    def read(self, data: bytes, marks: Marks) -> ResponseLines:
        """The lines of a text of whole lines, each ended by a newline, by its marks."""
        text = np.frombuffer(data, np.uint8)
        ends = np.flatnonzero(text.take(marks, mode="clip") == _NEWLINE)
        first = np.zeros_like(ends)
        np.add(ends[:-1], 1, out=first[1:])
        starts = np.zeros_like(ends)
        np.add(marks.take(ends[:-1], mode="clip"), 1, out=starts[1:])
        lines = ResponseLines(starts, np.zeros(len(ends), np.int16), np.zeros(len(ends), np.bool_))
        if self._shape is None or len(data) < _WORD:
            odd = np.arange(len(ends))
        else:
            # A line without two quotes has a newline or more in their place, and fits nothing.
            opened = marks.take(first, mode="clip")
            closed = marks.take(first + 1, mode="clip")
            odd = self._regular(self._shape, _Words(data), text, lines, opened, closed)
        self._strictly(data, lines, odd)
        return lines

    def _regular(
        self,
        shape: _Shape,
        words: _Words,
        text: npt.NDArray[np.uint8],
        lines: ResponseLines,
        opened: Marks,
        closed: Marks,
    ) -> Marks:
        """Read the regular lines by their first two quotes; returns the others."""
        regular = text.take(lines.starts, mode="clip") > _BLANK
        times = opened - shape.before[1]
        regular &= times > lines.starts  # else it would be another line's
        regular &= text.take(times, mode="clip") == shape.before[0]
        regular &= text.take(times - 1, mode="clip") == _BLANK  # the client stands before it
        regular &= closed <= words.last
        _read_statuses(shape, words.at(closed), regular, lines.statuses)
        openings = opened - (len(shape.opening) - 1)
        paths = openings + _asked(shape, words, openings, regular)
        regular &= text.take(paths, mode="clip") > _BLANK
        after = text.take(paths + len(self._health_path), mode="clip")
        health = np.flatnonzero(regular & ((after == _BLANK) | (after == shape.quote)))
        lines.health[health] = words.match(paths[health], self._health_path)
        np.multiply(lines.statuses, regular, out=lines.statuses)
        return np.flatnonzero(~regular)

    def _strictly(self, data: bytes, lines: ResponseLines, odd: Marks) -> None:
        """Read lines singly."""
        for index, begin in zip(odd.tolist(), lines.starts[odd].tolist(), strict=True):
            match = self._line.match(data, begin, data.find(b"\n", begin))
            if match is not None:
                lines.statuses[index] = int(match["status"] or 0)
                lines.health[index] = match["path"] == self._health_path


def _read_statuses(
    shape: _Shape, words: _Numbers, regular: _Flags, statuses: npt.NDArray[np.int16]
) -> None:
    """The statuses in the words that begin with the closing quote."""
    regular &= _begin_with(words, shape.closing)
    columns = words.view(np.uint8).reshape(-1, _WORD)
    at = len(shape.closing)
    regular &= columns[:, at + 3] == shape.end
    for place, least, most in ((at, 1, 5), (at + 1, 0, 9), (at + 2, 0, 9)):
        above = columns[:, place] - np.uint8(_ZERO + least)  # of less than the least: very much
        regular &= above <= most - least
        statuses *= 10
        statuses += above
    statuses += 100  # the least status, above which they were read


def _asked(shape: _Shape, words: _Words, openings: Marks, regular: _Flags) -> Marks:
    """How far from the opening the path begins; lines with another method are not regular."""
    lengths = np.zeros(len(openings), np.int64)
    left = np.flatnonzero(regular)
    places = openings[left]
    begin = words.at(places)
    for method in _METHODS:
        literal = shape.opening + method
        found = _begin_with(begin, literal[:_WORD])
        if len(literal) > _WORD:
            found &= words.match(places + _WORD, literal[_WORD:])
        lengths[left[found]] = len(literal)
        others = ~found
        left, places, begin = left[others], places[others], begin[others]
        if not len(left):
            break
    regular[left] = False
    return lengths
