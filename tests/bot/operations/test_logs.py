"""golive's own log: nothing secret, in either form, whoever writes it."""

from __future__ import annotations

import asyncio
import errno
import gc
import json
import logging
import os
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import redirect_stderr
from io import StringIO
from types import TracebackType
from typing import Any

import pytest
import structlog
from structlog.contextvars import bound_contextvars

from bot.arguments import UsageError, logging_of
from bot.logs import Form, configure_logging, report_all_trouble, report_crash
from bot.settings import Settings
from tests.support.secrecy.heard import hear
from tests.support.secrecy.planted import Kind, plant

PASSWORD = plant(Kind.PASSWORD, "pl@nted/pass word")
TOKEN = "xoxb-planted-0123456789-abcdefgh"
PING = f"https://hc-ping.com/{plant(Kind.KEY, '6ad3f4c2-planted-uuid')}"
ENVIRONMENT = {
    "GOLIVE_STORE_URL": "postgresql://golive:pl%40nted%2Fpass%20word@db.example.com/golive",
    "SLACK_BOT_TOKEN": TOKEN,
    "GOLIVE_PING_URL": PING,
}
PLANTED = (PASSWORD, "pl%40nted", TOKEN, "6ad3f4c2-planted-uuid")


@pytest.fixture
def stream() -> Iterator[StringIO]:
    """What is written; logging is as before afterwards."""
    root = logging.getLogger()
    before = list(root.handlers)
    written = StringIO()
    yield written
    hear("golive's log", written.getvalue())
    root.handlers = before
    structlog.reset_defaults()


def configured(stream: StringIO, form: Form = "json", level: int = logging.INFO) -> None:
    """With the planted secrets known; what libraries say goes into golive's log alone."""
    logging.getLogger().handlers = []
    settings = Settings.from_environment(ENVIRONMENT)
    with redirect_stderr(stream):
        configure_logging(level, form=form, secrets=settings.hidden)


class FullDisk(StringIO):
    """A stream that cannot be written to any more."""

    def write(self, text: str, /) -> int:
        """Refuse."""
        del text
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def crash(said: str) -> tuple[type[BaseException], BaseException, TracebackType | None]:
    """An error that quotes something, as `sys.excepthook` gets it."""
    try:
        _raise(said)
    except RuntimeError as error:
        return type(error), error, error.__traceback__
    raise AssertionError


def _raise(said: str) -> None:
    raise RuntimeError(said)


def quotes() -> list[str]:
    """Sentences that quote the planted secrets in the ways in which libraries do."""
    url = ENVIRONMENT["GOLIVE_STORE_URL"]
    return [
        f"connection to {url} failed",
        f"password {PASSWORD!r} refused",
        f"HTTP Request: POST https://slack.com/api/auth.test?token={TOKEN}",
        f"HTTP Request: GET {PING} 404",
        "GET /6ad3f4c2-planted-uuid HTTP/1.1",
    ]


@pytest.mark.parametrize("form", ["json", "console"])
def test_planted_secrets_never_reach_the_output(stream: StringIO, form: Form) -> None:
    """Golive's own events, bound values, and every library's records."""
    configured(stream, form)
    log = structlog.get_logger()
    for said in quotes():
        with bound_contextvars(about=said):
            deep = {"a": [said], said: 1}
            log.error(said, why=said, frames=[said], deep=deep, error=ValueError(said))
        for name in ("aiohttp.client", "apscheduler.executors", "asyncio", "psycopg", "slack_sdk"):
            logging.getLogger(name).error("it says %s", said)
        broken = crash(said)
        logging.getLogger("apscheduler.executors").error("job failed", exc_info=broken)
        report_crash(*broken)
    written = stream.getvalue()
    assert [planted for planted in PLANTED if planted in written] == []
    assert written.count("[MASKED]") > 20


UNKNOWN = "planted-and-unknown-0001"
"""What golive was never told that it is a secret: only words that are not quoted keep it."""


@pytest.fixture
def trouble() -> Iterator[None]:
    """Golive's log is told what breaks; Python's own hooks are back afterwards."""
    before = sys.excepthook, sys.unraisablehook, threading.excepthook
    with warnings.catch_warnings():
        report_all_trouble()
        warnings.simplefilter("always")
        yield
    sys.excepthook, sys.unraisablehook, threading.excepthook = before


class Breaking:
    """Something that cannot be taken away in peace."""

    def __del__(self) -> None:
        _raise(UNKNOWN)


async def left_alone() -> None:
    """A task whose error nobody asks for."""
    asyncio.get_running_loop().set_exception_handler(None)
    await asyncio.wait([asyncio.ensure_future(asyncio.to_thread(_raise, UNKNOWN))])
    gc.collect()


@pytest.mark.usefixtures("trouble")
@pytest.mark.parametrize("form", ["json", "console"])
async def test_what_nobody_catches_is_told_without_its_words(stream: StringIO, form: Form) -> None:
    """By its kind and where it happened: in a task, a thread, a finaliser, or with an event."""
    configured(stream, form)
    await left_alone()
    thread = threading.Thread(target=_raise, args=(UNKNOWN,))
    thread.start()
    thread.join()
    Breaking()
    gc.collect()
    log = structlog.get_logger()
    try:
        _raise(UNKNOWN)
    except RuntimeError as error:
        log.exception("as it is caught")
        log.exception("as an object", exc_info=error)
        log.exception("as three", exc_info=(type(error), error, error.__traceback__))
    written = stream.getvalue()
    for event in (
        "Task exception was never retrieved",
        "a thread broke",
        "an error was ignored",
        "as it is caught",
        "as an object",
        "as three",
    ):
        (line,) = [one for one in written.splitlines() if event in one]
        assert "RuntimeError" in line
        assert " _raise" in line
    assert UNKNOWN not in written


@pytest.mark.usefixtures("trouble")
@pytest.mark.parametrize("form", ["json", "console"])
def test_a_warning_is_masked(stream: StringIO, form: Form) -> None:
    """It comes through the log, with its kind and its place, and as one line."""
    configured(stream, form)
    warnings.warn(f"unsafe: {ENVIRONMENT['GOLIVE_STORE_URL']}\nand {TOKEN}", stacklevel=1)
    (line,) = stream.getvalue().splitlines()
    assert "UserWarning" in line
    assert "test_logs.py:" in line
    assert line.count("[MASKED]") == 2
    assert [planted for planted in PLANTED if planted in line] == []


def lines(stream: StringIO) -> list[dict[str, Any]]:
    """What was written, read back."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_libraries_come_through_the_same_pipeline_or_not_at_all(stream: StringIO) -> None:
    """One line of JSON a record; those whose words quote addresses are silent."""
    configured(stream)
    silent = ("httpx", "httpcore", "slack_bolt", "slack_sdk", "psycopg.pool")
    for name in ("aiohttp.server", "apscheduler", *silent):
        logging.getLogger(name).warning("from %s", name)
        logging.getLogger(name).info("chatter")
    assert [entry["library"] for entry in lines(stream)] == ["aiohttp.server", "apscheduler"]
    assert {entry["level"] for entry in lines(stream)} == {"warning"}


def test_a_record_whose_arguments_do_not_fit_is_written_all_the_same(stream: StringIO) -> None:
    """A library's own mistake ends nothing here."""
    configured(stream)
    arguments = ("many",)
    logging.getLogger("aiohttp").error("%d of %s", *arguments)
    assert lines(stream)[0]["event"] == "%d of %s"


def test_a_crash_is_told_by_where_it_happened(stream: StringIO) -> None:
    """Its type and its frames, not its words; Ctrl-C is no crash."""
    configured(stream)
    report_crash(*crash(TOKEN))
    report_crash(KeyboardInterrupt, KeyboardInterrupt(), None)
    (told,) = lines(stream)
    assert (told["event"], told["error"], told["level"]) == (
        "golive broke",
        "RuntimeError",
        "critical",
    )
    assert told["traceback"][-1].endswith(" _raise")


def test_ids_are_bound_to_every_line_of_their_work(stream: StringIO) -> None:
    """And to no line after it."""
    configured(stream)
    log = structlog.get_logger()
    with bound_contextvars(deployment="d1", checkpoint="1"):
        log.info("inside")
    log.info("outside")
    inside, outside = lines(stream)
    assert (inside["deployment"], inside["checkpoint"]) == ("d1", "1")
    assert "deployment" not in outside


def test_the_level_hides_what_is_below_it(stream: StringIO) -> None:
    """`--log-level error` leaves warnings out, of libraries too."""
    configured(stream, level=logging.ERROR)
    structlog.get_logger().warning("no")
    logging.getLogger("aiohttp").warning("no")
    structlog.get_logger().error("yes")
    assert [entry["event"] for entry in lines(stream)] == ["yes"]


def test_the_form_is_for_a_person_where_there_is_one() -> None:
    """Unless it is said otherwise."""
    assert logging_of("info", None, terminal=True) == (logging.INFO, "console")
    assert logging_of("DEBUG", None, terminal=False) == (logging.DEBUG, "json")
    assert logging_of("warning", "json", terminal=True) == (logging.WARNING, "json")


@pytest.mark.parametrize(("level", "form"), [("loud", None), ("info", "xml")])
def test_another_word_is_refused(level: str, form: str | None) -> None:
    """With those that there are."""
    with pytest.raises(UsageError, match="is not one of"):
        logging_of(level, form, terminal=False)


@pytest.mark.usefixtures("stream")
def test_a_line_that_cannot_be_written_breaks_nothing() -> None:
    """The disk is full, or the stream was closed: what golive does goes on without its log."""
    configured(FullDisk())
    structlog.get_logger().warning("the outbox cannot be read")
    logging.getLogger("somebody").warning("a library's own words")
    closed = StringIO()
    configured(closed)
    closed.close()
    structlog.get_logger().error("sending broke off")
