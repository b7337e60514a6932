"""Fails a run of the tests in which a secret left golive, whichever way, in whichever test.

Every worker hears what its tests bring forth: what the bot sends to Slack, what processes write,
log records, warnings, golive's own errors, and golive's tables before a database is dropped. At its
end it searches all of it at once.
"""

from __future__ import annotations

import logging
from collections.abc import Generator
from typing import Any, cast

import pytest

from bot.logs import SILENT
from tests.support.secrecy.captured import listen_to_captured_events, listen_to_errors
from tests.support.secrecy.heard import HEARD, hear
from tests.support.secrecy.planted import plant_recorded
from tests.support.secrecy.slack import listen_to_slack

_LEAKS = pytest.StashKey[list[str]]()
_OUTPUT = "leaks"


def pytest_configure(config: pytest.Config) -> None:
    """Begin to listen."""
    config.stash[_LEAKS] = []
    plant_recorded()
    listen_to_slack()
    listen_to_captured_events()
    logging.getLogger().addHandler(_Records())


def pytest_collection_finish() -> None:
    """All of golive's modules that tests use are there now."""
    listen_to_errors()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Know what is heard in whose course."""
    HEARD.about = item.nodeid
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup() -> Generator[None, Any, Any]:
    """Hear also the output that a test reads, and so keeps from the report."""
    made = yield
    if isinstance(made, pytest.CaptureFixture):
        _overhear(cast("pytest.CaptureFixture[Any]", made))
    return cast("Any", made)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Hear what was written; a worker's reports were heard by the worker."""
    if not hasattr(report, "node"):
        for title, written in report.sections:
            if title.startswith("Captured std"):
                hear(title.removeprefix("Captured "), written)


def pytest_warning_recorded(warning_message: Any) -> None:
    """Hear the words of a warning."""
    hear("a warning", str(warning_message.message))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Search: in a worker for the one that runs it, else for the exit code."""
    found = session.config.stash[_LEAKS]
    found += map(str, HEARD.leaks())
    given_on: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if given_on is not None:
        given_on[_OUTPUT] = found
    elif found and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take up what a worker found; one that crashed has failed the run already."""
    given_on: dict[str, Any] = getattr(node, "workeroutput", {})
    node.config.stash[_LEAKS] += given_on.get(_OUTPUT, [])


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say what leaked where, never the secret."""
    found = config.stash[_LEAKS]
    if not found:
        return
    terminalreporter.section("secrets that left golive", sep="=", red=True, bold=True)
    for leak in found:
        terminalreporter.line(f"LEAKED {leak}", red=True)
    terminalreporter.line(f"{len(found)} leaked: the run has failed.", red=True, bold=True)


class _Records(logging.Handler):
    """Hears what libraries log, but for those that golive lets say nothing."""

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith(SILENT):
            hear(f"the log of {record.name}", self.format(record))


def _overhear(captured: pytest.CaptureFixture[Any]) -> None:
    read = captured.readouterr

    def readouterr() -> Any:
        told = read()
        hear("stdout", str(told.out))
        hear("stderr", str(told.err))
        return told

    captured.readouterr = readouterr
