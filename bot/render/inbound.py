"""What came of waiting for an inbound message."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from bot.render.message import Message
from bot.render.mrkdwn import escape, user
from bot.render.sentences import ready
from bot.storage.values import Wait
from checks.engine.model import Problem

_WORDS: Final = 400
_LOST: Final = (
    (
        "unknown_instance",
        "a webhook came for an unknown instance or with a wrong secret. `/golive diagnose 1`"
        " compares the secrets.",
    ),
    ("inbound_failed", "a webhook came, and its processing failed behind HTTP 200."),
    ("inbound_dropped", "a webhook came, and the application dropped the message."),
    ("webhooks", "a webhook came, but no message was made of it."),
)
"""What was seen last, and where the message got lost then."""

_NEVER: Final = (
    "no webhook reached the application, so it got lost before. `/golive diagnose 2` looks at"
    " Evolution's webhook, BASE_URL and the certificate."
)


def busy_message(by: str, since: timedelta) -> Message:
    """Somebody waits in this channel already."""
    return ready(
        f"{user(by)} began to wait in this channel {seconds(since)} ago, and that wait sees your"
        " message too: send it now. Its outcome is posted here."
    )


def outcome_message(
    wait: Wait, counts: Mapping[str, int], *, waited: timedelta, trouble: Problem | None
) -> Message:
    """How long it took, or where it got lost.

    Args:
        wait: what was waited for, and what was seen of it.
        counts: the signals of the log since it began.
        waited: for how long.
        trouble: why the log says nothing.
    """
    said = _outcome(wait, counts, waited, trouble)
    if wait.missed:
        said += (
            f" golive was not looking for {seconds(wait.missed)} of that time, as after a restart;"
            " what came then was seen late."
        )
    return ready(f"{user(wait.asked_by)} {said}")


def _outcome(
    wait: Wait, counts: Mapping[str, int], waited: timedelta, trouble: Problem | None
) -> str:
    log = None if wait.in_log is None else seconds(wait.in_log - wait.began_at)
    rows = None if wait.in_rows is None else seconds(wait.in_rows - wait.began_at)
    if log is not None and rows is not None:
        return f"An inbound message arrived: in the log after {log}, in the database after {rows}."
    if log is not None:
        return (
            f"An inbound message is in the log after {log}, and in {seconds(waited)} there"
            " was no row: it got lost between the application and its database."
        )
    if rows is not None:
        return f"An inbound message is in the database after {rows}."
    if trouble is not None:
        return (
            f"No row of an inbound message was stored within {seconds(waited)}, and the log cannot"
            f" say where one got lost: {escape(str(trouble), _WORDS)}"
        )
    where = next((words for signal, words in _LOST if counts.get(signal)), _NEVER)
    return f"Nothing arrived within {seconds(waited)}: {where}"


def seconds(span: timedelta) -> str:
    """A span of time in whole seconds."""
    return f"{round(span.total_seconds())} s"
