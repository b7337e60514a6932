"""What is said of the first webhook on a new secret."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from checks.engine.model import Problem
from checks.engine.wording import plural

_NEXT: Final = (
    "Run `/golive expect inbound` and send the unit a WhatsApp message; if that does not arrive,"
    " `/golive diagnose 1` compares the secrets."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """What came since a unit's secret was replaced.

    name:    of the unit, masked
    until:   up to when the log is known
    after:   how long after the switch the first webhook was seen; None where none was
    refused: its webhooks that the application refused meanwhile
    trouble: why the log does not say
    """

    name: str
    until: datetime
    after: timedelta | None = None
    refused: int = 0
    trouble: Problem | None = None


def outcome_text(found: Awaited, patience: timedelta) -> str:
    """How the wait for the first webhook ended."""
    if found.after is not None:
        return (
            f"First webhook of {found.name} on the new secret: seen {_seconds(found.after)} after"
            f" the switch. {_refused(found)}"
        )
    if found.trouble is not None:
        return (
            f"Whether a webhook of {found.name} came on the new secret cannot be seen:"
            f" {found.trouble} {_NEXT}"
        )
    minutes = plural(patience // timedelta(minutes=1), "minute")
    if found.refused:
        return (
            f"No webhook of {found.name} came on the new secret in {minutes};"
            f" {plural(found.refused, 'webhook')} of it the application refused, so Evolution may"
            " still send to the old address. `/golive diagnose 1` compares the secrets, and"
            " `/golive expect inbound` waits for a message that you send."
        )
    return (
        f"No webhook of {found.name} came on the new secret in {minutes}. The unit may be quiet."
        f" {_NEXT}"
    )


def so_far(found: Awaited, patience: timedelta) -> str:
    """Where the wait stands before its end."""
    if found.after is not None:
        return f"Webhooks of this unit are accepted on the new secret. {_refused(found)}"
    if found.trouble is not None:
        return f"Whether webhooks come on the new secret cannot be seen: {found.trouble}"
    minutes = plural(patience // timedelta(minutes=1), "minute")
    return (
        f"No webhook of this unit was seen on the new secret yet; golive looks for {minutes} and"
        f" says so here. {_refused(found)}"
    )


def expected_sentence(found: Awaited, at: datetime) -> str:
    """How many refused webhooks a switch explains; "" where none."""
    if not found.refused:
        return ""
    since = at.astimezone(UTC)
    return (
        f"{found.refused} of them came from {found.name} while its secret was replaced"
        f" ({since:%H:%M} UTC): expected, and counted."
    )


def _refused(found: Awaited) -> str:
    if not found.refused:
        return "No unknown-instance warning of this unit came meanwhile."
    warnings = plural(found.refused, "unknown-instance warning")
    return f"{warnings} of this unit meanwhile: expected, and counted by the check all the same."


def _seconds(span: timedelta) -> str:
    return f"{round(span.total_seconds())} s"
