"""What a test would keep to itself: golive's errors as they are made, and events it captures."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, MutableMapping
from functools import wraps
from typing import Any, NoReturn, cast

from structlog.testing import LogCapture

from tests.support.secrecy.heard import hear

_OURS = ("bot.", "checks.")
_NOT_OURS = "bot.demo."

_listened: set[type] = set()


def listen_to_errors() -> None:
    """Hear every error of golive's own classes from now on, also one that a test expects."""
    for kind in list(_below(Exception)):
        name = kind.__module__
        if name.startswith(_OURS) and not name.startswith(_NOT_OURS) and kind not in _listened:
            _listened.add(kind)
            _listen(kind)


def listen_to_captured_events() -> None:
    """Hear every event of golive's log that a test captures, so before the log would mask it."""
    if LogCapture in _listened:
        return
    _listened.add(LogCapture)
    capture = cast("Callable[..., NoReturn]", LogCapture.__call__)

    @wraps(capture)
    def heard(
        self: LogCapture, _: object, method_name: str, event_dict: MutableMapping[str, Any]
    ) -> NoReturn:
        hear("golive's log", json.dumps(event_dict, ensure_ascii=False, default=_kind))
        capture(self, _, method_name, event_dict)

    LogCapture.__call__ = heard


def _kind(value: object) -> str:
    """What golive's log shows of an error, or of another object."""
    return type(value).__name__


def _below(kind: type[BaseException]) -> Iterator[type[BaseException]]:
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)


def _listen(kind: type[BaseException]) -> None:
    made = cast("Callable[..., None]", kind.__init__)

    @wraps(made)
    def heard(self: BaseException, *args: Any, **named: Any) -> None:
        made(self, *args, **named)
        hear(f"the error {kind.__name__}", str(self))

    kind.__init__ = heard
