"""The last watches and how they ended."""

from __future__ import annotations

from collections.abc import Sequence

from bot.render.budget import Draft, Part, to_message
from bot.render.message import Message
from bot.render.mrkdwn import date, escape, user
from bot.render.phrases import NEUTRAL, elapsed, version
from bot.render.words import DECISION_SYMBOLS
from bot.storage.values import Past


def history_message(past: Sequence[Past], *, problems: Sequence[str] = ()) -> Message:
    """The last watches, newest first. `problems`: why some may be missing, as sentences."""
    several = "watch" if len(past) == 1 else "watches"
    said = f"The last {len(past)} {several}" if past else "No watch has ended or begun here yet"
    start = [] if past else ["`/golive start VERSION` begins one."]
    draft = Draft(
        verdict=f"*{said}*",
        reasons=[*(f"▲ {escape(problem)}" for problem in problems[:3]), *start],
        parts=[Part(lines=past_lines(past), noun="watches", rank=1)],
        fine="`/golive report` gives a watch in full." if past else "",
        colour=NEUTRAL,
        file=("golive-history.txt", "The last watches"),
    )
    return to_message(draft)


def past_lines(past: Sequence[Past]) -> list[str]:
    """A line a watch: verdict, version, when, how far it came, who."""
    return [_line(each) for each in past]


def _line(past: Past) -> str:
    deployment = past.deployment
    decision, judged_at = past.judged or (None, None)
    verdict = f"{DECISION_SYMBOLS[decision]} {decision}" if decision is not None else "– no verdict"
    said = [f"*{verdict}*", version(deployment), date(deployment.deployed_at)]
    if judged_at is not None:
        said.append(f"last {elapsed(deployment.deployed_at, judged_at)}")
    said.append(f"by {user(deployment.started_by)}")
    if deployment.closed_at is None:
        said.append("still running")
    elif deployment.closed_by and deployment.closed_by != "golive":
        said.append(f"closed by {user(deployment.closed_by)}")
    return " · ".join(said)
