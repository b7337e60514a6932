"""`golive check` and `golive doctor` on a stream in Loki."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.arguments import UsageError
from bot.cli.once import Options, occasion, targets
from bot.doctor.loki import look_at_loki
from bot.doctor.model import Line, Status
from bot.loki import loki_log, loki_stream
from bot.settings import Settings, SettingsError
from bot.sources import open_sources
from checks import CHECKS
from checks.engine import runner
from checks.engine.runbook import Runbook, load_runbook
from checks.sources.loki.address import Loki
from checks.sources.loki.spans import milliseconds
from checks.sources.loki.transport import Transport
from tests.support.logs import exchange, request, retry
from tests.support.loki import LokiStandIn

NOW = datetime(2026, 11, 23, 23, 0, tzinfo=UTC)
RUNBOOK: Runbook = load_runbook(checks=CHECKS)
SELECTOR = '{app="crm"}'
ENVIRONMENT = {"GOLIVE_LOKI_URL": "http://loki:3100", "GOLIVE_LOKI_SELECTOR": SELECTOR}


def fill(loki: LokiStandIn, *, ago: float = 600) -> None:
    """An exchange, and a retry, in entries of their own."""
    begin = milliseconds(NOW - timedelta(seconds=ago)) * 10**6
    texts = ["\n".join(request(1)), "\n".join(exchange(1, 500)[4:]), retry()]
    loki.push({"app": "crm"}, [(begin + n, text) for n, text in enumerate(texts)])


# --- settings and options -------------------------------------------------------------------------


def test_settings_name_a_stream(tmp_path: Path) -> None:
    """Address, selector, token and tenant, each also from a file; the secrets are known."""
    token = tmp_path / "token"
    token.write_text("planted-loki-token-0001\n", encoding="utf-8")
    settings = Settings.from_environment(
        {
            "GOLIVE_LOKI_URL": "https://ops:planted-password-0002@logs.example.org",
            "GOLIVE_LOKI_SELECTOR": SELECTOR,
            "GOLIVE_LOKI_TENANT": "team-a",
            "GOLIVE_LOKI_TOKEN_FILE": str(token),
        }
    )
    found = loki_stream(settings)
    assert isinstance(found, Loki)
    assert (found.base, found.tenant) == ("https://logs.example.org", "team-a")
    assert found.secrets == ("planted-loki-token-0001", "planted-password-0002")
    assert set(settings.literals) == set(found.secrets)
    assert "planted" not in repr(settings) + repr(found)


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"GOLIVE_LOKI_URL": "http://loki"}, "without GOLIVE_LOKI_SELECTOR"),
        ({"GOLIVE_LOKI_SELECTOR": SELECTOR}, "without GOLIVE_LOKI_URL"),
        ({**ENVIRONMENT, "GOLIVE_LOG": "/var/log/app.log"}, "are both set"),
        ({**ENVIRONMENT, "GOLIVE_LOKI_URL": "loki:3100"}, "GOLIVE_LOKI_URL is no URL"),
    ],
)
def test_settings_that_do_not_go_together(environment: dict[str, str], says: str) -> None:
    """Half of it, or a file as well, is an error."""
    with pytest.raises(SettingsError) as raised:
        Settings.from_environment(environment)
    assert says in " ".join(raised.value.errors)


def test_what_is_typed_wins() -> None:
    """A typed file in place of the environment's stream, and the other way."""
    settings = Settings.from_environment(ENVIRONMENT)
    assert targets(Options(), settings).loki is not None
    assert targets(Options(logs=[Path("a.log")]), settings).loki is None
    typed = Options(loki="http://other", selector=SELECTOR)
    found = targets(typed, Settings.from_environment({"GOLIVE_LOG": "a.log"}))
    assert found.loki is not None
    assert (found.loki.base, found.logs) == ("http://other", ())


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (Options(loki="http://loki"), "--selector"),
        (Options(selector=SELECTOR), "--loki URL"),
        (Options(loki="http://loki", selector=SELECTOR, logs=[Path("a")]), "not both"),
        (Options(loki="http://loki", selector=SELECTOR, since_offset=0), "--since TIME"),
    ],
)
def test_options_that_do_not_go_together(options: Options, says: str) -> None:
    """Each is a usage error that says what to give."""
    with pytest.raises(UsageError, match=says):
        targets(options, Settings())


@pytest.mark.parametrize("typed", [("loki", SELECTOR), ("http://loki", "app")])
def test_a_typed_stream_that_is_none(typed: tuple[str, str]) -> None:
    """A wrong address or selector ends the command."""
    with pytest.raises(SettingsError, match="GOLIVE_LOKI"):
        targets(Options(loki=typed[0], selector=typed[1]), Settings())


# --- check and doctor -----------------------------------------------------------------------------


async def test_a_check_of_a_stream() -> None:
    """The findings are those of the stream, and their window ends before the lag."""
    async with LokiStandIn() as loki:
        fill(loki)
        options = Options(loki=loki.url, selector=SELECTOR)
        looked_at = targets(options, Settings())
        about = occasion(options, Settings(), looked_at, checks=CHECKS, runbook=RUNBOOK, now=NOW)
        async with open_sources(looked_at, RUNBOOK, lambda: NOW) as sources:
            report = await runner.run(CHECKS, RUNBOOK, sources, about)
    found = {finding.check: finding for finding in report.findings}
    assert (found["retries"].value, found["http_5xx"].value) == (1, 1)
    assert found["retries"].window is not None
    assert found["retries"].window.until == NOW - RUNBOOK.log.loki_lag
    assert report.evidence.log.source == f"Loki {SELECTOR}"


async def doctor(loki: LokiStandIn, url: str = "") -> list[Line]:
    """What the doctor says about a stream."""
    found = loki_stream(Settings(), url=url or loki.url, selector=SELECTOR)
    assert isinstance(found, Loki)
    async with Transport(found) as transport:
        log = loki_log(transport, RUNBOOK, lambda: NOW)
        return await look_at_loki(log, found, RUNBOOK.log.loki_lag, NOW)


async def test_a_stream_that_is_well() -> None:
    """Format, lag, entries, and the signals that were seen; nothing to mend."""
    async with LokiStandIn() as loki:
        fill(loki)
        lines = await doctor(loki)
    said = " ".join(line.what for line in lines)
    assert {line.status for line in lines} == {Status.OK}
    for part in (
        "in the format crm-console",
        "end 30 s before now",
        "3 entries",
        "forged responses cannot be told",
        "Signals seen: http_responses, http_5xx, retry.",
    ):
        assert part in said


async def test_a_stream_over_http() -> None:
    """From another machine than this one: a warning, whether the stream is there or not."""
    async with LokiStandIn() as loki:
        elsewhere = loki.url.replace("127.0.0.1", "0.0.0.0")  # noqa: S104 - to connect to
        nothing = await doctor(loki, elsewhere)
        fill(loki)
        for lines in (nothing, await doctor(loki, elsewhere)):
            (line,) = [line for line in lines if "plain text" in line.what]
            assert line.status is Status.WARNING
            assert "https:// in GOLIVE_LOKI_URL" in line.mend


async def test_a_stream_that_arrives_split() -> None:
    """It is said once, with the collector's stage as its mend."""
    async with LokiStandIn() as loki:
        begin = milliseconds(NOW - timedelta(seconds=600)) * 10**6
        lines = [*exchange(1, 500), *exchange(2, 200), retry()]
        loki.push({"app": "crm"}, [(begin + n, line) for n, line in enumerate(lines)])
        found = await doctor(loki)
    (split,) = [line for line in found if "arrive split" in line.what]
    assert split.status is Status.FAILED
    assert "stage.multiline" in split.mend


async def test_a_stream_that_is_not_there() -> None:
    """One line, with its mend."""
    async with LokiStandIn() as loki:
        (line,) = await doctor(loki)
    assert (line.status, bool(line.mend)) == (Status.FAILED, True)
