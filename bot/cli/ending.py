"""How a command ends: its exit code, and what Ctrl-C makes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Final, TypeVar

NOTHING_MEASURED: Final = 3
USAGE: Final = 64
BROKEN: Final = 70
"""A fault of golive's own, by sysexits.h: no exit code that could be a verdict."""

INTERRUPTED: Final = 130

_T = TypeVar("_T")


class Finished(Exception):  # noqa: N818 - an outcome: it carries an exit code past the parser
    """A command ended with this exit code, which the parser must not confuse with its own."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def wait(work: Coroutine[None, None, _T]) -> _T:
    """Run to the end; Ctrl-C ends the command without a traceback.

    Raises:
        Finished: somebody pressed Ctrl-C.
    """
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        raise Finished(INTERRUPTED) from None
