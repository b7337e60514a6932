"""What can be typed behind `/golive`: the table, and the strict reading of what somebody typed."""

from __future__ import annotations

from bot.commands.table import (
    BY_NAME,
    COMMANDS,
    SLASH,
    Entry,
    Wrong,
    entry_of,
    parse,
    read_words,
)

__all__ = [
    "BY_NAME",
    "COMMANDS",
    "SLASH",
    "Entry",
    "Wrong",
    "entry_of",
    "parse",
    "read_words",
]
