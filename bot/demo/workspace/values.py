"""Shapes of what travels: JSON objects, and how to read them without trusting them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeAlias, TypeGuard, cast

Json: TypeAlias = dict[str, Any]
Now: TypeAlias = Callable[[], datetime]


class SlackError(Exception):
    """Slack refuses a call.

    Args:
        code: Slack's word for it, such as `channel_not_found`.
        messages: sentences for `response_metadata.messages`.
        extra: further fields of the answer.
    """

    def __init__(self, code: str, *messages: str, **extra: Any) -> None:
        super().__init__(code)
        self.code = code
        self.messages = messages
        self.extra: Json = extra

    def answer(self) -> Json:
        """The body of the answer."""
        body: Json = {"ok": False, "error": self.code, **self.extra}
        if self.messages:
            body["response_metadata"] = {"messages": list(self.messages)}
        return body


def is_object(value: object) -> TypeGuard[Json]:
    """Whether it is a JSON object."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Whether it is a JSON array."""
    return isinstance(value, list)


def mapping(value: object) -> Json:
    """The value as an object; empty if it is none."""
    return value if is_object(value) else {}


def sequence(value: object) -> list[Any]:
    """The value as a list; empty if it is none."""
    return value if is_list(value) else []


def objects(value: object) -> list[Json]:
    """The objects of a list."""
    return [item for item in sequence(value) if is_object(item)]


def structure(arguments: Json, name: str, *, error: str = "invalid_arguments") -> Any:
    """An argument that is a structure; in a form it comes as a string of JSON.

    Raises:
        SlackError: it is a string that is no JSON.
    """
    value = arguments.get(name)
    if not isinstance(value, str):
        return value
    if not value:
        return None
    try:
        return json.loads(value)
    except ValueError:
        raise SlackError(error, f"[ERROR] could not parse `{name}` as JSON") from None


def flag(value: object) -> bool:
    """An argument that is a truth; in a form and a query it comes as a word."""
    return value is True or str(value).lower() in {"1", "true"}


def copy(value: Json) -> Json:
    """A deep copy: what was sent can not be changed afterwards."""
    return cast("Json", json.loads(json.dumps(value)))
