"""Whether another machine's clock agrees with this one's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from bot.doctor.model import Line, ok, warning

TOLERANCE: Final = timedelta(seconds=5)
_MEND: Final = (
    "Run a time service (chrony, systemd-timesyncd) on both: windows, leases and Slack's signatures"
    " go by the clock."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """This machine's clock before something was asked and after it was answered."""

    before: datetime
    after: datetime


def clock_line(whose: str, there: datetime, here: Span, *, exact: bool = True) -> Line:
    """Compare an instant that another machine named while it was asked.

    Args:
        whose: whose clock it is, such as "the database's".
        there: its instant.
        here: ours around it.
        exact: False where `there` is cut to whole seconds.
    """
    earliest = here.before - (timedelta() if exact else timedelta(seconds=1))
    off = min(there - earliest, timedelta()) or max(there - here.after, timedelta())
    if abs(off) <= TOLERANCE:
        return ok(f"{whose[:1].upper()}{whose[1:]} clock agrees with this machine's.")
    way = "ahead of" if off > timedelta() else "behind"
    return warning(
        f"{whose[:1].upper()}{whose[1:]} clock is {abs(off).total_seconds():.0f} s {way} this"
        " machine's.",
        _MEND,
    )


def date_header(value: str | None) -> datetime | None:
    """The instant in an HTTP Date header; None where there is none that can be read."""
    try:
        found = parsedate_to_datetime(value or "")
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
