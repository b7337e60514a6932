"""Why a stream shows nothing: there is no such stream, it is silent, or nothing matches."""

from __future__ import annotations

from datetime import timedelta

from checks.engine.model import Problem
from checks.sources.loki.client import LokiClient
from checks.sources.loki.spans import Span, instant

LOOK_BACK = timedelta(hours=24)
"""How far back a stream is looked for that has no line in the window."""

_LABELS_SHOWN = 12


def look_back(span: Span) -> Span:
    """The span in which a stream is looked for: the window, and the day before it ends."""
    day = int(LOOK_BACK.total_seconds() * 1000)
    return Span(since=min(span.since, span.until - day), until=span.until)


async def why_empty(client: LokiClient, span: Span) -> Problem:
    """Why the selector has no entry in a span.

    Raises:
        LokiError: see `Transport.get`.
    """
    wide = look_back(span)
    selector = client.loki.selector
    newest = await client.entries("", wide, 1)
    if newest:
        last = instant(newest[-1].at).isoformat(timespec="seconds")
        return Problem(
            what=f"The stream {selector} is silent: Loki has no line of it in the window, the last"
            f" is of {last}.",
            mend="Check that the application still writes, and that the collector still sends.",
        )
    if await client.streams(wide):
        return Problem(
            what=f"The stream {selector} is silent: Loki knows it, and has no line of the last"
            f" {LOOK_BACK.total_seconds() / 3600:g} hours.",
            mend="Check that the application still writes, and that the collector still sends.",
        )
    labels = await client.labels(wide)
    there = (
        f"There are the labels {', '.join(labels[:_LABELS_SHOWN])}."
        if labels
        else ("It has no stream at all: check the collector, and GOLIVE_LOKI_TENANT.")
    )
    return Problem(
        what=f"Loki has no stream {selector}.",
        mend=f"Check GOLIVE_LOKI_SELECTOR (--selector). {there}",
    )


def too_young(lag: timedelta) -> Problem:
    """A window that begins after everything that is sure to have arrived."""
    return Problem(
        what="The window begins less than Loki's lag ago"
        f" ({lag.total_seconds():g} s): none of its lines is sure to have arrived.",
        mend="Look again in a moment, or lower log.loki.lag in runbook.yaml.",
    )
