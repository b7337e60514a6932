"""A diagnosis in words: the cause that holds first, then every other one with its evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.render.budget import Draft, Part, button_row, to_message
from bot.render.message import Button, Message
from bot.render.mrkdwn import bold, clock, escape
from bot.render.phrases import DECISION_COLOURS, NEUTRAL, UNKNOWN_COLOUR
from checks.diagnosis.model import Cause, Diagnosis, State
from checks.engine.model import Decision

_SYMBOLS: Mapping[State, str] = {State.HOLDS: "✖", State.CLEAR: "✔", State.UNTESTED: "?"}


def diagnosis_message(
    diagnosis: Diagnosis, *, buttons: Sequence[Button] = (), secrets: Sequence[str] = ()
) -> Message:
    """What an incident comes from, as far as it can be seen.

    Args:
        diagnosis: what was found.
        buttons: the fixes that fit.
        secrets: live secrets, masked as literals.
    """
    found = diagnosis.cause is not None
    said = f"Incident {int(diagnosis.incident)} · {escape(diagnosis.title, 120)}"
    causes = [line for cause in diagnosis.causes for line in _cause(cause, secrets)]
    step = diagnosis.fix.step if diagnosis.fix is not None else ""
    draft = Draft(
        verdict=f"{bold(said)} · {escape(diagnosis.headline, 400, secrets)}",
        parts=[
            Part(title="Fix", lines=[escape(step, 600, secrets)] if step else [], rank=0),
            button_row(buttons),
            Part(title="Causes", lines=causes, rank=1, noun="lines"),
            Part(
                title="Also",
                lines=[f"• {escape(line, 300, secrets)}" for line in diagnosis.context],
                rank=2,
            ),
        ],
        fine=f"Looked at {clock(diagnosis.taken_at)}; nothing was changed.",
        colour=_colour(diagnosis, found=found),
        file=("golive-diagnosis.txt", "The whole diagnosis"),
    )
    return to_message(draft)


def _colour(diagnosis: Diagnosis, *, found: bool) -> str:
    if found:
        return DECISION_COLOURS[Decision.NO_GO]
    untested = any(cause.state is State.UNTESTED for cause in diagnosis.causes)
    return UNKNOWN_COLOUR if untested else NEUTRAL


def _cause(cause: Cause, secrets: Sequence[str]) -> list[str]:
    why = escape(cause.why, 400, secrets)
    head = f"{_SYMBOLS[cause.state]} {bold(escape(cause.title, 80))} {cause.state.value}: {why}"
    mend = [f"   {escape(cause.mend, 300, secrets)}"] if cause.mend else []
    return [head, *(f"   {escape(line, 240, secrets)}" for line in cause.evidence), *mend]
