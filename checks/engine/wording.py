"""Small words that the summaries of several checks share."""

from __future__ import annotations


def plural(number: int, noun: str, many: str = "") -> str:
    """`1 minute`, `2 minutes`; `many` where the plural is not the noun with an s."""
    return f"{number} {noun}" if number == 1 else f"{number} {many or noun + 's'}"


def percent(share: float) -> str:
    """A share (0.0–1.0) as people read it, with one decimal: `7.3 %`."""
    return f"{share * 100:.1f} %"
