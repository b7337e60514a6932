"""golive's own log: one line an event, on stderr, masked in this one place."""

from __future__ import annotations

import logging
import os
import sys
import threading
import traceback
import warnings
from collections.abc import Mapping, MutableMapping, Sequence
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Final, Literal, TextIO, TypeAlias, cast

import structlog

from checks.engine.known_secrets import LEAST
from checks.engine.masking import harmless, mask

Form: TypeAlias = Literal["json", "console"]
_Value: TypeAlias = "str | bool | int | float | list[_Value] | Mapping[str, _Value] | None"

SILENT: Final = ("psycopg", "slack_sdk", "slack_bolt", "httpx", "httpcore")
"""Libraries whose own words quote connection strings, payloads and addresses that hold tickets.
What went wrong reaches the reader as a sentence of golive's own."""

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


def configure_logging(
    level: int = logging.WARNING, *, form: Form = "json", secrets: Sequence[str] = ()
) -> None:
    """Send golive's own log to stderr, so that stdout carries nothing but results.

    Libraries write into the same log, from WARNING on, or nowhere.

    Args:
        level: of golive's own events.
        form: for machines or for a person at a terminal.
        secrets: everything that golive was given and that must not be shown.
    """
    hidden = tuple(one for one in secrets if len(one) >= LEAST)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _located,
            partial(_masked, hidden),
            _renderer(form),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=partial(_printer, sys.stderr),
        cache_logger_on_first_use=False,
    )
    for name in SILENT:
        library = logging.getLogger(name)
        library.handlers = [logging.NullHandler()]
        library.propagate = False
    root = logging.getLogger()
    root.handlers = [one for one in root.handlers if not isinstance(one, _Libraries)]
    root.addHandler(_Libraries(max(level, logging.WARNING)))


def report_crash(
    kind: type[BaseException], _error: BaseException, trace: TracebackType | None
) -> None:
    """Say where the program broke: a `sys.excepthook` that does not quote the error's words."""
    if issubclass(kind, KeyboardInterrupt):
        return
    _log.critical("golive broke", error=kind.__name__, traceback=_frames(trace))


def report_all_trouble() -> None:
    """Tell in golive's log what breaks where nobody catches it, and what Python warns of.

    Python itself would write the words of errors to stderr, with all that they quote.
    """
    sys.excepthook = report_crash
    sys.unraisablehook = _report_ignored
    threading.excepthook = _report_thread
    warnings.showwarning = _report_warning


def _report_ignored(ignored: sys.UnraisableHookArgs) -> None:
    frames = _frames(ignored.exc_traceback)
    _log.error("an error was ignored", error=ignored.exc_type.__name__, traceback=frames)


def _report_thread(ended: threading.ExceptHookArgs) -> None:
    if not issubclass(ended.exc_type, SystemExit):
        frames = _frames(ended.exc_traceback)
        _log.critical("a thread broke", error=ended.exc_type.__name__, traceback=frames)


def _report_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    del file, line
    _log.warning(str(message), warning=category.__name__, at=f"{filename}:{lineno}")


class _Libraries(logging.Handler):
    """Brings what libraries say into golive's own log."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log a record; its traceback without the error's words."""
        about: dict[str, object] = {"library": record.name}
        if record.exc_info is not None and record.exc_info[0] is not None:
            kind, _, trace = record.exc_info
            about |= {"error": kind.__name__, "traceback": _frames(trace)}
        try:
            said = record.getMessage()
        except (TypeError, ValueError):  # its arguments do not fit its words
            said = str(record.msg)
        if record.name == "asyncio":
            said = said.partition("\n")[0]  # the lines below quote the error, and all about it
        severe = record.levelno >= logging.ERROR
        _log.log(logging.ERROR if severe else logging.WARNING, said, **about)


class _Printer(structlog.PrintLogger):
    """Prints lines, and drops what cannot be written: the disk is full, or the stream closed.

    A watch goes on without its log; there is nobody left to tell.
    """

    def msg(self, message: str) -> None:
        """Print a line."""
        with suppress(OSError, ValueError):
            super().msg(message)

    log = debug = info = warn = warning = msg
    fatal = failure = err = error = critical = exception = msg


def _printer(stream: TextIO, *_names: object) -> _Printer:
    return _Printer(stream)


def _frames(trace: TracebackType | None) -> list[str]:
    return [
        f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(trace)
    ]


def _renderer(form: Form) -> structlog.typing.Processor:
    if form == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    colours = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    return structlog.dev.ConsoleRenderer(colors=colours)


def _located(
    _logger: object, _method: str, event: MutableMapping[str, object]
) -> MutableMapping[str, object]:
    """An error that came with an event, by its kind and its place, before a renderer quotes it."""
    given = event.pop("exc_info", None)
    if isinstance(given, tuple):
        given = cast("tuple[object, ...]", given)[1]
    error = given if isinstance(given, BaseException) else sys.exc_info()[1] if given else None
    if error is not None:
        event["error"] = type(error).__name__
        event["traceback"] = _frames(error.__traceback__)
    return event


def _masked(
    hidden: Sequence[str], _logger: object, _method: str, event: MutableMapping[str, object]
) -> MutableMapping[str, object]:
    return {key: _clean(cast("_Value", value), hidden) for key, value in event.items()}


def _clean(value: _Value, hidden: Sequence[str]) -> _Value:
    match value:
        case str():
            return harmless(mask(value, hidden))
        case list():
            return [_clean(item, hidden) for item in value]
        case Mapping():
            return {str(_clean(key, hidden)): _clean(item, hidden) for key, item in value.items()}
        case bool() | int() | float() | None:
            return value
        case _:
            # An exception or another object: its own words may quote what must not be shown.
            return type(value).__name__
