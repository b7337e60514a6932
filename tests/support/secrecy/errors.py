"""Golive's own errors: their words are heard when they are made, also where a test expects them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, cast

from tests.support.secrecy.heard import hear

_OURS = ("bot.", "checks.")
_NOT_OURS = "bot.demo."

_listened: set[type[BaseException]] = set()


def listen_to_errors() -> None:
    """Hear every error of golive's own classes from now on."""
    for kind in list(_below(Exception)):
        name = kind.__module__
        if name.startswith(_OURS) and not name.startswith(_NOT_OURS) and kind not in _listened:
            _listened.add(kind)
            _listen(kind)


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
