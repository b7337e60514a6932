"""The bytes of one file: by offset, or a chunk ahead of what is being counted."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from concurrent.futures import Executor, Future, wait
from typing import IO

from checks.sources.logs.files import FileId, open_log

CHUNK = 1 << 21
_TAIL = 4_096
_BLOCK = 1 << 18
_LINE = 4_096
"""Bytes that a line at the end may have on average; of longer ones fewer are read."""


class Reader:
    """Bytes of one file by offset; a compressed one is read onward only."""

    def __init__(self, file: FileId) -> None:
        self._file: IO[bytes] = open_log(file)
        self.packed = file.packed
        self._position = 0
        self._kept = b""

    def __call__(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes from an offset; fewer at the end of the file."""
        if not self.packed:
            return os.pread(self._file.fileno(), size, offset)
        skip = offset - self._position
        if not 0 <= skip <= len(self._kept):
            self._file.seek(offset)
            self._kept = b""
        else:
            self._kept = self._kept[skip:]
        if len(self._kept) < size:
            self._kept += self._file.read(size - len(self._kept))
        self._position = offset
        return self._kept[:size]

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def last_lines(file: FileId, lines: int) -> bytes:
    """The end of a file with its last lines, all of them whole, and some more before those.

    It is read backwards in blocks: as many as the lines take, and at most `_LINE` bytes a line.
    """
    reader = Reader(file)
    least = max(0, file.size - lines * _LINE)
    start, newlines, blocks = file.size, 0, list[bytes]()
    try:
        while start > least and newlines <= lines:
            begin = max(least, start - _BLOCK)
            blocks.append(reader(begin, start - begin))
            newlines += blocks[-1].count(b"\n")
            start = begin
    finally:
        reader.close()
    raw = b"".join(reversed(blocks))
    return raw.partition(b"\n")[2] if start > 0 else raw


def found_in(texts: Iterable[bytes], pattern: re.Pattern[bytes]) -> tuple[bytes, ...]:
    """What group 1 of a pattern is in the lines of some texts, each once.

    For a thread: between two blocks others have their turn.
    """
    found: dict[bytes, None] = {}
    for text in texts:
        start = 0
        while start < len(text):
            end = text.find(b"\n", start + _BLOCK) + 1 or len(text)
            found.update((match.group(1), None) for match in pattern.finditer(text, start, end))
            start = end
    return tuple(found)


class Ahead:
    """Reads the next chunk in another thread while this one is being counted."""

    def __init__(self, reader: Reader, pool: Executor) -> None:
        self._reader = reader
        self._pool = pool
        self._offset = -1
        self._chunk: Future[tuple[bytes, bool]] | None = None

    def fetch(self, offset: int) -> None:
        """Have the chunk at an offset read, for later."""
        self.wait()
        self._chunk, self._offset = self._pool.submit(self._read, offset), offset

    def take(self, offset: int) -> tuple[bytes, bool]:
        """The chunk at an offset, and whether the file goes on.

        The last chunk is read again: the file may have grown.
        """
        self.wait()
        chunk, self._chunk = self._chunk, None
        if chunk is not None and self._offset == offset and chunk.result()[1]:
            return chunk.result()
        return self._read(offset)

    def wait(self) -> None:
        """Wait until nothing is being read; trouble with it is told to who takes the chunk."""
        if self._chunk is not None:
            wait((self._chunk,))

    def _read(self, offset: int) -> tuple[bytes, bool]:
        size = CHUNK
        if not self._reader.packed:
            # Up to a newline, if one is near: to cut the chunk there later would copy it.
            tail = self._reader(offset + CHUNK - _TAIL, _TAIL)
            newline = tail.rfind(b"\n") + 1
            if newline and len(tail) == _TAIL:
                size += newline - _TAIL
        raw = self._reader(offset, size)
        return raw, len(raw) == size
