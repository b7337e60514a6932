"""golive's own test events: how the application's log names them, and how many of them it shows.

A name holds a nonce that nobody else knows. Only the names that golive sent are taken off, so that
a stranger's event is never hidden behind one that looks like it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from checks.engine.model import LogEvidence

PREFIX: Final = "golive-probe-"
"""How the instance name of a test event begins."""

SIGNAL: Final = "unknown_instance"
"""What the application calls such an event."""

_NAME: Final = re.compile(rb"(?<![\w-])" + re.escape(PREFIX).encode() + rb"[0-9a-f]{8,32}(?![\w-])")


def names_in(lines: Iterable[bytes]) -> Iterator[str]:
    """The test event that each of some lines names, where it names one."""
    for line in lines:
        match = _NAME.search(line)
        if match is not None:
            yield match[0].decode("ascii")


def is_name(value: bytes) -> bool:
    """Whether a text is the name of a test event and nothing else."""
    return _NAME.fullmatch(value) is not None


def own_probes(log: LogEvidence, sent: Collection[str]) -> dict[str, int]:
    """Signal → events in the log that test events caused; without those of none.

    Args:
        log: what a scan saw.
        sent: the names that golive gave its test events.
    """
    found = sum(log.own_events.get(name, 0) for name in set(sent))
    return {SIGNAL: found} if found else {}
