"""A rollback in words: declared, running, done or failed, verified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from bot.render.budget import Draft, Form, Part, button_row, to_message
from bot.render.fix import step_line
from bot.render.known import Known
from bot.render.message import Button, Message
from bot.render.mrkdwn import bold, escape, user
from bot.render.phrases import DECISION_COLOURS
from checks.engine.model import Decision

_COLOURS: Final[Mapping[str, Decision]] = {
    "verified": Decision.GO,
    "done": Decision.MONITOR,
}


_WHERE: Final = "`/golive status` shows where it stands."
_AGAIN: Final = f"{_WHERE} `/golive rollback` opens a new preview."


def rollback_message(
    claim: Known,
    *,
    word: str,
    how: str = "",
    output: Sequence[str] = (),
    ticked: Mapping[str, str] | None = None,
    buttons: Sequence[Button] = (),
) -> Message:
    """Where a rollback stands.

    Args:
        claim: the rollback.
        word: declared, done, failed, cut off, verified.
        how: how it ended, or what was seen afterwards.
        output: the last lines of a command or hook, masked.
        ticked: number of a step by hand → who has done it; None shows no steps.
        buttons: a tick for each step that is open.
    """
    steps = claim.sheet.steps if ticked is not None else ()
    done = ticked or {}
    draft = Draft(
        verdict=f"{bold(f'Rollback {word}')} · {escape(claim.sheet.title, 150)}",
        reasons=[escape(how, 400)] if how else [],
        parts=[
            Part(
                lines=[f"By {user(claim.executed_by or '')}: {escape(claim.reason or '')}"],
                rank=0,
            ),
            Part(
                title="Steps",
                lines=[step_line(step, done.get(str(n))) for n, step in enumerate(steps)],
                rank=1,
            ),
            button_row(buttons),
            Part(title="Output", lines=output, form=Form.LOG, rank=3, tail=True),
        ],
        fine=_AGAIN if word in {"failed", "cut off"} else _WHERE,
        colour=DECISION_COLOURS[_COLOURS.get(word, Decision.NO_GO)],
        file=("golive-rollback.txt", "The output of the rollback"),
    )
    return to_message(draft)
