"""The small parts of the command line: times, progress, golive's own log, the exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from io import StringIO

import pytest
import structlog
import typer
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from bot import arguments
from bot.__main__ import outcome
from bot.arguments import UsageError
from bot.cli.once import exit_code
from bot.cli.progress import ScanProgress, ScanStopped
from bot.logs import configure_logging
from checks.engine.model import Decision, Level
from tests.bot.reports import report

NOW = datetime(2026, 11, 23, 22, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("text", "ago"),
    [("60m", timedelta(hours=1)), ("90s", timedelta(seconds=90)), ("2h", timedelta(hours=2)),
     ("1d", timedelta(days=1)), ("0s", timedelta()), (" 5m ", timedelta(minutes=5))],
)  # fmt: skip
def test_a_duration_is_so_long_ago(text: str, ago: timedelta) -> None:
    """Seconds, minutes, hours and days before now."""
    assert arguments.instant("--since", text, NOW) == NOW - ago


@given(
    st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1)),  # noqa: DTZ001
    st.integers(min_value=-14 * 60, max_value=14 * 60),
)
def test_an_iso_instant_keeps_its_moment(naive: datetime, offset: int) -> None:
    """Whatever its zone, it is the same moment in UTC; without one it is UTC."""
    aware = naive.replace(tzinfo=timezone(timedelta(minutes=offset)))
    assert arguments.instant("--since", aware.isoformat(), NOW) == aware
    assert arguments.instant("--since", aware.isoformat(), NOW).tzinfo is UTC
    assert arguments.instant("--since", naive.isoformat(), NOW) == naive.replace(tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "yesterday", "60", "5 m", "-5m", "2026-13-01", "1234567d"])
def test_what_is_no_time_is_refused_with_an_example(text: str) -> None:
    """The sentence names the option and how to write it."""
    with pytest.raises(UsageError, match=r"--since: .* Write 2026"):
        arguments.instant("--since", text, NOW)


def test_the_default_window_is_the_last_hour_before_its_end() -> None:
    """Without --since it is the runbook's span before --until, else before now."""
    assert arguments.window(None, None, NOW, HOUR).since == NOW - HOUR
    past = arguments.window(None, "2026-11-20T12:00:00Z", NOW, HOUR)
    assert (past.since.hour, past.until.hour) == (11, 12)


def test_an_empty_window_is_refused() -> None:
    """`since` must lie before `until`."""
    with pytest.raises(UsageError, match="before --until"):
        arguments.window("5m", "5m", NOW, HOUR)


def test_only_takes_commas_blanks_and_repetition() -> None:
    """Each id once, in the order typed."""
    assert arguments.only(["a,b", "c a"], ["a", "b", "c"], {}) == ("a", "b", "c")
    assert arguments.only([], ["a"], {}) == ()


def test_only_refuses_what_the_runbook_switches_off() -> None:
    """A check that never runs cannot be asked for; the runbook's reason is given."""
    with pytest.raises(UsageError, match="switches a off: No campaigns"):
        arguments.only(["a"], ["a"], {"a": "No campaigns here."})


@pytest.mark.parametrize("url", ["https://crm.example.org", "http://127.0.0.1:8080/base"])
def test_a_base_url_is_http(url: str) -> None:
    """With or without port and path."""
    assert arguments.base_url(url) == url


@pytest.mark.parametrize(
    "url", ["crm.example.org", "ftp://u:p@x", "http://?x", "http://[broken", ""]
)
def test_anything_else_is_no_base_url(url: str) -> None:
    """And is not repeated, for it may hold a password."""
    with pytest.raises(UsageError) as refused:
        arguments.base_url(url)
    assert not url or url not in str(refused.value)


@pytest.mark.parametrize(
    ("terminal", "total", "shown"), [(True, 1000, True), (True, 99, False), (False, 1000, False)]
)
def test_progress_is_for_long_scans_on_a_terminal(terminal: bool, total: int, shown: bool) -> None:
    """A short scan and a pipe see nothing, not even a blank line."""
    screen = StringIO()
    with ScanProgress(Console(file=screen, force_terminal=terminal), long=100) as progress:
        progress.advance(10, total)
        progress.advance(total, total)
    assert bool(screen.getvalue()) == shown
    assert ("Reading the log" in screen.getvalue()) == shown


def test_a_scan_behind_an_interrupted_run_is_stopped_at_its_next_step() -> None:
    """Ctrl-C does not wait for the rest of a file of many gigabytes."""
    with ScanProgress(Console(file=StringIO())) as progress:
        progress.advance(1, 2)
    with pytest.raises(ScanStopped):
        progress.advance(2, 2)


@pytest.fixture
def own_log(monkeypatch: pytest.MonkeyPatch) -> Iterator[StringIO]:
    """What golive logs."""
    stream = StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    configure_logging()
    yield stream
    structlog.reset_defaults()


def test_golives_own_log_is_json_and_masked(own_log: StringIO) -> None:
    """Strings, lists and keys are cleaned; an exception appears by its type alone."""
    secret = "sk-planted0123456789abcdef"
    structlog.get_logger().error(
        f"crash {secret}", frames=[f"a {secret}", "b\x1b"], error=ValueError(secret), n=3
    )
    told = json.loads(own_log.getvalue())
    assert secret not in own_log.getvalue()
    assert (told["error"], told["n"], told["level"]) == ("ValueError", 3, "error")
    assert told["frames"][1] == "b\\x1b"


def test_golives_own_log_is_silent_below_a_warning(own_log: StringIO) -> None:
    """A run without trouble prints nothing on stderr."""
    structlog.get_logger().info("fine")
    assert own_log.getvalue() == ""


@pytest.mark.parametrize(
    ("decision", "code"), [(Decision.GO, 0), (Decision.MONITOR, 1), (Decision.NO_GO, 2)]
)
def test_the_exit_code_follows_the_decision(decision: Decision, code: int) -> None:
    """As Nagios has them."""
    base = report()
    assert exit_code(replace(base, verdict=replace(base.verdict, decision=decision))) == code


def test_three_when_every_finding_is_unknown_but_never_instead_of_no_go() -> None:
    """Nothing measured is 3; a rollback criterion that is met all the same stays 2."""
    base = report()
    blind = tuple(replace(f, level=Level.UNKNOWN) for f in base.findings)
    monitor = replace(base.verdict, decision=Decision.MONITOR)
    assert exit_code(replace(base, findings=blind, verdict=monitor)) == 3
    assert exit_code(replace(base, findings=blind)) == 2


def test_a_command_does_not_wait_for_the_libraries_of_another() -> None:
    """Slack's, the chart's and the demo's are brought by the commands that need them."""
    found = subprocess.run(
        [sys.executable, "-c", "import bot.__main__, sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    loaded = set(found.stdout.split())
    assert {"bot.__main__", "rich"} <= loaded
    assert not loaded & {"slack_bolt", "slack_sdk", "aiohttp", "matplotlib", "bot.demo"}


def test_a_fault_of_golive_itself_is_no_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    """Python's own end would be 1, which is MONITOR; and the error's words are not quoted."""
    configure_logging()
    app = typer.Typer(pretty_exceptions_enable=False)

    @app.command()
    def broken() -> None:
        raise ValueError("planted-words-of-an-error-01")

    assert outcome(app, []) == 70
    written = capsys.readouterr().err
    assert "this is no verdict" in written
    assert "ValueError" in written
    assert "test_cli_parts.py" in written
    assert "planted-words" not in written
