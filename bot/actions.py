"""The buttons and dialogs that golive answers to, as data: an action's id to what it asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from bot.commands import BY_NAME, SLASH, Wrong, parse, read_words
from bot.commands.asked import (
    Ack,
    Checkpoint,
    Close,
    Command,
    Fix,
    Help,
    History,
    Report,
    Rollback,
    Status,
)
from bot.commands.typed import one_word
from bot.render.blocks import context, section
from bot.render.limits import VIEW_TITLE
from bot.render.message import Block, View
from bot.render.mrkdwn import code, escape
from bot.render.reasons import reason_input

PREFIX: Final = "golive."
CONFIRM: Final = f"{PREFIX}confirm"
"""Callback of a fix's preview that can be submitted."""

APPROVE: Final = f"{PREFIX}approve"
UNDO: Final = f"{PREFIX}undo"
TICK: Final = f"{PREFIX}tick"
OF_FIXES: Final = (APPROVE, UNDO, TICK)
"""Buttons of fixes that no typed command does; the value names the claim."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialog:
    """A button that asks for words before it does anything.

    command: the command that it fills in; the button's value names the check
    form:    the modal to fill in, for a check
    """

    command: str
    form: Callable[[str], View]

    def read(self, check: str, reason: str) -> Command | Wrong:
        """What was filled in, by the rules of the typed command."""
        return read_words(BY_NAME[self.command], (one_word(check), one_word(reason)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """A button that asks for one thing, whatever its value is."""

    command: Command


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """A button whose value is the rest of a command."""

    command: str

    def read(self, value: str) -> Command | Wrong:
        """What the button asks for."""
        return parse(f"{self.command} {value}")


def loading() -> View:
    """What a dialog shows while it is being made; the trigger does not wait for that."""
    return _modal([section("One moment …")])


def notice(text: str) -> View:
    """A dialog that only says something; the text is mrkdwn."""
    return _modal([section(text)])


def accept_form(check: str) -> View:
    """Asks why a finding is accepted."""
    return View(
        kind="modal",
        title="Accept a finding"[:VIEW_TITLE],
        submit="Accept",
        close="Cancel",
        callback=f"{PREFIX}accept",
        metadata=check,
        blocks=(
            section(f"{code(check)} counts as accepted for the rest of the watch."),
            reason_input("Why is it all right?", multiline=True),
            context(f"The same as {code(f'{SLASH} accept {check} REASON')}."),
        ),
    )


def _modal(blocks: list[Block]) -> View:
    return View(kind="modal", title="golive", close="Close", blocks=tuple(blocks))


ACTIONS: Final[Mapping[str, Press | Typed | Dialog]] = {
    f"{PREFIX}ack": Press(command=Ack()),
    f"{PREFIX}status": Press(command=Status()),
    f"{PREFIX}checkpoint": Press(command=Checkpoint()),
    f"{PREFIX}report": Press(command=Report()),
    f"{PREFIX}history": Press(command=History()),
    f"{PREFIX}close": Press(command=Close()),
    f"{PREFIX}help": Press(command=Help()),
    f"{PREFIX}diagnose": Typed(command="diagnose"),
    f"{PREFIX}fix": Typed(command="fix"),
    f"{PREFIX}rollback": Press(command=Rollback()),
    f"{PREFIX}silence": Typed(command="silence"),
    f"{PREFIX}accept": Dialog(command="accept", form=accept_form),
}
"""Anything else is a button of a version that is gone: it is answered, and does nothing."""

CALLBACKS: Final[Mapping[str, Dialog]] = {
    name: action for name, action in ACTIONS.items() if isinstance(action, Dialog)
}


def action_of(action_id: str) -> Press | Typed | Dialog | None:
    """The action behind an id; what follows a colon only tells buttons of one kind apart."""
    return ACTIONS.get(action_id.partition(":")[0])


def chosen_fix(value: str) -> Fix | None:
    """What a choice in a preview asks for: kind, target and the way; None for anything else."""
    typed, _, way = value.rpartition(" ")
    read = parse(f"fix {typed}")
    return replace(read, stated=frozenset({way})) if isinstance(read, Fix) else None


def refusal_text(wrong: Wrong) -> str:
    """What is wrong with a dialog's input, under that input."""
    return escape(wrong.text, 300)
