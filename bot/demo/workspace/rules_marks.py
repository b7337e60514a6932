"""A list of faults, and the checks that every part of a payload shares."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from bot.demo.workspace.values import is_list, mapping

Surface: TypeAlias = Literal["message", "modal", "home"]
_TEXTS = ("plain_text", "mrkdwn")


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One fault: where it is, what is wrong, and Slack's word for it."""

    path: str
    problem: str
    code: str

    def __str__(self) -> str:
        """As Slack writes it into `response_metadata.messages`."""
        return f"[ERROR] {self.problem} [json-pointer:{self.path}]"


@dataclass(slots=True, kw_only=True)
class Marks:
    """Collects the faults of one payload."""

    surface: Surface
    file_ready: Callable[[str], bool]
    found: list[Violation] = field(default_factory=list[Violation])
    block_ids: set[str] = field(default_factory=set[str])

    def add(self, path: str, problem: str, *, code: str | None = None) -> None:
        """Note a fault; the word follows from the path unless it is given."""
        if code is None:
            if path.startswith("/view"):
                code = "invalid_arguments"
            else:
                attached = path.startswith("/attachments")
                code = "invalid_attachments" if attached else "invalid_blocks"
        self.found.append(Violation(path=path, problem=problem, code=code))

    def length(
        self, value: Any, path: str, limit: int, *, required: bool = True, least: int = 1
    ) -> None:
        """A string of so many characters."""
        if value is None:
            if required:
                self.add(path, "missing required field")
            return
        if not isinstance(value, str):
            self.add(path, "must be a string")
        elif len(value) < least:
            self.add(path, f"must be more than {least - 1} characters")
        elif len(value) > limit:
            self.add(path, f"must be less than {limit + 1} characters")

    def text(self, value: Any, path: str, limit: int, *, kinds: Collection[str] = _TEXTS) -> None:
        """A text object of so many characters."""
        given = mapping(value)
        if not given:
            self.add(path, "missing required field" if value is None else "must be an object")
            return
        if given.get("type") not in kinds:
            self.add(f"{path}/type", f"must be one of {', '.join(kinds)}")
        if given.get("type") == "mrkdwn" and "emoji" in given:
            self.add(f"{path}/emoji", "is only allowed in plain_text")
        self.length(given.get("text"), f"{path}/text", limit)

    def plain_text(self, value: Any, path: str, limit: int) -> None:
        """A plain_text object of so many characters."""
        self.text(value, path, limit, kinds=("plain_text",))

    def count(self, value: Any, path: str, most: int, *, least: int = 1) -> bool:
        """A list of so many items; tells whether it is a list."""
        if not is_list(value):
            self.add(path, "missing required field" if value is None else "must be an array")
            return False
        size = len(value)
        if size < least:
            self.add(path, f"must have at least {least} items")
        elif size > most:
            self.add(path, f"no more than {most} items allowed [{size} provided]")
        return True
