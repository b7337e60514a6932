"""What became of messages that a reset changed, in the words of its outcome."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from bot.remediation.database import Row
from bot.remediation.kinds import Outcome, shown

_DONE: Final = frozenset({"sent", "delivered", "read"})

_SENT: Final = "sent"
_SAME: Final = "failed again with the same error"
_OTHER: Final = "failed again with another error"
_FLIPPED: Final = "marked as sent without the provider's id"
_STRANDED: Final = "stranded in {status}"
_ELSE: Final = "in another state"
_GONE: Final = "no longer there"
_ORDER: Final = (_SENT, _SAME, _OTHER, _FLIPPED, _STRANDED, _ELSE, _GONE)


def became(rows: Sequence[Row]) -> Outcome:
    """How many were sent, failed again, or stand where the reset left them.

    Args:
        rows: of `message_queries.TOUCHED`.
    """
    counts = Counter(_of(row) for row in rows)
    wrote = next((shown(row["wrote"], 20) for row in rows), "")
    listed = tuple((word.format(status=wrote), counts[word]) for word in _ORDER if counts[word])
    lines = (
        (f"Nothing sends {wrote} messages by itself: undo, or have them sent.",)
        if counts[_STRANDED]
        else ()
    )
    return Outcome(counts=listed, lines=lines, good=counts[_SENT] == len(rows), did="reset")


def _of(row: Row) -> str:
    status = row["status"]
    if status is None:
        return _GONE
    if status in _DONE:
        return _SENT if row["at_provider"] else _FLIPPED
    if status == "failed":
        return _SAME if row["error_details"] == row["old_error"] else _OTHER
    return _STRANDED if status == row["wrote"] else _ELSE
