"""How Node's util.inspect prints an object, and the error object that axios leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from string import Template

_BREAK = 80


@dataclass(frozen=True, slots=True)
class Raw:
    """A value that util.inspect prints as it stands (undefined, a nested object)."""

    text: str


Value = str | int | bool | Raw


def inspect(head: str, fields: Mapping[str, Value]) -> tuple[str, ...]:
    """`head { … }` as util.inspect breaks it: one line when it fits in 80 columns."""
    entries = [f"{name}: {_value(value)}" for name, value in fields.items()]
    # Node's own sum: the entries, one separator each, the brace, and ten columns of slack
    width = sum(map(len, entries)) + 2 * len(entries) + 1 + 10
    if width <= _BREAK:
        return (f"{head} {{ {', '.join(entries)} }}",)
    body = [f"  {entry}," for entry in entries[:-1]]
    return (f"{head} {{", *body, f"  {entries[-1]}", "}")


def _value(value: Value) -> str:
    match value:
        case Raw():
            return value.text
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case str():
            quote = '"' if "'" in value and '"' not in value else "'"
            return f"{quote}{value}{quote}"


@cache
def _template() -> Template:
    text = resources.files("bot.demo").joinpath("axios_error.txt").read_text(encoding="utf-8")
    return Template(text.rstrip("\n"))


def axios_error(**words: str) -> tuple[str, ...]:
    """The dump of a failed request, some 340 lines with the request's headers in them.

    Args:
        words: what the template's placeholders stand for: apikey, api, host, instance, number,
            text, status, reason, date.
    """
    return tuple(_template().substitute(words).split("\n"))
