"""What `/golive help` says: what the caller may run, from the table of commands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bot.render.budget import Draft, Part, to_message
from bot.render.message import Message
from bot.render.mrkdwn import code, escape
from bot.render.phrases import NEUTRAL

OPERATOR = "operator"
"""The role that may run everything."""


class Described(Protocol):
    """A command as the help shows it."""

    @property
    def name(self) -> str:
        """The word after `/golive`."""
        ...

    @property
    def usage(self) -> str:
        """How it is typed."""
        ...

    @property
    def does(self) -> str:
        """What it does, in one sentence."""
        ...

    @property
    def example(self) -> str:
        """A right use."""
        ...

    @property
    def who(self) -> str:
        """The least role that may run it."""
        ...


def help_message(commands: Sequence[Described], *, operator: bool) -> Message:
    """The caller's own commands with what they do, and who runs the others."""
    mine = [command for command in commands if operator or command.who != OPERATOR]
    others = [command for command in commands if command not in mine]
    role = "an operator" if operator else "a member"
    return to_message(
        Draft(
            verdict=f"*golive watches the hour after a deploy.* You are {role} and may run:",
            parts=[
                Part(lines=command_lines(mine), noun="commands", rank=1),
                Part(lines=_others(others), rank=2),
            ],
            fine="GO, MONITOR or NO-GO is decided by the runbook; every verdict says why.",
            colour=NEUTRAL,
            file=("golive-help.txt", "All commands"),
        )
    )


def command_lines(commands: Sequence[Described]) -> list[str]:
    """A line a command: how it is typed, what it does, an example where it takes arguments."""
    lines: list[str] = []
    for command in commands:
        said = f"{code(command.usage)} – {escape(command.does)}"
        takes_some = command.usage.rsplit(maxsplit=1)[-1:] != [command.name]
        example = f" Example: {code(command.example)}" if takes_some and command.example else ""
        lines.append(f"{said}{example}")
    return lines


def _others(commands: Sequence[Described]) -> list[str]:
    if not commands:
        return []
    names = ", ".join(code(command.name) for command in commands[:20])
    return [f"Only operators (GOLIVE_OPERATORS) run {names}."]
