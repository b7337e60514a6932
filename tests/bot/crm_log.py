"""A few minutes of the application's log, written as the application writes it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

END = datetime(2026, 11, 23, 22, 0, tzinfo=UTC)
"""The instant of the last line, where lines are given times."""


def exchange(number: int, status: int, path: str = "/leads") -> list[str]:
    """One request and its response."""
    request = UUID(int=number, version=4)
    return [
        f"[INFO] [REQ] GET {path} {{ requestId: '{request}', ip: '::1' }}",
        f"[INFO] [RES] GET {path} {{",
        f"  requestId: '{request}',",
        f"  status: {status},",
        "  duration: 12,",
        "  unitId: 'anon',",
        "  userId: 'anon'",
        "}",
    ]


def traffic(*statuses: int) -> list[str]:
    """Exchanges with these statuses, one after another."""
    return [line for n, status in enumerate(statuses, start=1) for line in exchange(n, status)]


def retries(count: int) -> list[str]:
    """So many outbound retries."""
    return [f"[Message:{UUID(int=n, version=4)}] Retry 1/3 after 1000ms" for n in range(count)]


def timed(lines: Sequence[str], end: datetime = END) -> list[str]:
    """The lines with the platform's times before them, a tenth of a second apart."""
    first = end - timedelta(milliseconds=100) * (len(lines) - 1)
    return [
        f"{first + timedelta(milliseconds=100) * n:%Y-%m-%dT%H:%M:%S.%fZ} {line}"
        for n, line in enumerate(lines)
    ]


def text(lines: Iterable[str]) -> str:
    """The lines as a file holds them."""
    return "".join(f"{line}\n" for line in lines)
