"""The commands behind `/golive` as data, and the strict reading of what somebody typed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from bot.asked import (
    Accept,
    Ack,
    Checkpoint,
    Close,
    Command,
    Diagnose,
    Expect,
    Fix,
    Help,
    History,
    Logs,
    Report,
    Rollback,
    Silence,
    Start,
    Status,
)
from bot.desk import Role
from bot.typed import Word, duration_of, text_of, words_of

SLASH: Final = "/golive"
MOST_LINES: Final = 1_000
LONGEST: Final = timedelta(hours=24)
VERSION_LENGTH: Final = 100
REASON_LENGTH: Final = 500

FIXES: Final = ("regenerate_secret", "reset_messages", "reset_campaign")
"""The kinds of fixes that are about rows."""

RESTARTED: Final = "restarted"
"""Behind a campaign: the operator states that the backend was restarted."""

_INCIDENTS: Final = (
    "1 status not connected, 2 inbound missing, 3 outbound failing, 4 campaign stuck"
)

_CHECK = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """Why a command cannot be understood, in sentences that show the right one.

    The text is not escaped yet; backticks in it are the sentence's own.
    """

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A command of the table.

    arguments: as a usage line writes them; "" where it takes none
    does:      one sentence for the help
    who:       MEMBER: everybody who belongs to the workspace; OPERATOR: those alone
    changes:   whether it changes something
    example:   a right use
    read:      its arguments to the command, or a sentence that says what is wrong with them
    """

    name: str
    arguments: str
    does: str
    who: Role
    changes: bool
    example: str
    read: Callable[[tuple[Word, ...]], Command | str]

    @property
    def usage(self) -> str:
        """The command and its arguments as they are typed."""
        return f"{SLASH} {self.name} {self.arguments}".rstrip()


def parse(text: str) -> Command | Wrong:
    """Read what stands behind `/golive`; nothing at all asks for help."""
    words = words_of(text)
    if not words:
        return Help()
    name = words[0].value.lower().removeprefix("/")
    entry = BY_NAME.get(name)
    return Wrong(text=_no_such(words[0])) if entry is None else read_words(entry, words[1:])


def read_words(entry: Entry, words: tuple[Word, ...]) -> Command | Wrong:
    """Read the arguments of a command."""
    read = entry.read(words)
    if not isinstance(read, str):
        return read
    return Wrong(text=f"{read} Use `{entry.usage}`, for example `{entry.example}`.")


def entry_of(command: Command) -> Entry:
    """The entry of the table that a command belongs to."""
    return BY_NAME[type(command).__name__.lower()]


def _no_such(word: Word) -> str:
    near = difflib.get_close_matches(word.value.lower(), BY_NAME, n=1, cutoff=0.6)
    mend = (
        f"Did you mean `{BY_NAME[near[0]].usage}`?"
        if near
        else f"`{SLASH} help` lists what there is."
    )
    return f"There is no `{SLASH} {word.shown}`. {mend}"


def _nothing(command: Command) -> Callable[[tuple[Word, ...]], Command | str]:
    def read(words: tuple[Word, ...]) -> Command | str:
        return command if not words else f"Nothing may follow it, but `{words[0].shown}` does."

    return read


def _start(words: tuple[Word, ...]) -> Command | str:
    if words and words[-1].value.lower() == "ago" and len(words) == 3:
        words = words[:-1]
    match words:
        case ():
            return "The version is missing."
        case (version,) | (version, _) if len(version.value) > VERSION_LENGTH:
            return f"A version has at most {VERSION_LENGTH} characters."
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
    if span > LONGEST:
        return "A watch begins at most 24h after the deploy."
    return Start(version=version.value, ago=span)


def _logs(words: tuple[Word, ...]) -> Command | str:
    match words:
        case ():
            return Logs()
        case (lines,) if lines.value.isascii() and lines.value.isdigit():
            if 1 <= int(lines.value[:9]) <= MOST_LINES:
                return Logs(lines=int(lines.value))
            return f"It gives from 1 to {MOST_LINES} lines."
        case (lines,):
            return f"`{lines.shown}` is no number of lines."
        case _:
            return "It takes one number."


def _accept(words: tuple[Word, ...]) -> Command | str:
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


def _silence(words: tuple[Word, ...]) -> Command | str:
    if len(words) != 2:
        return "It takes a check and a duration."
    check, span = _check(words[0]), duration_of(words[1].value)
    if check is None:
        return f"`{words[0].shown}` is no check's id."
    if span is None:
        return f"`{words[1].shown}` is no duration; it is a number with s, m or h, such as 30m."
    if not timedelta(0) < span <= LONGEST:
        return "A silence ends by itself, after at least 1s and at most 24h."
    return Silence(check=check, duration=span)


def _diagnose(words: tuple[Word, ...]) -> Command | str:
    match words:
        case (number,) if number.value in {"1", "2", "3", "4"}:
            return Diagnose(incident=int(number.value))
        case _:
            return f"It takes the number of an incident: {_INCIDENTS}."


def _expect(words: tuple[Word, ...]) -> Command | str:
    if [word.value.lower() for word in words] == ["inbound"]:
        return Expect()
    return "It can wait for one thing only: inbound."


def _fix(words: tuple[Word, ...]) -> Command | str:
    kinds = ", ".join(FIXES)
    if not words:
        return f"The kind is missing. It is one of {kinds}."
    kind = words[0].value.lower().replace("-", "_")
    if kind not in FIXES:
        return f"There is no fix `{words[0].shown}`. It is one of {kinds}."
    rest = words[1:]
    stated: frozenset[str] = frozenset()
    if len(rest) > 1 and rest[-1].value.lower() == RESTARTED:
        rest, stated = rest[:-1], frozenset({RESTARTED})
    target = text_of(rest)
    if len(target) > VERSION_LENGTH:
        return f"A name has at most {VERSION_LENGTH} characters."
    return Fix(kind=kind, target=target, stated=stated)


def _check(word: Word) -> str | None:
    name = word.value.lower().replace("-", "_")
    return name if _CHECK.fullmatch(name) else None


def _entry(
    name: str,
    does: str,
    who: Role,
    read: Callable[[tuple[Word, ...]], Command | str],
    arguments: str = "",
    example: str = "",
) -> Entry:
    return Entry(
        name=name,
        arguments=arguments,
        does=does,
        who=who,
        changes=name not in _LOOKS,
        example=f"{SLASH} {example or name}",
        read=read,
    )


_LOOKS: Final = frozenset({"status", "report", "history", "logs", "help", "diagnose", "expect"})
"""The commands that change nothing."""

COMMANDS: Final = (
    _entry(
        "start",
        "Begins the watch over a version, deployed now or a while ago.",
        Role.OPERATOR,
        _start,
        "VERSION [AGO]",
        "start v2.4.0 10m",
    ),
    _entry("status", "Says where things stand, measured now.", Role.MEMBER, _nothing(Status())),
    _entry("checkpoint", "Takes a checkpoint now.", Role.OPERATOR, _nothing(Checkpoint())),
    _entry("logs", "Shows the last lines of the log.", Role.OPERATOR, _logs, "[N]", "logs 200"),
    _entry("report", "Gives the whole watch as Markdown.", Role.MEMBER, _nothing(Report())),
    _entry("history", "Lists the last watches and verdicts.", Role.MEMBER, _nothing(History())),
    _entry("ack", "Acknowledges the present alarm.", Role.MEMBER, _nothing(Ack())),
    _entry(
        "accept",
        "Accepts a WARNING or UNKNOWN for the rest of the watch.",
        Role.OPERATOR,
        _accept,
        "CHECK REASON",
        "accept campaigns none is planned tonight",
    ),
    _entry(
        "silence",
        "Counts a check as UNKNOWN for a while.",
        Role.OPERATOR,
        _silence,
        "CHECK DURATION",
        "silence http_5xx 30m",
    ),
    _entry(
        "diagnose",
        "Says which root cause of an incident holds.",
        Role.MEMBER,
        _diagnose,
        "1-4",
        "diagnose 3",
    ),
    _entry(
        "expect",
        "Waits up to two minutes for the next inbound message.",
        Role.OPERATOR,
        _expect,
        "inbound",
        "expect inbound",
    ),
    _entry(
        "fix",
        "Shows what a fix would change, and makes it when you confirm.",
        Role.OPERATOR,
        _fix,
        "KIND [UNIT or CAMPAIGN]",
        "fix reset_messages Norte",
    ),
    _entry(
        "rollback",
        "Shows how the release is rolled back, and does it when you confirm.",
        Role.OPERATOR,
        _nothing(Rollback()),
    ),
    _entry("close", "Ends the watch.", Role.OPERATOR, _nothing(Close())),
    _entry("help", "Shows what you may do.", Role.MEMBER, _nothing(Help())),
)
"""In the order in which the help shows them."""

BY_NAME: Final = {entry.name: entry for entry in COMMANDS}
