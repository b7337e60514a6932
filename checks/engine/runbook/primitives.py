"""The smallest words of runbook.yaml: spans of time, counts, flags, texts that say something."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, TypeAlias
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

_DURATION = re.compile(r"([0-9]{1,6})([smhd])")
_HOST = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*")
"""A name, an IPv4 address, or an IPv6 address without its brackets."""
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def no_number(value: object) -> object:
    """A text as it is; a number has no unit."""
    if isinstance(value, str):
        return value
    raise ValueError('expected a duration such as "60s", "10m" or "2h"')


def _duration(text: str) -> timedelta:
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError(f'{text!r} is no duration; write "60s", "10m", "2h" or "1d"')
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _positive(span: timedelta) -> timedelta:
    if not span:
        raise ValueError("must be longer than nothing")
    return span


def zone(name: str) -> str:
    """A time zone that exists."""
    if name not in available_timezones():
        raise ValueError(f"{name!r} is no time zone; write UTC or a name like Europe/Berlin")
    return name


def _host(text: str) -> str:
    if not _HOST.fullmatch(text):
        raise ValueError(
            f"{text!r} is no name of a host; write evolution.example.org, without https:// and port"
        )
    return text.lower()


def _given(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    return text


_SPAN_SCHEMA = {"type": "string", "pattern": "^[0-9]{1,6}[smhd]$", "examples": ["60s", "10m", "2h"]}
_Parsed = BeforeValidator(lambda value: _duration(str(no_number(value))))
Instant: TypeAlias = Annotated[timedelta, _Parsed, WithJsonSchema(_SPAN_SCHEMA)]
Span: TypeAlias = Annotated[
    timedelta, AfterValidator(_positive), _Parsed, WithJsonSchema(_SPAN_SCHEMA)
]
Number: TypeAlias = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Count: TypeAlias = Annotated[int, Field(strict=True, ge=1)]
Flag: TypeAlias = Annotated[bool, Field(strict=True)]
Text: TypeAlias = Annotated[str, AfterValidator(_given)]
HostName: TypeAlias = Annotated[str, AfterValidator(_host)]


class Strict(BaseModel):
    """A part of the file that refuses what it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)
