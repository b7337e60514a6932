"""Rows of PostgreSQL as plain values that can be stored, compared and shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TypeAlias
from uuid import UUID

from checks.engine.masking import mask
from checks.engine.model import Row

Value: TypeAlias = "bool | int | float | str | datetime | None"

_WRITTEN_BY_OTHERS = ("error", "error_details", "error_message", "status_reason")
"""Columns whose text comes from other programs and may quote a key or a number: masked here,
because evidence is kept."""


def plain_row(row: Mapping[str, object]) -> Row:
    """One row with every value plain, and text that others wrote masked."""
    return {name: _masked(name, plain_value(value)) for name, value in row.items()}


def _masked(name: str, value: Value) -> Value:
    return mask(value) if isinstance(value, str) and name in _WRITTEN_BY_OTHERS else value


def plain_value(value: object) -> Value:
    """A value as number, text, aware UTC datetime or None; what has no such form becomes JSON."""
    match value:
        case None | bool() | int() | float() | str():
            plain = value
        case datetime():
            # The session's time zone is UTC, so a column without a zone holds UTC too.
            plain = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        case Decimal():
            plain = int(value) if value == value.to_integral_value() else float(value)
        case timedelta():
            plain = value.total_seconds()
        case UUID():
            plain = str(value)
        case date() | time():
            plain = value.isoformat()
        case _:
            plain = json.dumps(value, default=str, ensure_ascii=False)
    return plain
