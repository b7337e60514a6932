"""The last lines of the log, masked: a few in the message, all of them in a file."""

from __future__ import annotations

from collections.abc import Sequence

from bot.render.budget import Draft, Form, Part, to_message
from bot.render.message import Message, TextFile
from bot.render.mrkdwn import code, shown
from bot.render.phrases import NEUTRAL
from checks.engine.wording import plural

_IN_MESSAGE = 10


def log_message(lines: Sequence[str], *, source: str, secrets: Sequence[str] = ()) -> Message:
    """The newest lines of the log.

    Args:
        lines: oldest first, as they were read; they are masked here.
        source: which log.
        secrets: live secrets, masked as literals.
    """
    if not lines:
        said = f"*No line could be read* from {code(source, 200)}."
        return to_message(Draft(verdict=f"{said} `golive doctor` says why."))
    safe = [shown(line, 2_000, secrets) for line in lines]
    newest = [shown(line, 250) for line in safe[-_IN_MESSAGE:]]
    few = len(safe) <= _IN_MESSAGE and newest == safe
    many = plural(len(safe), "line")
    whole = TextFile(name="golive-log.txt", title=f"The last {many}", text="\n".join(safe) + "\n")
    draft = Draft(
        verdict=f"*The last {many}* of {code(source, 200)}, secrets masked",
        parts=[Part(lines=newest, form=Form.LOG, tail=True)],
        fine="" if few else "All of them are in the file.",
        colour=NEUTRAL,
        files=() if few else (whole,),
    )
    return to_message(draft)
