"""A complete record of the traffic; it never holds a token or a signing secret."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import ClassVar

from bot.demo.workspace.values import Json, Now, copy


class Traffic(StrEnum):
    """What kind of thing passed."""

    CALL = "call"
    """A request to the Web API."""
    ANSWER = "answer"
    """The answer to it, unless the connection was cut."""
    LOST = "lost"
    """A request that got no answer."""
    ENVELOPE = "envelope"
    """Something that was delivered to the bot, over a socket or signed HTTP."""
    WITHHELD = "withheld"
    """An envelope that a fault lost or holds back."""
    ACK = "ack"
    SOCKET = "socket"
    """A socket came, went, was pinged or told to go."""
    RESPONSE_URL = "response_url"
    UPLOAD = "upload"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that passed.

    Attributes:
        number: counts all entries.
        about: the number of the entry that this one answers.
        name: a method, an envelope's type, or what a socket did.
        body: arguments, answer or payload.
        status: the HTTP status of an answer.
        ref: an envelope id.
    """

    number: int
    kind: Traffic
    name: str
    at: datetime
    body: Json
    about: int | None = None
    status: int | None = None
    ref: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request to the Web API and its answer; None if it got none."""

    method: str
    arguments: Json
    answer: Json | None
    status: int | None
    at: datetime

    @property
    def ok(self) -> bool:
        """Whether it was answered with ok."""
        return bool(self.answer and self.answer.get("ok"))

    @property
    def error(self) -> str | None:
        """Slack's word for why not."""
        return None if self.answer is None else self.answer.get("error")


class Journal:
    """All entries in order, also as lines of JSON in a file.

    Args:
        now: the clock, in UTC.
        path: where each entry is written as it comes; None for nowhere.

    Attributes:
        witnesses: told of each entry of every journal of this process, with the bytes of an upload.
    """

    witnesses: ClassVar[list[Callable[[Entry, bytes], None]]] = []

    def __init__(self, now: Now, path: Path | None = None) -> None:
        self._now = now
        self._path = path
        self._entries: list[Entry] = []
        self.observers: list[Callable[[], None]] = []

    def note(
        self,
        kind: Traffic,
        name: str,
        body: Json,
        *,
        about: int | None = None,
        status: int | None = None,
        ref: str | None = None,
        content: bytes = b"",
    ) -> int:
        """Record something, but not the content of a file; returns its number."""
        entry = Entry(
            number=len(self._entries) + 1,
            kind=kind,
            name=name,
            at=self._now(),
            body=copy({key: value for key, value in body.items() if key != "token"}),
            about=about,
            status=status,
            ref=ref,
        )
        self._entries.append(entry)
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                line = asdict(entry) | {"at": entry.at.isoformat()}
                file.write(json.dumps(line) + "\n")
        for observer in tuple(self.observers):
            observer()
        for witness in self.witnesses:
            witness(entry, content)
        return entry.number

    def entries(self, kind: Traffic | None = None, name: str | None = None) -> tuple[Entry, ...]:
        """All entries, of one kind or of one name."""
        return tuple(
            entry
            for entry in self._entries
            if kind in {None, entry.kind} and name in {None, entry.name}
        )

    def since(self, number: int) -> tuple[Entry, ...]:
        """The entries after so many."""
        return tuple(self._entries[number:])

    def calls(self, method: str | None = None) -> tuple[Call, ...]:
        """Every request to the Web API with its answer, in the order of the requests."""
        ends = {e.about: e for e in self.entries(Traffic.ANSWER)}
        calls: list[Call] = []
        for entry in self.entries(Traffic.CALL, method):
            end = ends.get(entry.number)
            calls.append(
                Call(
                    method=entry.name,
                    arguments=entry.body,
                    answer=None if end is None else end.body,
                    status=None if end is None else end.status,
                    at=entry.at,
                )
            )
        return tuple(calls)
