"""A clock that several processes share: wall time made faster, and stepped while they run."""

from __future__ import annotations

import mmap
import struct
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

_FORMAT = struct.Struct("<dddd")


class SharedClock:
    """Implements `Clock`: start + (wall - wall when it began) * speed + step.

    The four numbers stand in a file, so that every process that opens it has the same time, and a
    step that one of them makes is everybody's.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("r+b") as file:
            self._numbers = mmap.mmap(file.fileno(), _FORMAT.size)

    @classmethod
    def make(cls, path: Path, *, start: datetime, speed: float) -> Self:
        """A new clock, which stands still at its start until `begin`."""
        path.write_bytes(_FORMAT.pack(start.timestamp(), 0.0, speed, 0.0))
        return cls(path)

    @property
    def speed(self) -> float:
        """Simulated seconds a real second."""
        return self._read()[2]

    def now(self) -> datetime:
        """The instant."""
        start, began, speed, step = self._read()
        gone = (time.time() - began) * speed if began else 0.0
        return datetime.fromtimestamp(start + gone + step, UTC)

    def begin(self) -> None:
        """Let the time run."""
        start, _, speed, step = self._read()
        self._write(start, time.time(), speed, step)

    def step(self, by: timedelta) -> None:
        """Set the clock forward or back, for everybody."""
        start, began, speed, step = self._read()
        self._write(start, began, speed, step + by.total_seconds())

    def _read(self) -> tuple[float, float, float, float]:
        return _FORMAT.unpack(self._numbers[: _FORMAT.size])

    def _write(self, *numbers: float) -> None:
        self._numbers[: _FORMAT.size] = _FORMAT.pack(*numbers)
