"""The last words of a watch in its thread: who ended it, and how it stood."""

from __future__ import annotations

from bot.render.budget import Draft, to_message
from bot.render.message import Message
from bot.render.mrkdwn import bold, user
from bot.render.phrases import NEUTRAL, duration, version
from bot.render.words import DECISION_SYMBOLS
from bot.watch.model import WatchView


def watch_closed(view: WatchView) -> Message:
    """The watch is over; nothing is looked at any more."""
    deployment = view.deployment
    at = deployment.closed_at or view.now
    report = view.report
    decision = report.verdict.decision if report is not None else None
    last = (
        f"last verdict {DECISION_SYMBOLS[decision]} {decision}"
        if decision is not None
        else "it reached no verdict"
    )
    who = "" if deployment.closed_by in (None, "golive") else f" by {user(deployment.closed_by)}"
    said = (
        f"{bold('Watch closed')}{who} · {version(deployment)}"
        f" · after {duration(at - deployment.deployed_at)} · {last}"
    )
    return to_message(
        Draft(
            verdict=said,
            reasons=["golive looks no more. `/golive report` gives the whole watch as a file."],
            colour=NEUTRAL,
        )
    )
