"""The lines of a text as a table: where each starts, and by what byte it begins.

Literals are compared eight bytes at a time, for all lines with the same first byte at once.
"""

from __future__ import annotations

from dataclasses import InitVar, dataclass, field

import numpy as np
import numpy.typing as npt

Places = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Words = npt.NDArray[np.uint64]
_Lines = tuple[Places, Words]
"""Indexes of lines, and eight bytes of each as a number."""

PAD = 128
"""Bytes after the text that may be looked at; they are zero."""
_WORD = 8
_FEW = 3
"""Bytes that are compared one by one: a word that is not aligned costs more."""


@dataclass(slots=True)
class Scratch:
    """Memory for the large arrays of one table after another.

    Allocated anew for each text it would go back to the system each time, and every page of it
    would have to be cleared again.
    """

    _bytes: npt.NDArray[np.uint8] = field(default_factory=lambda: np.empty(0, np.uint8), repr=False)
    _mask: Mask = field(default_factory=lambda: np.empty(0, np.bool_), repr=False)

    def padded(self, data: bytes) -> npt.NDArray[np.uint8]:
        """The bytes of a text and PAD zeros."""
        size = len(data)
        if len(self._bytes) < size + PAD:
            self._bytes = np.empty(size + PAD, np.uint8)
        self._bytes[:size] = np.frombuffer(data, np.uint8)
        self._bytes[size : size + PAD] = 0
        return self._bytes[: size + PAD]

    def equal(self, raw: npt.NDArray[np.uint8], byte: int) -> Places:
        """Where a byte is."""
        if len(self._mask) < len(raw):
            self._mask = np.empty(len(raw), np.bool_)
        return np.flatnonzero(np.equal(raw, byte, out=self._mask[: len(raw)]))


@dataclass(slots=True)
class LineTable:
    """Where the lines of a text start.

    raw:    the bytes of the text and the zeros after them
    words:  eight bytes as a number, from every byte on
    starts: of every line, and the end of the text where that ends with a newline
    firsts: the first byte of each

    A table that uses the scratch memory of another ends that one.
    """

    data: bytes = field(repr=False)
    scratch: InitVar[Scratch | None] = None
    raw: npt.NDArray[np.uint8] = field(init=False, repr=False)
    words: Words = field(init=False, repr=False)
    starts: Places = field(init=False, repr=False)
    firsts: npt.NDArray[np.uint8] = field(init=False, repr=False)
    _by_first: dict[int, _Lines] = field(init=False, repr=False)
    _by_head: dict[bytes, _Lines] = field(init=False, repr=False)

    def __post_init__(self, scratch: Scratch | None) -> None:
        size = len(self.data)
        scratch = scratch or Scratch()
        self.raw = scratch.padded(self.data)
        newlines = scratch.equal(self.raw[:size], ord("\n"))
        self.starts = np.empty(len(newlines) + 1, np.int64)
        self.starts[0] = 0
        np.add(newlines, 1, out=self.starts[1:])
        self.words = np.ndarray((size + PAD - _WORD,), np.uint64, self.raw, 0, (1,))
        self.firsts = self.raw[self.starts]
        self._by_first, self._by_head = {}, {}

    @property
    def newlines(self) -> Places:
        """Where the newlines are."""
        return self.starts[1:] - 1

    def pieces(self, places: Places, size: int) -> npt.NDArray[np.bytes_]:
        """`size` bytes (PAD at most) from each of these places on."""
        text = np.ndarray((len(self.raw) - size,), f"S{size}", self.raw, 0, (1,))
        return text[places]

    def beginning_with(self, literal: bytes) -> Places:
        """Indexes of the lines that begin with a literal."""
        head, second = literal[:_WORD], literal[_WORD : 2 * _WORD]
        known = self._by_head.get(head)
        if known is None:
            alike, heads = self._beginning_like(head)
            lines = alike[_masked(heads, len(head)) == _number(head)]
            known = self._by_head[head] = (lines, self.words[self.starts[lines] + _WORD])
        lines, words = known
        if not second:
            return lines
        lines = lines[_masked(words, len(second)) == _number(second)]
        if len(literal) <= 2 * _WORD or not len(lines):
            return lines
        rest = literal[2 * _WORD :]
        return lines[self.continuing(self.starts[lines] + 2 * _WORD, rest)]

    def _beginning_like(self, head: bytes) -> _Lines:
        """Lines with the same first byte, and the first eight bytes of each.

        To gather single bytes is much faster than words that are not aligned; and most lines of
        an object that was printed begin with a blank.
        """
        known = self._by_first.get(head[0])
        if known is None:
            lines = np.flatnonzero(self.firsts == head[0])
            known = self._by_first[head[0]] = (lines, self.words[self.starts[lines]])
        return known

    def continuing(self, places: Places, literal: bytes) -> Places:
        """Indexes of those places at which the text goes on with a literal: few of them."""
        if len(literal) <= _FEW:
            return np.flatnonzero(self.continues(places, literal))
        # One byte from the middle first: it costs a fifth of a word, and tells most others apart.
        middle = len(literal) // 2
        found = np.flatnonzero(self.raw[places + middle] == literal[middle])
        return found[self.continues(places[found], literal)]

    def continues(self, places: Places, literal: bytes) -> Mask:
        """Where the text at these places goes on with a literal."""
        if len(literal) <= _FEW:
            fits = self.raw[places] == literal[0]
            for offset in range(1, len(literal)):
                fits &= self.raw[places + offset] == literal[offset]
            return fits
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
