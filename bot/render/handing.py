"""What came of handing rows to a hook, in words."""

from __future__ import annotations

from collections.abc import Sequence

from bot.render.budget import Draft, Form, Part, to_message
from bot.render.message import Message
from bot.render.mrkdwn import bold, escape
from bot.render.phrases import DECISION_COLOURS, NEUTRAL, number
from checks.engine.model import Decision
from checks.engine.wording import plural

ACCEPTED = "accepted"


def handed_message(
    title: str,
    *,
    host: str,
    counts: Sequence[tuple[str, int]],
    open_ones: Sequence[str],
    left: int,
    undone: bool,
) -> Message:
    """How many rows a hook accepted, and which ones it did not.

    Args:
        title: of the fix.
        host: whom the rows were handed to.
        counts: what it answered, and to how many rows.
        open_ones: a line for each row that was not accepted, or of which that is not known.
        left: how many rows were not handed over.
        undone: whether the fix was undone meanwhile.
    """
    rows = plural(sum(n for _, n in counts), "row")
    listed = ", ".join(f"{number(n)} {escape(words, 200)}" for words, n in counts)
    why = "the fix was undone" if undone else "they are not as the fix left them any more"
    reasons = [f"{rows} handed to {escape(host, 100)}{f': {listed}' if listed else ''}."]
    if left:
        reasons.append(f"{plural(left, 'row')} left alone: {why}.")
    good = all(words == ACCEPTED for words, _ in counts)
    draft = Draft(
        verdict=f"{bold('Handed over')} · {escape(title, 150)}",
        reasons=reasons,
        parts=[
            Part(
                title="Not accepted, or not known",
                lines=open_ones,
                form=Form.LOG,
                noun="rows",
                at_most=20,
            )
        ],
        fine="Each row is called once; none is called again by itself.",
        colour=NEUTRAL if good else DECISION_COLOURS[Decision.MONITOR],
        file=("golive-handed-over.txt", "Rows that were not accepted"),
    )
    return to_message(draft)
