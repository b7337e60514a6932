"""The strict reading of a command's arguments: a command, or a sentence that says what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Final, TypeAlias

from bot.commands.asked import (
    Accept,
    Command,
    Diagnose,
    Expect,
    Fix,
    Logs,
    Silence,
    Start,
)
from bot.commands.typed import Word, duration_of, text_of
from bot.remediation.values import RESTARTED
from bot.render.reasons import REASON_LENGTH

Reader: TypeAlias = Callable[[tuple[Word, ...]], Command | str]
"""Arguments to the command, or to what is wrong with them."""

_MOST_LINES: Final = 1_000
_LONGEST: Final = timedelta(hours=24)
_VERSION_LENGTH: Final = 100

_FIXES: Final = ("regenerate_secret", "reset_messages", "reset_campaign")
"""The kinds of fixes that are about rows."""

_INCIDENTS: Final = (
    "1 status not connected, 2 inbound missing, 3 outbound failing, 4 campaign stuck"
)

_CHECK = re.compile(r"[a-z][a-z0-9_]{0,63}")


def nothing(command: Command) -> Reader:
    """Takes no argument, and is this command."""

    def read(words: tuple[Word, ...]) -> Command | str:
        return command if not words else f"Nothing may follow it, but `{words[0].shown}` does."

    return read


def start(words: tuple[Word, ...]) -> Command | str:
    """The version, and how long ago it was deployed."""
    if words and words[-1].value.lower() == "ago" and len(words) == 3:
        words = words[:-1]
    match words:
        case ():
            return "The version is missing."
        case (version,) | (version, _) if len(version.value) > _VERSION_LENGTH:
            return f"A version has at most {_VERSION_LENGTH} characters."
        case (version,) if duration_of(version.value) is not None and not version.quoted:
            return f"`{version.shown}` is a duration; the version is missing."
        case (version,):
            return Start(version=version.value)
        case (version, ago):
            return _started(version, ago)
        case _:
            return (
                "It takes a version and how long ago it was deployed; quote a version with spaces."
            )


def _started(version: Word, ago: Word) -> Command | str:
    span = duration_of(ago.value)
    if span is None:
        return f"`{ago.shown}` is no duration; it is a number with s, m or h, such as 90s, 10m, 2h."
    if span > _LONGEST:
        return "A watch begins at most 24h after the deploy."
    return Start(version=version.value, ago=span)


def logs(words: tuple[Word, ...]) -> Command | str:
    """How many lines, where it is said."""
    match words:
        case ():
            return Logs()
        case (lines,) if lines.value.isascii() and lines.value.isdigit():
            if 1 <= int(lines.value[:9]) <= _MOST_LINES:
                return Logs(lines=int(lines.value))
            return f"It gives from 1 to {_MOST_LINES} lines."
        case (lines,):
            return f"`{lines.shown}` is no number of lines."
        case _:
            return "It takes one number."


def accept(words: tuple[Word, ...]) -> Command | str:
    """A check, and why its finding is all right."""
    if not words:
        return "The check and the reason are missing."
    check = _check(words[0])
    if check is None:
        return f"`{words[0].shown}` is no check's id."
    reason = text_of(words[1:])
    if not reason:
        return "The reason is missing; it stands in the report."
    if len(reason) > REASON_LENGTH:
        return f"A reason has at most {REASON_LENGTH} characters."
    return Accept(check=check, reason=reason)


def silence(words: tuple[Word, ...]) -> Command | str:
    """A check, and for how long."""
    if len(words) != 2:
        return "It takes a check and a duration."
    check, span = _check(words[0]), duration_of(words[1].value)
    if check is None:
        return f"`{words[0].shown}` is no check's id."
    if span is None:
        return f"`{words[1].shown}` is no duration; it is a number with s, m or h, such as 30m."
    if not timedelta(0) < span <= _LONGEST:
        return "A silence ends by itself, after at least 1s and at most 24h."
    return Silence(check=check, duration=span)


def diagnose(words: tuple[Word, ...]) -> Command | str:
    """The number of an incident."""
    match words:
        case (number,) if number.value in {"1", "2", "3", "4"}:
            return Diagnose(incident=int(number.value))
        case _:
            return f"It takes the number of an incident: {_INCIDENTS}."


def expect(words: tuple[Word, ...]) -> Command | str:
    """What to wait for."""
    if [word.value.lower() for word in words] == ["inbound"]:
        return Expect()
    return "It can wait for one thing only: inbound."


def fix(words: tuple[Word, ...]) -> Command | str:
    """A kind of fix, what it is for, and what the operator states besides."""
    kinds = ", ".join(_FIXES)
    if not words:
        return f"The kind is missing. It is one of {kinds}."
    kind = words[0].value.lower().replace("-", "_")
    if kind not in _FIXES:
        return f"There is no fix `{words[0].shown}`. It is one of {kinds}."
    rest = words[1:]
    stated: frozenset[str] = frozenset()
    if len(rest) > 1 and rest[-1].value.lower() == RESTARTED:
        rest, stated = rest[:-1], frozenset({RESTARTED})
    target = text_of(rest)
    if len(target) > _VERSION_LENGTH:
        return f"A name has at most {_VERSION_LENGTH} characters."
    return Fix(kind=kind, target=target, stated=stated)


def _check(word: Word) -> str | None:
    name = word.value.lower().replace("-", "_")
    return name if _CHECK.fullmatch(name) else None
