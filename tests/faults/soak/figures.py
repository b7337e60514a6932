"""What a process holds at one instant: memory, objects, tasks, jobs, connections, files."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg

_STATUS = Path("/proc/self/status")
_FILES = Path("/proc/self/fd")
_HARNESS = ("tests.", "bot.demo.")
_OWN = ("bot.", "checks.")
_DRIVERS = (
    *("_asyncio.", "asyncio.locks.", "asyncio.streams."),
    *("aiohttp.", "apscheduler.", "httpcore.", "httpx."),
    *("psycopg.", "psycopg_binary.", "psycopg_pool.", "slack_bolt.", "slack_sdk."),
)
"""Without the event loop's own: it forgets a cancelled call only when its time has come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the bot's process holds between two rounds, when nothing is watched.

    hours:    by the bot's clock
    heap:     bytes of all of Python's objects
    native:   bytes that malloc gave out and did not get back; 0 where the C library is not glibc
    resident: bytes of the process in memory, after malloc gave back what it could; 0 where the
        system does not say
    own:      objects of golive's own types
    tasks:    asyncio's
    jobs:     that wait for the timer
    store:    connections to the bot's own database
    watched:  connections to the application's database
    files:    open descriptors, sockets among them; 0 where the system does not say
    types:    objects of each type of golive and of the drivers that it goes through, by its name
    """

    hours: float
    heap: int
    native: int
    resident: int
    own: int
    tasks: int
    jobs: int
    store: int
    watched: int
    files: int
    types: Mapping[str, int]

    def __str__(self) -> str:
        return (
            f"{self.hours:5.1f} h {self.heap / 1024:7,.0f} KiB heap"
            f" {self.native / 1024:7,.0f} KiB native"
            f" {self.resident / 1024:8,.0f} KiB resident {self.own:6,} own objects"
            f" {self.tasks:3} tasks {self.jobs:3} jobs"
            f" {self.store:2} + {self.watched:2} connections {self.files:3} files"
        )


class Record:
    """Figures in a file: in memory they would be part of what they measure."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, figures: Figures) -> None:
        """Write down one round's."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(f"{json.dumps(asdict(figures))}\n")

    def read(self) -> list[Figures]:
        """All of them, in order."""
        lines = self._path.read_text(encoding="utf-8").splitlines()
        return [Figures(**json.loads(line)) for line in lines]


def measure(*, hours: float, jobs: int, store: str, watched: str) -> Figures:
    """Count what this process holds.

    Args:
        hours: by the bot's clock.
        jobs: that wait for the timer.
        store: connection string of the bot's own database.
        watched: the same of the application's.
    """
    connections = [_connections(url) for url in (store, watched)]
    files = len(os.listdir(_FILES)) if _FILES.exists() else 0  # noqa: PTH208 - names are enough
    tasks = len(asyncio.all_tasks())
    gc.collect()
    heap, types = _census()
    native = _native()
    return Figures(
        hours=hours,
        heap=heap,
        native=native,
        resident=_resident(),
        own=sum(n for name, n in types.items() if name.startswith(_OWN)),
        tasks=tasks,
        jobs=jobs,
        store=connections[0],
        watched=connections[1],
        files=files,
        types=types,
    )


def _census() -> tuple[int, dict[str, int]]:
    """The bytes of all objects, and how many there are of each type worth a name."""
    heap, counted = 0, Counter[type[object]]()
    for one in _everything():
        heap += sys.getsizeof(one)
        counted[type(one)] += 1
    types = Counter[str]()
    for kind, number in counted.items():
        name = f"{kind.__module__}.{kind.__qualname__}"
        if name.startswith((*_OWN, *_DRIVERS)) and not name.startswith(_HARNESS):
            types[name] += number
    return heap, dict(types)


def _everything() -> Iterator[object]:
    """Each object once: those that the collector tracks, and what hangs on them untracked."""
    tracked = gc.get_objects()
    seen = {id(one) for one in tracked}
    seen.add(id(tracked))
    seen.add(id(seen))
    yield from tracked
    waiting = tracked
    while waiting:
        fresh: list[object] = []
        for one in waiting:
            for inner in gc.get_referents(one):
                if id(inner) not in seen and not gc.is_tracked(inner):
                    seen.add(id(inner))
                    fresh.append(inner)
        yield from fresh
        waiting = fresh


class _Malloc(ctypes.Structure):
    """glibc's `struct mallinfo2`."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    )
    hblkhd: int
    uordblks: int


def _native() -> int:
    library = ctypes.CDLL(None)
    if not hasattr(library, "mallinfo2"):
        return 0
    library.malloc_trim(0)
    library.mallinfo2.restype = _Malloc
    found: _Malloc = library.mallinfo2()
    return found.uordblks + found.hblkhd


def _resident() -> int:
    if not _STATUS.exists():
        return 0
    for line in _STATUS.read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def _connections(url: str) -> int:
    """How many there are besides the one that asks."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchone()
    return 0 if row is None else int(row[0])
