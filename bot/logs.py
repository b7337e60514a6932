"""golive's own log: one line of JSON an event, on stderr, masked in this one place."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import TypeAlias, cast

import structlog

from checks.engine.masking import harmless, mask

_Value: TypeAlias = "str | bool | int | float | list[_Value] | Mapping[str, _Value] | None"


def configure_logging(level: int = logging.WARNING) -> None:
    """Send golive's own log to stderr, so that stdout carries nothing but results."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _masked,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    # A library's own words may quote a connection string; what went wrong reaches the reader as
    # the reason of a finding.
    libraries = logging.getLogger("psycopg")
    libraries.addHandler(logging.NullHandler())
    libraries.propagate = False


def _masked(
    _logger: object, _method: str, event: MutableMapping[str, object]
) -> MutableMapping[str, object]:
    return {key: _clean(cast("_Value", value)) for key, value in event.items()}


def _clean(value: _Value) -> _Value:
    match value:
        case str():
            return harmless(mask(value))
        case list():
            return [_clean(item) for item in value]
        case Mapping():
            return {key: _clean(item) for key, item in value.items()}
        case bool() | int() | float() | None:
            return value
        case _:
            # An exception or another object: its own words may quote what must not be shown.
            return type(value).__name__
