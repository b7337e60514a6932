"""Small words that the summaries of several checks share."""

from __future__ import annotations

from datetime import timedelta


def plural(number: int, noun: str, many: str = "") -> str:
    """`1 minute`, `2 minutes`; `many` where the plural is not the noun with an s."""
    return f"{number} {noun}" if number == 1 else f"{number} {many or noun + 's'}"


def last(span: timedelta) -> str:
    """How far back something looks, in whole minutes: `the last hour`, `the last 30 minutes`."""
    minutes = round(span.total_seconds() / 60)
    number, unit = (minutes, "minute") if minutes % 60 else (minutes // 60, "hour")
    return f"the last {unit}" if number == 1 else f"the last {plural(number, unit)}"


def lately(window: timedelta | None) -> str:
    """What a check looks at: `of the last hour`; without a window, everything since the deploy."""
    return "since the deploy" if window is None else f"of {last(window)}"


def percent(share: float) -> str:
    """A share (0.0–1.0) as people read it, with one decimal: `7.3 %`."""
    return f"{share * 100:.1f} %"
