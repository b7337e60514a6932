"""The commands behind `/golive` as data, and which of them somebody typed."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Final

from bot.commands import readers
from bot.commands.asked import (
    Ack,
    Checkpoint,
    Close,
    Command,
    Help,
    History,
    Report,
    Rollback,
    Status,
)
from bot.commands.readers import Reader
from bot.commands.typed import Word, words_of
from bot.desk import Role

SLASH: Final = "/golive"


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
    private:   whether it is refused where people from outside read along
    fresh:     whether it goes by what Slack says of the caller now: it changes something, or shows
               lines of the log
    example:   a right use
    read:      its arguments to the command, or a sentence that says what is wrong with them
    """

    name: str
    arguments: str
    does: str
    who: Role
    private: bool
    fresh: bool
    example: str
    read: Reader

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


def _entry(
    name: str,
    does: str,
    who: Role,
    read: Reader,
    arguments: str = "",
    example: str = "",
) -> Entry:
    return Entry(
        name=name,
        arguments=arguments,
        does=does,
        who=who,
        private=name not in _HARMLESS,
        fresh=name not in _WITHOUT_LINES,
        example=f"{SLASH} {example or name}",
        read=read,
    )


_HARMLESS: Final = frozenset(
    {"status", "report", "history", "logs", "help", "diagnose", "expect", "ack"}
)
"""The commands that change nothing, and the one that only says who is on it."""

_WITHOUT_LINES: Final = frozenset({"status", "history", "help"})
"""The commands that change nothing and show no line of the log."""

COMMANDS: Final = (
    _entry(
        "start",
        "Begins the watch over a version, deployed now or a while ago.",
        Role.OPERATOR,
        readers.start,
        "VERSION [AGO]",
        "start v2.4.0 10m",
    ),
    _entry(
        "status", "Says where things stand, measured now.", Role.MEMBER, readers.nothing(Status())
    ),
    _entry("checkpoint", "Takes a checkpoint now.", Role.OPERATOR, readers.nothing(Checkpoint())),
    _entry(
        "logs", "Shows the last lines of the log.", Role.OPERATOR, readers.logs, "[N]", "logs 200"
    ),
    _entry("report", "Gives the whole watch as Markdown.", Role.MEMBER, readers.nothing(Report())),
    _entry(
        "history", "Lists the last watches and verdicts.", Role.MEMBER, readers.nothing(History())
    ),
    _entry("ack", "Acknowledges the present alarm.", Role.MEMBER, readers.nothing(Ack())),
    _entry(
        "accept",
        "Accepts a WARNING or UNKNOWN for the rest of the watch.",
        Role.OPERATOR,
        readers.accept,
        "CHECK REASON",
        "accept campaigns none is planned tonight",
    ),
    _entry(
        "silence",
        "Counts a check as UNKNOWN for a while.",
        Role.OPERATOR,
        readers.silence,
        "CHECK DURATION",
        "silence http_5xx 30m",
    ),
    _entry(
        "diagnose",
        "Says which root cause of an incident holds.",
        Role.MEMBER,
        readers.diagnose,
        "1-4",
        "diagnose 3",
    ),
    _entry(
        "expect",
        "Waits up to two minutes for the next inbound message.",
        Role.OPERATOR,
        readers.expect,
        "inbound",
        "expect inbound",
    ),
    _entry(
        "fix",
        "Shows what a fix would change, and makes it when you confirm.",
        Role.OPERATOR,
        readers.fix,
        "KIND [UNIT or CAMPAIGN]",
        "fix reset_messages Norte",
    ),
    _entry(
        "rollback",
        "Shows how the release is rolled back, and does it when you confirm.",
        Role.OPERATOR,
        readers.nothing(Rollback()),
    ),
    _entry("close", "Ends the watch.", Role.OPERATOR, readers.nothing(Close())),
    _entry("help", "Shows what you may do.", Role.MEMBER, readers.nothing(Help())),
)
"""In the order in which the help shows them."""

BY_NAME: Final = {entry.name: entry for entry in COMMANDS}
