"""The bytes of one file: by offset, or a chunk ahead of what is being counted."""

from __future__ import annotations

import os
from concurrent.futures import Executor, Future, wait
from typing import IO

from checks.sources.logs.files import FileId, open_log

CHUNK = 1 << 21
_TAIL = 4_096


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
