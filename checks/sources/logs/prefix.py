"""What a platform puts before each physical line, and the time in it.

A prefix is recognised by sampling and stripped before anything is matched, so that one profile
serves an application wherever it runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from checks.sources.logs.times import ISO, SYSLOG, Clock, read_iso, read_syslog


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefix:
    """One way in which lines begin. `read` gives the epoch seconds of a match; None: no times."""

    name: str
    pattern: re.Pattern[bytes]
    read: Callable[[re.Match[bytes], Clock], float | None] | None

    def strip(self, text: bytes) -> bytes:
        """The text without this prefix on any of its lines."""
        return self.pattern.sub(b"", text)

    def time(self, line: bytes, clock: Clock) -> float | None:
        """Epoch seconds of a line, None where it carries none."""
        if self.read is None:
            return None
        match = self.pattern.match(line)
        return None if match is None else self.read(match, clock)


def _prefix(
    name: str, pattern: bytes, read: Callable[[re.Match[bytes], Clock], float | None] | None
) -> Prefix:
    return Prefix(name=name, pattern=re.compile(rb"^" + pattern, re.MULTILINE), read=read)


_ANSI = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")


def uncoloured(text: bytes) -> bytes:
    """The text without ANSI codes: they may stand anywhere, before a prefix too."""
    return _ANSI.sub(b"", text) if b"\x1b" in text else text


_TAG = rb"[^\s:\[\]]+(?:\[\d+\])?: ?"
PREFIXES = (
    # docker compose logs -t: "crm-1  | 2026-11-23T21:54:30.1Z text"
    _prefix("compose with times", rb"[\w.-]+ +\| " + ISO + rb" ", read_iso),
    # RFC 5424: "<14>1 2026-11-23T21:54:30.1Z host app 123 - - text"
    _prefix(
        "syslog (RFC 5424)", rb"<\d{1,3}>1 " + ISO + rb" \S+ \S+ \S+ \S+ (?:-|\[.*?\]) ?", read_iso
    ),
    # journalctl -o short-iso: "2026-11-23T21:54:30+0000 host crm[123]: text"
    _prefix("journald (short-iso)", ISO + rb" [\w.-]+ [^\s:\[\]]+\[\d+\]: ?", read_iso),
    # RFC 3164 and journalctl -o short: "Nov 23 21:54:30 host crm[123]: text"
    _prefix("syslog", rb"(?:<\d{1,3}>)?" + SYSLOG + rb" [\w.-]+ " + _TAG, read_syslog),
    # docker logs -t, kubectl logs --timestamps, PM2 --time, Railway, Render
    _prefix("iso-8601", rb"\[?" + ISO + rb"(?:\]:?|:)?(?:[ \t]|$)", read_iso),
    _prefix("compose", rb"[\w.-]+ +\| ", None),
)
NO_PREFIX = Prefix(name="none", pattern=re.compile(rb"(?!)"), read=None)

_SHARE = 0.6


def recognise_prefix(lines: Sequence[bytes]) -> Prefix:
    """The first prefix that most of the sampled lines carry; `NO_PREFIX` where none does."""
    lines = [line for line in lines if line.strip()]
    if not lines:
        return NO_PREFIX
    for prefix in PREFIXES:
        hits = sum(prefix.pattern.match(line) is not None for line in lines)
        if hits >= _SHARE * len(lines):
            return prefix
    return NO_PREFIX


def prefix_named(name: str) -> Prefix:
    """The prefix of that name, as a stored state keeps it."""
    return next((p for p in PREFIXES if p.name == name), NO_PREFIX)
