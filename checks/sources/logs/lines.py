"""The lines of a text as a table: where each starts, and its first eight bytes as a number.

Literals are compared eight bytes at a time, for all lines at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Words = npt.NDArray[np.uint64]

PAD = 128
"""Bytes after the text that may be looked at; they are zero."""
_WORD = 8


@dataclass(slots=True)
class LineTable:
    """Where the lines of a text start.

    raw:    the bytes of the text and the zeros after them
    words:  eight bytes as a number, from every byte on
    starts: of every line, and the end of the text where that ends with a newline
    heads:  the first eight bytes of each
    """

    data: bytes = field(repr=False)
    raw: npt.NDArray[np.uint8] = field(init=False, repr=False)
    words: Words = field(init=False, repr=False)
    starts: Places = field(init=False, repr=False)
    heads: Words = field(init=False, repr=False)
    _padded: bytes = field(init=False, repr=False)
    _by_head: dict[bytes, tuple[Places, Words]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        size = len(self.data)
        self._padded = self.data + b"\0" * PAD
        self.raw = np.frombuffer(self._padded, np.uint8)
        newlines = np.flatnonzero(self.raw[:size] == ord("\n"))
        self.starts = np.empty(len(newlines) + 1, np.int64)
        self.starts[0] = 0
        self.starts[1:] = newlines + 1
        self.words = np.ndarray((size + PAD - _WORD,), np.uint64, self._padded, 0, (1,))
        self.heads = self.words[self.starts]
        self._by_head = {}

    @property
    def newlines(self) -> Places:
        """Where the newlines are."""
        return self.starts[1:] - 1

    def pieces(self, places: Places, size: int) -> npt.NDArray[np.bytes_]:
        """`size` bytes (PAD at most) from each of these places on."""
        text = np.ndarray((len(self._padded) - size,), f"S{size}", self._padded, 0, (1,))
        return text[places]

    def beginning_with(self, literal: bytes) -> Places:
        """Indexes of the lines that begin with a literal."""
        head, second = literal[:_WORD], literal[_WORD : 2 * _WORD]
        known = self._by_head.get(head)
        if known is None:
            lines = np.flatnonzero(_masked(self.heads, len(head)) == _number(head))
            known = self._by_head[head] = (lines, self.words[self.starts[lines] + _WORD])
        lines, words = known
        if not second:
            return lines
        lines = lines[_masked(words, len(second)) == _number(second)]
        if len(literal) <= 2 * _WORD or not len(lines):
            return lines
        rest = literal[2 * _WORD :]
        return lines[self.continuing(self.starts[lines] + 2 * _WORD, rest)]

    def continuing(self, places: Places, literal: bytes) -> Places:
        """Indexes of those places at which the text goes on with a literal: few of them."""
        part = literal[:_WORD]
        found = np.flatnonzero(_masked(self.words[places], len(part)) == _number(part))
        if len(literal) > _WORD and len(found):
            found = found[self.continues(places[found] + _WORD, literal[_WORD:])]
        return found

    def continues(self, places: Places, literal: bytes) -> Mask:
        """Where the text at these places goes on with a literal."""
        fits = np.ones(len(places), np.bool_)
        offsets = list(range(0, max(len(literal) - _WORD + 1, 1), _WORD))
        if len(literal) > _WORD and offsets[-1] != len(literal) - _WORD:
            offsets.append(len(literal) - _WORD)
        for offset in offsets:
            part = literal[offset : offset + _WORD]
            fits &= _masked(self.words[places + offset], len(part)) == _number(part)
        return fits


def _number(part: bytes) -> np.uint64:
    return np.uint64(int.from_bytes(part, "little"))


def _masked(words: Words, size: int) -> Words:
    """Words of which only the first `size` bytes are left."""
    return words if size >= _WORD else words & np.uint64((1 << (8 * size)) - 1)
