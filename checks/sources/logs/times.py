"""Instants as log lines write them: each format is a pattern and a way to read it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache

_MONTHS = {
    name: number
    for number, name in enumerate(
        b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), start=1
    )
}

ISO = rb"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:[.,](\d{1,9}))?\s?(Z|[+-]\d\d:?\d\d|UTC)?"
CLF = rb"(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d) ([+-]\d{4})"
SYSLOG = rb"([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """What a line's own time leaves open: the zone where it names none, the year where it has none.

    `now` is the instant of the scan: a date without a year is the last such date before it.
    """

    zone: tzinfo
    now: datetime


@lru_cache(maxsize=256)
def _offset(text: bytes) -> tzinfo:
    if text in (b"Z", b"UTC"):
        return UTC
    sign = -1 if text[:1] == b"-" else 1
    return timezone(sign * timedelta(hours=int(text[1:3]), minutes=int(text[-2:])))


def read_iso(match: re.Match[bytes], clock: Clock, group: int = 1) -> float | None:
    """Epoch seconds of an ISO-8601 match: date-time, fraction, zone in three groups."""
    try:
        naive = datetime.fromisoformat(match.group(group).decode())
        zone = match.group(group + 2)
        whole = naive.replace(tzinfo=_offset(zone) if zone else clock.zone).timestamp()
    except (ValueError, OverflowError):
        return None
    fraction = match.group(group + 1)
    return whole + (int(fraction) / 10 ** len(fraction) if fraction else 0.0)


def read_clf(match: re.Match[bytes], _clock: Clock, group: int = 1) -> float | None:
    """Epoch seconds of an access log's `23/Nov/2026:21:54:30 +0000`."""
    return _clf(match.group(group), match.group(group + 1))


@lru_cache(maxsize=256)
def _clf(text: bytes, zone: bytes) -> float | None:
    try:
        whole = datetime(
            int(text[7:11]),
            _MONTHS[text[3:6]],
            int(text[0:2]),
            int(text[12:14]),
            int(text[15:17]),
            int(text[18:20]),
            tzinfo=_offset(zone),
        )
    except (ValueError, KeyError, OverflowError):
        return None
    return whole.timestamp()


def read_syslog(match: re.Match[bytes], clock: Clock, group: int = 1) -> float | None:
    """Epoch seconds of `Nov 23 21:54:30`, in the year that puts it last before now (+1 day)."""
    text = match.group(group)
    now = clock.now.astimezone(clock.zone)
    for year in (now.year + 1, now.year, now.year - 1):
        try:
            found = datetime(
                year,
                _MONTHS[text[0:3]],
                int(text[4:6]),
                int(text[7:9]),
                int(text[10:12]),
                int(text[13:15]),
                tzinfo=clock.zone,
            )
        except (ValueError, KeyError):
            continue
        if found <= now + timedelta(days=1):
            return found.timestamp()
    return None


_EPOCH_SECONDS_END = 1e11  # a larger number is milliseconds: 1e11 s lies in the year 5138


def read_value(value: object, clock: Clock) -> float | None:
    """Epoch seconds of a JSON field: a number (seconds or milliseconds) or an ISO-8601 string."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value / 1000 if abs(value) > _EPOCH_SECONDS_END else float(value)
    if isinstance(value, str):
        match = _ISO_VALUE.match(value.encode())
        if match is not None:
            return read_iso(match, clock)
        if value.isdigit():
            return read_value(int(value), clock)
    return None


_ISO_VALUE = re.compile(ISO)
